"""API services, flow schemas, priority levels, admission policies and their bindings."""

from __future__ import annotations

from labkit.embedded.apiserver.handlers.represent.tables.model import Cells, Printer, printer
from labkit.embedded.apiserver.handlers.represent.tables.text import selector
from labkit.embedded.machinery.request import Object

ADMISSION = "admissionregistration.k8s.io"


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


def _policy(obj: Object, now: float) -> Cells:
    kind = (obj.get("spec") or {}).get("paramKind")
    return ["<unset>" if kind is None else f"{kind.get('apiVersion', '')}/{kind.get('kind', '')}"]


def _binding(obj: Object, now: float) -> Cells:
    param = (obj.get("spec") or {}).get("paramRef") or {}
    named = f"{param.get('namespace') or '*'}/{param['name']}" if param.get("name") else ""
    return [named or (selector(param["selector"]) if "selector" in param else "<unset>")]


POLICIES = [Printer(f"{word}admissionpolicies.{ADMISSION}", _policy) for word in ("mutating", "validating")]
POLICIES += [Printer(f"{word}admissionpolicybindings.{ADMISSION}", _binding) for word in ("mutating", "validating")]
