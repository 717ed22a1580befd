"""From a container's part of a pod to what is run.

Source: k8s.io/kubernetes ``pkg/kubelet/kuberuntime``.
"""

from __future__ import annotations

from labkit.apiserver.node.container import Container
from labkit.apiserver.node.environment import expand
from labkit.apiserver.node.image import Image
from labkit.apiserver.node.inodes import Directory, File
from labkit.apiserver.node.slot import Slot


def command_of(slot: Slot, image: Image, environment: dict[str, str]) -> list[str]:
    """The words of a container's first process."""
    command = slot.spec.get("command")
    args = slot.spec.get("args")
    words = [expand(str(word), environment) for word in command or image.entrypoint]
    if args:
        words += [expand(str(word), environment) for word in args]
    elif not command:
        words += image.command
    return words


def termination_message(container: Container) -> str:
    """What a container has left in ``/dev/termination-log``."""
    node = container.fs.root.entries.get("dev")
    if isinstance(node, Directory):
        file = node.entries.get("termination-log")
        if isinstance(file, File):
            return file.data[:4096].decode("utf-8", "replace")
    return ""
