"""Rules for the status of a pod: its conditions, nominated node and addresses.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go`` (``ValidatePodStatusUpdate``),
``pkg/registry/core/pod/strategy.go``.
"""

import ipaddress
from typing import Any

from kube_embedded.machinery.request import Object

from ...errors import FieldErrors
from ...names import address_messages, dns_subdomain, ip_address, qualified_name
from ..fields.rules import each, fields, must
from ..fields.struct_diff import go_struct

# Conditions that the server sets itself; their names have no domain.
SYSTEM_CONDITIONS = ("PodScheduled", "Ready", "Initialized")
GENERATION = must(lambda generation: generation >= 0, "must be a non-negative integer")


def _check_type(condition: Any, path: str, errors: FieldErrors) -> None:
    name = condition.get("type", "")
    GENERATION(condition.get("observedGeneration"), f"{path}.observedGeneration", errors)
    if name not in SYSTEM_CONDITIONS:
        # The real server writes the field's name in Go.
        errors.check_format(f"{path}.Type", name, qualified_name)


CONDITIONS = fields(conditions=each(_check_type))


def check_pod_status(new: Object, old: Object, errors: FieldErrors) -> None:
    """Check a changed status; a single address is completed in place."""
    status = new["status"]
    before = old["status"]
    CONDITIONS(status, "status", errors)
    node = status.get("nominatedNodeName", "")
    if node and node != before.get("nominatedNodeName", ""):
        errors.check_format("status.nominatedNodeName", node, dns_subdomain)
        if new["spec"].get("nodeName"):
            detail = "may not be set on pods that are already bound to a node"
            errors.forbidden("status.nominatedNodeName", detail)
    GENERATION(status.get("observedGeneration"), "status.observedGeneration", errors)
    quality = status.get("qosClass", "")
    errors.check_unchanged("status.qosClass", quality, before.get("qosClass", ""))
    _complete_addresses(status)
    _check_addresses(status, before, "podIPs", "PodIP", errors)
    hosts = status.get("hostIPs") or []
    if hosts and status.get("hostIP", "") != hosts[0].get("ip", ""):
        errors.invalid("status.hostIPs[0].ip", hosts[0].get("ip", ""), "must be equal to `hostIP`")
    _check_addresses(status, before, "hostIPs", "HostIP", errors)


def _complete_addresses(status: Object) -> None:
    """Copy ``podIP`` to ``podIPs`` and back."""
    first = status.get("podIP", "")
    addresses = status.get("podIPs") or []
    if first and (not addresses or addresses[0].get("ip") != first):
        status["podIPs"] = [{"ip": first}]
    elif addresses and not first:
        status["podIP"] = addresses[0].get("ip", "")


def _check_addresses(
    status: Object, before: Object, field: str, struct: str, errors: FieldErrors
) -> None:
    addresses = status.get(field) or []
    known = [address.get("ip", "") for address in before.get(field) or ()]
    families = set()
    for index, address in enumerate(addresses):
        text = address.get("ip", "")
        if text not in known:
            errors.check_format(f"status.{field}[{index}]", text, address_messages)
        if ip_address(text):
            families.add(ipaddress.ip_address(text).version)
    if len(addresses) > max(len(families), 1):
        printed = [go_struct(f"core.v1.{struct}", address) for address in addresses]
        detail = "may specify no more than one IP for each IP family"
        errors.invalid(f"status.{field}", printed, detail)
