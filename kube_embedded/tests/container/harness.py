"""A container without a cluster, and commands run in it without an event loop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from kube_embedded.container.container import Container
from kube_embedded.container.files.image import Image
from kube_embedded.container.files.images import find_image
from kube_embedded.container.network.transport import Listener, PodNetwork
from kube_embedded.container.shell.task_loop import Budget
from kube_embedded.tests.container.textio import TextIO, drive

NOW = 1_800_000_000.0
PLAIN = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "HOSTNAME": "curl",
}


class Done(NamedTuple):
    """How a command ended."""

    rc: int
    stdout: str
    stderr: str


def image(name: str = "ubuntu:latest", policy: str = "IfNotPresent") -> Image:
    """An image of the table."""
    found = find_image(name, policy)
    assert found is not None, name
    return found


def container(
    name: str = "ubuntu:latest",
    *,
    listeners: Mapping[int, Listener] | None = None,
    elsewhere: Mapping[tuple[str, int], Listener] | None = None,
    uid: int | None = None,
    read_only: bool = False,
) -> Container:
    """A container with a network in which only ``kubernetes`` has a name."""
    network = PodNetwork(
        "10.244.0.5",
        "default",
        {"curl": "10.244.0.5"},
        lambda namespace, service: (
            "10.96.0.1" if (namespace, service) == ("default", "kubernetes") else None
        ),
        listeners or {},
        lambda address, port: (elsewhere or {}).get((address, port)),
    )
    return Container(
        image(name),
        "curl",
        {"KUBERNETES_SERVICE_HOST": "10.96.0.1"},
        network,
        lambda: NOW,
        lambda count: (bytes(range(256)) * (count // 256 + 1))[:count],
        ["sleep", "9999999"],
        uid=uid,
        read_only=read_only,
    )


def run(
    script: str,
    place: Container | None = None,
    *,
    shell: str = "bash",
    stdin: bytes = b"",
    budget: Budget | None = None,
) -> Done:
    """Run a script in a container, a new one by default."""
    io = TextIO(stdin)
    status = drive((place or container()).run([shell, "-c", script], io, stdin=True, budget=budget))
    return Done(
        status,
        bytes(io.out[1]).decode("utf-8", "replace"),
        bytes(io.out[2]).decode("utf-8", "replace"),
    )
