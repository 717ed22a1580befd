"""Pods, whose STATUS column sums up all their containers."""

from kube_embedded.machinery.request import Object

from .model import Cells, printer
from .text import NONE, since

DONE = {
    "Succeeded": ("Succeeded", "The pod has completed successfully."),
    "Failed": ("Failed", "The pod failed."),
}


class _Summary:
    """The STATUS cell: the summary of the containers' states.

    Source: k8s.io/kubernetes ``pkg/printers/internalversion/printers.go``, ``printPod``.
    """

    def __init__(self, pod: Object) -> None:
        self.spec: Object = pod.get("spec") or {}
        self.status: Object = pod.get("status") or {}
        self.restarts = 0
        self.ready = 0
        self.last_restart = ""
        self.total = len(self.spec.get("containers") or ())
        self.reason: str = self.status.get("reason") or self.status.get("phase") or ""
        self.conditions: dict[str, Object] = {
            condition.get("type", ""): condition
            for condition in self.status.get("conditions") or ()
        }
        if self.conditions.get("PodScheduled", {}).get("reason") == "SchedulingGated":
            self.reason = "SchedulingGated"
        initializing = self._init_containers()
        if not initializing or self.is_true("Initialized"):
            self._containers()
        if pod["metadata"].get("deletionTimestamp"):
            if self.status.get("reason") == "NodeLost":
                self.reason = "Unknown"
            elif self.status.get("phase") not in DONE:
                self.reason = "Terminating"

    def is_true(self, condition: str) -> bool:
        return bool(self.conditions.get(condition, {}).get("status") == "True")

    def _count(self, status: Object) -> None:
        self.restarts += status.get("restartCount", 0)
        last = (status.get("lastState") or {}).get("terminated") or {}
        self.last_restart = max(self.last_restart, last.get("finishedAt") or "")

    def _init_containers(self) -> bool:
        """Count the init containers, and return whether they still run."""
        declared = self.spec.get("initContainers") or ()
        sidecars = {
            container.get("name", "")
            for container in declared
            if container.get("restartPolicy") == "Always"
        }
        self.total += len(sidecars)
        statuses = self.status.get("initContainerStatuses") or ()
        initializing = False
        for index, status in enumerate(statuses):
            self._count(status)
            state = status.get("state") or {}
            ended = state.get("terminated")
            waiting = (state.get("waiting") or {}).get("reason")
            if ended is not None and not ended.get("exitCode"):
                continue
            if status.get("name") in sidecars and status.get("started"):
                self.ready += bool(status.get("ready"))
                continue
            if ended is not None:
                self.reason = "Init:" + _exit(ended)
            elif waiting and waiting != "PodInitializing":
                self.reason = "Init:" + waiting
            else:
                self.reason = f"Init:{index}/{len(declared)}"
            initializing = True
            statuses = statuses[: index + 1]
            break
        # Restarts of init containers are forgotten when they are done, except those of sidecars.
        if not initializing or self.is_true("Initialized"):
            self.restarts = 0
            self.last_restart = ""
            for status in statuses:
                if status.get("name") in sidecars:
                    self._count(status)
        return initializing

    def _containers(self) -> None:
        running = False
        # Backwards, so that the first container's reason remains.
        for status in reversed(self.status.get("containerStatuses") or ()):
            self._count(status)
            state = status.get("state") or {}
            waiting = (state.get("waiting") or {}).get("reason")
            if waiting:
                self.reason = waiting
            elif state.get("terminated") is not None:
                self.reason = _exit(state["terminated"])
            elif status.get("ready") and state.get("running") is not None:
                running = True
                self.ready += 1
        if self.reason == "Completed" and running:
            self.reason = "Running" if self.is_true("Ready") else "NotReady"


def _exit(ended: Object) -> str:
    if ended.get("reason"):
        return str(ended["reason"])
    if ended.get("signal"):
        return f"Signal:{ended['signal']}"
    return f"ExitCode:{ended.get('exitCode', 0)}"


def _gates(summary: _Summary) -> str:
    gates = summary.spec.get("readinessGates") or ()
    passed = sum(summary.is_true(gate.get("conditionType", "")) for gate in gates)
    return f"{passed}/{len(gates)}" if gates else NONE


def conditions(pod: Object) -> list[Object]:
    """The conditions of a finished pod's row."""
    done = DONE.get((pod.get("status") or {}).get("phase", ""))
    if done is None:
        return []
    return [{"type": "Completed", "status": "True", "reason": done[0], "message": done[1]}]


@printer("pods", conditions=conditions)
def pods(pod: Object, now: float) -> Cells:
    """Sum up a pod and its containers."""
    # One pass over the containers for the three cells that need it.
    summary = _Summary(pod)
    restarts = str(summary.restarts)
    if summary.restarts and summary.last_restart:
        restarts += f" ({since(summary.last_restart, now)} ago)"
    addresses = summary.status.get("podIPs") or [{}]
    return [
        f"{summary.ready}/{summary.total}",
        summary.reason,
        restarts,
        addresses[0].get("ip") or NONE,
        summary.spec.get("nodeName") or NONE,
        summary.status.get("nominatedNodeName") or NONE,
        _gates(summary),
    ]
