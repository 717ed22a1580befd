"""The pod failure policy and success policy of jobs. There is no back-off limit per index.

Source: k8s.io/kubernetes ``pkg/controller/job/{pod_failure_policy,success_policy}.go``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from labkit.embedded.controllers.jobindexes import listed
from labkit.embedded.controllers.jobprogress import DONE, FAILED, Verdict, has_failed
from labkit.embedded.machinery.request import Object


class Judgement(NamedTuple):
    """The result of a pod failure policy for a failed pod.

    Args:
        action: ``FailJob``, ``Ignore`` or another; empty if no rule matches.
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


def _ended_with(pod: Object, rule: Object) -> tuple[str, int] | None:
    """The first container whose exit code matches a rule, and that code."""
    for group in ("containerStatuses", "initContainerStatuses"):
        for status in pod["status"].get(group) or ():
            code = ((status.get("state") or {}).get("terminated") or {}).get("exitCode", 0)
            named = rule.get("containerName") in (None, status["name"])
            if code and named and (code in (rule.get("values") or ())) == (rule.get("operator") == "In"):
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
