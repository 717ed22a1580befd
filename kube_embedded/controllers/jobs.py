"""Jobs: pods that run to their end, until enough of them have succeeded or too many have failed.

Source: k8s.io/kubernetes ``pkg/controller/{job,ttlafterfinished}``.
"""

from typing_extensions import override

from ..apiserver.registry.registry import Change, Registry
from ..machinery.kinds import BY_KIND
from ..machinery.objects import finalizers_of, is_deleted, namespace_of, uid_of
from ..machinery.pods.state import is_active, parse_time, ready_since
from ..machinery.request import Object
from . import jobprogress as progress
from .conditions import condition, set_condition
from .controller_ref import controller_of
from .jobprogress import Verdict
from .rate_limiter import RateLimiter
from .workload import Create, WorkloadController
from .workload_pods import PODS, deletion_order, max_pods, pod_from

JOBS = BY_KIND["batch", "Job"]
MANAGED_BY = "kubernetes.io/job-controller"
TRACKING = "batch.kubernetes.io/job-tracking"
"""The finalizer of a pod that its job has not counted yet (KEP 2307)."""

# Pods created and expired jobs deleted in one second. All requests wait in the meantime, and a job whose pods end
# at once would create the next ones for ever.
MAX_STARTED = 10

# Pods of a job in all, as a multiple of those at once: ended pods stay, and each is an object in memory.
TIMES = 5


class Jobs(WorkloadController):
    """Creates the pods of jobs, and deletes finished jobs whose time to live is over."""

    kind = JOBS
    component = "job-controller"

    def __init__(self, registry: Registry, create: Create) -> None:
        super().__init__(registry, create)
        self._limiter = RateLimiter(registry.steady, MAX_STARTED)
        self._turn = 0

    @override
    def advance(self) -> None:
        """Do the work that is due: pods after a delay, deadlines, the end of jobs that finished long ago."""
        jobs = list(self._registry.list(JOBS))
        # Each job comes first in turn, because the limit can stop the jobs behind it.
        first = self._turn % len(jobs) if jobs else 0
        self._turn += 1
        for job in jobs[first:] + jobs[:first]:
            if progress.finished(job) is not None:
                if self._limiter.allows():
                    self._expire(job)
            elif self._is_due(job):
                with self._registry.transaction():
                    self._reconcile(job)

    @override
    def _is_due(self, owner: Object) -> bool:
        status = owner["status"]
        if progress.past_deadline(owner, status.get("startTime"), self._registry.clock()):
            return True
        active = status.get("active", 0)
        target = progress.wanted_pods(owner, status.get("succeeded", 0), active)
        return not progress.is_suspended(owner) and active < target and self._may_create(owner)

    def _may_create(self, job: Object) -> bool:
        return self._limiter.allows() and self._backoff.may_try(job)

    @override
    def _owner_changed(self, change: Change) -> None:
        super()._owner_changed(change)
        if change.new is not None:
            self._expire(change.new)

    @override
    def _dependent_changed(self, change: Change) -> None:
        super()._dependent_changed(change)
        if change.new is not None:
            self._release_orphan(change.new)

    def _release_orphan(self, pod: Object) -> None:
        """Drop the finalizer of a pod whose job is gone."""
        current = self._current(PODS, pod)
        if current is None or TRACKING not in finalizers_of(current):
            return
        owner = controller_of(current) or {}
        job = self._registry.find(JOBS, namespace_of(current), owner.get("name", ""))
        if job is None or uid_of(job) != owner.get("uid"):
            self._drop_finalizer(PODS, current, TRACKING)

    def _expire(self, job: Object) -> None:
        """Delete a finished job after ``ttlSecondsAfterFinished``."""
        current = self._current(JOBS, job)
        end = progress.finished(current) if current is not None else None
        if current is None or end is None or is_deleted(current):
            return
        seconds = current["spec"].get("ttlSecondsAfterFinished")
        since = end.get("lastTransitionTime")
        if seconds is not None and since and parse_time(since) + seconds <= self._registry.clock():
            self._limiter.take()
            self._delete_object(JOBS, current, "Foreground")

    # One job

    @override
    def _sync(self, owner: Object) -> None:
        # Another controller, such as Kueue's, can manage the job (KEP 4368).
        managed = owner["spec"].get("managedBy", MANAGED_BY) == MANAGED_BY
        if progress.finished(owner) is not None or not managed:
            return
        pods = self._claim(owner)
        tracked = [pod for pod in pods if TRACKING in finalizers_of(pod)]
        status: Object = dict(owner["status"])
        if not status.get("startTime") and not progress.is_suspended(owner):
            status["startTime"] = self._now()
        failed = status.get("failed", 0) + sum(progress.has_failed(owner, pod) for pod in tracked)
        succeeded = status.get("succeeded", 0) + sum(map(progress.has_succeeded, tracked))
        ending = is_deleted(owner)
        verdict = progress.interim_verdict(owner) or self._failure(owner, status, pods, failed)
        if verdict is not None:
            for pod in filter(is_active, pods):
                failed += verdict.kind != progress.DONE and pod in tracked
                self._delete(owner, pod)
        elif not ending:
            active = self._remove_surplus(owner, pods, succeeded)
            created = self._add_missing(owner, pods, active, succeeded)
            completions = owner["spec"].get("completions")
            enough = 1 if completions is None else completions
            if succeeded >= enough and not active and not created:
                verdict = progress.COMPLETED
        # Dropped only when the counts are about to be written: a pod that vanished uncounted would run again.
        for pod in tracked:
            ended = progress.has_succeeded(pod) or progress.has_failed(owner, pod)
            if verdict is not None or ending or ended:
                self._drop_finalizer(PODS, pod, TRACKING)
        status["succeeded"] = succeeded
        status["failed"] = failed
        self._finish_sync(owner, status, verdict)

    def _failure(
        self, job: Object, status: Object, pods: list[Object], failed: int
    ) -> Verdict | None:
        if failed > job["spec"]["backoffLimit"] or progress.restarts_exceed(job, pods):
            return progress.TOO_OFTEN
        if progress.past_deadline(job, status.get("startTime"), self._registry.clock()):
            return progress.TOO_LONG
        return None

    def _remove_surplus(self, job: Object, pods: list[Object], succeeded: int) -> list[Object]:
        """Delete surplus pods without counting them, and return the active pods that stay."""
        active = sorted(filter(is_active, pods), key=deletion_order)
        surplus = len(active)
        if not progress.is_suspended(job):
            surplus = max(surplus - progress.wanted_pods(job, succeeded, surplus), 0)
        for pod in active[:surplus]:
            # Without the finalizer first the deletion would count as a failure.
            self._drop_finalizer(PODS, pod, TRACKING)
            self._delete(job, pod)
        return active[surplus:]

    def _add_missing(
        self, job: Object, pods: list[Object], active: list[Object], succeeded: int
    ) -> bool:
        """Create one pod if some are missing, and return whether one was created."""
        template = job["spec"]["template"]
        most = max_pods(template)
        missing = min(progress.wanted_pods(job, succeeded, len(active)), most) - len(active)
        if progress.replaces_late(job):
            missing -= sum(map(progress.is_terminating, pods))
        if progress.is_suspended(job) or missing <= 0 or len(pods) >= most * TIMES:
            return False
        if not self._may_create(job) or progress.delayed_until(pods) > self._registry.clock():
            return False
        pod = pod_from(template, JOBS, job)
        pod["metadata"]["finalizers"] = [*finalizers_of(pod), TRACKING]
        if self._create_dependent(job, pod) is not None:
            return False
        self._limiter.take()
        return True

    def _finish_sync(self, job: Object, status: Object, verdict: Verdict | None) -> None:
        """Write a job's status, and record how it ends (None if it goes on) or that it was suspended or resumed."""
        pods = self._controlled(job)
        active = [pod for pod in pods if is_active(pod)]
        counts = {
            "active": len(active),
            "succeeded": status.pop("succeeded"),
            "failed": status.pop("failed"),
        }
        status = {name: value for name, value in status.items() if name not in counts}
        status |= {name: count for name, count in counts.items() if count}
        # These three are pointers in Go: a zero is written.
        status["ready"] = sum(ready_since(pod) is not None for pod in active)
        status["terminating"] = sum(map(progress.is_terminating, pods))
        status["uncountedTerminatedPods"] = {}
        now = self._now()
        conditions = list(status.get("conditions") or ())
        event: tuple[str, str] | None = None
        record = self._events.normal
        if verdict is not None:
            kinds = [progress.INTERIM[verdict.kind]]
            if not status["terminating"]:
                kinds.append(verdict.kind)
                event = ("Completed", "Job completed")
                if verdict.kind == progress.DONE:
                    status["completionTime"] = now
                else:
                    record = self._events.warning
                    event = (verdict.reason, verdict.message)
            for kind in kinds:
                new = condition(kind, "True", verdict.reason, verdict.message)
                set_condition(conditions, new, now, "lastProbeTime")
        elif not is_deleted(job):
            suspended = progress.is_suspended(job)
            reason = "Suspended" if suspended else "Resumed"
            message = f"Job {reason.lower()}"
            new = condition("Suspended", str(suspended), f"Job{reason}", message)
            # A job that was never suspended gets no condition, rather than a false one.
            known = suspended or any(item.get("type") == "Suspended" for item in conditions)
            if known and set_condition(conditions, new, now, "lastProbeTime"):
                event = (reason, message)
                status["startTime"] = now
                if suspended:
                    del status["startTime"]
        if conditions:
            status["conditions"] = conditions
        self._write_status(JOBS, job, status)
        if event is not None:
            record(job, *event)
