"""Pulling images, which are there or are not; and the words for it.

Source: k8s.io/kubernetes ``pkg/kubelet/images``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from labkit.embedded.container.files.image_reference import parse_reference, reference_problem
from labkit.embedded.container.files.images import find_image
from labkit.embedded.node.pod.container_slot import Slot

FIRST_BACK_OFF_SECONDS = 10.0
MAX_BACK_OFF_SECONDS = 300.0
SYNC_SECONDS = 5.0
"""After which a crashed container that must wait is shown in ``CrashLoopBackOff``."""


class Say(Protocol):
    """Writes an event about a pod, unless nothing is to be said."""

    def __call__(self, reason: str, message: str, *, kind: str = "Normal", slot: Slot | None = None) -> None:
        """See ``Recorder.record``."""


class Puller:
    """Pulls the images of one pod.

    Args:
        address: The node's address, where names are looked up.
        now: Seconds since 1970.
        say: Writes the pod's events.
    """

    def __init__(self, address: str, now: Callable[[], float], say: Say) -> None:
        self._address = address
        self._now = now
        self._say = say

    def pull(self, slot: Slot) -> bool:
        """Find the image, or wait for it."""
        text = str(slot.spec.get("image") or "")
        if slot.image is not None:
            self._say("Pulled", _present(text), slot=slot)
            return True
        reference = parse_reference(text)
        if reference is None:
            message = (
                f'Failed to apply default image tag "{text}": couldn\'t parse image name "{text}": '
                f"{reference_problem(text)}"
            )
            if slot.state.get("waiting", {}).get("reason") != "InvalidImageName":
                self._say("InspectFailed", message, kind="Warning", slot=slot)
                self._say("Failed", "Error: InvalidImageName", kind="Warning", slot=slot)
            slot.state = {"waiting": {"message": message, "reason": "InvalidImageName"}}
            slot.due = self._now() + 12
            return False
        policy = slot.policy
        slot.image = find_image(text, policy)
        if slot.image is not None:
            if policy == "Always":
                self._say("Pulling", f'Pulling image "{text}"', slot=slot)
                self._say(
                    "Pulled",
                    f'Successfully pulled image "{text}" in 1.204s (1.204s including waiting). Image '
                    "size: 29733455 bytes.",
                    slot=slot,
                )
            else:
                self._say("Pulled", _present(text), slot=slot)
            return True
        if policy == "Never":
            message = f'Container image "{text}" is not present with pull policy of Never'
            slot.state = {"waiting": {"message": message, "reason": "ErrImageNeverPull"}}
            self._say("ErrImageNeverPull", message, kind="Warning", slot=slot)
            self._say("Failed", "Error: ErrImageNeverPull", kind="Warning", slot=slot)
            slot.due = self._now() + 12
            return False
        self._fail(slot, text)
        return False

    def say_back_off(self, slot: Slot) -> None:
        """Say that the next try must wait."""
        self._say("BackOff", f'Back-off pulling image "{slot.spec.get("image")}"', slot=slot)
        self._say("Failed", "Error: ImagePullBackOff", kind="Warning", slot=slot)

    def _fail(self, slot: Slot, text: str) -> None:
        problem = _problem(text, self._address)
        self._say("Pulling", f'Pulling image "{text}"', slot=slot)
        self._say("Failed", f'Failed to pull image "{text}": {problem}', kind="Warning", slot=slot)
        self._say("Failed", "Error: ErrImagePull", kind="Warning", slot=slot)
        if slot.back_off:
            slot.shift_at = self._now() + SYNC_SECONDS
        else:
            self.say_back_off(slot)
        slot.state = {
            "waiting": {
                "message": f'Back-off pulling image "{text}": ErrImagePull: {problem}',
                "reason": "ImagePullBackOff",
            }
        }
        slot.back_off = min(MAX_BACK_OFF_SECONDS, slot.back_off * 2 or FIRST_BACK_OFF_SECONDS)
        slot.due = self._now() + slot.back_off


def _present(text: str) -> str:
    return f'Container image "{text}" already present on machine and can be accessed by the pod'


def _problem(text: str, address: str) -> str:
    """What containerd says: a registry of its own is looked up in vain; Docker Hub lacks the image."""
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
