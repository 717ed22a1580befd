"""Which pods a daemon set lacks and which are to be deleted, as pure functions.

Source: k8s.io/kubernetes ``pkg/controller/daemon/{daemon_controller,update}.go``, ``util/daemonset_util.go``.
"""

import copy
from collections.abc import Iterable

from ..machinery.objects import is_deleted, labels_of, name_of
from ..machinery.pods.placement import REQUIRED, node_suits, tolerated
from ..machinery.pods.state import has_ended, is_available, ready_since
from ..machinery.request import Object
from .rolling import by_age, scaled

HASH = "controller-revision-hash"
GENERATION = "pod-template-generation"

# A daemon pod stays on a node with problems: it is often the one that reports them. The list is that of
# AddOrUpdateDaemonPodTolerations.
TOLERATIONS = tuple(
    {"key": f"node.kubernetes.io/{key}", "operator": "Exists", "effect": effect}
    for key, effect in (
        ("not-ready", "NoExecute"),
        ("unreachable", "NoExecute"),
        ("disk-pressure", "NoSchedule"),
        ("memory-pressure", "NoSchedule"),
        ("pid-pressure", "NoSchedule"),
        ("unschedulable", "NoSchedule"),
        ("network-unavailable", "NoSchedule"),  # the last one for pods on the host's network only
    )
)
PodsByNode = dict[str, list[Object]]
"""The name of a node to the pods on it, or bound for it by node affinity."""


def tolerations(spec: Object) -> list[Object]:
    """Return the tolerations of a daemon pod: its own, and the ones that every daemon pod gets."""
    added = [dict(item) for item in TOLERATIONS]
    if not spec.get("hostNetwork"):
        added.pop()
    return [item for item in spec.get("tolerations") or () if item not in added] + added


def bound_to(spec: Object, node: str) -> Object:
    """Return a copy of a pod's spec whose node affinity only one node meets."""
    # Not by ``nodeName``: since 1.12 the scheduler binds daemon pods, so that its checks apply to them.
    spec = copy.deepcopy(dict(spec))
    affinity = spec.setdefault("affinity", {}).setdefault("nodeAffinity", {})
    name = {"key": "metadata.name", "operator": "In", "values": [node]}
    affinity[REQUIRED] = {"nodeSelectorTerms": [{"matchFields": [name]}]}
    spec["tolerations"] = tolerations(spec)
    return spec


def node_of(pod: Object) -> str:
    """Return the node that a pod is on, or bound for by node affinity; see ``bound_to``."""
    if pod["spec"].get("nodeName"):
        return str(pod["spec"]["nodeName"])
    required = ((pod["spec"].get("affinity") or {}).get("nodeAffinity") or {}).get(REQUIRED) or {}
    for term in required.get("nodeSelectorTerms") or ():
        for item in term.get("matchFields") or ():
            if (item.get("key"), item.get("operator")) == ("metadata.name", "In"):
                return str(item["values"][0])
    return ""


def by_node(pods: Iterable[Object]) -> PodsByNode:
    """Group pods by their nodes, the oldest first, without those that have ended and are deleted."""
    groups: PodsByNode = {}
    # A pod that the scheduler has bound counts before one that still waits, however old that is.
    for pod in sorted(pods, key=lambda pod: (not pod["spec"].get("nodeName"), by_age(pod))):
        if node_of(pod) and not (has_ended(pod) and is_deleted(pod)):
            groups.setdefault(node_of(pod), []).append(pod)
    return groups


def may_run(daemon_set: Object, node: Object) -> tuple[bool, bool]:
    """Return whether a node should have a pod, and whether an existing pod can stay."""
    spec = daemon_set["spec"]["template"]["spec"]
    if spec.get("nodeName") not in (None, "", name_of(node)) or not node_suits(spec, node):
        return False, False
    accepted = tolerations(spec)
    taints = node["spec"].get("taints") or ()
    effects = {taint.get("effect") for taint in taints if not tolerated(accepted, taint)}
    return not effects & {"NoSchedule", "NoExecute"}, "NoExecute" not in effects


def is_updated(pod: Object, revision: str) -> bool:
    """Return whether a pod was created from the present template."""
    return labels_of(pod).get(HASH) == revision


def next_plan(
    daemon_set: Object, nodes: list[Object], pods: PodsByNode, revision: str, now: float
) -> tuple[list[str], list[Object]]:
    """Return the nodes that lack a pod, and the pods to delete.

    First each suitable node gets one pod, of any template; then pods are replaced.
    """
    lacking = []
    surplus = []
    suitable = set()
    for node in nodes:
        name = name_of(node)
        should, may_stay = may_run(daemon_set, node)
        if should:
            suitable.add(name)
        remaining = _undeleted(pods, name)
        if should and name not in pods:
            lacking.append(name)
        elif not may_stay:
            surplus += remaining
        else:
            working = [pod for pod in remaining if not has_ended(pod)]
            surplus += [pod for pod in remaining if has_ended(pod)] + working[1:]
    # The garbage collector of pods takes those that were bound to a node which is gone, 40 s later; the others
    # would wait for it for ever.
    for name in pods.keys() - {name_of(node) for node in nodes}:
        surplus += [pod for pod in pods[name] if not pod["spec"].get("nodeName")]
    rolling = daemon_set["spec"]["updateStrategy"].get("type") == "RollingUpdate"
    if rolling and not lacking and not surplus:
        surplus = _replaceable(daemon_set, suitable, pods, revision, now)
    return lacking, surplus


def _replaceable(
    daemon_set: Object, suitable: set[str], pods: PodsByNode, revision: str, now: float
) -> list[Object]:
    """Return the pods of former templates to delete now: broken ones all, others a few at a time."""
    broken: list[Object] = []
    ready: list[Object] = []
    missing = 0
    for name in sorted(pods.keys() | suitable):
        remaining = _undeleted(pods, name)
        if len(remaining) != 1:
            missing += 1
        elif is_updated(remaining[0], revision):
            missing += not _available(daemon_set, remaining[0], now)
        elif _available(daemon_set, remaining[0], now):
            ready += remaining
        else:
            broken += remaining
            missing += 1
    return broken + ready[: max(max_unavailable(daemon_set, len(suitable)) - missing, 0)]


def _undeleted(pods: PodsByNode, name: str) -> list[Object]:
    return [pod for pod in pods.get(name, ()) if not is_deleted(pod)]


def _available(daemon_set: Object, pod: Object, now: float) -> bool:
    return is_available(pod, daemon_set["spec"].get("minReadySeconds", 0), now)


def max_unavailable(daemon_set: Object, desired: int) -> int:
    """Return ``maxUnavailable`` of a daemon set, in nodes."""
    rolling = daemon_set["spec"]["updateStrategy"].get("rollingUpdate") or {}
    # It is zero for the sake of a surge, which does not count here; the rollout would not move.
    return scaled(rolling.get("maxUnavailable", 1), desired, up=True) or min(desired, 1)


def daemon_status(
    daemon_set: Object, nodes: list[Object], pods: PodsByNode, revision: str, now: float
) -> dict[str, int]:
    """Return the status of a daemon set."""
    desired = misscheduled = 0
    first: list[Object] = []
    for node in nodes:
        should, _ = may_run(daemon_set, node)
        present = pods.get(name_of(node))
        desired += should
        if present and should:
            first.append(present[0])
        elif present:
            misscheduled += 1
    available = sum(_available(daemon_set, pod, now) for pod in first)
    optional = {
        "updatedNumberScheduled": sum(is_updated(pod, revision) for pod in first),
        "numberAvailable": available,
        "numberUnavailable": desired - available,
    }
    return {
        "currentNumberScheduled": len(first),
        "numberMisscheduled": misscheduled,
        "desiredNumberScheduled": desired,
        "numberReady": sum(ready_since(pod) is not None for pod in first),
        "observedGeneration": daemon_set["metadata"].get("generation", 1),
        **{name: count for name, count in optional.items() if count},
    }
