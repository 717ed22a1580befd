"""A pod's status: conditions, phase and the states of its containers, as the kubelet writes them.

Sources: k8s.io/kubernetes ``pkg/kubelet/status/generate.go``, ``pkg/kubelet/kubelet_pods.go``.
"""

from collections.abc import Mapping

from ...apiserver.registry.strategy import timestamp
from ...machinery.objects import conditions_of, is_deleted
from ...machinery.request import Object
from ...machinery.schema.values import parse_quantity, quantity_text

# The limit in the control group of a pod whose containers have ended: Linux' largest, in whole pages.
NO_LIMIT = {"limits": {"memory": "9007199254740988Ki"}}
NEVER_RAN = "ContainerStatusUnknown"
"""The reason of a container that had not started when its pod was deleted."""


def qos_class(spec: Object) -> str:
    """Return ``Guaranteed``, ``Burstable`` or ``BestEffort``, by requests and limits."""
    classes = set()
    for container in [*spec["containers"], *(spec.get("initContainers") or ())]:
        resources = container.get("resources") or {}
        requests = resources.get("requests") or {}
        limits = resources.get("limits") or {}
        for name in ("cpu", "memory"):
            # A limit without a request is the request, too.
            request = requests.get(name, limits.get(name))
            limit = limits.get(name)
            if request is None:
                classes.add("BestEffort")
            else:
                classes.add("Guaranteed" if request == limit else "Burstable")
    return classes.pop() if len(classes) == 1 else "Burstable"


def sidecar_names(spec: Object) -> set[str]:
    """Return the names of the sidecars: init containers that restart always (KEP 753)."""
    containers = spec.get("initContainers") or ()
    return {item["name"] for item in containers if item.get("restartPolicy") == "Always"}


def phase_of(
    spec: Object, init: list[Object], statuses: list[Object], *, deleted: bool = False
) -> str:
    """Return the phase of a pod by the statuses of its containers; no container of a deleted pod restarts."""
    policy = spec.get("restartPolicy", "Always")
    sidecars = sidecar_names(spec)
    for status in init:
        terminated = status["state"].get("terminated")
        if status["name"] in sidecars:
            if not _begun(status):
                return "Pending"
        elif terminated is None:
            return "Pending"
        elif terminated["exitCode"]:
            return "Failed" if policy == "Never" else "Pending"
    running = failed = False
    for status in statuses:
        last = (status.get("lastState") or {}).get("terminated")
        ended = status["state"].get("terminated") or last
        if status["state"].get("running") is not None:
            running = True
        elif ended is None or ended.get("reason") == NEVER_RAN:
            return "Pending"
        elif ended["exitCode"]:
            failed = True
    # A container that will restart counts as running.
    restarts = policy == "Always" or (failed and policy == "OnFailure")
    if running or (restarts and not deleted):
        return "Running"
    return "Failed" if failed else "Succeeded"


class Conditions:
    """The conditions of a pod, made from the stored ones: transition times change with their status only."""

    def __init__(self, pod: Object, now: float) -> None:
        before = conditions_of(pod)
        self._before = {condition["type"]: condition for condition in before}
        self._gates = [gate["conditionType"] for gate in pod["spec"].get("readinessGates") or ()]
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

    def closed_gates(self) -> list[str]:
        """Return a message for each readiness gate whose condition is not true, as the kubelet words it.

        Source: GeneratePodReadyCondition in kubernetes/pkg/kubelet/status/generate.go.
        """
        told = {gate: (self._before.get(gate) or {}).get("status") for gate in self._gates}
        return [
            f'the status of pod readiness gate "{gate}" is not "True", but {status}'
            if status
            else f'corresponding condition of pod readiness gate "{gate}" does not exist.'
            for gate, status in told.items()
            if status != "True"
        ]

    def keep_others(self) -> None:
        """Add the stored conditions that are not the kubelet's, such as those of readiness gates."""
        ours = {condition["type"] for condition in self.items}
        self.items += (each for kind, each in self._before.items() if kind not in ours)


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
    """Return the status of a pod on a node.

    ``sandbox`` is true if its network is set up; ``failed`` has reason and message if the node has failed the pod.
    """
    spec = pod["spec"]
    before = pod["status"]
    deleted = is_deleted(pod)
    phase = "Failed" if failed else phase_of(spec, init, statuses, deleted=deleted)
    done = phase in ("Succeeded", "Failed")
    sidecars = sidecar_names(spec)
    lasting = [*(status for status in init if status["name"] in sidecars), *statuses]
    unready = [status["name"] for status in lasting if not status["ready"]]
    undone = [
        status["name"]
        for status in init
        if not (_begun(status) if status["name"] in sidecars else status["ready"])
    ]
    conditions = Conditions(pod, now)
    conditions.add("PodReadyToStartContainers", sandbox and not done and not deleted)
    ready = not unready and not done
    if phase == "Succeeded":
        conditions.add("Initialized", True, "PodCompleted")
        reason = "PodCompleted"
        message = ""
    else:
        if undone:
            message = f"containers with incomplete status: [{' '.join(undone)}]"
            conditions.add("Initialized", False, "ContainersNotInitialized", message)
        else:
            conditions.add("Initialized", True)
        reason = ""
        message = ""
        if phase == "Failed":
            reason = "PodFailed"
        elif unready:
            reason = "ContainersNotReady"
            message = f"containers with unready status: [{' '.join(unready)}]"
    closed = conditions.closed_gates() if ready else []
    if closed:
        conditions.add("Ready", False, "ReadinessGatesNotReady", ", ".join(closed))
    else:
        conditions.add("Ready", ready, reason, message)
    conditions.add("ContainersReady", ready, reason, message)
    conditions.add("PodScheduled", True)
    conditions.keep_others()
    status: Object = {}
    if pod["metadata"].get("generation"):
        status["observedGeneration"] = int(pod["metadata"]["generation"])
    status |= failed
    status |= {
        # A kubelet sets the phase Failed on a pod that it killed before it ran, and leaves the conditions as they
        # are.
        "phase": "Failed" if deleted and phase == "Pending" else phase,
        "conditions": conditions.items,
        "hostIP": host,
        "hostIPs": [{"ip": host}],
        "startTime": before.get("startTime") or timestamp(now),
        "containerStatuses": sorted(statuses, key=lambda item: str(item["name"])),
        "qosClass": before.get("qosClass") or qos_class(spec),
    }
    if address:
        status |= {"podIP": address, "podIPs": [{"ip": address}]}
    if init:
        status["initContainerStatuses"] = init
    # The object has more of these than the node after a restart of the server: they are not started again.
    names = {item["name"] for item in ephemeral}
    stored = before.get("ephemeralContainerStatuses") or ()
    ephemeral = [*(item for item in stored if item["name"] not in names), *ephemeral]
    if ephemeral:
        status["ephemeralContainerStatuses"] = ephemeral
    requests = _sum(spec, "requests")
    limits = _sum(spec, "limits")
    if requests:
        status["allocatedResources"] = requests
    amounts = {"limits": limits, "requests": requests}
    status["resources"] = {kind: value for kind, value in amounts.items() if value}
    ended = [(item["state"].get("terminated") or {}).get("startedAt") for item in statuses]
    if not status["resources"] and ended and all(ended):
        status["resources"] = dict(NO_LIMIT)
    return status


def _begun(status: Object) -> bool:
    """Return whether a sidecar has run: a later crash does not block other containers."""
    return bool(status["started"] or status["lastState"] or status["state"].get("terminated"))


def _sum(spec: Object, kind: str) -> Object:
    """Return the requests or limits of a pod: its own, or the sum of its containers'."""
    own: Object = (spec.get("resources") or {}).get(kind) or {}
    if own:
        return own
    total: dict[str, tuple[int, str]] = {}
    for container in spec["containers"]:
        for name, text in ((container.get("resources") or {}).get(kind) or {}).items():
            value, form = parse_quantity(str(text))
            total[name] = (total.get(name, (0, form))[0] + value, form)
    return {name: quantity_text(*amount) for name, amount in total.items()}


def unscheduled(pod: Object, message: str, now: float) -> Object:
    """The status of an unschedulable pod."""
    conditions = Conditions(pod, now)
    conditions.add("PodScheduled", False, "Unschedulable", message)
    fields = {
        "phase": "Pending",
        "conditions": conditions.items,
        "qosClass": qos_class(pod["spec"]),
    }
    return {**pod["status"], **fields}
