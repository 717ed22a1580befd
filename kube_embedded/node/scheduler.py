"""The scheduler: there is one node, so it checks only whether a pod fits.

Source: k8s.io/kubernetes ``pkg/scheduler``.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import chain, product

from ..machinery.objects import find_condition, namespace_of
from ..machinery.pods.placement import UNSCHEDULABLE, node_suits, tolerated
from ..machinery.pods.state import has_ended
from ..machinery.request import Object
from ..machinery.schema.values import NANO, amount
from .api import ClusterApi, NodeSettings
from .pod.events import Recorder
from .pod.pod_status import Conditions, qos_class, unscheduled

MANAGER = "kube-scheduler"
ANY_ADDRESS = "0.0.0.0"
TAIL = "no new claims to deallocate, preemption: 0/1 nodes are available: 1 {}."
HELPLESS = "Preemption is not helpful for scheduling"
VICTIMLESS = "No preemption victims found for incoming pod"


class Scheduler:
    """Binds pods to the node."""

    def __init__(self, api: ClusterApi, settings: NodeSettings, recorder: Recorder) -> None:
        self._api = api
        self._settings = settings
        self._recorder = recorder

    def schedule(self, pod: Object, now: float) -> None:
        """Bind a pod without a node, or record why it does not fit."""
        spec = pod["spec"]
        # A pod of another scheduler waits for it, and one with gates until they are removed (KEP 3521).
        other = spec.get("schedulerName", "default-scheduler") != "default-scheduler"
        if other or spec.get("nodeName") or spec.get("schedulingGates"):
            return
        problem = self._problem(pod)
        if problem:
            self._refuse(pod, problem, now)
            return
        metadata = pod["metadata"]

        def bind(obj: Object) -> None:
            obj["spec"]["nodeName"] = self._settings.name
            conditions = Conditions(obj, now)
            conditions.add("PodScheduled", True)
            obj["status"] |= {"conditions": conditions.items, "qosClass": qos_class(spec)}

        bound = self._api.edit("pods", pod, bind, manager=MANAGER)
        message = f"Successfully assigned {metadata['namespace']}/{metadata['name']} to {self._settings.name}"
        self._recorder.record(bound, "Scheduled", message, source="default-scheduler")

    def _refuse(self, pod: Object, problem: str, now: float) -> None:
        # The scheduler tries again and again; its condition and its event come once for each problem.
        scheduled = find_condition(pod, "PodScheduled")
        if scheduled is not None and scheduled.get("message") == problem:
            return
        status = unscheduled(pod, problem, now)
        refused = self._api.edit(
            "pods",
            pod,
            lambda obj: obj.update(status=status),
            manager=MANAGER,
            subresource="status",
        )
        self._recorder.record(
            refused, "FailedScheduling", problem, kind="Warning", source="default-scheduler"
        )

    def _problem(self, pod: Object) -> str:
        node = self._api.get("nodes", "", self._settings.name)
        # Somebody has deleted the node; its kubelet registers it again at the next start only.
        if node is None:
            return "no nodes available to schedule pods"
        spec = pod["spec"]
        for volume in spec.get("volumes") or ():
            claim = (volume.get("persistentVolumeClaim") or {}).get("claimName")
            if claim:
                stored = self._api.get("persistentvolumeclaims", namespace_of(pod), claim)
                if stored is None:
                    missing = f'persistentvolumeclaim "{claim}" not found'
                    return f"0/1 nodes are available: {missing}. not found"
        # In the order of the real scheduler's plugins: the reason comes from the first that refuses the node.
        tolerations = spec.get("tolerations") or ()
        if node["spec"].get("unschedulable") and not tolerated(tolerations, UNSCHEDULABLE):
            return _unavailable("1 node(s) were unschedulable", HELPLESS)
        for taint in node["spec"].get("taints") or ():
            prevents = taint.get("effect") in ("NoSchedule", "NoExecute")
            if prevents and not tolerated(tolerations, taint):
                return _unavailable("1 node(s) had untolerated taint(s)", HELPLESS)
        if not node_suits(spec, node):
            return _unavailable("1 node(s) didn't match Pod's node affinity/selector", HELPLESS)
        others = [
            other
            for other in self._api.list("pods")
            if other["spec"].get("nodeName") == self._settings.name and not has_ended(other)
        ]
        if ports_clash(spec, others):
            reason = "1 node(s) didn't have free ports for the requested pod ports"
            return _unavailable(reason, VICTIMLESS)
        return _shortage(pod, node, others)


def ports_clash(spec: Object, others: Sequence[Object]) -> bool:
    """Return whether a pod requests a host port that another pod has."""
    requested = _host_ports(spec)
    used = [port for other in others for port in _host_ports(other["spec"])]
    return any(
        port[:2] == other[:2] and (ANY_ADDRESS in (port[2], other[2]) or port[2] == other[2])
        for port, other in product(requested, used)
    )


def _host_ports(spec: Object) -> list[tuple[int, str, str]]:
    ports = chain.from_iterable(container.get("ports") or () for container in spec["containers"])
    return [
        (port["hostPort"], port.get("protocol") or "TCP", port.get("hostIP") or ANY_ADDRESS)
        for port in ports
        if port.get("hostPort")
    ]


def _unavailable(reason: str, preemption: str) -> str:
    """Return the scheduler's message: why the node does not fit, and why preemption does not help."""
    return f"0/1 nodes are available: {reason}. {TAIL.format(preemption)}"


def _shortage(pod: Object, node: Object, others: Sequence[Object]) -> str:
    """Return the message if the node lacks resources for a pod and the others, or an empty text."""
    allocatable = node["status"].get("allocatable") or {}
    requested = _requests([pod])
    used = _requests(others)
    room = {name: amount(allocatable.get(name, "0")) for name in requested}
    short = [name for name in sorted(requested) if requested[name]]
    short = [name for name in short if used[name] + requested[name] > room[name]]
    reasons = [f"1 Insufficient {name}" for name in short]
    if (len(others) + 1) * NANO > amount(allocatable.get("pods", "110")):
        reasons.append("1 Too many pods")
    if not reasons:
        return ""
    # Preemption would help if the pod fitted into an empty node; but there are no priorities here.
    never = any(requested[name] > room[name] for name in short)
    return _unavailable(", ".join(reasons), HELPLESS if never else VICTIMLESS)


def _requests(pods: Sequence[Object]) -> Counter[str]:
    """Return the requests of pods together, in billionths."""
    # A limit without a request has become the request, too: that is a default of the API server.
    total: Counter[str] = Counter()
    for container in chain.from_iterable(pod["spec"]["containers"] for pod in pods):
        for name, value in ((container.get("resources") or {}).get("requests") or {}).items():
            total[name] += amount(value)
    return total
