"""API services, flow schemas and priority levels."""

from __future__ import annotations

from labkit.embedded.apiserver.handlers.represent.tables.model import AGE, Cells, Column, printer
from labkit.embedded.apiserver.handlers.represent.tables.text import NONE
from labkit.embedded.machinery.request import Object


def _condition(obj: Object, kind: str) -> Object | None:
    conditions = (obj.get("status") or {}).get("conditions") or ()
    return next((item for item in conditions if item.get("type") == kind), None)


@printer(
    "apiservices.apiregistration.k8s.io",
    Column("Service", "Which service answers the group version, or that this server does."),
    Column("Available", "Whether it is answered."),
    AGE,
)
def _api_service(obj: Object, now: float) -> Cells:
    service = (obj.get("spec") or {}).get("service")
    condition = _condition(obj, "Available")
    state = "Unknown" if condition is None else condition.get("status", "")
    if condition is not None and state != "True" and condition.get("reason"):
        state = f"{state} ({condition['reason']})"
    where = "Local" if service is None else f"{service.get('namespace', '')}/{service.get('name', '')}"
    return [where, state]


def _precedence(obj: Object) -> tuple[int, str]:
    return (obj.get("spec") or {}).get("matchingPrecedence", 0), obj["metadata"].get("name", "")


@printer(
    "flowschemas.flowcontrol.apiserver.k8s.io",
    Column("PriorityLevel", "Where its requests belong."),
    Column("MatchingPrecedence", "The lowest that fits counts."),
    Column("DistinguisherMethod", "What tells its flows apart."),
    AGE,
    Column("MissingPL", "Whether its priority level does not exist."),
    order=_precedence,
)
def _flow_schema(obj: Object, now: float) -> Cells:
    spec = obj.get("spec") or {}
    method = spec.get("distinguisherMethod")
    condition = _condition(obj, "Dangling")
    return [
        (spec.get("priorityLevelConfiguration") or {}).get("name", ""),
        spec.get("matchingPrecedence", 0),
        NONE if method is None else method.get("type", ""),
        "?" if condition is None else condition.get("status", ""),
    ]


@printer(
    "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io",
    Column("Type", "Whether its requests are limited."),
    Column("NominalConcurrencyShares", "Its part of what the server does at a time."),
    Column("Queues", "How many queues it has."),
    Column("HandSize", "How many queues one flow may use."),
    Column("QueueLengthLimit", "How long a queue may get."),
    AGE,
)
def _priority_level(obj: Object, now: float) -> Cells:
    spec = obj.get("spec") or {}
    limited = spec.get("limited")
    queuing = ((limited or {}).get("limitResponse") or {}).get("queuing")
    shares = NONE if limited is None else limited.get("nominalConcurrencyShares", 0)
    sizes = [NONE if queuing is None else queuing.get(name, 0) for name in ("queues", "handSize", "queueLengthLimit")]
    return [spec.get("type", ""), shares, *sizes]
