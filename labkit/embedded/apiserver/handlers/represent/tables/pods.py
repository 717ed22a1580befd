"""Pods, whose STATUS column sums up all their containers."""

from __future__ import annotations

from typing import Any

from labkit.embedded.apiserver.handlers.represent.tables.model import Cells, printer
from labkit.embedded.apiserver.handlers.represent.tables.text import NONE, since
from labkit.embedded.machinery.request import Object

DONE = {
    "Succeeded": ("Succeeded", "The pod has completed successfully."),
    "Failed": ("Failed", "The pod failed."),
}


class _Summary:
    """The STATUS cell: the summary of the containers' states."""

    def __init__(self, pod: Object) -> None:
        self.spec: Object = pod.get("spec") or {}
        self.status: Object = pod.get("status") or {}
        self.restarts = self.ready = 0
        self.last_restart = ""
        self.total = len(self.spec.get("containers") or ())
        self.reason: str = self.status.get("reason") or self.status.get("phase") or ""
        if any(
            each.get("type") == "PodScheduled" and each.get("reason") == "SchedulingGated"
            for each in self.conditions
        ):
            self.reason = "SchedulingGated"
        initializing = self._init_containers()
        if not initializing or self.is_true("Initialized"):
            self._containers()
        deleted = pod["metadata"].get("deletionTimestamp")
        if deleted and self.status.get("reason") == "NodeLost":
            self.reason = "Unknown"
        elif deleted and self.status.get("phase") not in DONE:
            self.reason = "Terminating"

    @property
    def conditions(self) -> list[Object]:
        return self.status.get("conditions") or []

    def is_true(self, condition: str) -> bool:
        return any(
            each.get("type") == condition and each.get("status") == "True"
            for each in self.conditions
        )

    def _init_containers(self) -> bool:
        """Count the init containers, and whether they still run."""
        declared = self.spec.get("initContainers") or ()
        sidecars = {
            each.get("name", "") for each in declared if each.get("restartPolicy") == "Always"
        }
        self.total += len(sidecars)
        restarts, last_restart = 0, ""
        initializing = False
        for place, status in enumerate(self.status.get("initContainerStatuses") or ()):
            self.restarts += status.get("restartCount", 0)
            self.last_restart = max(self.last_restart, _finished(status))
            sidecar = status.get("name") in sidecars
            if sidecar:
                restarts += status.get("restartCount", 0)
                last_restart = max(last_restart, _finished(status))
            state = status.get("state") or {}
            ended, waiting = state.get("terminated"), (state.get("waiting") or {}).get("reason")
            if ended is not None and not ended.get("exitCode"):
                continue
            if sidecar and status.get("started"):
                self.ready += bool(status.get("ready"))
                continue
            if ended is not None:
                self.reason = "Init:" + _exit(ended)
            elif waiting and waiting != "PodInitializing":
                self.reason = "Init:" + waiting
            else:
                self.reason = f"Init:{place}/{len(declared)}"
            initializing = True
            break
        if not initializing or self.is_true("Initialized"):
            self.restarts, self.last_restart = restarts, last_restart
        return initializing

    def _containers(self) -> None:
        running = False
        for status in reversed(self.status.get("containerStatuses") or ()):
            self.restarts += status.get("restartCount", 0)
            self.last_restart = max(self.last_restart, _finished(status))
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


def _finished(status: Object) -> str:
    ended = (status.get("lastState") or {}).get("terminated") or {}
    return ended.get("finishedAt") or ""


def _exit(ended: dict[str, Any]) -> str:
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
