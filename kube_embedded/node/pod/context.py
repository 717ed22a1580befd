"""The context of a pod's parts: its object, its network and volumes, the clock and its events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...container.network.transport import Listener
from ...machinery.objects import name_of, namespace_of, uid_of
from ...machinery.request import Object
from .container_slot import Slot
from .volumes import Volume

if TYPE_CHECKING:
    from ..node import Node


class PodContext:
    """A pod, as the parts that run it need it; for a ``quiet`` one no events are recorded and no restarts counted."""

    def __init__(self, node: Node, pod: Object, address: str, *, quiet: bool) -> None:
        self.node = node
        self.api = node.api
        self.now = node.now
        self.quiet = quiet
        self._object = pod
        self.policy = str(pod["spec"].get("restartPolicy", "Always"))
        self.uid = uid_of(pod)
        self.namespace = namespace_of(pod)
        self.name = name_of(pod)
        self.address = node.settings.address if pod["spec"].get("hostNetwork") else address
        self.listeners: dict[int, Listener] = {}
        """The servers of its containers, by port."""
        self.shared: dict[int, Slot] = {}
        """The containers by the numbers of their first processes, if they share a process namespace."""
        self.volumes = {
            item["name"]: Volume(self.api, item, self.object, self.now)
            for item in pod["spec"].get("volumes") or ()
        }

    def share(self, slot: Slot) -> int:
        """Return the number of a container's first process: 1, unless the pod shares a process namespace."""
        if not self.object()["spec"].get("shareProcessNamespace"):
            return 1
        number = next(
            (number for number, item in self.shared.items() if item is slot), len(self.shared) + 2
        )
        self.shared[number] = slot
        return number

    @property
    def full_name(self) -> str:
        """Name, namespace and uid, as the kubelet's messages have them."""
        return f"{self.name}_{self.namespace}({self.uid})"

    def object(self) -> Object:
        """The pod as it is stored now."""
        stored = self.api.get("pods", self.namespace, self.name)
        # After the deletion the last known state serves the messages and events.
        if stored is not None and uid_of(stored) == self.uid:
            self._object = stored
        return self._object

    def addressed(self) -> Object:
        """Return the pod with its addresses, which its status does not have from the start."""
        pod = self.object()
        status = {**pod["status"], "podIP": self.address, "hostIP": self.node.settings.address}
        return {**pod, "status": status}

    def record(
        self, reason: str, message: str, slot: Slot | None = None, *, kind: str = "Normal"
    ) -> None:
        """Record an event, of a container if one is given."""
        if not self.quiet:
            field_path = slot.field_path if slot is not None else ""
            self.node.recorder.record(
                self._object, reason, message, kind=kind, field_path=field_path
            )

    def warn(self, reason: str, message: str, slot: Slot | None = None) -> None:
        """Record an event of type ``Warning``."""
        self.record(reason, message, slot, kind="Warning")
