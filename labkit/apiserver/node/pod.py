"""A pod on the node: its address, its volumes, its containers and their restarts.

Sources: k8s.io/kubernetes ``pkg/kubelet/kuberuntime``, ``pkg/kubelet/images``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from labkit.apiserver.node.api import NodeApi, NodeSettings
from labkit.apiserver.node.creating import Creator, command_of, termination_message
from labkit.apiserver.node.environment import container_environment
from labkit.apiserver.node.events import Recorder
from labkit.apiserver.node.images import find_image
from labkit.apiserver.node.logs import Log
from labkit.apiserver.node.network import Wiring
from labkit.apiserver.node.podstatus import NEVER_RAN, build, timestamp
from labkit.apiserver.node.problems import ConfigProblem, VolumeProblem
from labkit.apiserver.node.pulling import FIRST_BACK_OFF_SECONDS, MAX_BACK_OFF_SECONDS, SYNC_SECONDS, Puller
from labkit.apiserver.node.runtime import MainProcess, NotRunnable
from labkit.apiserver.node.security import check_user
from labkit.apiserver.node.slot import Slot
from labkit.apiserver.node.slotstatus import slot_status
from labkit.apiserver.node.transport import Endpoint
from labkit.apiserver.node.volumes import Volume
from labkit.apiserver.request import Object

RESTART_SECONDS = 1.0
"""How long the kubelet takes to notice that a container has ended."""

KILLED = 137
"""The exit code of what SIGKILL has ended."""

FORGIVEN_AFTER_SECONDS = 600.0
"""A container that ran so long starts again without a back-off."""


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
        self.volumes = {one["name"]: Volume(api, one, self.object, now) for one in spec.get("volumes") or ()}
        self._creator = Creator(api, settings, wiring, self, now)
        self._puller = Puller(settings.address, now, self._say)
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

    def _addressed(self) -> Object:
        """The pod with its addresses, which its status may not tell yet."""
        pod = self.object()
        host = self._settings.address
        return {**pod, "status": {**(pod.get("status") or {}), "podIP": self.address, "hostIP": host}}

    def slot(self, name: str) -> Slot | None:
        """A container by name."""
        return next((slot for slot in (*self.slots, *self.init) if slot.name == name), None)

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
        policy = str(self._object["spec"].get("restartPolicy", "Always"))
        for slot in self._in_turn():
            changed = self._step(slot, policy) or changed
        if self._over:
            changed = self._end(slot for slot in self.init if slot.sidecar) or changed
        return changed

    @property
    def _over(self) -> bool:
        """Whether all containers have ended for good; sidecars do not count, and end with them."""
        policy = str(self._object["spec"].get("restartPolicy", "Always"))
        return all(slot.ended is not None and not slot.restartable(policy) for slot in self.slots)

    def _in_turn(self) -> Iterator[Slot]:
        """The containers that may run by now: an init container that is not through holds up those behind it."""
        if self._over:
            return
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
        return min(times, default=float("inf"))

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
                self._say(
                    "FailedMount", f'MountVolume.SetUp failed for volume "{name}" : {problem.message}', kind="Warning"
                )
                return False
        self._mounted = True
        return True

    def _step(self, slot: Slot, policy: str) -> bool:
        """Bring one container on."""
        now = self._now()
        if slot.process is not None:
            slot.process.resume(now)
            if slot.process.status is None:
                return False
            self._ended(slot, slot.process.status)
            return True
        if slot.ended is not None and not slot.restartable(policy):
            return False
        if now < slot.due:
            return self._wait(slot)
        return self._start(slot)

    def _wait(self, slot: Slot) -> bool:
        """A crashed container waits for its next start."""
        if self._now() < slot.shift_at:
            return False
        slot.shift_at = float("inf")
        if slot.ended is None:
            self._puller.say_back_off(slot)
            return False
        delay = int(slot.back_off)
        shown = f"{delay}s" if delay < 60 else f"{delay // 60}m{delay % 60}s"
        slot.last = {"terminated": slot.ended}
        where = f"container={slot.name} pod={self.name}_{self.namespace}({self.uid})"
        slot.state = {
            "waiting": {
                "message": f"back-off {shown} restarting failed {where}",
                "reason": "CrashLoopBackOff",
            }
        }
        return True

    def _start(self, slot: Slot) -> bool:
        if not self._puller.pull(slot):
            return True
        try:
            environment = container_environment(self._api, self._addressed(), slot.spec)
            if slot.image is not None:
                check_user(self._object, slot.spec, slot.image)
        except ConfigProblem as problem:
            slot.state = {"waiting": {"message": problem.message, "reason": "CreateContainerConfigError"}}
            slot.due = self._now() + 12
            self._say("Failed", f"Error: {problem.message}", kind="Warning", slot=slot)
            return True
        if slot.ended is not None or slot.last:
            if slot.ended is not None:
                slot.last = {"terminated": slot.ended}
            if not self.quiet:
                slot.restarts += 1
        if slot.log is not None:
            slot.previous = slot.log
        self._run(slot, environment)
        return True

    def _run(self, slot: Slot, environment: dict[str, str]) -> None:
        now = self._now()
        image = slot.image
        if image is None:
            return
        slot.id = "containerd://" + self._api.random(32).hex()
        words = command_of(slot, image, environment)
        slot.container = self._creator.make(self._object["spec"], slot, image, environment, words)
        slot.log = Log(self._now)
        slot.started_at = now
        self._say("Created", "Container created", slot=slot)
        try:
            process = MainProcess(
                slot.container,
                words,
                slot.log,
                self._now,
                stdin=bool(slot.spec.get("stdin")),
                terminal=bool(slot.spec.get("tty")),
            )
        except NotRunnable as problem:
            slot.log.close()
            message = (
                "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create "
                f"failed: unable to start container process: error during container init: {problem.message}: unknown"
            )
            self._say("Failed", f"Error: {message}", kind="Warning", slot=slot)
            slot.container = None
            self._terminated(slot, 128, "StartError", message)
            self._back_off(slot)
            return
        slot.process = process
        self._say("Started", "Container started", slot=slot)
        slot.state = {"running": {"startedAt": timestamp(now)}}
        slot.due = float("inf")
        if process.status is not None:
            self._ended(slot, process.status)

    def _ended(self, slot: Slot, status: int) -> None:
        self._terminated(slot, status, "Error" if status else "Completed")
        self._back_off(slot)

    def _terminated(self, slot: Slot, status: int, reason: str, message: str = "") -> None:
        """Write down how a container has ended."""
        now = self._now()
        state: Object = {"exitCode": status, "reason": reason}
        if message:
            state["message"] = message
        elif slot.container is not None:
            text = termination_message(slot.container)
            if text:
                state["message"] = text
        started = timestamp(slot.started_at) if reason != "StartError" else "1970-01-01T00:00:00Z"
        state |= {"startedAt": started, "finishedAt": timestamp(now), "containerID": slot.id}
        slot.state = {"terminated": state}
        slot.process = None

    def _back_off(self, slot: Slot) -> None:
        """Plan the next start of a container that has ended."""
        now = self._now()
        ran = now - slot.started_at
        if not slot.restarts and not slot.back_off:
            slot.due = now + RESTART_SECONDS
            slot.back_off = FIRST_BACK_OFF_SECONDS / 2
        else:
            slot.back_off = min(MAX_BACK_OFF_SECONDS, slot.back_off * 2)
            if ran > FORGIVEN_AFTER_SECONDS:
                slot.back_off = FIRST_BACK_OFF_SECONDS
            slot.due = now + slot.back_off
            slot.shift_at = now + SYNC_SECONDS
            self._say(
                "BackOff",
                f"Back-off restarting failed container {slot.name} in pod {self.name}_{self.namespace}({self.uid})",
                kind="Warning",
                slot=slot,
            )

    def kill(self) -> None:
        """End all containers because the pod is being deleted, and say so.

        Nobody waits for a grace period: the first process of a container takes no notice of a
        SIGTERM that it has no handler for, and would be killed at its end all the same.
        """
        initialized = all(one.passed for one in self.init)
        self._end((*self.init, *self.slots))
        for slot in (*self.init, *self.slots):
            if not slot.id and initialized:
                message = "The container could not be located when the pod was terminated"
                times = {"startedAt": None, "finishedAt": None}
                slot.state = {"terminated": {"exitCode": KILLED, "reason": NEVER_RAN, "message": message, **times}}
            elif slot.ended is None and slot.last.get("terminated"):
                slot.state = dict(slot.last)

    def _end(self, slots: Iterable[Slot]) -> bool:
        """End containers that run, and tell whether any did."""
        ended = False
        for slot in slots:
            if slot.process is not None and slot.running:
                self._say("Killing", f"Stopping container {slot.name}", slot=slot)
                slot.process.stop()
                self._terminated(slot, KILLED, "Error")
                ended = True
        return ended

    def stop(self) -> None:
        """End all containers."""
        for slot in (*self.init, *self.slots):
            if slot.process is not None:
                slot.process.stop()
                slot.process = None
        self.listeners.clear()

    def _say(self, reason: str, message: str, *, kind: str = "Normal", slot: Slot | None = None) -> None:
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
            sandbox=self._mounted,
            now=self._now(),
        )
