"""A pod's status: conditions, phase and the states of its containers, as the kubelet writes them.

Sources: k8s.io/kubernetes ``pkg/kubelet/status/generate.go``, ``pkg/kubelet/kubelet_pods.go``.
"""

from __future__ import annotations

from collections.abc import Mapping

from labkit.embedded.apiserver.registry.strategy import timestamp
from labkit.embedded.machinery.objects import conditions_of, is_deleted
from labkit.embedded.machinery.request import Object
from labkit.embedded.machinery.schema.values import parse_quantity, quantity_text

NO_LIMIT = {"limits": {"memory": "9007199254740988Ki"}}
"""The limits in the control group of a pod whose containers have ended."""
NEVER_RAN = "ContainerStatusUnknown"
"""The reason of a container that had not started when its pod was deleted."""


def qos_class(spec: Object) -> str:
    """``Guaranteed``, ``Burstable`` or ``BestEffort``, by requests and limits."""
    containers = [*spec["containers"], *(spec.get("initContainers") or ())]
    any_set = False
    guaranteed = True
    for container in containers:
        resources = container.get("resources") or {}
        requests, limits = resources.get("requests") or {}, resources.get("limits") or {}
        any_set = any_set or bool(
            requests.keys() & {"cpu", "memory"} or limits.keys() & {"cpu", "memory"}
        )
        for name in ("cpu", "memory"):
            if name not in limits or requests.get(name, limits[name]) != limits[name]:
                guaranteed = False
    return "Guaranteed" if guaranteed and any_set else "Burstable" if any_set else "BestEffort"


def sidecar_names(spec: Object) -> set[str]:
    """The names of the sidecars."""
    return {
        one["name"]
        for one in spec.get("initContainers") or ()
        if one.get("restartPolicy") == "Always"
    }


def phase_of(
    spec: Object, init: list[Object], statuses: list[Object], *, deleted: bool = False
) -> str:
    """The phase of a pod by the statuses of its containers; no container of a deleted pod restarts."""
    sidecars = sidecar_names(spec)
    for status in init:
        terminated = status["state"].get("terminated")
        if status["name"] in sidecars:
            if not _begun(status):
                return "Pending"
            continue
        if terminated is None:
            return "Pending"
        if terminated["exitCode"]:
            return "Failed" if spec.get("restartPolicy") == "Never" else "Pending"
    waiting = running = failed = 0
    for status in statuses:
        ended = status["state"].get("terminated") or (status.get("lastState") or {}).get(
            "terminated"
        )
        if status["state"].get("running") is not None:
            running += 1
        elif ended is None or ended.get("reason") == NEVER_RAN:
            waiting += 1
        elif ended["exitCode"]:
            failed += 1
    policy = spec.get("restartPolicy", "Always")
    if waiting:
        return "Pending"
    if running:
        return "Running"
    if deleted:
        return "Failed" if failed else "Succeeded"
    if policy == "Always":
        return "Running"
    if not failed:
        return "Succeeded"
    return "Failed" if policy == "Never" else "Running"


class Conditions:
    """The conditions of a pod, made from the stored ones: transition times change with their status only."""

    def __init__(self, pod: Object, now: float) -> None:
        before = conditions_of(pod)
        self._before = {condition["type"]: condition for condition in before}
        self._generation = int(pod["metadata"].get("generation") or 0)
        self._now = timestamp(now)
        self.items: list[Object] = []

    def add(self, kind: str, good: bool, reason: str = "", message: str = "") -> None:
        """Add a condition."""
        status = "True" if good else "False"
        before = self._before.get(kind) or {}
        since = before.get("lastTransitionTime") if before.get("status") == status else None
        condition: Object = {"type": kind}
        if self._generation:
            condition["observedGeneration"] = self._generation
        condition |= {
            "status": status,
            "lastProbeTime": None,
            "lastTransitionTime": since or self._now,
        }
        if reason:
            condition["reason"] = reason
        if message:
            condition["message"] = message
        self.items.append(condition)


def pod_status(
    pod: Object,
    *,
    host: str,
    address: str,
    init: list[Object],
    statuses: list[Object],
    ephemeral: list[Object],
    sandbox: bool,
    now: float,
    failed: Mapping[str, str],
) -> Object:
    """The status of a pod on a node.

    ``sandbox`` says whether its network is set up; ``failed`` has reason and message if the node has failed the pod.
    """
    spec, before = pod["spec"], pod.get("status") or {}
    generation = int(pod["metadata"].get("generation") or 0)
    deleted = is_deleted(pod)
    phase = "Failed" if failed else phase_of(spec, init, statuses, deleted=deleted)
    done = phase in ("Succeeded", "Failed")
    sidecars = sidecar_names(spec)
    lasting = [*(status for status in init if status["name"] in sidecars), *statuses]
    unready = [status["name"] for status in lasting if not status["ready"]]
    undone = [
        one["name"]
        for one in init
        if not (_begun(one) if one["name"] in sidecars else one["ready"])
    ]
    conditions = Conditions(pod, now)
    conditions.add("PodReadyToStartContainers", sandbox and not done and not deleted)
    if phase == "Succeeded":
        conditions.add("Initialized", True, "PodCompleted")
        conditions.add("Ready", False, "PodCompleted")
        conditions.add("ContainersReady", False, "PodCompleted")
    else:
        text = f"containers with incomplete status: [{' '.join(undone)}]" if undone else ""
        conditions.add(
            "Initialized", not undone, "ContainersNotInitialized" if undone else "", text
        )
        reason = "PodFailed" if phase == "Failed" else "ContainersNotReady" if unready else ""
        text = (
            f"containers with unready status: [{' '.join(unready)}]"
            if unready and phase != "Failed"
            else ""
        )
        conditions.add("Ready", not unready and not done, reason, text)
        conditions.add("ContainersReady", not unready and not done, reason, text)
    conditions.add("PodScheduled", True)
    status: Object = {}
    if generation:
        status["observedGeneration"] = generation
    # A kubelet gives a pod that it killed before it ran the phase Failed, and leaves the conditions as they are.
    shown = "Failed" if deleted and phase == "Pending" else phase
    status |= failed
    status |= {
        "phase": shown,
        "conditions": conditions.items,
        "hostIP": host,
        "hostIPs": [{"ip": host}],
    }
    if address:
        status |= {"podIP": address, "podIPs": [{"ip": address}]}
    status["startTime"] = before.get("startTime") or timestamp(now)
    if init:
        status["initContainerStatuses"] = init
    status["containerStatuses"] = sorted(statuses, key=lambda item: str(item["name"]))
    names = {one["name"] for one in ephemeral}
    gone = [
        one for one in before.get("ephemeralContainerStatuses") or () if one["name"] not in names
    ]
    if gone or ephemeral:
        status["ephemeralContainerStatuses"] = [*gone, *ephemeral]
    status["qosClass"] = before.get("qosClass") or qos_class(spec)
    ended = statuses and all(
        (item["state"].get("terminated") or {}).get("startedAt") for item in statuses
    )
    requests, limits = _sum(spec, "requests"), _sum(spec, "limits")
    if requests:
        status["allocatedResources"] = requests
    wanted = {kind: found for kind, found in (("limits", limits), ("requests", requests)) if found}
    status["resources"] = dict(NO_LIMIT) if ended and not wanted else wanted
    return status


def _begun(status: Object) -> bool:
    """Whether a sidecar has run: a later crash does not block other containers."""
    return bool(status["started"] or status["lastState"] or status["state"].get("terminated"))


def _sum(spec: Object, kind: str) -> Object:
    """Requests or limits of a pod: its own, or the sum of its containers'."""
    own: Object = (spec.get("resources") or {}).get(kind) or {}
    if own:
        return own
    total: dict[str, tuple[int, str]] = {}
    for container in spec["containers"]:
        for name, text in ((container.get("resources") or {}).get(kind) or {}).items():
            value, form = parse_quantity(str(text))
            total[name] = (total.get(name, (0, form))[0] + value, form)
    return {name: quantity_text(value, form) for name, (value, form) in total.items()}


def unscheduled(pod: Object, message: str, now: float) -> Object:
    """The status of an unschedulable pod."""
    conditions = Conditions(pod, now)
    conditions.add("PodScheduled", False, "Unschedulable", message)
    shown = {"phase": "Pending", "conditions": conditions.items, "qosClass": qos_class(pod["spec"])}
    return {**pod["status"], **shown}
