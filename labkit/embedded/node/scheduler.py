"""The scheduler: there is one node, so it checks only whether a pod fits.

Source: k8s.io/kubernetes ``pkg/scheduler``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from labkit.embedded.machinery.objects import conditions_of, namespace_of
from labkit.embedded.machinery.pods.placement import UNSCHEDULABLE, node_suits, tolerated
from labkit.embedded.machinery.pods.state import has_ended
from labkit.embedded.machinery.request import Object
from labkit.embedded.machinery.schema.values import amount
from labkit.embedded.node.api import ClusterApi, NodeSettings
from labkit.embedded.node.pod.events import Recorder
from labkit.embedded.node.pod.pod_status import Conditions, qos_class, unscheduled

MANAGER = "kube-scheduler"
UNIT = amount("1")
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
        if (
            spec.get("nodeName")
            or spec.get("schedulerName", "default-scheduler") != "default-scheduler"
        ):
            return
        if spec.get("schedulingGates"):
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
            obj["status"] = {
                **(obj.get("status") or {}),
                "conditions": conditions.items,
                "qosClass": qos_class(spec),
            }

        bound = self._api.edit("pods", pod, bind, manager=MANAGER)
        message = f"Successfully assigned {metadata['namespace']}/{metadata['name']} to {self._settings.name}"
        self._recorder.record(bound, "Scheduled", message, source="default-scheduler")

    def _refuse(self, pod: Object, problem: str, now: float) -> None:
        conditions = conditions_of(pod)
        if any(
            one["type"] == "PodScheduled" and one.get("message") == problem for one in conditions
        ):
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
        if node is None:
            return "no nodes available to schedule pods"
        spec = pod["spec"]
        for volume in spec.get("volumes") or ():
            claim = (volume.get("persistentVolumeClaim") or {}).get("claimName")
            if claim and self._api.get("persistentvolumeclaims", namespace_of(pod), claim) is None:
                return (
                    f'0/1 nodes are available: persistentvolumeclaim "{claim}" not found. not found'
                )
        tolerations = spec.get("tolerations") or ()
        if node["spec"].get("unschedulable") and not tolerated(tolerations, UNSCHEDULABLE):
            return _unavailable("1 node(s) were unschedulable", HELPLESS)
        for taint in node["spec"].get("taints") or ():
            if taint.get("effect") in ("NoSchedule", "NoExecute") and not tolerated(
                tolerations, taint
            ):
                return _unavailable("1 node(s) had untolerated taint(s)", HELPLESS)
        if not node_suits(spec, node):
            return _unavailable("1 node(s) didn't match Pod's node affinity/selector", HELPLESS)
        others = [
            other
            for other in self._api.list("pods")
            if other["spec"].get("nodeName") == self._settings.name and not has_ended(other)
        ]
        if ports_clash(spec, others):
            return _unavailable(
                "1 node(s) didn't have free ports for the requested pod ports", VICTIMLESS
            )
        return _shortage(pod, node, others)


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
        (
            int(port["hostPort"]),
            str(port.get("protocol") or "TCP"),
            str(port.get("hostIP") or "0.0.0.0"),
        )
        for container in spec.get("containers") or ()
        for port in container.get("ports") or ()
        if port.get("hostPort")
    ]


def _unavailable(reason: str, preemption: str) -> str:
    """The scheduler's message: why the node does not fit, and why preemption does not help."""
    return f"0/1 nodes are available: {reason}. {TAIL.format(preemption)}"


def _shortage(pod: Object, node: Object, others: Sequence[Object]) -> str:
    """The message if the node lacks resources for a pod beside the others, or empty."""
    allocatable = (node.get("status") or {}).get("allocatable") or {}
    wanted = _requests([pod])
    used = _requests(others)
    room = {name: amount(allocatable.get(name, "0")) for name in wanted}
    short = [name for name, value in wanted.items() if value and used[name] + value > room[name]]
    reasons = [f"1 Insufficient {name}" for name in sorted(short)]
    if (len(others) + 1) * UNIT > amount(allocatable.get("pods", "110")):
        reasons.append("1 Too many pods")
    never = any(wanted[name] > room[name] for name in short)
    return _unavailable(", ".join(reasons), HELPLESS if never else VICTIMLESS) if reasons else ""


def _requests(pods: Sequence[Object]) -> Counter[str]:
    """The requests of pods together, in billionths; where a limit has no request, it was the request's default."""
    total: Counter[str] = Counter()
    for container in (
        container for pod in pods for container in pod["spec"].get("containers") or ()
    ):
        for name, value in ((container.get("resources") or {}).get("requests") or {}).items():
            total[name] += amount(value)
    return total
