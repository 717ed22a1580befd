"""Deployments, jobs and their like."""

from __future__ import annotations

from labkit.embedded.apiserver.handlers.represent.tables.model import AGE, NAME, Cells, Column, Printer, number, wide
from labkit.embedded.apiserver.handlers.represent.tables.text import (
    NONE,
    age,
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


def _name(obj: Object) -> str:
    return str(obj["metadata"]["name"])


def deployment(obj: Object, now: float) -> Cells:
    """A deployment's row."""
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    return [
        _name(obj),
        f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 0)}",
        status.get("updatedReplicas", 0),
        status.get("availableReplicas", 0),
        age(obj, now),
        *containers(spec),
        selector(spec.get("selector")),
    ]


def replica_set(obj: Object, now: float) -> Cells:
    """A replica set's row."""
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    counts = [spec.get("replicas", 0), status.get("replicas", 0), status.get("readyReplicas", 0)]
    return [_name(obj), *counts, age(obj, now), *containers(spec), selector(spec.get("selector"))]


def replication_controller(obj: Object, now: float) -> Cells:
    """A replication controller's row."""
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    counts = [spec.get("replicas", 0), status.get("replicas", 0), status.get("readyReplicas", 0)]
    return [_name(obj), *counts, age(obj, now), *containers(spec), labels(spec.get("selector"))]


def stateful_set(obj: Object, now: float) -> Cells:
    """A stateful set's row."""
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    ready = f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 0)}"
    return [_name(obj), ready, age(obj, now), *containers(spec)]


def daemon_set(obj: Object, now: float) -> Cells:
    """A daemon set's row."""
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    names = ("desiredNumberScheduled", "currentNumberScheduled", "numberReady", "updatedNumberScheduled")
    template = (spec.get("template") or {}).get("spec") or {}
    return [
        _name(obj),
        *(status.get(name, 0) for name in names),
        status.get("numberAvailable", 0),
        labels(template.get("nodeSelector")),
        age(obj, now),
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


def job(obj: Object, now: float) -> Cells:
    """A job's row."""
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
        _name(obj),
        _job_status(obj),
        completions,
        took,
        age(obj, now),
        *containers(spec),
        selector(spec.get("selector")),
    ]


def cron_job(obj: Object, now: float) -> Cells:
    """A cron job's row."""
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    template = (spec.get("jobTemplate") or {}).get("spec") or {}
    last = status.get("lastScheduleTime")
    return [
        _name(obj),
        spec.get("schedule") or "",
        spec.get("timeZone") or NONE,
        yes_or_no(spec.get("suspend")),
        len(status.get("active") or ()),
        since(last, now) if last else NONE,
        age(obj, now),
        *containers(template),
        selector(template.get("selector")),
    ]


def disruption_budget(obj: Object, now: float) -> Cells:
    """A pod disruption budget's row."""
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    bounds = [str(spec[name]) if name in spec else "N/A" for name in ("minAvailable", "maxUnavailable")]
    return [_name(obj), *bounds, status.get("disruptionsAllowed", 0), age(obj, now)]


def lease(obj: Object, now: float) -> Cells:
    """A lease's row."""
    return [_name(obj), (obj.get("spec") or {}).get("holderIdentity") or "", age(obj, now)]


DEPLOYMENTS = Printer(
    (
        NAME,
        Column("Ready", "How many pods are ready, of how many wanted."),
        Column("Up-to-date", "How many pods have the present template."),
        Column("Available", "How many pods have been ready long enough."),
        AGE,
        CONTAINERS,
        IMAGES,
        SELECTOR,
    ),
    deployment,
)
REPLICA_SETS = Printer((NAME, DESIRED, CURRENT, READY, AGE, CONTAINERS, IMAGES, SELECTOR), replica_set)
REPLICATION_CONTROLLERS = Printer(REPLICA_SETS.columns, replication_controller)
STATEFUL_SETS = Printer(
    (NAME, Column("Ready", "How many pods are ready, of how many wanted."), AGE, CONTAINERS, IMAGES), stateful_set
)
DAEMON_SETS = Printer(
    (
        NAME,
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
    ),
    daemon_set,
)
JOBS = Printer(
    (
        NAME,
        Column("Status", "Whether the job is running, complete, failed or suspended."),
        Column("Completions", "How many pods succeeded, of how many wanted."),
        Column("Duration", "How long it took, or has taken so far."),
        AGE,
        CONTAINERS,
        IMAGES,
        SELECTOR,
    ),
    job,
)
CRON_JOBS = Printer(
    (
        NAME,
        Column("Schedule", "When it runs, in cron's format."),
        Column("Timezone", "Time zone of the schedule."),
        Column("Suspend", "Whether it is suspended.", "boolean"),
        number("Active", "How many of its jobs are running."),
        Column("Last Schedule", "How long ago it ran last."),
        AGE,
        CONTAINERS,
        IMAGES,
        SELECTOR,
    ),
    cron_job,
)
DISRUPTION_BUDGETS = Printer(
    (
        NAME,
        Column("Min Available", "How many pods must stay available."),
        Column("Max Unavailable", "How many pods may be unavailable."),
        number("Allowed Disruptions", "How many pods may be evicted now."),
        AGE,
    ),
    disruption_budget,
)
LEASES = Printer((NAME, Column("Holder", "Who holds it."), AGE), lease)
