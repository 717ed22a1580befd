"""From a container's part of a pod to what is run.

Source: k8s.io/kubernetes ``pkg/kubelet/kuberuntime``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from labkit.embedded.container.container import Container
from labkit.embedded.container.files.image import Image
from labkit.embedded.container.files.inodes import Directory, File, FileError
from labkit.embedded.container.network.transport import Endpoint
from labkit.embedded.machinery.request import Object
from labkit.embedded.node.api import NodeApi, NodeSettings
from labkit.embedded.node.naming import host_name, host_names, hosts_file, resolver_file
from labkit.embedded.node.network import Wiring
from labkit.embedded.node.pod.container_slot import Slot
from labkit.embedded.node.pod.environment import expand
from labkit.embedded.node.pod.security import context, groups
from labkit.embedded.node.pod.volumes import Volume

FALLBACK = "FallbackToLogsOnError"
MESSAGE_LINES = 80
MESSAGE_BYTES = 2048
"""How much of its log stands for a container's last words."""


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
        security = context(spec, slot.spec)
        hostname = host_name(spec, self._pod.name, self._settings.name)
        namespace, address = self._pod.namespace, self._pod.address
        hosts = host_names(spec, hostname, namespace, address)
        container = Container(
            image,
            hostname,
            environment,
            self._wiring.network(address, namespace, hosts, self._pod.listeners),
            self._now,
            self._api.random,
            words,
            uid=security.get("runAsUser"),
            gid=security.get("runAsGroup"),
            groups=groups(spec),
            workdir=slot.spec.get("workingDir") or "",
            read_only=bool(security.get("readOnlyRootFilesystem")),
        )
        container.listeners = self._pod.listeners
        for path, text in (
            ("/etc/hosts", hosts_file(spec, hostname, namespace, address)),
            ("/etc/hostname", f"{hostname}\n"),
            ("/etc/resolv.conf", resolver_file(spec, namespace)),
        ):
            container.put_file(path, File(mtime=self._now(), data=text.encode(), memory=True))
        container.put_file(message_path(slot), File(mode=0o666, mtime=self._now()))
        for mount in slot.spec.get("volumeMounts") or ():
            volume = self._pod.volumes.get(mount["name"])
            if volume is None:
                continue
            made = volume.mount(read_only=bool(mount.get("readOnly")), sub_path=mount.get("subPath") or "")
            if isinstance(made, Directory):
                container.mount(mount["mountPath"], made)
            elif isinstance(made, File):
                container.put_file(mount["mountPath"], made)
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


def termination_message(slot: Slot, status: int) -> str:
    """What a container has left at its ``terminationMessagePath``, or the end of its log if that is wanted."""
    if slot.container is None:
        return ""
    try:
        text = slot.container.fs.read(message_path(slot))[:4096].decode("utf-8", "replace")
    except FileError:
        text = ""
    if not text and status and slot.log is not None and slot.spec.get("terminationMessagePolicy") == FALLBACK:
        last = b"".join(line.data for line in slot.log.lines()[-MESSAGE_LINES:])
        text = last[-MESSAGE_BYTES:].decode("utf-8", "replace")
    return text


def message_path(slot: Slot) -> str:
    """Where a container leaves its last words."""
    return str(slot.spec.get("terminationMessagePath") or "/dev/termination-log")
