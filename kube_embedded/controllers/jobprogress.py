"""The progress of a job and its end, as pure functions of the job and its pods.

Source: k8s.io/kubernetes ``pkg/controller/job/{job_controller,backoff_utils}.go``.
"""

from collections.abc import Iterable
from typing import NamedTuple

from ..machinery.objects import is_deleted, true_condition
from ..machinery.pods.state import has_ended, is_active, parse_time
from ..machinery.request import Object

# The delay of a new pod after a failure; each further failure doubles it. Source: DefaultJobPodFailureBackOff and
# MaxJobPodFailureBackOff.
FIRST_DELAY_SECONDS = 10
MAX_DELAY_SECONDS = 600
DONE = "Complete"
FAILED = "Failed"
INTERIM = {DONE: "SuccessCriteriaMet", FAILED: "FailureTarget"}
"""The condition that comes before the final one, while pods are terminating (KEP 3998)."""


class Verdict(NamedTuple):
    """How a job ends: ``Complete`` or ``Failed``, the reason in CamelCase, and a sentence."""

    kind: str
    reason: str
    message: str


COMPLETED = Verdict(DONE, "CompletionsReached", "Reached expected number of succeeded pods")
TOO_OFTEN = Verdict(FAILED, "BackoffLimitExceeded", "Job has reached the specified backoff limit")
TOO_LONG = Verdict(FAILED, "DeadlineExceeded", "Job was active longer than specified deadline")


def finished(job: Object) -> Object | None:
    """Return the condition of a finished job, None if it goes on."""
    return true_condition(job, DONE, FAILED)


def interim_verdict(job: Object) -> Verdict | None:
    """Return the verdict that waits until no pod is terminating any more."""
    for kind, interim in INTERIM.items():
        condition = true_condition(job, interim)
        if condition is not None:
            return Verdict(kind, condition.get("reason", ""), condition.get("message", ""))
    return None


def is_suspended(job: Object) -> bool:
    """Return whether a job is suspended."""
    return bool(job["spec"].get("suspend"))


def is_terminating(pod: Object) -> bool:
    """Return whether a pod is being deleted and has not ended yet."""
    return is_deleted(pod) and not has_ended(pod)


def has_succeeded(pod: Object) -> bool:
    """Return whether a pod has succeeded."""
    return bool(pod["status"].get("phase") == "Succeeded")


def has_failed(job: Object, pod: Object) -> bool:
    """Return whether a pod has failed: a deleted one has, unless the job replaces failed ones only."""
    failed = bool(pod["status"].get("phase") == "Failed")
    if failed or replaces_late(job):
        return failed
    return is_deleted(pod) and not has_succeeded(pod)


def replaces_late(job: Object) -> bool:
    """Return whether a pod is replaced only after it has failed, not while it is terminating."""
    # A job with a failure policy must replace late: only an ended pod has the exit codes that the policy names.
    spec = job["spec"]
    return spec.get("podReplacementPolicy") == "Failed" or bool(spec.get("podFailurePolicy"))


def wanted_pods(job: Object, succeeded: int, active: int) -> int:
    """Return the number of pods that should be active."""
    completions = job["spec"].get("completions")
    parallelism = job["spec"]["parallelism"]
    # Without completions the pods are workers of a queue: when one has succeeded, the queue is empty.
    if completions is None:
        return active if succeeded else int(parallelism)
    return max(min(int(completions) - succeeded, int(parallelism)), 0)


def restarts_exceed(job: Object, pods: Iterable[Object]) -> bool:
    """Return whether the container restarts of a job with ``OnFailure`` exceed its back-off limit."""
    if job["spec"]["template"]["spec"].get("restartPolicy") != "OnFailure":
        return False
    restarts = sum(sum(restart_counts(pod)) for pod in pods if not has_ended(pod))
    return bool(restarts >= max(job["spec"]["backoffLimit"], 1))


def restart_counts(pod: Object) -> list[int]:
    """Return the restarts of each container of a pod."""
    status = pod["status"]
    containers = [
        *(status.get("initContainerStatuses") or ()),
        *(status.get("containerStatuses") or ()),
    ]
    return [container.get("restartCount", 0) for container in containers]


def past_deadline(job: Object, begun: str | None, now: float) -> bool:
    """Return whether ``activeDeadlineSeconds`` is over since a start time."""
    seconds = job["spec"].get("activeDeadlineSeconds")
    if seconds is None or not begun or is_suspended(job):
        return False
    return bool(now - parse_time(begun) >= seconds)


def delayed_until(pods: Iterable[Object]) -> float:
    """Return the time from which the next pod can be created: failures since the last success delay it."""
    # The real controller has the count in memory; here the remaining pods are counted, which survives a restart.
    failures = 0
    last = 0.0
    ended = [(ended_at(pod), not has_succeeded(pod)) for pod in pods if not is_active(pod)]
    # Sorted, failures come after a success of the same second: or the job would not back off.
    for time, failed in sorted(ended):
        if failed:
            failures = failures + 1
            last = time
        else:
            failures = 0
    return last + delay_after(failures) if failures else 0.0


def delay_after(failures: int) -> float:
    """Return the delay in seconds after so many failures."""
    return float(min(FIRST_DELAY_SECONDS << min(failures - 1, 10), MAX_DELAY_SECONDS))


def ended_at(pod: Object) -> float:
    """Return when a pod ended, by its containers; when it was created if their status does not tell."""
    ends = [
        (status.get("state", {}).get("terminated") or {}).get("finishedAt") or ""
        for status in pod["status"].get("containerStatuses") or ()
    ]
    if ends and all(ends):
        return max(map(parse_time, ends))
    return parse_time(pod["metadata"]["creationTimestamp"])
