"""A pod on the node: its address, its volumes, its containers and their restarts.

Sources: k8s.io/kubernetes ``pkg/kubelet/kuberuntime``, ``pkg/kubelet/images``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from labkit.embedded.container.files.images import find_image
from labkit.embedded.container.network.transport import Endpoint
from labkit.embedded.machinery.request import Object
from labkit.embedded.node.api import NodeApi, NodeSettings
from labkit.embedded.node.network import Wiring
from labkit.embedded.node.pod.container_slot import Slot
from labkit.embedded.node.pod.container_status import slot_status
from labkit.embedded.node.pod.create_container import Creator
from labkit.embedded.node.pod.events import Recorder
from labkit.embedded.node.pod.image_pull import Puller
from labkit.embedded.node.pod.lifecycle import KILLED, RESTART_SECONDS, Keeper
from labkit.embedded.node.pod.pod_status import NEVER_RAN, build, seconds_of
from labkit.embedded.node.pod.probes import Prober, Target
from labkit.embedded.node.pod.problems import VolumeProblem
from labkit.embedded.node.pod.volumes import Volume

OVERDUE = {
    "reason": "DeadlineExceeded",
    "message": "Pod was active on the node longer than the specified deadline",
}
"""What is said of a pod that was active longer than its ``activeDeadlineSeconds``."""


class Pod:
    """A pod that was bound to the node.

    Args:
        api: The cluster.
        settings: The node.
        recorder: Writes its events.
        wiring: Connects it to the network.
        pod: The object.
        address: Its address.
        now: Seconds since 1970.
        quiet: Its containers were running before the server was started anew: they begin
            again without a word in events or status.
    """

    def __init__(
        self,
        api: NodeApi,
        settings: NodeSettings,
        recorder: Recorder,
        wiring: Wiring,
        pod: Object,
        address: str,
        now: Callable[[], float],
        *,
        quiet: bool = False,
    ) -> None:
        self._api = api
        self._settings = settings
        self._recorder = recorder
        self._object = pod
        self._now = now
        self.quiet = quiet
        self.uid = str(pod["metadata"]["uid"])
        self.namespace = str(pod["metadata"]["namespace"])
        self.name = str(pod["metadata"]["name"])
        spec = pod["spec"]
        self.address = settings.address if spec.get("hostNetwork") else address
        self.listeners: dict[int, Endpoint] = {}
        reason = "PodInitializing" if spec.get("initContainers") else "ContainerCreating"
        waiting: Object = {"waiting": {"reason": reason}}
        self.init = [Slot(one, waiting, init=True) for one in spec.get("initContainers") or ()]
        self.slots = [Slot(one, waiting) for one in spec.get("containers") or ()]
        self.guests: list[Slot] = []
        self.volumes = {one["name"]: Volume(api, one, self.object, now) for one in spec.get("volumes") or ()}
        target = Target(self.address, self.listeners, api.random)
        self._prober = Prober([*self.init, *self.slots], target, self.warn)
        self._deadline = self._overdue_at()
        self._late = False
        puller = Puller(settings.address, now, self.say)
        self._keeper = Keeper(api, self, Creator(api, settings, wiring, self, now), puller, now)
        self._mounted = False
        self._due = 0.0
        if quiet:
            self._remember(pod.get("status") or {})

    def object(self) -> Object:
        """The pod as it is stored now."""
        found = self._api.get("pods", self.namespace, self.name)
        if found is not None and found["metadata"]["uid"] == self.uid:
            self._object = found
        return self._object

    def addressed(self) -> Object:
        """The pod with its addresses, which its status may not tell yet."""
        pod = self.object()
        host = self._settings.address
        return {**pod, "status": {**(pod.get("status") or {}), "podIP": self.address, "hostIP": host}}

    def slot(self, name: str) -> Slot | None:
        """A container by name."""
        return next((slot for slot in (*self.slots, *self.init, *self.guests) if slot.name == name), None)

    def take_guests(self) -> bool:
        """Take in the ephemeral containers that were added to the pod since.

        Returns:
            Whether there were any.
        """
        pod = self.object()
        told = (pod.get("status") or {}).get("ephemeralContainerStatuses") or ()
        known = {one["name"] for one in told} | {slot.name for slot in self.guests}
        wanted = [one for one in pod["spec"].get("ephemeralContainers") or () if one["name"] not in known]
        waiting: Object = {"waiting": {"reason": "ContainerCreating"}}
        added = [Slot(one, waiting, ephemeral=True) for one in wanted]
        self.guests += added
        return bool(added)

    def _remember(self, status: Object) -> None:
        """Take counts and last states from the stored status."""
        known = {
            one["name"]: one
            for one in [*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())]
        }
        for slot in (*self.init, *self.slots):
            found = known.get(slot.name)
            if found is None:
                continue
            slot.restarts = int(found.get("restartCount") or 0)
            slot.last = dict(found.get("lastState") or {})
            slot.id = str(found.get("containerID") or "")
            if (found.get("state") or {}).get("terminated"):
                slot.state = dict(found["state"])
                slot.image = find_image(slot.spec["image"], slot.policy)
                slot.due = self._now() + RESTART_SECONDS

    # Life.

    def advance(self) -> bool:
        """Do what is due.

        Returns:
            Whether a container's state changed.
        """
        now = self._now()
        changed = False
        if not self._mounted:
            if now < self._due:
                return False
            if not self._set_up():
                self._due = now + 10
                return False
            changed = True
        if now >= self._deadline and not self._late and not self._over:
            self._late = True
            self.say("DeadlineExceeded", OVERDUE["message"])
            self._keeper.end((*self.init, *self.slots))
            return True
        policy = str(self._object["spec"].get("restartPolicy", "Always"))
        for slot in self._in_turn():
            changed = self._keeper.step(slot, policy) or changed
        shifted, doomed = self._prober.advance(now)
        for slot, why in doomed:
            self._keeper.stop(slot, f"{why}, will be restarted")
        changed = changed or shifted or bool(doomed)
        if self._over:
            changed = self._keeper.end(slot for slot in self.init if slot.sidecar) or changed
        return changed

    def set_back(self, seconds: float) -> None:
        """Move what is planned to an earlier time: the clock was set back.

        Args:
            seconds: By how much.
        """
        self._due -= seconds
        self._deadline -= seconds
        self._prober.set_back(seconds)
        for slot in (*self.init, *self.slots, *self.guests):
            slot.due -= seconds
            slot.shift_at -= seconds
            if slot.process is not None:
                slot.process.wake_at -= seconds

    @property
    def _over(self) -> bool:
        """Whether all containers have ended for good; sidecars do not count, and end with them."""
        policy = str(self._object["spec"].get("restartPolicy", "Always"))
        return all(slot.ended is not None and not slot.restartable(policy) for slot in self.slots)

    def _in_turn(self) -> Iterator[Slot]:
        """The containers that may run by now: an init container that is not through holds up those behind it."""
        if self._over or self._late:
            return
        yield from self.guests
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
            times += [self._prober.next_due(), self._deadline]
        return min(times, default=float("inf"))

    def _overdue_at(self) -> float:
        """When it has been active for longer than it may."""
        seconds = self._object["spec"].get("activeDeadlineSeconds")
        begun = (self._object.get("status") or {}).get("startTime")
        return (seconds_of(begun) if begun else self._now()) + seconds if seconds else float("inf")

    def _slot_due(self, slot: Slot) -> float:
        if slot.running and slot.process is not None:
            return slot.process.wake_at
        if slot.ended is not None and not slot.restartable(str(self._object["spec"].get("restartPolicy", "Always"))):
            return float("inf")
        if not slot.state.get("waiting") and slot.ended is None:
            return 0.0
        return min(slot.due, slot.shift_at)

    def _set_up(self) -> bool:
        """Check the volumes.

        Returns:
            Whether all are there.
        """
        for name, volume in self.volumes.items():
            try:
                volume.files()
            except VolumeProblem as problem:
                self.say(
                    "FailedMount", f'MountVolume.SetUp failed for volume "{name}" : {problem.message}', kind="Warning"
                )
                return False
        self._mounted = True
        return True

    def kill(self) -> None:
        """End all containers because the pod is being deleted, and say so.

        Nobody waits for a grace period: the first process of a container takes no notice of a
        SIGTERM that it has no handler for, and would be killed at its end all the same.
        """
        initialized = all(one.passed for one in self.init)
        self._keeper.end((*self.init, *self.slots, *self.guests))
        for slot in (*self.init, *self.slots):
            if not slot.id and initialized:
                message = "The container could not be located when the pod was terminated"
                times = {"startedAt": None, "finishedAt": None}
                slot.state = {"terminated": {"exitCode": KILLED, "reason": NEVER_RAN, "message": message, **times}}
            elif slot.ended is None and slot.last.get("terminated"):
                slot.state = dict(slot.last)

    def stop(self) -> None:
        """End all containers."""
        for slot in (*self.init, *self.slots, *self.guests):
            if slot.process is not None:
                slot.process.stop()
                slot.process = None
        self.listeners.clear()

    def warn(self, reason: str, message: str, slot: Slot) -> None:
        """Write an event about something that goes wrong in a container."""
        self.say(reason, message, kind="Warning", slot=slot)

    def say(self, reason: str, message: str, *, kind: str = "Normal", slot: Slot | None = None) -> None:
        """Write an event, unless the pod is to be quiet."""
        if not self.quiet:
            self._recorder.record(
                self._object, reason, message, kind=kind, field_path=slot.field_path if slot is not None else ""
            )

    # Status.

    def status(self, pod: Object) -> Object:
        """The status to be stored."""
        return build(
            pod,
            host=self._settings.address,
            address=self.address if self._mounted else "",
            init=[slot_status(slot) for slot in self.init],
            statuses=[slot_status(slot) for slot in self.slots],
            guests=[slot_status(slot) for slot in self.guests],
            sandbox=self._mounted,
            now=self._now(),
            failed=OVERDUE if self._late else {},
        )
