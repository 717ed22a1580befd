"""From a container's part of a pod to what is run.

Source: k8s.io/kubernetes ``pkg/kubelet/kuberuntime``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from labkit.apiserver.node.api import NodeApi, NodeSettings
from labkit.apiserver.node.container import Container
from labkit.apiserver.node.environment import expand
from labkit.apiserver.node.image import Image
from labkit.apiserver.node.inodes import Directory, File
from labkit.apiserver.node.network import Wiring
from labkit.apiserver.node.slot import Slot
from labkit.apiserver.node.transport import Endpoint
from labkit.apiserver.node.volumes import Volume
from labkit.apiserver.request import Object


class Place(Protocol):
    """The pod, as its containers need it."""

    name: str
    namespace: str
    address: str
    listeners: dict[int, Endpoint]
    volumes: dict[str, Volume]


class Creator:
    """Makes the containers of one pod.

    Args:
        api: Gives random bytes.
        settings: The node.
        wiring: Connects them to the network.
        pod: What they share.
        now: Seconds since 1970.
    """

    def __init__(
        self, api: NodeApi, settings: NodeSettings, wiring: Wiring, pod: Place, now: Callable[[], float]
    ) -> None:
        self._api = api
        self._settings = settings
        self._wiring = wiring
        self._pod = pod
        self._now = now

    def make(self, spec: Object, slot: Slot, image: Image, environment: dict[str, str], words: list[str]) -> Container:
        """A container of the pod, with the files that the kubelet puts into it.

        Args:
            spec: The pod's spec.
            slot: Its place.
            image: Its image.
            environment: Its variables.
            words: The command of its first process.
        """
        security = {**(spec.get("securityContext") or {}), **(slot.spec.get("securityContext") or {})}
        hostname = spec.get("hostname") or (self._settings.name if spec.get("hostNetwork") else self._pod.name)
        container = Container(
            image,
            hostname[:63],
            environment,
            self._wiring.network(self._pod.address, self._pod.namespace, hostname[:63], self._pod.listeners),
            self._now,
            self._api.random,
            words,
            uid=security.get("runAsUser"),
            gid=security.get("runAsGroup"),
            workdir=slot.spec.get("workingDir") or "",
            read_only=bool(security.get("readOnlyRootFilesystem")),
        )
        container.listeners = self._pod.listeners
        self._wiring.files(container, self._pod.address, self._pod.namespace, hostname[:63], spec)
        for mount in slot.spec.get("volumeMounts") or ():
            volume = self._pod.volumes.get(mount["name"])
            if volume is None:
                continue
            made = volume.mount(read_only=bool(mount.get("readOnly")), sub_path=mount.get("subPath") or "")
            if isinstance(made, Directory):
                container.mount(mount["mountPath"], made)
            elif isinstance(made, File):
                container.put_file(mount["mountPath"], made.content, mode=made.mode)
        return container


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
