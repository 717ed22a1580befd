"""Creates containers as a pod's spec describes them.

Source: k8s.io/kubernetes ``pkg/kubelet/kuberuntime``.
"""

from ...container.container import Container
from ...container.files.image import Image
from ...container.files.inodes import File, FileError
from ...container.network.transport import PodNetwork
from ..naming import host_name, host_names, hosts_file, resolver_file
from .container_slot import Slot
from .context import PodContext
from .environment import expand
from .security import context, groups

FALLBACK = "FallbackToLogsOnError"
MESSAGE_LINES = 80
# The end of a log that becomes the termination message. Source: ``MaxContainerTerminationMessageLogLength``.
MESSAGE_BYTES = 2048


def create_container(
    pod: PodContext, slot: Slot, image: Image, environment: dict[str, str], argv: list[str]
) -> Container:
    """A container of a pod whose first process is ``words``, with the files that the kubelet puts into it."""
    now = pod.now
    spec = pod.object()["spec"]
    namespace = pod.namespace
    address = pod.address
    wiring = pod.node.wiring
    security = context(spec, slot.spec)
    hostname = host_name(spec, pod.name, pod.node.settings.name)
    hosts = host_names(spec, hostname, namespace, address)
    container = Container(
        image,
        hostname,
        environment,
        PodNetwork(address, namespace, hosts, wiring.service, pod.listeners, wiring.elsewhere),
        now,
        pod.api.random,
        argv,
        uid=security.get("runAsUser"),
        gid=security.get("runAsGroup"),
        number=pod.share(slot),
        groups=groups(spec),
        workdir=slot.spec.get("workingDir") or "",
        read_only=bool(security.get("readOnlyRootFilesystem")),
    )
    container.listeners = pod.listeners
    for path, text in (
        ("/etc/hosts", hosts_file(spec, hostname, namespace, address)),
        ("/etc/hostname", f"{hostname}\n"),
        ("/etc/resolv.conf", resolver_file(spec, namespace)),
    ):
        container.mount(path, File(mtime=now(), data=text.encode(), memory=True))
    container.mount(message_path(slot), File(mode=0o666, mtime=now()))
    for mount in slot.spec.get("volumeMounts") or ():
        volume = pod.volumes.get(mount["name"])
        if volume is None:
            continue
        mounted = volume.mount(
            read_only=bool(mount.get("readOnly")), sub_path=mount.get("subPath") or ""
        )
        container.mount(mount["mountPath"], mounted)
    return container


def command_of(slot: Slot, image: Image, environment: dict[str, str]) -> list[str]:
    """The command line of a container's first process."""
    command = slot.spec.get("command")
    args = slot.spec.get("args")
    count = len(command or image.entrypoint) + len(args or ())
    argv = [expand(str(word), environment, count) for word in command or image.entrypoint]
    if args:
        argv += [expand(str(word), environment, count) for word in args]
    # As in Docker: a command of one's own replaces the image's arguments as well.
    elif not command:
        argv += image.command
    return argv


def termination_message(slot: Slot, status: int) -> str:
    """Return the content of ``terminationMessagePath``, or by policy the end of a failed container's log."""
    if slot.container is None:
        return ""
    try:
        text = slot.container.fs.read(message_path(slot))[:4096].decode("utf-8", "replace")
    except FileError:
        text = ""
    if (
        not text
        and status
        and slot.log is not None
        and slot.spec.get("terminationMessagePolicy") == FALLBACK
    ):
        last = b"".join(line.data for line in slot.log.lines()[-MESSAGE_LINES:])
        text = last[-MESSAGE_BYTES:].decode("utf-8", "replace")
    return text


def message_path(slot: Slot) -> str:
    """Return the path at which a container writes its termination message."""
    return str(slot.spec.get("terminationMessagePath") or "/dev/termination-log")
