"""Jobs: pods that run to their end, until enough of them have succeeded or too many have failed.

Source: k8s.io/kubernetes ``pkg/controller/{job,ttlafterfinished}``.
"""

from __future__ import annotations

from typing import Any

from labkit.embedded.apiserver.registry.registry import Change, Registry, timestamp
from labkit.embedded.apiserver.registry.strategies.fields.selectors import selects
from labkit.embedded.apiserver.registry.strategy import DeleteOptions
from labkit.embedded.controllers.happenings import MANAGER, Happenings
from labkit.embedded.controllers.jobindexes import (
    at_index,
    free_indexes,
    index_of,
    is_indexed,
    listed,
    superfluous,
    write_indexes,
)
from labkit.embedded.controllers.jobpolicies import (
    attempt,
    counts,
    failed_indexes,
    failure_by_index,
    failure_by_policy,
    failures_by_index,
    has_index_limit,
    success_by_policy,
)
from labkit.embedded.controllers.jobprogress import (
    COMPLETED,
    DONE,
    INTERIM,
    TOO_LONG,
    TOO_OFTEN,
    Verdict,
    delayed_until,
    finished,
    has_failed,
    is_suspended,
    past_deadline,
    replaces_late,
    restarts_exceed,
    told,
    wanted_pods,
    with_condition,
)
from labkit.embedded.controllers.owned import (
    PODS,
    REASONS,
    Create,
    claimed,
    controller_of,
    controls,
    deletion_order,
    most_pods,
    only_status,
    pod_from,
)
from labkit.embedded.controllers.pace import Pace
from labkit.embedded.controllers.refusals import Refusals
from labkit.embedded.machinery.kinds import BY_KIND
from labkit.embedded.machinery.pods.state import is_active, moment, ready_since
from labkit.embedded.machinery.request import Object
from labkit.embedded.machinery.status import ApiError

JOBS = BY_KIND["batch", "Job"]
COMPONENT = "job-controller"
TRACKING = "batch.kubernetes.io/job-tracking"
"""The finalizer of a pod that no job has counted yet."""
TIMES = 5
"""How many times as many pods as at once a job gets in all."""


class Jobs:
    """Keeps the pods of jobs, and deletes jobs that were to be kept for a while only.

    Args:
        registry: Where objects are.
        create: See ``Create``.
    """

    def __init__(self, registry: Registry, create: Create) -> None:
        self._registry = registry
        self._create = create
        self._pace = Pace(registry.steady)
        self._turn = 0
        self._happenings = Happenings(registry, COMPONENT)
        self._refusals = Refusals(registry.steady)

    def __call__(self, change: Change) -> None:
        """React to jobs, to pods of theirs, and to what may have forbidden a pod."""
        some = change.new if change.new is not None else change.old
        if some is None:
            return
        if change.kind is JOBS:
            if change.new is None:
                self._refusals.forget(some)
            elif not only_status(change):
                self._sync(some["metadata"]["namespace"], some["metadata"]["name"])
            self._expire(some["metadata"]["namespace"], some["metadata"]["name"])
        elif change.kind is PODS:
            self._after_pod(change)
        elif change.kind in REASONS:
            self._retry(some["metadata"].get("namespace") or some["metadata"]["name"])

    def advance(self) -> None:
        """Do what has become due: pods after a delay, deadlines, the end of jobs that ended long ago."""
        now = self._registry.clock()
        jobs = list(self._registry.list(JOBS))
        first = self._turn % len(jobs) if jobs else 0  # each is the first one once: those behind it may get nothing
        self._turn += 1
        for job in jobs[first:] + jobs[:first]:
            metadata = job["metadata"]
            if finished(job) is not None:
                if self._pace.may_begin():
                    self._expire(metadata["namespace"], metadata["name"])
            elif past_deadline(job, now) or (self._is_short(job) and self._may_go_on(job)):
                with self._registry.transaction():
                    self._sync(metadata["namespace"], metadata["name"])

    def _may_go_on(self, job: Object) -> bool:
        return self._pace.may_begin() and self._refusals.may_try(job)

    @staticmethod
    def _is_short(job: Object) -> bool:
        status = job["status"]
        active = status.get("active", 0)
        return not is_suspended(job) and active < wanted_pods(job, status.get("succeeded", 0), active)

    def _retry(self, namespace: str) -> None:
        """Try again what was refused: the reason may be gone."""
        for job in list(self._registry.list(JOBS, namespace)):
            if self._refusals.forget(job):
                self._sync(namespace, job["metadata"]["name"])

    def _after_pod(self, change: Change) -> None:
        if change.old is not None and change.new is not None and _what_matters(change.old) == _what_matters(change.new):
            return
        for side in {id(side): side for side in (change.old, change.new) if side is not None}.values():
            owner, namespace = controller_of(side), side["metadata"]["namespace"]
            if owner is not None:
                if (owner.get("kind"), owner.get("apiVersion")) == (JOBS.kind, JOBS.group_version):
                    self._sync(namespace, owner.get("name", ""))
            elif side is change.new:
                labels = side["metadata"].get("labels") or {}
                for job in list(self._registry.list(JOBS, namespace)):
                    if selects(job["spec"].get("selector") or {}, labels):
                        self._sync(namespace, job["metadata"]["name"])
        if change.new is not None:
            self._release_orphan(change.new["metadata"]["namespace"], change.new["metadata"]["name"])

    def _release_orphan(self, namespace: str, name: str) -> None:
        """A pod whose job is gone waits to be counted in vain."""
        pod = self._registry.find(PODS, namespace, name)
        if pod is None or TRACKING not in pod["metadata"].get("finalizers", ()):
            return
        owner = controller_of(pod)
        job = self._registry.find(JOBS, namespace, owner.get("name", "")) if owner is not None else None
        if owner is None or job is None or job["metadata"]["uid"] != owner.get("uid"):
            self._registry.drop_finalizer(PODS, pod, TRACKING, MANAGER)

    def _expire(self, namespace: str, name: str) -> None:
        """Delete a job that has ended, when it has been kept as long as it should be."""
        job = self._registry.find(JOBS, namespace, name)
        end = finished(job) if job is not None else None
        if job is None or end is None or job["metadata"].get("deletionTimestamp"):
            return
        kept, since = job["spec"].get("ttlSecondsAfterFinished"), end.get("lastTransitionTime")
        if kept is not None and since and moment(since) + kept <= self._registry.clock():
            self._pace.note()
            self._registry.delete(JOBS, namespace, name, DeleteOptions(propagation="Foreground"))

    # One job

    def _sync(self, namespace: str, name: str) -> None:
        job = self._registry.find(JOBS, namespace, name)
        if job is None or finished(job) is not None:
            return
        if job["spec"].get("managedBy", "kubernetes.io/job-controller") != "kubernetes.io/job-controller":
            return
        pods = claimed(self._registry, JOBS, job, job["spec"].get("selector") or {}, lambda pod: True)
        tracked = [pod for pod in pods if TRACKING in pod["metadata"].get("finalizers", ())]
        new = [pod for pod in tracked if not is_indexed(job) or index_of(job, pod) is not None]
        done = self._done(job, new)
        status: dict[str, Any] = dict(job["status"])
        if not status.get("startTime") and not is_suspended(job):
            status["startTime"] = timestamp(self._registry.clock())
        failed = status.get("failed", 0) + sum(counts(job, pod) for pod in new)
        succeeded = len(done) if is_indexed(job) else status.get("succeeded", 0) + sum(map(_succeeded, new))
        ending = bool(job["metadata"].get("deletionTimestamp"))
        lost = failed_indexes(job, new) if has_index_limit(job) else set()
        verdict = (
            told(job)
            or failure_by_policy(job, pods)
            or self._failure(job, status, pods, failed)
            or (failure_by_index(job, done, lost) if lost else None)
            or success_by_policy(job, done)
        )
        if verdict is not None:
            for pod in filter(is_active, pods):
                failed += verdict.kind != DONE and pod in new
                self._delete(job, pod)
        elif not ending:
            active = self._shrunk(job, pods, succeeded)
            if self._more(job, pods, active, succeeded, done | lost):
                active.append({})
            wanted = job["spec"].get("completions")
            if succeeded >= (1 if wanted is None else wanted) and not active:
                verdict = COMPLETED
        for pod in tracked:
            if verdict is not None or ending or _succeeded(pod) or has_failed(job, pod):
                self._count(pod)
        status["succeeded"], status["failed"] = succeeded, failed
        if is_indexed(job):
            status["completedIndexes"] = write_indexes(done)
        if has_index_limit(job):
            status["failedIndexes"] = write_indexes(lost)
        self._tell(job, status, verdict)

    def _done(self, job: Object, new: list[Object]) -> set[int]:
        """The indexes on which a pod has succeeded."""
        if not is_indexed(job):
            return set()
        fresh = {index for pod in new if _succeeded(pod) and (index := index_of(job, pod)) is not None}
        return listed(job["status"].get("completedIndexes") or "", job["spec"]["completions"]) | fresh

    def _failure(self, job: Object, status: Object, pods: list[Object], failed: int) -> Verdict | None:
        if failed > job["spec"]["backoffLimit"] or restarts_exceed(job, pods):
            return TOO_OFTEN
        return TOO_LONG if past_deadline({**job, "status": status}, self._registry.clock()) else None

    def _shrunk(self, job: Object, pods: list[Object], succeeded: int) -> list[Object]:
        """The pods at work, without those that should not be: these are deleted, and not counted."""
        active = [pod for pod in pods if is_active(pod)]
        if is_suspended(job):
            gone = active
        else:
            count = max(len(active) - wanted_pods(job, succeeded, len(active)), 0)
            gone = superfluous(job, active) if is_indexed(job) else []
            left = sorted((pod for pod in active if pod not in gone), key=deletion_order)
            gone = gone + left[: max(count - len(gone), 0)]
        for pod in gone:
            self._count(pod)
            self._delete(job, pod)
        return [pod for pod in active if pod not in gone]

    def _more(self, job: Object, pods: list[Object], active: list[Object], succeeded: int, over: set[int]) -> bool:
        """Make one pod if some are missing: quotas count it before the next one comes."""
        most = most_pods(job["spec"]["template"])
        missing = min(wanted_pods(job, succeeded, len(active)), most) - len(active)
        if replaces_late(job):
            missing -= sum(map(_is_ending, pods))
        if is_suspended(job) or missing <= 0 or len(pods) >= most * TIMES:
            return False
        pod = self._next_pod(job, pods, active, over) if self._may_go_on(job) else None
        if pod is None:
            return False
        try:
            made = self._create(COMPONENT, pod)
        except ApiError as error:
            self._refusals.note(job)
            self._happenings.note(JOBS, job, "FailedCreate", f"Error creating: {error.message}", type_="Warning")
            return False
        self._refusals.forget(job)
        self._pace.note()
        self._happenings.note(JOBS, job, "SuccessfulCreate", f"Created pod: {made['metadata']['name']}")
        return True

    def _next_pod(self, job: Object, pods: list[Object], active: list[Object], over: set[int]) -> Object | None:
        """The pod that is to be made next, None if it is too early or if there is nothing to work on."""
        now, limited = self._registry.clock(), has_index_limit(job)
        if not limited and delayed_until(pods) > now:
            return None
        pod = pod_from(job["spec"]["template"], JOBS, job)
        pod["metadata"]["finalizers"] = [*pod["metadata"].get("finalizers", ()), TRACKING]
        if not is_indexed(job):
            return pod
        failures = failures_by_index(job, pods) if limited else {}
        taken = [*active, *filter(_is_ending, pods)] if replaces_late(job) else active
        for index in free_indexes(job, over, taken):
            notes, due = attempt(job, failures.get(index, [])) if limited else ({}, 0.0)
            if due <= now:
                return at_index(pod, job, index, notes)
        return None

    def _delete(self, job: Object, pod: Object) -> None:
        metadata = pod["metadata"]
        self._registry.delete(PODS, metadata["namespace"], metadata["name"], DeleteOptions())
        self._happenings.note(JOBS, job, "SuccessfulDelete", f"Deleted pod: {metadata['name']}")

    def _count(self, pod: Object) -> None:
        """A pod that is counted may go."""
        current = self._registry.find(PODS, pod["metadata"]["namespace"], pod["metadata"]["name"])
        if current is not None and current["metadata"]["uid"] == pod["metadata"]["uid"]:
            self._registry.drop_finalizer(PODS, current, TRACKING, MANAGER)

    def _tell(self, job: Object, status: dict[str, Any], verdict: Verdict | None) -> None:
        """Write how a job is doing into its status, and say so if that is the end."""
        pods = [pod for pod in self._registry.list(PODS, job["metadata"]["namespace"]) if controls(job, pod)]
        active = [pod for pod in pods if is_active(pod)]
        status["active"] = len(active)
        status["ready"] = sum(ready_since(pod) is not None for pod in active)
        status["terminating"] = sum(map(_is_ending, pods))
        status["uncountedTerminatedPods"] = {}
        now, conditions = timestamp(self._registry.clock()), status.get("conditions") or []
        said: tuple[str, str, str] | None = None
        if verdict is not None:
            conditions, _ = with_condition(conditions, INTERIM[verdict.kind], "True", *verdict[1:], now)
            if not status["terminating"]:
                conditions, _ = with_condition(conditions, *verdict[:1], "True", *verdict[1:], now)
                said = ("Warning", *verdict[1:])
                if verdict.kind == DONE:
                    status["completionTime"] = now
                    said = ("Normal", "Completed", "Job completed")
        elif not job["metadata"].get("deletionTimestamp"):
            reason, state = ("JobSuspended", "True") if is_suspended(job) else ("JobResumed", "False")
            message = "Job suspended" if is_suspended(job) else "Job resumed"
            conditions, changed = with_condition(conditions, "Suspended", state, reason, message, now)
            if changed:
                said = ("Normal", reason.removeprefix("Job"), message)
                status["startTime"] = None if is_suspended(job) else now
        if conditions:
            status["conditions"] = conditions
        kept = ("ready", "terminating", "uncountedTerminatedPods", "failedIndexes")
        status = {name: value for name, value in status.items() if value or name in kept}
        if status != job["status"]:
            self._registry.edit(JOBS, job, MANAGER, lambda obj: obj.update(status=status), "status")
        if said is not None:
            self._happenings.note(JOBS, job, said[1], said[2], type_=said[0])


def _what_matters(pod: Object) -> object:
    """What of a pod a job goes by."""
    metadata, status = pod["metadata"], pod["status"]
    told = {condition.get("type"): condition.get("status") for condition in status.get("conditions") or ()}
    restarts = [
        container.get("restartCount")
        for name in ("initContainerStatuses", "containerStatuses")
        for container in status.get(name) or ()
    ]
    kept = ("labels", "annotations", "finalizers", "ownerReferences", "deletionTimestamp")
    return (
        *(metadata.get(name) for name in kept),
        status.get("phase"),
        told.get("Ready") == "True",
        told.get("DisruptionTarget"),
        any(restarts) and restarts,
    )


def _succeeded(pod: Object) -> bool:
    return bool(pod["status"].get("phase") == "Succeeded")


def _is_ending(pod: Object) -> bool:
    return bool(pod["metadata"].get("deletionTimestamp")) and pod["status"].get("phase") not in ("Succeeded", "Failed")
