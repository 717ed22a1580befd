"""API services, flow schemas and priority levels."""

from __future__ import annotations

from labkit.embedded.apiserver.handlers.represent.tables.model import Cells, printer
from labkit.embedded.machinery.request import Object


def _condition(obj: Object, kind: str) -> Object | None:
    conditions = (obj.get("status") or {}).get("conditions") or ()
    return next((item for item in conditions if item.get("type") == kind), None)


@printer("apiservices.apiregistration.k8s.io")
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


@printer("flowschemas.flowcontrol.apiserver.k8s.io", order=_precedence)
def _flow_schema(obj: Object, now: float) -> Cells:
    condition = _condition(obj, "Dangling")
    return ["?" if condition is None else condition.get("status", "")]
