"""The lifecycle of a pod's containers: their images are pulled, they start, end, back off and restart.

Sources: k8s.io/kubernetes ``pkg/kubelet/kuberuntime``, ``pkg/kubelet/images``.
"""

from collections.abc import Iterable

from ...apiserver.registry.strategy import timestamp
from ...container.container import NotRunnable
from ...container.files.images import find_image
from ...container.logs import Log
from ...container.main_process import MainProcess
from ...machinery.golang.quote import go_quote
from ...machinery.image_reference import parse_reference, reference_problem
from ...machinery.request import Object
from .container_slot import Slot
from .context import PodContext
from .create_container import command_of, create_container, termination_message
from .environment import container_environment
from .problems import ConfigProblem
from .security import check_user

FIRST_BACK_OFF_SECONDS = 10.0
MAX_BACK_OFF_SECONDS = 300.0
# A waiting crashed container becomes ``CrashLoopBackOff`` when the kubelet looks at its pod again.
SYNC_SECONDS = 5.0
# The kubelet tries again with each sync of the pod, after some ten seconds.
RETRY_SECONDS = 12.0
PULLED = 'Successfully pulled image "{}" in 1.204s (1.204s including waiting). Image size: 29733455 bytes.'

# The first restart does not back off; it waits for one sync of the kubelet.
RESTART_SECONDS = 1.0

# 128 + SIGKILL, as a shell and containerd report it.
KILLED = 137

# A container that ran so long restarts with the first back-off: twice MaxContainerBackOff.
RESET_SECONDS = 600.0


class ContainerLifecycle(PodContext):
    """Starts, restarts and ends the containers of one pod."""

    def step(self, slot: Slot) -> bool:
        """Do the work that is due for one container, and return whether its state changed."""
        now = self.now()
        if slot.process is not None:
            slot.process.resume(now)
            if slot.process.status is None:
                return False
            self._ended(slot, slot.process.status)
            return True
        # A container that stays ended is never looked at again.
        if slot.ended is not None and not slot.restartable(self.policy):
            return False
        return self._wait(slot) if now < slot.due else self._start(slot)

    def _wait(self, slot: Slot) -> bool:
        """Show ``CrashLoopBackOff`` when it is time, of a container that waits for its restart."""
        if self.now() < slot.shift_at:
            return False
        slot.shift_at = float("inf")
        if slot.ended is None:
            self.record_back_off(slot)
            return False
        delay = int(slot.back_off)
        delay_text = f"{delay}s" if delay < 60 else f"{delay // 60}m{delay % 60}s"
        slot.last = {"terminated": slot.ended}
        where = f"container={slot.name} pod={self.full_name}"
        slot.wait("CrashLoopBackOff", f"back-off {delay_text} restarting failed {where}")
        return True

    def _start(self, slot: Slot) -> bool:
        if not self.pull(slot):
            return True
        pod = self.addressed()
        try:
            # Read at each start, not once, because a config map can have changed since.
            environment = container_environment(self.api, pod, slot.spec)
            if slot.image is not None:
                check_user(pod, slot.spec, slot.image)
        except ConfigProblem as problem:
            slot.wait("CreateContainerConfigError", str(problem))
            slot.due = self.now() + RETRY_SECONDS
            self.warn("Failed", f"Error: {problem}", slot)
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

    def pull(self, slot: Slot) -> bool:
        """Find the image of a container or plan the next try, and return whether there is one."""
        text = str(slot.spec.get("image") or "")
        # A restart needs no pull, whatever the policy: the digest is known.
        if slot.image is not None:
            self.record("Pulled", _present(text), slot)
            return True
        reference = parse_reference(text)
        if reference is None:
            message = (
                f"Failed to apply default image tag {go_quote(text)}: couldn't parse image name {go_quote(text)}: "
                f"{reference_problem(text)}"
            )
            if slot.state.get("waiting", {}).get("reason") != "InvalidImageName":
                self.warn("InspectFailed", message, slot)
                self.warn("Failed", "Error: InvalidImageName", slot)
            return self._retry(slot, "InvalidImageName", message)
        policy = slot.pull_policy
        slot.image = find_image(text, policy)
        if slot.image is not None:
            if policy == "Always":
                self.record("Pulling", f'Pulling image "{text}"', slot)
                self.record("Pulled", PULLED.format(text), slot)
            else:
                self.record("Pulled", _present(text), slot)
            return True
        if policy == "Never":
            message = f'Container image "{text}" is not present with pull policy of Never'
            self.warn("ErrImageNeverPull", message, slot)
            self.warn("Failed", "Error: ErrImageNeverPull", slot)
            return self._retry(slot, "ErrImageNeverPull", message)
        self._fail(slot, text)
        return False

    def _retry(self, slot: Slot, reason: str, message: str) -> bool:
        slot.wait(reason, message)
        slot.due = self.now() + RETRY_SECONDS
        return False

    def record_back_off(self, slot: Slot) -> None:
        """Record that the next pull has to wait."""
        self.record("BackOff", f'Back-off pulling image "{slot.spec.get("image")}"', slot)
        self.warn("Failed", "Error: ImagePullBackOff", slot)

    def _fail(self, slot: Slot, text: str) -> None:
        problem = _problem(text, self.node.settings.address)
        self.record("Pulling", f'Pulling image "{text}"', slot)
        self.warn("Failed", f'Failed to pull image "{text}": {problem}', slot)
        self.warn("Failed", "Error: ErrImagePull", slot)
        # Only a repeated failure waits for the next sync to be shown as a back-off.
        if slot.back_off:
            slot.shift_at = self.now() + SYNC_SECONDS
        else:
            self.record_back_off(slot)
        slot.wait("ImagePullBackOff", f'Back-off pulling image "{text}": ErrImagePull: {problem}')
        slot.back_off = min(MAX_BACK_OFF_SECONDS, slot.back_off * 2 or FIRST_BACK_OFF_SECONDS)
        slot.due = self.now() + slot.back_off

    def _run(self, slot: Slot, environment: dict[str, str]) -> None:
        now = self.now()
        image = slot.image
        if image is None:
            return
        slot.id = "containerd://" + self.api.random(32).hex()
        argv = command_of(slot, image, environment)
        slot.container = create_container(self, slot, image, environment, argv)
        slot.log = Log(self.now)
        slot.started_at = now
        self.record("Created", "Container created", slot)
        try:
            process = MainProcess(
                slot.container,
                slot.log,
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
            self.warn("Failed", f"Error: {message}", slot)
            slot.container = None
            self._terminated(slot, 128, "StartError", message)
            self._back_off(slot)
            return
        slot.process = process
        self.record("Started", "Container started", slot)
        slot.state = {"running": {"startedAt": timestamp(now)}}
        slot.due = float("inf")
        if process.status is not None:
            self._ended(slot, process.status)

    def _ended(self, slot: Slot, status: int) -> None:
        self._terminated(slot, status, "Error" if status else "Completed")
        self._back_off(slot)

    def _terminated(self, slot: Slot, status: int, reason: str, message: str = "") -> None:
        """Set the state of a container that has ended."""
        now = self.now()
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
        now = self.now()
        if not slot.restarts and not slot.back_off:
            slot.due = now + RESTART_SECONDS
            slot.back_off = FIRST_BACK_OFF_SECONDS / 2
        else:
            slot.back_off = min(MAX_BACK_OFF_SECONDS, slot.back_off * 2)
            if now - slot.started_at > RESET_SECONDS:
                slot.back_off = FIRST_BACK_OFF_SECONDS
            slot.due = now + slot.back_off
            # Until then the status shows the container as terminated, with its exit code.
            slot.shift_at = now + SYNC_SECONDS
            message = f"Back-off restarting failed container {slot.name} in pod {self.full_name}"
            self.warn("BackOff", message, slot)

    def end(self, slots: Iterable[Slot]) -> bool:
        """End the running ones of some containers, and return whether there were any."""
        ended = False
        for slot in slots:
            if slot.process is not None and slot.running:
                self.record("Killing", f"Stopping container {slot.name}", slot)
                slot.process.stop()
                self._terminated(slot, KILLED, "Error")
                ended = True
        return ended


def _present(text: str) -> str:
    return f'Container image "{text}" already present on machine and can be accessed by the pod'


def _problem(text: str, address: str) -> str:
    """The message of containerd: Docker Hub lacks the image, or the host of another registry is unknown."""
    reference = parse_reference(text)
    if reference is None:
        return "invalid reference format"
    full = reference.full
    lead = f'failed to pull and unpack image "{full}": failed to resolve reference "{full}": '
    if reference.registry == "docker.io":
        return (
            f"{lead}pull access denied, repository does not exist or may require authorization: "
            "server message: insufficient_scope: authorization failed"
        )
    return (
        f'{lead}failed to do request: Head "https://{reference.registry}/v2/{reference.repository}/manifests/'
        f'{reference.tag}": dial tcp: lookup {reference.registry.partition(":")[0]} on '
        f"{address}:53: no such host"
    )
