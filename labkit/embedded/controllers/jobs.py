"""Jobs: pods that run to their end, until enough of them have succeeded or too many have failed.

Source: k8s.io/kubernetes ``pkg/controller/{job,ttlafterfinished}``.
"""

from __future__ import annotations

from typing import Any

from labkit.embedded.apiserver.registry.registry import Change, Registry, timestamp
from labkit.embedded.controllers import MANAGER
from labkit.embedded.controllers import jobprogress as progress
from labkit.embedded.controllers.controller_ref import controller_of
from labkit.embedded.controllers.jobprogress import Verdict
from labkit.embedded.controllers.rate_limiter import RateLimiter
from labkit.embedded.controllers.workload import Create, WorkloadController
from labkit.embedded.controllers.workload_pods import PODS, deletion_order, max_pods, pod_from
from labkit.embedded.machinery.kinds import BY_KIND
from labkit.embedded.machinery.objects import finalizers_of, is_deleted, namespace_of, uid_of
from labkit.embedded.machinery.pods.state import is_active, parse_time, ready_since
from labkit.embedded.machinery.request import Object

JOBS = BY_KIND["batch", "Job"]
MANAGED_BY = "kubernetes.io/job-controller"
TRACKING = "batch.kubernetes.io/job-tracking"
"""The finalizer of a pod that its job has not counted yet."""
MAX_STARTED = 10
"""The limit of the pods created and the expired jobs deleted in one second."""
TIMES = 5
"""The limit of a job's pods in all, as a multiple of those at once."""


class Jobs(WorkloadController):
    """Creates the pods of jobs, and deletes finished jobs whose time to live is over."""

    kind = JOBS
    component = "job-controller"

    def __init__(self, registry: Registry, create: Create) -> None:
        super().__init__(registry, create)
        self._limiter = RateLimiter(registry.steady, MAX_STARTED)
        self._turn = 0

    def advance(self) -> None:
        """Do what has become due: pods after a delay, deadlines, the end of jobs that finished long ago."""
        jobs = list(self._registry.list(JOBS))
        first = (
            self._turn % len(jobs) if jobs else 0
        )  # each comes first in turn: the limit may stop those behind it
        self._turn += 1
        for job in jobs[first:] + jobs[:first]:
            if progress.finished(job) is not None:
                if self._limiter.allows():
                    self._expire(job)
            elif self._is_due(job):
                self._reconcile_in_transaction(job)

    def _is_due(self, job: Object) -> bool:
        status = job["status"]
        active = status.get("active", 0)
        short = not progress.is_suspended(job) and active < progress.wanted_pods(
            job, status.get("succeeded", 0), active
        )
        return progress.past_deadline(job, self._registry.clock()) or (
            short and self._may_create(job)
        )

    def _may_create(self, job: Object) -> bool:
        return self._limiter.allows() and self._backoff.may_try(job)

    def _owner_changed(self, change: Change) -> None:
        super()._owner_changed(change)
        if change.new is not None:
            self._expire(change.new)

    def _dependent_changed(self, change: Change) -> None:
        old, new = change.old, change.new
        if old is not None and new is not None and _relevant_fields(old) == _relevant_fields(new):
            return
        super()._dependent_changed(change)
        if change.new is not None:
            self._release_orphan(change.new)

    def _release_orphan(self, pod: Object) -> None:
        """Drop the finalizer of a pod whose job is gone."""
        current = self._current(PODS, pod)
        if current is None or TRACKING not in finalizers_of(current):
            return
        owner = controller_of(current)
        name = owner.get("name", "") if owner is not None else ""
        job = self._registry.find(JOBS, namespace_of(current), name) if owner is not None else None
        if owner is None or job is None or uid_of(job) != owner.get("uid"):
            self._registry.drop_finalizer(PODS, current, TRACKING, MANAGER)

    def _expire(self, job: Object) -> None:
        """Delete a finished job after ``ttlSecondsAfterFinished``."""
        current = self._current(JOBS, job)
        end = progress.finished(current) if current is not None else None
        if current is None or end is None or is_deleted(current):
            return
        kept, since = current["spec"].get("ttlSecondsAfterFinished"), end.get("lastTransitionTime")
        if kept is not None and since and parse_time(since) + kept <= self._registry.clock():
            self._limiter.take()
            self._delete_object(JOBS, current, "Foreground")

    # One job

    def _sync(self, job: Object) -> None:
        if (
            progress.finished(job) is not None
            or job["spec"].get("managedBy", MANAGED_BY) != MANAGED_BY
        ):
            return
        pods = self._claim(job)
        tracked = [pod for pod in pods if TRACKING in finalizers_of(pod)]
        status: dict[str, Any] = dict(job["status"])
        if not status.get("startTime") and not progress.is_suspended(job):
            status["startTime"] = timestamp(self._registry.clock())
        failed = status.get("failed", 0) + sum(progress.has_failed(job, pod) for pod in tracked)
        succeeded = status.get("succeeded", 0) + sum(map(_succeeded, tracked))
        ending = is_deleted(job)
        verdict = progress.interim_verdict(job) or self._failure(job, status, pods, failed)
        if verdict is not None:
            for pod in filter(is_active, pods):
                failed += verdict.kind != progress.DONE and pod in tracked
                self._delete(job, pod)
        elif not ending:
            active = self._remove_surplus(job, pods, succeeded)
            if self._add_missing(job, pods, active, succeeded):
                active.append({})
            wanted = job["spec"].get("completions")
            if succeeded >= (1 if wanted is None else wanted) and not active:
                verdict = progress.COMPLETED
        for pod in tracked:
            if verdict is not None or ending or _succeeded(pod) or progress.has_failed(job, pod):
                self._drop_finalizer(PODS, pod, TRACKING)
        status["succeeded"], status["failed"] = succeeded, failed
        self._finish_sync(job, status, verdict)

    def _failure(
        self, job: Object, status: Object, pods: list[Object], failed: int
    ) -> Verdict | None:
        if failed > job["spec"]["backoffLimit"] or progress.restarts_exceed(job, pods):
            return progress.TOO_OFTEN
        return (
            progress.TOO_LONG
            if progress.past_deadline({**job, "status": status}, self._registry.clock())
            else None
        )

    def _remove_surplus(self, job: Object, pods: list[Object], succeeded: int) -> list[Object]:
        """Delete surplus pods without counting them, and return the active pods that stay."""
        active = [pod for pod in pods if is_active(pod)]
        if progress.is_suspended(job):
            gone = active
        else:
            count = max(len(active) - progress.wanted_pods(job, succeeded, len(active)), 0)
            gone = sorted(active, key=deletion_order)[:count]
        for pod in gone:
            self._drop_finalizer(PODS, pod, TRACKING)
            self._delete(job, pod)
        return [pod for pod in active if pod not in gone]

    def _add_missing(
        self, job: Object, pods: list[Object], active: list[Object], succeeded: int
    ) -> bool:
        """Create one pod if some are missing, and return whether one was created."""
        most = max_pods(job["spec"]["template"])
        missing = min(progress.wanted_pods(job, succeeded, len(active)), most) - len(active)
        if progress.replaces_late(job):
            missing -= sum(map(progress.is_terminating, pods))
        if progress.is_suspended(job) or missing <= 0 or len(pods) >= most * TIMES:
            return False
        pod = self._next_pod(job, pods) if self._may_create(job) else None
        if pod is None or self._create_dependent(job, pod) is not None:
            return False
        self._limiter.take()
        return True

    def _next_pod(self, job: Object, pods: list[Object]) -> Object | None:
        """The next pod, None if it is too early for one."""
        if progress.delayed_until(pods) > self._registry.clock():
            return None
        pod = pod_from(job["spec"]["template"], JOBS, job)
        pod["metadata"]["finalizers"] = [*finalizers_of(pod), TRACKING]
        return pod

    def _finish_sync(self, job: Object, status: dict[str, Any], verdict: Verdict | None) -> None:
        """Write a job's status, and record how it ends (None if it goes on) or that it was suspended or resumed."""
        pods = self._controlled(job)
        active = [pod for pod in pods if is_active(pod)]
        status["active"] = len(active)
        status["ready"] = sum(ready_since(pod) is not None for pod in active)
        status["terminating"] = sum(map(progress.is_terminating, pods))
        status["uncountedTerminatedPods"] = {}
        now, conditions = timestamp(self._registry.clock()), status.get("conditions") or []
        record, event = self._events.normal, ("", "")
        if verdict is not None:
            interim = progress.INTERIM[verdict.kind]
            conditions, _ = progress.with_condition(conditions, interim, "True", *verdict[1:], now)
            if not status["terminating"]:
                conditions, _ = progress.with_condition(
                    conditions, verdict.kind, "True", *verdict[1:], now
                )
                if verdict.kind == progress.DONE:
                    status["completionTime"] = now
                    event = ("Completed", "Job completed")
                else:
                    record, event = self._events.warning, (verdict.reason, verdict.message)
        elif not is_deleted(job):
            state, reason = (
                ("True", "Suspended") if progress.is_suspended(job) else ("False", "Resumed")
            )
            message = f"Job {reason.lower()}"
            conditions, changed = progress.with_condition(
                conditions, "Suspended", state, f"Job{reason}", message, now
            )
            if changed:
                event = (reason, message)
                status["startTime"] = None if progress.is_suspended(job) else now
        if conditions:
            status["conditions"] = conditions
        kept = ("ready", "terminating", "uncountedTerminatedPods")
        self._write_status(
            JOBS, job, {name: value for name, value in status.items() if value or name in kept}
        )
        if event[0]:
            record(job, *event)


def _relevant_fields(pod: Object) -> object:
    """The fields of a pod that its job acts on."""
    metadata, status = pod["metadata"], pod["status"]
    conditions = {
        condition.get("type"): condition.get("status")
        for condition in status.get("conditions") or ()
    }
    restarts = [
        container.get("restartCount")
        for name in ("initContainerStatuses", "containerStatuses")
        for container in status.get(name) or ()
    ]
    kept = ("labels", "annotations", "finalizers", "ownerReferences", "deletionTimestamp")
    return (
        *(metadata.get(name) for name in kept),
        status.get("phase"),
        conditions.get("Ready") == "True",
        any(restarts) and restarts,
    )


def _succeeded(pod: Object) -> bool:
    return bool(pod["status"].get("phase") == "Succeeded")
