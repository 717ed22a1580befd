"""Warnings for services with fields that are legal but deprecated or ignored.

Source: k8s.io/kubernetes ``pkg/api/service/warnings.go``.
"""

from collections.abc import Iterator

from kube_embedded.machinery.request import Object

from ..fields.addresses import address_warnings

HINTS = "service.kubernetes.io/topology-aware-hints"
MODE = "service.kubernetes.io/topology-mode"


def service_warnings(service: Object) -> Iterator[str]:
    """Yield the texts for ``Warning`` headers."""
    spec = service["spec"]
    named = spec["type"] == "ExternalName"
    headless = spec["type"] == "ClusterIP" and spec.get("clusterIP") == "None"
    outside = spec.get("externalIPs") or []
    if HINTS in (service["metadata"].get("annotations") or {}):
        yield f"annotation {HINTS} is deprecated, please use {MODE} instead"
    for index, address in enumerate(spec.get("clusterIPs") or ()):
        yield from address_warnings(address, f"spec.clusterIPs[{index}]")
    for field, ignored in (
        ("loadBalancerIP", spec.get("loadBalancerIP")),
        ("externalIPs", outside),
        # The real server names this field as its Go struct does.
        ("SessionAffinity", spec.get("sessionAffinity") != "None"),
    ):
        if headless and ignored:
            yield f"spec.{field} is ignored for headless services"
    for index, address in enumerate(outside):
        yield from address_warnings(address, f"spec.externalIPs[{index}]")
    if outside and not headless and not named:
        yield "spec.externalIPs is deprecated and may no longer be implemented in some clusters"
    yield from address_warnings(spec.get("loadBalancerIP", ""), "spec.loadBalancerIP")
    if outside and named:
        yield 'spec.externalIPs is ignored when spec.type is "ExternalName"'
    if spec.get("externalName") and not named:
        yield 'spec.externalName is ignored when spec.type is not "ExternalName"'
    if spec.get("trafficDistribution") == "PreferClose":
        yield 'spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"'
