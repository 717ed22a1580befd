"""The progress of a job and its end, as pure functions of the job and its pods.

Source: k8s.io/kubernetes ``pkg/controller/job/{job_controller,backoff_utils}.go``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from labkit.embedded.controllers.conditions import condition
from labkit.embedded.machinery.objects import conditions_of, is_deleted
from labkit.embedded.machinery.pods.state import has_ended, is_active, parse_time
from labkit.embedded.machinery.request import Object

FIRST_DELAY_SECONDS, LONGEST_DELAY_SECONDS = 10, 600
"""The delay of a new pod after a failure; each further failure doubles it."""
DONE, FAILED = "Complete", "Failed"
INTERIM = {DONE: "SuccessCriteriaMet", FAILED: "FailureTarget"}
"""The condition that comes before the final one, while pods are terminating."""


class Verdict(NamedTuple):
    """How a job ends: ``Complete`` or ``Failed``, the reason in CamelCase, and a sentence."""

    kind: str
    reason: str
    message: str


COMPLETED = Verdict(DONE, "CompletionsReached", "Reached expected number of succeeded pods")
TOO_OFTEN = Verdict(FAILED, "BackoffLimitExceeded", "Job has reached the specified backoff limit")
TOO_LONG = Verdict(FAILED, "DeadlineExceeded", "Job was active longer than specified deadline")


def condition_of(job: Object, *kinds: str) -> Object | None:
    """The first true condition of one of some types."""
    conditions = conditions_of(job)
    return next(
        (one for one in conditions if one.get("type") in kinds and one.get("status") == "True"),
        None,
    )


def finished(job: Object) -> Object | None:
    """The condition of a finished job, None if it goes on."""
    return condition_of(job, DONE, FAILED)


def interim_verdict(job: Object) -> Verdict | None:
    """The verdict that waits until no pod is terminating any more."""
    for kind, interim in INTERIM.items():
        found = condition_of(job, interim)
        if found is not None:
            return Verdict(kind, found.get("reason", ""), found.get("message", ""))
    return None


def is_suspended(job: Object) -> bool:
    """Whether a job is suspended."""
    return bool(job["spec"].get("suspend"))


def is_terminating(pod: Object) -> bool:
    """Whether a pod is being deleted and has not ended yet."""
    return is_deleted(pod) and not has_ended(pod)


def has_failed(job: Object, pod: Object) -> bool:
    """Whether a pod has failed: a deleted one has, unless the job replaces failed ones only."""
    phase = pod["status"].get("phase")
    if phase == "Failed" or replaces_late(job):
        return bool(phase == "Failed")
    return is_deleted(pod) and phase != "Succeeded"


def replaces_late(job: Object) -> bool:
    """Whether a pod is replaced only after it has failed, not while it is terminating."""
    return job["spec"].get("podReplacementPolicy") == "Failed" or bool(
        job["spec"].get("podFailurePolicy")
    )


def wanted_pods(job: Object, succeeded: int, active: int) -> int:
    """The number of pods that should be active."""
    completions, parallelism = job["spec"].get("completions"), job["spec"]["parallelism"]
    if completions is None:
        return active if succeeded else int(parallelism)
    return max(min(int(completions) - succeeded, int(parallelism)), 0)


def restarts_exceed(job: Object, pods: Iterable[Object]) -> bool:
    """Whether the container restarts of a job with ``OnFailure`` exceed its back-off limit."""
    if job["spec"]["template"]["spec"].get("restartPolicy") != "OnFailure":
        return False
    restarts = sum(
        status.get("restartCount", 0)
        for pod in pods
        if pod["status"].get("phase") in ("Running", "Pending")
        for name in ("initContainerStatuses", "containerStatuses")
        for status in pod["status"].get(name) or ()
    )
    return bool(restarts >= max(job["spec"]["backoffLimit"], 1))


def past_deadline(job: Object, now: float) -> bool:
    """Whether ``activeDeadlineSeconds`` is over."""
    seconds, begun = job["spec"].get("activeDeadlineSeconds"), job["status"].get("startTime")
    return (
        seconds is not None
        and bool(begun)
        and not is_suspended(job)
        and now - parse_time(begun) >= seconds
    )


def delayed_until(pods: Iterable[Object]) -> float:
    """When the next pod may be created: failures since the last success delay it.

    The real controller keeps the count in memory; here the remaining pods are counted.
    """
    failures, last = 0, 0.0
    ended = (
        (ended_at(pod), pod["status"].get("phase") != "Succeeded")
        for pod in pods
        if not is_active(pod)
    )
    for at, failure in sorted(
        ended
    ):  # failures come after a success of the same second: or the job would not back off
        failures, last = (failures + 1, at) if failure else (0, last)
    return last + delay_after(failures) if failures else 0.0


def delay_after(failures: int) -> float:
    """The delay in seconds after so many failures."""
    return float(min(FIRST_DELAY_SECONDS << min(failures - 1, 10), LONGEST_DELAY_SECONDS))


def ended_at(pod: Object) -> float:
    """When a pod ended, by what its containers say; when it was made if they do not say it."""
    ends = [
        (status.get("state", {}).get("terminated") or {}).get("finishedAt") or ""
        for status in pod["status"].get("containerStatuses") or ()
    ]
    if ends and all(ends):
        return max(map(parse_time, ends))
    return parse_time(pod["metadata"]["creationTimestamp"])


def with_condition(
    conditions: Iterable[Object], kind: str, status: str, reason: str, message: str, now: str
) -> tuple[list[Object], bool]:
    """Set a condition in a copy of the conditions, unless a missing one is false: the copy, and whether it changed."""
    found = list(conditions)
    made = condition(kind, status, reason, message, lastProbeTime=now, lastTransitionTime=now)
    for place, before in enumerate(found):
        if before.get("type") == kind:
            same = all(
                before.get(name, "") == made[name] for name in ("status", "reason", "message")
            )
            if not same:
                found[place] = made
            return found, not same
    if status == "False":
        return found, False
    return [*found, made], True
