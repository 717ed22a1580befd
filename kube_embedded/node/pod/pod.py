"""A pod on the node: its containers and their restarts, its deadline and its status.

Sources: k8s.io/kubernetes ``pkg/kubelet/kuberuntime``, ``pkg/kubelet/images``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...container.files.images import find_image
from ...machinery.pods.state import parse_time
from ...machinery.request import Object
from .container_slot import Slot
from .container_status import slot_status
from .lifecycle import KILLED, RESTART_SECONDS, ContainerLifecycle
from .pod_status import NEVER_RAN, pod_status
from .problems import VolumeProblem

if TYPE_CHECKING:
    from ..node import Node

OVERDUE = {
    "reason": "DeadlineExceeded",
    "message": "Pod was active on the node longer than the specified deadline",
}
"""The status of a pod that was active longer than its ``activeDeadlineSeconds``."""


class Pod(ContainerLifecycle):
    """A pod that was bound to the node.

    The containers of a ``quiet`` one ran before the server was restarted: they start again without events and without
    counting it.
    """

    def __init__(self, node: Node, pod: Object, address: str, *, quiet: bool = False) -> None:
        super().__init__(node, pod, address, quiet=quiet)
        spec = pod["spec"]
        reason = "PodInitializing" if spec.get("initContainers") else "ContainerCreating"
        waiting: Object = {"waiting": {"reason": reason}}
        self.init = [Slot(item, waiting, init=True) for item in spec.get("initContainers") or ()]
        self.slots = [Slot(item, waiting) for item in spec["containers"]]
        self.ephemeral_containers: list[Slot] = []
        self.regular = (*self.init, *self.slots)
        seconds = spec.get("activeDeadlineSeconds")
        begun = pod["status"].get("startTime")
        self._deadline = (
            (parse_time(begun) if begun else self.now()) + seconds if seconds else float("inf")
        )
        """When ``activeDeadlineSeconds`` will be over, in seconds since the epoch."""
        self.reported: Object = pod["status"]
        """The status that the node wrote last."""
        self._overdue = False
        self._mounted = False
        self._due = 0.0
        if quiet:
            self._restore(pod["status"])

    def slot(self, name: str) -> Slot | None:
        """A container by name."""
        return next(
            (slot for slot in (*self.regular, *self.ephemeral_containers) if slot.name == name),
            None,
        )

    def add_ephemeral_containers(self) -> bool:
        """Add the ephemeral containers that the object has got since, and return whether there were any."""
        pod = self.object()
        statuses = pod["status"].get("ephemeralContainerStatuses") or ()
        known = {item["name"] for item in statuses} | {
            slot.name for slot in self.ephemeral_containers
        }
        specs = [
            item
            for item in pod["spec"].get("ephemeralContainers") or ()
            if item["name"] not in known
        ]
        waiting: Object = {"waiting": {"reason": "ContainerCreating"}}
        added = [Slot(item, waiting, ephemeral=True) for item in specs]
        self.ephemeral_containers += added
        return bool(added)

    def _restore(self, status: Object) -> None:
        """Restore restart counts and last states from the stored status."""
        known = {
            item["name"]: item
            for item in [
                *(status.get("containerStatuses") or ()),
                *(status.get("initContainerStatuses") or ()),
            ]
        }
        for slot in self.regular:
            stored = known.get(slot.name) or {}
            slot.restarts = int(stored.get("restartCount") or 0)
            slot.last = dict(stored.get("lastState") or {})
            slot.id = str(stored.get("containerID") or "")
            if (stored.get("state") or {}).get("terminated"):
                slot.state = dict(stored["state"])
                slot.image = find_image(slot.spec["image"], slot.pull_policy)
                slot.due = self.now() + RESTART_SECONDS

    # Lifecycle

    def advance(self) -> bool:
        """Do the work that is due, and return whether a container's state changed."""
        now = self.now()
        changed = False
        if not self._mounted:
            if now < self._due:
                return False
            # The kubelet tries again with its next sync, after ten seconds.
            if not self._set_up():
                self._due = now + 10
                return False
            changed = True
        if now >= self._deadline and not self._overdue and not self._over:
            self._overdue = True
            self.record("DeadlineExceeded", OVERDUE["message"])
            self.end(self.regular)
            return True
        for slot in self._in_turn():
            changed = self.step(slot) or changed
        # Sidecars end after the others: these may need them to the last (KEP 753).
        if self._over:
            changed = self.end(slot for slot in self.init if slot.sidecar) or changed
        return changed

    def set_back(self, seconds: float) -> None:
        """Move planned work to an earlier time, because the clock was set back."""
        self._due -= seconds
        self._deadline -= seconds
        for slot in (*self.regular, *self.ephemeral_containers):
            slot.due -= seconds
            slot.shift_at -= seconds
            if slot.process is not None:
                slot.process.wake_at -= seconds

    @property
    def _over(self) -> bool:
        """Return whether all containers have ended for good; sidecars do not count, they end with them."""
        return all(
            slot.ended is not None and not slot.restartable(self.policy) for slot in self.slots
        )

    def _in_turn(self) -> Iterator[Slot]:
        """Yield the containers that can run now: an init container that has not passed blocks those after it."""
        if self._over or self._overdue:
            return
        # They are for debugging, also of a pod whose init containers never pass.
        yield from self.ephemeral_containers
        for slot in self.init:
            yield slot
            if not slot.passed:
                return
        yield from self.slots

    def next_due(self) -> float:
        """When :meth:`advance` has something to do again."""
        if not self._mounted:
            return self._due
        times = [self._slot_due(slot) for slot in self._in_turn()]
        if times:
            times.append(self._deadline)
        return min(times, default=float("inf"))

    def _slot_due(self, slot: Slot) -> float:
        if slot.running and slot.process is not None:
            return slot.process.wake_at
        if slot.ended is not None and not slot.restartable(self.policy):
            return float("inf")
        if not slot.state.get("waiting") and slot.ended is None:
            return 0.0
        return min(slot.due, slot.shift_at)

    def _set_up(self) -> bool:
        """Set up the volumes that containers mount, and return whether all are there."""
        mounted = {
            item["name"] for slot in self.regular for item in slot.spec.get("volumeMounts") or ()
        }
        for name, volume in self.volumes.items():
            if name not in mounted:
                continue
            try:
                volume.files()
            except VolumeProblem as problem:
                self.warn(
                    "FailedMount", f'MountVolume.SetUp failed for volume "{name}" : {problem}'
                )
                return False
        self._mounted = True
        return True

    def kill(self) -> None:
        """End all containers of a pod that is being deleted, with events.

        There is no grace period: the first process of a container ignores a SIGTERM that it has
        no handler for, and would be killed at the end of the period all the same.
        """
        # Containers that wait for an init container retain their state; the others get one of their own.
        initialized = all(item.passed for item in self.init)
        self.end((*self.regular, *self.ephemeral_containers))
        for slot in self.regular:
            if not slot.id and initialized:
                slot.state = {
                    "terminated": {
                        "exitCode": KILLED,
                        "reason": NEVER_RAN,
                        "message": "The container could not be located when the pod was terminated",
                        "startedAt": None,
                        "finishedAt": None,
                    }
                }
            elif slot.ended is None and slot.last.get("terminated"):
                slot.state = dict(slot.last)

    def stop(self) -> None:
        """End all containers, without events."""
        for slot in (*self.regular, *self.ephemeral_containers):
            if slot.process is not None:
                slot.process.stop()
                slot.process = None
        self.listeners.clear()

    def status(self, pod: Object) -> Object:
        """The status to be stored."""
        return pod_status(
            pod,
            host=self.node.settings.address,
            address=self.address if self._mounted else "",
            init=[slot_status(slot) for slot in self.init],
            statuses=[slot_status(slot) for slot in self.slots],
            ephemeral=[slot_status(slot) for slot in self.ephemeral_containers],
            sandbox=self._mounted,
            now=self.now(),
            failed=OVERDUE if self._overdue else {},
        )
