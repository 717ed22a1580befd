"""Allocates cluster IPs and node ports to services, before they are validated.

Source: k8s.io/kubernetes ``pkg/registry/core/service/storage/alloc.go``.
"""

import ipaddress
from collections.abc import Iterator
from typing import Any

from kube_embedded.machinery.request import Object
from kube_embedded.machinery.status import ApiError

from ...errors import FieldErrors, invalid_object
from ...strategy import StrategyContext
from .cluster_ips import check_cluster_addresses, settle_families
from .service_traffic import EXPOSED

SERVICE_NETWORK: ipaddress.IPv4Network | ipaddress.IPv6Network = ipaddress.ip_network(
    "10.96.0.0/16"
)
NODE_PORTS = (30000, 32767)
OUTSIDE = f"provided port is not in the valid range. The range of valid ports is {NODE_PORTS[0]}-{NODE_PORTS[1]}"


def allocate(context: StrategyContext, obj: Object, old: Object | None) -> None:
    """Allocate the families, the address and the ports of a service, in place.

    Raises:
        ApiError: 422, something asked for is taken, or the cluster does not have it.
    """
    spec = obj["spec"]
    before = old["spec"] if old is not None else None
    if spec["type"] != "ExternalName":
        errors = FieldErrors()
        check_cluster_addresses(spec, errors)
        if not errors:
            settle_families(spec, before, errors)
        if errors:
            raise invalid_object("Service", "", obj["metadata"].get("name", ""), errors)
        if before is None or before["type"] == "ExternalName" or not spec.get("clusterIP"):
            _take_address(context, obj)
    ports = _Ports(context, obj)
    if spec["type"] in EXPOSED:
        ports.take_all()


def _refused(obj: Object, field: str, value: Any, detail: str) -> ApiError:
    errors = FieldErrors()
    errors.invalid(field, value, detail)
    return invalid_object("Service", "", obj["metadata"].get("name", ""), errors)


def _internal(message: str) -> ApiError:
    return ApiError(
        500,
        "InternalError",
        f"Internal error occurred: {message}",
        {"causes": [{"message": message}]},
    )


def _others(context: StrategyContext, obj: Object) -> Iterator[Object]:
    """The specs of all other services."""
    metadata = obj["metadata"]
    mine = (metadata.get("namespace"), metadata.get("name"))
    for service in context.objects("", "Service", ""):
        if (service["metadata"]["namespace"], service["metadata"]["name"]) != mine:
            yield service["spec"]


def _take_address(context: StrategyContext, obj: Object) -> None:
    spec = obj["spec"]
    requested = spec.get("clusterIP", "")
    if requested == "None":
        return
    used = {address for other in _others(context, obj) for address in other.get("clusterIPs") or ()}
    problem = ""
    if not requested:
        spec["clusterIP"] = _free_address(context, used)
        spec["clusterIPs"] = [spec["clusterIP"]]
    # A dry run does not allocate, so it cannot detect addresses that are in use.
    elif context.dry_run:
        if not _in_the_range(requested):
            problem = (
                f"the provided IP ({requested}) is not in the valid range. "
                f"The range of valid IPs is {SERVICE_NETWORK}"
            )
    elif requested in used:
        problem = "provided IP is already allocated"
    elif not _in_the_range(requested):
        problem = "the provided network does not match the current range"
    if problem:
        raise _refused(
            obj, "spec.clusterIPs", [requested], f"failed to allocate IP {requested}: {problem}"
        )


def _free_address(context: StrategyContext, used: set[str]) -> str:
    # KEP-3070: the first 256 addresses of a /16 are for those who ask for one by name.
    first = int(SERVICE_NETWORK.network_address)
    while True:
        address = str(ipaddress.ip_address(first + context.random.randrange(256, 65534)))
        if address not in used:
            return address


def _in_the_range(requested: str) -> bool:
    """Return whether an address is in the range for services."""
    edges = (SERVICE_NETWORK.network_address, SERVICE_NETWORK.broadcast_address)
    address = ipaddress.ip_address(requested)
    return address in SERVICE_NETWORK and address not in edges


class _Ports:
    """The node ports of one service."""

    def __init__(self, context: StrategyContext, obj: Object) -> None:
        self._random = context.random
        self._dry_run = context.dry_run
        self._obj = obj
        self._used: set[int] = set()
        for other in () if context.dry_run else _others(context, obj):
            self._used.update(
                port["nodePort"] for port in other.get("ports") or () if port.get("nodePort")
            )

    def take_all(self) -> None:
        """Allocate a node port for each port; ports of the same number share it."""
        spec = self._obj["spec"]
        # A port over TCP and UDP, as DNS has it, gets one node port for both protocols.
        by_number: dict[int, int] = {}
        requested: dict[int, int] = {}
        for port in spec.get("ports") or ():
            if port.get("nodePort"):
                requested.setdefault(port.get("port"), port["nodePort"])
        for index, port in enumerate(spec.get("ports") or ()):
            number = port.get("port", 0)
            asked = port.get("nodePort", 0)
            if (
                not asked
                and spec["type"] == "LoadBalancer"
                and spec.get("allocateLoadBalancerNodePorts") is False
            ):
                continue
            known = by_number.get(number, 0)
            if known and asked in (0, known):
                port["nodePort"] = known
                continue
            if not known:
                asked = asked or requested.get(number, 0)
            port["nodePort"] = self._take(asked, f"spec.ports[{index}].nodePort")
            by_number.setdefault(number, port["nodePort"])

    def _problem(self, number: int) -> str:
        if not self._dry_run and not NODE_PORTS[0] <= number <= NODE_PORTS[1]:
            return OUTSIDE
        return "provided port is already allocated" if number in self._used else ""

    def _take(self, port: int, path: str) -> int:
        problem = self._problem(port) if port else ""
        if problem:
            raise _refused(self._obj, path, port, problem)
        number = port or self._free()
        self._used.add(number)
        return number

    def _free(self) -> int:
        every = range(NODE_PORTS[0], NODE_PORTS[1] + 1)
        if len(self._used) >= len(every) and self._used.issuperset(every):
            raise _internal("failed to allocate a nodePort: range is full")
        while True:
            number = self._random.randrange(NODE_PORTS[0], NODE_PORTS[1] + 1)
            if number not in self._used:
                return number
