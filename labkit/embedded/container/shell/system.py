"""What a process knows of the container around it."""

from __future__ import annotations

from typing import Protocol

from labkit.embedded.container.files.filesystem import FileSystem
from labkit.embedded.container.files.image import Image
from labkit.embedded.container.network.transport import Endpoint, Network


class System(Protocol):
    """The container a command runs in."""

    fs: FileSystem
    image: Image
    network: Network
    hostname: str
    listeners: dict[int, Endpoint]
    """What the pod's containers serve, by port."""

    def now(self) -> float:
        """Seconds since 1970."""

    def started_at(self) -> float:
        """When the container started, in seconds since 1970."""

    def random(self, count: int) -> bytes:
        """Random bytes."""

    def processes(self) -> list[tuple[int, str]]:
        """Number and command line of what runs in the container beside this exec."""
