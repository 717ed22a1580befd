"""Image pulls, their back-off, and the events of the kubelet and containerd about them.

Source: k8s.io/kubernetes ``pkg/kubelet/images``.
"""

from __future__ import annotations

from labkit.embedded.container.files.images import find_image
from labkit.embedded.machinery.golang.quote import go_quote
from labkit.embedded.machinery.image_reference import parse_reference, reference_problem

from .container_slot import Slot
from .context import PodContext

FIRST_BACK_OFF_SECONDS = 10.0
MAX_BACK_OFF_SECONDS = 300.0
# A waiting crashed container becomes ``CrashLoopBackOff`` when the kubelet looks at its pod again.
SYNC_SECONDS = 5.0
# The kubelet tries again with each sync of the pod, after some ten seconds.
RETRY_SECONDS = 12.0
PULLED = 'Successfully pulled image "{}" in 1.204s (1.204s including waiting). Image size: 29733455 bytes.'


class Puller:
    """Pulls the images of one pod."""

    def __init__(self, pod: PodContext) -> None:
        self._pod = pod
        self._now = pod.now

    def pull(self, slot: Slot) -> bool:
        """Find the image of a container or plan the next try, and return whether there is one."""
        text = str(slot.spec.get("image") or "")
        # A restart needs no pull, whatever the policy: the digest is known.
        if slot.image is not None:
            self._pod.record("Pulled", _present(text), slot)
            return True
        reference = parse_reference(text)
        if reference is None:
            message = (
                f"Failed to apply default image tag {go_quote(text)}: couldn't parse image name {go_quote(text)}: "
                f"{reference_problem(text)}"
            )
            if slot.state.get("waiting", {}).get("reason") != "InvalidImageName":
                self._pod.warn("InspectFailed", message, slot)
                self._pod.warn("Failed", "Error: InvalidImageName", slot)
            return self._wait(slot, "InvalidImageName", message)
        policy = slot.pull_policy
        slot.image = find_image(text, policy)
        if slot.image is not None:
            if policy == "Always":
                self._pod.record("Pulling", f'Pulling image "{text}"', slot)
                self._pod.record("Pulled", PULLED.format(text), slot)
            else:
                self._pod.record("Pulled", _present(text), slot)
            return True
        if policy == "Never":
            message = f'Container image "{text}" is not present with pull policy of Never'
            self._pod.warn("ErrImageNeverPull", message, slot)
            self._pod.warn("Failed", "Error: ErrImageNeverPull", slot)
            return self._wait(slot, "ErrImageNeverPull", message)
        self._fail(slot, text)
        return False

    def _wait(self, slot: Slot, reason: str, message: str) -> bool:
        slot.wait(reason, message)
        slot.due = self._now() + RETRY_SECONDS
        return False

    def record_back_off(self, slot: Slot) -> None:
        """Record that the next pull has to wait."""
        self._pod.record("BackOff", f'Back-off pulling image "{slot.spec.get("image")}"', slot)
        self._pod.warn("Failed", "Error: ImagePullBackOff", slot)

    def _fail(self, slot: Slot, text: str) -> None:
        problem = _problem(text, self._pod.settings.address)
        self._pod.record("Pulling", f'Pulling image "{text}"', slot)
        self._pod.warn("Failed", f'Failed to pull image "{text}": {problem}', slot)
        self._pod.warn("Failed", "Error: ErrImagePull", slot)
        # Only a repeated failure waits for the next sync to be shown as a back-off.
        if slot.back_off:
            slot.shift_at = self._now() + SYNC_SECONDS
        else:
            self.record_back_off(slot)
        slot.wait("ImagePullBackOff", f'Back-off pulling image "{text}": ErrImagePull: {problem}')
        slot.back_off = min(MAX_BACK_OFF_SECONDS, slot.back_off * 2 or FIRST_BACK_OFF_SECONDS)
        slot.due = self._now() + slot.back_off


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
