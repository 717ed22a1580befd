"""Deployments, autoscalers, jobs and their like."""

from __future__ import annotations

from dataclasses import replace

from labkit.embedded.apiserver.handlers.represent.tables.model import Cells, printer
from labkit.embedded.apiserver.handlers.represent.tables.text import NONE, UNKNOWN, duration
from labkit.embedded.machinery.pods.state import parse_time
from labkit.embedded.machinery.request import Object


@printer("deployments.apps")
def _deployment(obj: Object, now: float) -> Cells:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    return [f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 0)}"]


_stateful_set = replace(_deployment, resource="statefulsets.apps")


@printer("horizontalpodautoscalers.autoscaling")
def _autoscaler(obj: Object, now: float) -> Cells:
    spec = obj.get("spec") or {}
    target = spec.get("scaleTargetRef") or {}
    # Nobody measures here.
    return [
        f"{target.get('kind', '')}/{target.get('name', '')}",
        UNKNOWN if spec.get("metrics") else NONE,
    ]


def _job_status(obj: Object) -> str:
    conditions = (obj.get("status") or {}).get("conditions") or ()
    true = {each.get("type") for each in conditions if each.get("status") == "True"}
    for condition in ("Complete", "Failed"):
        if condition in true:
            return condition
    if obj["metadata"].get("deletionTimestamp"):
        return "Terminating"
    for condition in ("Suspended", "FailureTarget", "SuccessCriteriaMet"):
        if condition in true:
            return condition
    return "Running"


@printer("jobs.batch")
def _job(obj: Object, now: float) -> Cells:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    done, parallel = status.get("succeeded", 0), spec.get("parallelism") or 0
    if spec.get("completions") is not None:
        completions = f"{done}/{spec['completions']}"
    elif parallel > 1:
        completions = f"{done}/1 of {parallel}"
    else:
        completions = f"{done}/1"
    took = ""
    if status.get("startTime"):
        end = parse_time(status["completionTime"]) if status.get("completionTime") else now
        took = duration(end - parse_time(status["startTime"]))
    return [_job_status(obj), completions, took]
