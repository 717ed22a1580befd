"""The pod failure policy and success policy of jobs, and the back-off limit per index.

Source: k8s.io/kubernetes ``pkg/controller/job/{pod_failure_policy,success_policy,indexed_job_utils}.go``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from labkit.embedded.controllers.jobindexes import index_of, listed
from labkit.embedded.controllers.jobprogress import DONE, FAILED, Verdict, delay_after, ended_at, has_failed
from labkit.embedded.machinery.request import Object

FAILURES = "batch.kubernetes.io/job-index-failure-count"
IGNORED = "batch.kubernetes.io/job-index-ignored-failure-count"
"""Annotations of a pod: how many pods of its index failed before, and how many of them were ignored."""
TOO_MANY_INDEXES = Verdict(
    FAILED, "MaxFailedIndexesExceeded", "Job has exceeded the specified maximal number of failed indexes"
)
FAILED_INDEXES = Verdict(FAILED, "FailedIndexes", "Job has failed indexes")


class Judgement(NamedTuple):
    """The result of a pod failure policy for a failed pod.

    Args:
        action: ``FailJob``, ``FailIndex``, ``Ignore`` or ``Count``; empty if no rule matches.
        message: Why the job fails, if it does.
    """

    action: str = ""
    message: str = ""


def judged(job: Object, pod: Object) -> Judgement:
    """Apply the first matching rule of a job's pod failure policy to a failed pod."""
    where = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
    for place, rule in enumerate((job["spec"].get("podFailurePolicy") or {}).get("rules") or ()):
        action, tail = rule.get("action", ""), f"matching {rule.get('action')} rule at index {place}"
        if rule.get("onExitCodes") is not None:
            found = _ended_with(pod, rule["onExitCodes"])
            if found is not None:
                name, code = found
                return Judgement(action, f"Container {name} for pod {where} failed with exit code {code} {tail}")
            continue
        for condition in pod["status"].get("conditions") or ():
            for pattern in rule.get("onPodConditions") or ():
                if all(condition.get(name) == pattern.get(name) for name in ("type", "status")):
                    return Judgement(action, f"Pod {where} has condition {condition['type']} {tail}")
    return Judgement()


def _ended_with(pod: Object, wanted: Object) -> tuple[str, int] | None:
    """The first container whose exit code matches a rule, and that code."""
    for group in ("containerStatuses", "initContainerStatuses"):
        for status in pod["status"].get(group) or ():
            code = ((status.get("state") or {}).get("terminated") or {}).get("exitCode", 0)
            named = wanted.get("containerName") in (None, status["name"])
            if code and named and (code in (wanted.get("values") or ())) == (wanted.get("operator") == "In"):
                return status["name"], code
    return None


def counts(job: Object, pod: Object) -> bool:
    """Whether a pod counts as failed."""
    return has_failed(job, pod) and judged(job, pod).action != "Ignore"


def failure_by_policy(job: Object, pods: Iterable[Object]) -> Verdict | None:
    """The verdict of the pod failure policy, if one pod fails the whole job."""
    for pod in pods:
        judgement = judged(job, pod) if has_failed(job, pod) else Judgement()
        if judgement.action == "FailJob":
            return Verdict(FAILED, "PodFailurePolicy", judgement.message)
    return None


def success_by_policy(job: Object, done: set[int]) -> Verdict | None:
    """The verdict of the success policy, if one of its rules is met."""
    for place, rule in enumerate((job["spec"].get("successPolicy") or {}).get("rules") or ()):
        needed, count = done, rule.get("succeededCount")
        if rule.get("succeededIndexes") is not None:
            wanted = listed(rule["succeededIndexes"], job["spec"]["completions"])
            needed = done & wanted
            count = len(wanted) if count is None else count
        if done and count and len(needed) >= count:
            return Verdict(DONE, "SuccessPolicy", f"Matched rules at index {place}")
    return None


def has_index_limit(job: Object) -> bool:
    """Whether the back-off limit holds for each index."""
    return job["spec"].get("backoffLimitPerIndex") is not None


def failed_indexes(job: Object, new: Iterable[Object]) -> set[int]:
    """The failed indexes: those in the status, and those of the pods that are not counted yet."""
    found = listed(job["status"].get("failedIndexes") or "", job["spec"]["completions"])
    for pod in new:
        index = index_of(job, pod)
        if index is not None and has_failed(job, pod):
            judgement = judged(job, pod)
            often = _noted(pod, FAILURES) >= job["spec"]["backoffLimitPerIndex"]
            if judgement.action == "FailIndex" or (often and judgement.action != "Ignore"):
                found.add(index)
    return found


def failure_by_index(job: Object, done: set[int], failed: set[int]) -> Verdict | None:
    """The verdict on a job with failed indexes, None if it goes on."""
    most = job["spec"].get("maxFailedIndexes")
    if most is not None and len(failed) > most:
        return TOO_MANY_INDEXES
    return FAILED_INDEXES if failed and len(failed) + len(done) >= job["spec"]["completions"] else None


class Attempt(NamedTuple):
    """The next pod of an index: its annotations, and when it may be created, in seconds since the epoch."""

    notes: dict[str, str]
    due: float


def attempt(job: Object, before: list[Object]) -> Attempt:
    """Plan the pod of an index that comes after its failed ones, in a job with a back-off limit per index."""
    if not before:
        return Attempt({FAILURES: "0"}, 0.0)
    last = max(before, key=lambda pod: (_noted(pod, FAILURES) + _noted(pod, IGNORED), ended_at(pod)))
    failures, ignored = _noted(last, FAILURES), _noted(last, IGNORED)
    due = ended_at(last) + delay_after(failures + ignored + 1)
    if judged(job, last).action == "Ignore":
        ignored += 1
    else:
        failures += 1
    return Attempt({FAILURES: str(failures), **({IGNORED: str(ignored)} if ignored else {})}, due)


def failures_by_index(job: Object, pods: Iterable[Object]) -> dict[int | None, list[Object]]:
    """The failed pods by their index."""
    found: dict[int | None, list[Object]] = {}
    for pod in pods:
        if has_failed(job, pod):
            found.setdefault(index_of(job, pod), []).append(pod)
    return found


def _noted(pod: Object, annotation: str) -> int:
    text = (pod["metadata"].get("annotations") or {}).get(annotation, "")
    return int(text) if text.isdecimal() and len(text) < 10 else 0
