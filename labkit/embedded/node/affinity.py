"""Pod affinity and host ports: whether a pod fits beside those on a node.

Source: k8s.io/kubernetes ``pkg/scheduler/framework/plugins/{interpodaffinity,nodeports}``.
"""

from __future__ import annotations

from collections.abc import Sequence

from labkit.embedded.apiserver.registry.strategies.fields.selectors import selects
from labkit.embedded.machinery.pods.placement import REQUIRED
from labkit.embedded.machinery.request import Object


def ports_clash(spec: Object, others: Sequence[Object]) -> bool:
    """Whether a pod requests a host port that another pod has."""
    wanted = _host_ports(spec)
    return any(
        port == one and protocol == other and ("0.0.0.0" in (address, where) or address == where)
        for pod in others
        for one, other, where in _host_ports(pod["spec"])
        for port, protocol, address in wanted
    )


def _host_ports(spec: Object) -> list[tuple[int, str, str]]:
    return [
        (int(port["hostPort"]), str(port.get("protocol") or "TCP"), str(port.get("hostIP") or "0.0.0.0"))
        for container in spec.get("containers") or ()
        for port in container.get("ports") or ()
        if port.get("hostPort")
    ]


def pods_suit(pod: Object, others: Sequence[Object], node: Object) -> str:
    """The scheduler's message about a pod (anti-)affinity term that the only node does not meet, empty for none."""
    labels = node["metadata"].get("labels") or {}
    for other in others:
        for term in _terms(other, "podAntiAffinity"):
            if term.get("topologyKey") in labels and _selects(term, other, pod):
                return "node(s) didn't satisfy existing pods anti-affinity rules"
    for term in _terms(pod, "podAffinity"):
        together = any(_selects(term, pod, other) for other in others)
        # The first pod of a group with affinity to itself has none to join yet.
        if term.get("topologyKey") not in labels or not (together or _selects(term, pod, pod)):
            return "node(s) didn't match pod affinity rules"
    for term in _terms(pod, "podAntiAffinity"):
        if term.get("topologyKey") in labels and any(_selects(term, pod, other) for other in others):
            return "node(s) didn't match pod anti-affinity rules"
    return ""


def _terms(pod: Object, kind: str) -> Sequence[Object]:
    found: Sequence[Object] = ((pod["spec"].get("affinity") or {}).get(kind) or {}).get(REQUIRED) or ()
    return found


def _selects(term: Object, owner: Object, other: Object) -> bool:
    """Whether a term of one pod's affinity selects another pod."""
    namespaces = term.get("namespaces") or ()
    everywhere = term.get("namespaceSelector") == {}
    if not namespaces and term.get("namespaceSelector") is None:
        namespaces = (owner["metadata"]["namespace"],)
    if not everywhere and other["metadata"]["namespace"] not in namespaces:
        return False
    selector = term.get("labelSelector")
    return selector is not None and selects(selector, other["metadata"].get("labels") or {})
