"""Warnings for services with fields that are legal but deprecated or ignored.

Source: k8s.io/kubernetes ``pkg/api/service/warnings.go``.
"""

from __future__ import annotations

from labkit.embedded.apiserver.registry.strategies.fields.addresses import address_warnings
from labkit.embedded.machinery.request import Object

HINTS = "service.kubernetes.io/topology-aware-hints"
MODE = "service.kubernetes.io/topology-mode"


def service_warnings(service: Object) -> list[str]:
    """Texts for ``Warning`` headers."""
    spec = service["spec"]
    outside, kind = spec.get("externalIPs") or [], spec["type"]
    headless = kind == "ClusterIP" and spec.get("clusterIP") == "None"
    found: list[str] = []
    if HINTS in (service["metadata"].get("annotations") or {}):
        found.append(f"annotation {HINTS} is deprecated, please use {MODE} instead")
    for index, address in enumerate(spec.get("clusterIPs") or ()):
        found += address_warnings(address, f"spec.clusterIPs[{index}]")
    if headless:
        if spec.get("loadBalancerIP"):
            found.append("spec.loadBalancerIP is ignored for headless services")
        if outside:
            found.append("spec.externalIPs is ignored for headless services")
        if spec.get("sessionAffinity") != "None":
            found.append("spec.SessionAffinity is ignored for headless services")
    for index, address in enumerate(outside):
        found += address_warnings(address, f"spec.externalIPs[{index}]")
    if outside and not headless and kind != "ExternalName":
        found.append(
            "spec.externalIPs is deprecated and may no longer be implemented in some clusters"
        )
    found += address_warnings(spec.get("loadBalancerIP", ""), "spec.loadBalancerIP")
    if outside and kind == "ExternalName":
        found.append('spec.externalIPs is ignored when spec.type is "ExternalName"')
    if kind != "ExternalName" and spec.get("externalName"):
        found.append('spec.externalName is ignored when spec.type is not "ExternalName"')
    if spec.get("trafficDistribution") == "PreferClose":
        found.append('spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"')
    return found
