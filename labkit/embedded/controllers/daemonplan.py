"""Which pods a daemon set lacks and which are to be deleted, as pure functions.

Source: k8s.io/kubernetes ``pkg/controller/daemon/{daemon_controller,update}.go``, ``util/daemonset_util.go``.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from labkit.embedded.controllers.rolling import scaled
from labkit.embedded.machinery.objects import is_deleted, labels_of, name_of
from labkit.embedded.machinery.pods.placement import REQUIRED, node_suits, tolerated
from labkit.embedded.machinery.pods.state import has_ended, is_available, ready_since
from labkit.embedded.machinery.request import Object

HASH, GENERATION = "controller-revision-hash", "pod-template-generation"
TOLERATIONS = tuple(
    {"key": f"node.kubernetes.io/{key}", "operator": "Exists", "effect": effect}
    for key, effect in (
        ("not-ready", "NoExecute"),
        ("unreachable", "NoExecute"),
        ("disk-pressure", "NoSchedule"),
        ("memory-pressure", "NoSchedule"),
        ("pid-pressure", "NoSchedule"),
        ("unschedulable", "NoSchedule"),
    )
)
"""The tolerations of every daemon pod: it stays on a node with problems."""
OF_HOST_NETWORK = {
    "key": "node.kubernetes.io/network-unavailable",
    "operator": "Exists",
    "effect": "NoSchedule",
}
Placed = dict[str, list[Object]]
"""The name of a node to the pods on it, or bound for it by node affinity."""


@dataclass
class Plan:
    """The next steps of a daemon set: nodes that lack a pod, and pods to delete."""

    nodes: list[str] = field(default_factory=list)
    pods: list[Object] = field(default_factory=list)


def tolerations(spec: Object) -> list[Object]:
    """The tolerations of a daemon pod: its own, and those of every daemon pod."""
    added = [*TOLERATIONS, *([OF_HOST_NETWORK] if spec.get("hostNetwork") else [])]
    own = [one for one in spec.get("tolerations") or () if one not in added]
    return own + [dict(one) for one in added]


def bound_to(spec: Object, node: str) -> Object:
    """A copy of a pod's spec whose node affinity only one node meets."""
    spec = copy.deepcopy(dict(spec))
    affinity = spec.setdefault("affinity", {}).setdefault("nodeAffinity", {})
    field = {"key": "metadata.name", "operator": "In", "values": [node]}
    affinity[REQUIRED] = {"nodeSelectorTerms": [{"matchFields": [field]}]}
    spec["tolerations"] = tolerations(spec)
    return spec


def node_of(pod: Object) -> str:
    """The node that a pod is on, or bound for by node affinity."""
    if pod["spec"].get("nodeName"):
        return str(pod["spec"]["nodeName"])
    required = ((pod["spec"].get("affinity") or {}).get("nodeAffinity") or {}).get(REQUIRED) or {}
    for term in required.get("nodeSelectorTerms") or ():
        for one in term.get("matchFields") or ():
            if (one.get("key"), one.get("operator")) == ("metadata.name", "In") and len(
                one.get("values") or ()
            ) == 1:
                return str(one["values"][0])
    return ""


def placed(pods: Iterable[Object]) -> Placed:
    """Pods by their nodes, the oldest first, without those that have ended and are deleted."""
    found: Placed = {}
    for pod in sorted(pods, key=_age):
        over = has_ended(pod) and is_deleted(pod)
        if not over and node_of(pod):
            found.setdefault(node_of(pod), []).append(pod)
    return found


def _age(pod: Object) -> tuple[bool, str, str]:
    metadata = pod["metadata"]
    return not pod["spec"].get("nodeName"), metadata["creationTimestamp"], metadata["name"]


def may_run(daemon_set: Object, node: Object) -> tuple[bool, bool]:
    """Whether a node should have a pod, and whether one that it has may stay."""
    spec = daemon_set["spec"]["template"]["spec"]
    if spec.get("nodeName") not in (None, "", name_of(node)) or not node_suits(spec, node):
        return False, False
    accepted = tolerations(spec)
    effects = {
        taint.get("effect")
        for taint in node["spec"].get("taints") or ()
        if not tolerated(accepted, taint)
    }
    return not effects & {"NoSchedule", "NoExecute"}, "NoExecute" not in effects


def is_updated(pod: Object, revision: str) -> bool:
    """Whether a pod was created from the present template."""
    return labels_of(pod).get(HASH) == revision


def steady(daemon_set: Object, nodes: list[Object], on: Placed, revision: str, now: float) -> Plan:
    """The steps after which each suitable node has one pod, of any template."""
    plan = Plan()
    for node in nodes:
        name = name_of(node)
        should, may_stay = may_run(daemon_set, node)
        alive = [pod for pod in on.get(name, ()) if not is_deleted(pod)]
        if should and name not in on:
            plan.nodes.append(name)
        elif not may_stay:
            plan.pods += alive
        else:
            ended = [pod for pod in alive if has_ended(pod)]
            plan.pods += ended
            alive = [pod for pod in alive if pod not in ended]
            plan.pods += alive[1:]
    known = {name_of(node) for node in nodes}
    for name in on.keys() - known:  # these nodes do not exist
        plan.pods += [pod for pod in on[name] if not pod["spec"].get("nodeName")]
    return plan


def rolled(daemon_set: Object, nodes: list[Object], on: Placed, revision: str, now: float) -> Plan:
    """The steps of a rolling update: replace pods of former templates, a few at a time."""
    wanting = {name_of(node) for node in nodes if may_run(daemon_set, node)[0]}
    unavailable = most_unavailable(daemon_set, len(wanting))
    plan, missing = Plan(), 0
    ready: list[Any] = []
    for name in sorted(on.keys() | wanting):
        alive = [pod for pod in on.get(name, ()) if not is_deleted(pod)]
        new = [pod for pod in alive if is_updated(pod, revision)]
        old = [pod for pod in alive if not is_updated(pod, revision)]
        if len(new) > 1 or len(old) > 1 or bool(new) == bool(old):
            missing += 1
        elif new:
            missing += not _available(daemon_set, new[0], now)
        elif not _available(daemon_set, old[0], now):
            plan.pods.append(old[0])
            missing += 1
        else:
            ready.append(old[0])
    plan.pods += ready[: max(unavailable - missing, 0)]
    return plan


def _available(daemon_set: Object, pod: Object, now: float) -> bool:
    return is_available(pod, daemon_set["spec"].get("minReadySeconds", 0), now)


def most_unavailable(daemon_set: Object, desired: int) -> int:
    """``maxUnavailable`` of a daemon set, in nodes; one where it is zero for the sake of a surge."""
    strategy = daemon_set["spec"]["updateStrategy"]
    if strategy.get("type") != "RollingUpdate":
        return 0
    rolling = strategy.get("rollingUpdate") or {}
    return scaled(rolling.get("maxUnavailable", 1), desired, up=True) or min(desired, 1)


def counts(
    daemon_set: Object, nodes: list[Object], on: Placed, revision: str, now: float
) -> dict[str, int]:
    """The status of a daemon set."""
    desired = current = wrong = ready = updated = available = 0
    for node in nodes:
        pods, (should, _) = on.get(name_of(node)), may_run(daemon_set, node)
        desired += should
        if pods and should:
            current += 1
            ready += ready_since(pods[0]) is not None
            available += _available(daemon_set, pods[0], now)
            updated += is_updated(pods[0], revision)
        elif pods:
            wrong += 1
    found = {
        "currentNumberScheduled": current,
        "numberMisscheduled": wrong,
        "desiredNumberScheduled": desired,
        "numberReady": ready,
        "observedGeneration": daemon_set["metadata"].get("generation", 1),
    }
    more = {
        "updatedNumberScheduled": updated,
        "numberAvailable": available,
        "numberUnavailable": desired - available,
    }
    return found | {name: count for name, count in more.items() if count}
