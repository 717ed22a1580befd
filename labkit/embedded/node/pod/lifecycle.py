"""The lifecycle of a pod's containers: they start, end, back off and restart.

Source: k8s.io/kubernetes ``pkg/kubelet/kuberuntime``.
"""

from __future__ import annotations

from collections.abc import Iterable

from labkit.embedded.apiserver.registry.strategy import timestamp
from labkit.embedded.container.container import NotRunnable
from labkit.embedded.container.logs import Log
from labkit.embedded.container.main_process import MainProcess
from labkit.embedded.machinery.request import Object
from labkit.embedded.node.network import Wiring

from . import image_pull
from .container_slot import Slot
from .context import PodContext
from .create_container import (
    command_of,
    create_container,
    termination_message,
)
from .environment import container_environment
from .problems import ConfigProblem
from .security import check_user

# The first restart does not back off; it waits for one sync of the kubelet.
RESTART_SECONDS = 1.0

# 128 + SIGKILL, as a shell and containerd report it.
KILLED = 137

# A container that ran so long restarts with the first back-off: twice MaxContainerBackOff.
RESET_SECONDS = 600.0


class ContainerLifecycle:
    """Starts, restarts and ends the containers of one pod."""

    def __init__(self, pod: PodContext, wiring: Wiring) -> None:
        self._pod = pod
        self._now = pod.now
        self._wiring = wiring
        self._puller = image_pull.Puller(pod)

    def step(self, slot: Slot, policy: str) -> bool:
        """Do the work that is due for one container, and return whether its state changed."""
        now = self._now()
        if slot.process is not None:
            slot.process.resume(now)
            if slot.process.status is None:
                return False
            self._ended(slot, slot.process.status)
            return True
        # A container that stays ended is never looked at again.
        if slot.ended is not None and not slot.restartable(policy):
            return False
        return self._wait(slot) if now < slot.due else self._start(slot)

    def _wait(self, slot: Slot) -> bool:
        """Show ``CrashLoopBackOff`` when it is time, of a container that waits for its restart."""
        if self._now() < slot.shift_at:
            return False
        slot.shift_at = float("inf")
        if slot.ended is None:
            self._puller.record_back_off(slot)
            return False
        delay = int(slot.back_off)
        delay_text = f"{delay}s" if delay < 60 else f"{delay // 60}m{delay % 60}s"
        slot.last = {"terminated": slot.ended}
        where = f"container={slot.name} pod={self._pod.full_name}"
        slot.wait("CrashLoopBackOff", f"back-off {delay_text} restarting failed {where}")
        return True

    def _start(self, slot: Slot) -> bool:
        if not self._puller.pull(slot):
            return True
        pod = self._pod.addressed()
        try:
            # Read at each start, not once, because a config map can have changed since.
            environment = container_environment(self._pod.api, pod, slot.spec)
            if slot.image is not None:
                check_user(pod, slot.spec, slot.image)
        except ConfigProblem as problem:
            slot.wait("CreateContainerConfigError", str(problem))
            slot.due = self._now() + image_pull.RETRY_SECONDS
            self._pod.warn("Failed", f"Error: {problem}", slot)
            return True
        if slot.ended is not None or slot.last:
            if slot.ended is not None:
                slot.last = {"terminated": slot.ended}
            if not self._pod.quiet:
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
        slot.id = "containerd://" + self._pod.api.random(32).hex()
        argv = command_of(slot, image, environment)
        slot.container = create_container(self._pod, self._wiring, slot, image, environment, argv)
        slot.log = Log(self._now)
        slot.started_at = now
        self._pod.record("Created", "Container created", slot)
        try:
            process = MainProcess(
                slot.container,
                argv,
                slot.log,
                self._now,
                stdin=bool(slot.spec.get("stdin")),
                terminal=bool(slot.spec.get("tty")),
            )
        # The container was created, and its command does not exist: runc's message is all that a user gets to see.
        except NotRunnable as problem:
            slot.log.close()
            message = (
                "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create "
                f"failed: unable to start container process: error during container init: {problem}: unknown"
            )
            self._pod.warn("Failed", f"Error: {message}", slot)
            slot.container = None
            self._terminated(slot, 128, "StartError", message)
            self._back_off(slot)
            return
        slot.process = process
        self._pod.record("Started", "Container started", slot)
        slot.state = {"running": {"startedAt": timestamp(now)}}
        slot.due = float("inf")
        if process.status is not None:
            self._ended(slot, process.status)

    def _ended(self, slot: Slot, status: int) -> None:
        self._terminated(slot, status, "Error" if status else "Completed")
        self._back_off(slot)

    def _terminated(self, slot: Slot, status: int, reason: str, message: str = "") -> None:
        """Set the state of a container that has ended."""
        now = self._now()
        state: Object = {"exitCode": status, "reason": reason}
        message = message or termination_message(slot, status)
        if message:
            state["message"] = message
        # The zero time of Unix, as containerd reports it of what never ran.
        started = timestamp(slot.started_at) if reason != "StartError" else "1970-01-01T00:00:00Z"
        state |= {"startedAt": started, "finishedAt": timestamp(now), "containerID": slot.id}
        slot.state = {"terminated": state}
        slot.process = None

    def _back_off(self, slot: Slot) -> None:
        """Plan the restart of a container that has ended."""
        now = self._now()
        if not slot.restarts and not slot.back_off:
            slot.due = now + RESTART_SECONDS
            slot.back_off = image_pull.FIRST_BACK_OFF_SECONDS / 2
        else:
            slot.back_off = min(image_pull.MAX_BACK_OFF_SECONDS, slot.back_off * 2)
            if now - slot.started_at > RESET_SECONDS:
                slot.back_off = image_pull.FIRST_BACK_OFF_SECONDS
            slot.due = now + slot.back_off
            # Until then the status shows the container as terminated, with its exit code.
            slot.shift_at = now + image_pull.SYNC_SECONDS
            message = (
                f"Back-off restarting failed container {slot.name} in pod {self._pod.full_name}"
            )
            self._pod.warn("BackOff", message, slot)

    def end(self, slots: Iterable[Slot]) -> bool:
        """End the running ones of some containers, and return whether there were any."""
        ended = False
        for slot in slots:
            if slot.process is not None and slot.running:
                self._pod.record("Killing", f"Stopping container {slot.name}", slot)
                slot.process.stop()
                self._terminated(slot, KILLED, "Error")
                ended = True
        return ended
