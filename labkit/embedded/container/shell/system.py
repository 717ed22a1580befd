"""The container, as its processes see it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from labkit.embedded.container.files.filesystem import FileSystem
from labkit.embedded.container.files.image import Image
from labkit.embedded.container.network.transport import Listener, PodNetwork


class System(Protocol):
    """The container a command runs in."""

    fs: FileSystem
    image: Image
    network: PodNetwork
    hostname: str
    listeners: dict[int, Listener]
    """The servers of the pod's containers, by port."""
    now: Callable[[], float]
    """The clock, in seconds since 1970."""
    started_at: float
    """When the container started, in seconds since 1970."""
    random: Callable[[int], bytes]
    """Returns so many random bytes."""
