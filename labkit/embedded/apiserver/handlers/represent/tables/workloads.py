"""Deployments, jobs and their like."""

from __future__ import annotations

from labkit.embedded.apiserver.handlers.represent.tables.model import AGE, Cells, Column, number, printer, wide
from labkit.embedded.apiserver.handlers.represent.tables.text import (
    NONE,
    containers,
    duration,
    labels,
    seconds_of,
    selector,
    since,
    yes_or_no,
)
from labkit.embedded.machinery.request import Object

CONTAINERS = wide("Containers", "Names of the containers of its pods.")
IMAGES = wide("Images", "Their images.")
SELECTOR = wide("Selector", "Labels of the pods it looks after.")
DESIRED = number("Desired", "How many pods are wanted.")
CURRENT = number("Current", "How many pods there are.")
READY = number("Ready", "How many pods are ready.")


@printer(
    "deployments.apps",
    Column("Ready", "How many pods are ready, of how many wanted."),
    Column("Up-to-date", "How many pods have the present template."),
    Column("Available", "How many pods have been ready long enough."),
    AGE,
    CONTAINERS,
    IMAGES,
    SELECTOR,
)
def _deployment(obj: Object, now: float) -> Cells:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    return [
        f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 0)}",
        status.get("updatedReplicas", 0),
        status.get("availableReplicas", 0),
        *containers(spec),
        selector(spec.get("selector")),
    ]


@printer("replicasets.apps", DESIRED, CURRENT, READY, AGE, CONTAINERS, IMAGES, SELECTOR)
def _replica_set(obj: Object, now: float) -> Cells:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    counts = [spec.get("replicas", 0), status.get("replicas", 0), status.get("readyReplicas", 0)]
    return [*counts, *containers(spec), selector(spec.get("selector"))]


@printer("replicationcontrollers", DESIRED, CURRENT, READY, AGE, CONTAINERS, IMAGES, SELECTOR)
def _replication_controller(obj: Object, now: float) -> Cells:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    counts = [spec.get("replicas", 0), status.get("replicas", 0), status.get("readyReplicas", 0)]
    return [*counts, *containers(spec), labels(spec.get("selector"))]


@printer("statefulsets.apps", Column("Ready", "How many pods are ready, of how many wanted."), AGE, CONTAINERS, IMAGES)
def _stateful_set(obj: Object, now: float) -> Cells:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    ready = f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 0)}"
    return [ready, *containers(spec)]


@printer(
    "daemonsets.apps",
    DESIRED,
    CURRENT,
    READY,
    number("Up-to-date", "How many pods have the present template."),
    number("Available", "How many pods have been ready long enough."),
    Column("Node Selector", "Labels of the nodes it runs on."),
    AGE,
    CONTAINERS,
    IMAGES,
    SELECTOR,
)
def _daemon_set(obj: Object, now: float) -> Cells:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    names = ("desiredNumberScheduled", "currentNumberScheduled", "numberReady", "updatedNumberScheduled")
    template = (spec.get("template") or {}).get("spec") or {}
    return [
        *(status.get(name, 0) for name in names),
        status.get("numberAvailable", 0),
        labels(template.get("nodeSelector")),
        *containers(spec),
        selector(spec.get("selector")),
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


@printer(
    "jobs.batch",
    Column("Status", "Whether the job is running, complete, failed or suspended."),
    Column("Completions", "How many pods succeeded, of how many wanted."),
    Column("Duration", "How long it took, or has taken so far."),
    AGE,
    CONTAINERS,
    IMAGES,
    SELECTOR,
)
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
        end = seconds_of(status["completionTime"]) if status.get("completionTime") else now
        took = duration(end - seconds_of(status["startTime"]))
    return [
        _job_status(obj),
        completions,
        took,
        *containers(spec),
        selector(spec.get("selector")),
    ]


@printer(
    "cronjobs.batch",
    Column("Schedule", "When it runs, in cron's format."),
    Column("Timezone", "Time zone of the schedule."),
    Column("Suspend", "Whether it is suspended.", "boolean"),
    number("Active", "How many of its jobs are running."),
    Column("Last Schedule", "How long ago it ran last."),
    AGE,
    CONTAINERS,
    IMAGES,
    SELECTOR,
)
def _cron_job(obj: Object, now: float) -> Cells:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    template = (spec.get("jobTemplate") or {}).get("spec") or {}
    last = status.get("lastScheduleTime")
    return [
        spec.get("schedule") or "",
        spec.get("timeZone") or NONE,
        yes_or_no(spec.get("suspend")),
        len(status.get("active") or ()),
        since(last, now) if last else NONE,
        *containers(template),
        selector(template.get("selector")),
    ]


@printer(
    "poddisruptionbudgets.policy",
    Column("Min Available", "How many pods must stay available."),
    Column("Max Unavailable", "How many pods may be unavailable."),
    number("Allowed Disruptions", "How many pods may be evicted now."),
    AGE,
)
def _disruption_budget(obj: Object, now: float) -> Cells:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    bounds = [str(spec[name]) if name in spec else "N/A" for name in ("minAvailable", "maxUnavailable")]
    return [*bounds, status.get("disruptionsAllowed", 0)]


@printer("leases.coordination.k8s.io", Column("Holder", "Who holds it."), AGE)
def _lease(obj: Object, now: float) -> Cells:
    return [(obj.get("spec") or {}).get("holderIdentity") or ""]
