"""Validation of pod statuses: addresses, conditions, container states.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go`` (``ValidatePodStatusUpdate``),
``pkg/registry/core/pod/strategy.go``.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from labkit.embedded.apiserver.registry import names
from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.strategies.fields.struct_diff import internal
from labkit.embedded.machinery.request import Object
from labkit.embedded.machinery.schema import schemas

SYSTEM_CONDITIONS = ("PodScheduled", "Ready", "Initialized")
NOT_NEGATIVE = "must be a non-negative integer"


def keep_observed(status: Object, before: Object) -> None:
    """Keep observed generations that a new status leaves out, in place."""
    if not status.get("observedGeneration") and before.get("observedGeneration"):
        status["observedGeneration"] = before["observedGeneration"]
    seen: dict[str, list[int]] = {}
    for condition in before.get("conditions") or ():
        seen.setdefault(condition.get("type", ""), []).append(
            condition.get("observedGeneration", 0)
        )
    for condition in status.get("conditions") or ():
        old = seen.get(condition.get("type", ""))
        generation = old.pop(0) if old else 0
        if not condition.get("observedGeneration") and generation:
            condition["observedGeneration"] = generation


def check_pod_status(new: Object, old: Object, errors: FieldErrors) -> None:
    """Check a changed status; an address that stands alone is completed in place."""
    status, before, spec = new["status"], old["status"], new["spec"]
    _check_conditions(status.get("conditions") or [], errors)
    nominated, was = status.get("nominatedNodeName", ""), before.get("nominatedNodeName", "")
    if nominated and nominated != was:
        errors.check_format("status.nominatedNodeName", nominated, names.dns_subdomain)
        if spec.get("nodeName"):
            errors.forbidden(
                "status.nominatedNodeName",
                "may not be set on pods that are already bound to a node",
            )
    if status.get("observedGeneration", 0) < 0:
        errors.invalid("status.observedGeneration", status["observedGeneration"], NOT_NEGATIVE)
    errors.check_unchanged(
        "status.qosClass", status.get("qosClass", ""), before.get("qosClass", "")
    )
    _complete_addresses(status)
    _check_addresses(
        status.get("podIPs") or [], before.get("podIPs") or [], "podIPs", "PodIP", errors
    )
    hosts = status.get("hostIPs") or []
    if hosts and status.get("hostIP", "") != hosts[0].get("ip", ""):
        errors.invalid("status.hostIPs[0].ip", hosts[0].get("ip", ""), "must be equal to `hostIP`")
    _check_addresses(hosts, before.get("hostIPs") or [], "hostIPs", "HostIP", errors)


def _check_conditions(conditions: list[Object], errors: FieldErrors) -> None:
    for index, condition in enumerate(conditions):
        place, kind = f"status.conditions[{index}]", condition.get("type", "")
        if condition.get("observedGeneration", 0) < 0:
            errors.invalid(
                f"{place}.observedGeneration", condition["observedGeneration"], NOT_NEGATIVE
            )
        errors.invalid_each(
            f"{place}.Type",
            kind,
            names.qualified_name(kind) if kind not in SYSTEM_CONDITIONS else (),
        )


def _complete_addresses(status: Object) -> None:
    """Copy ``podIP`` to ``podIPs`` and back."""
    first, others = status.get("podIP", ""), status.get("podIPs") or []
    if first and (not others or others[0].get("ip") != first):
        status["podIPs"] = [{"ip": first}]
    elif others and not first:
        status["podIP"] = others[0].get("ip", "")


def _check_addresses(
    addresses: list[Object], before: list[Object], field: str, struct: str, errors: FieldErrors
) -> None:
    path = f"status.{field}"
    texts, known = (
        [address.get("ip", "") for address in several] for several in (addresses, before)
    )
    for index, text in enumerate(texts):
        errors.invalid_each(
            f"{path}[{index}]", text, names.address_messages(text) if text not in known else ()
        )
    if len(texts) < 2:
        return
    families: set[Any] = {
        ipaddress.ip_address(text).version for text in texts if names.ip_address(text)
    }
    if len(families) < 2 or len(texts) > 2:
        shown = [internal(schemas()[f"core.v1.{struct}"], address) for address in addresses]
        errors.invalid(path, shown, "may specify no more than one IP for each IP family")
