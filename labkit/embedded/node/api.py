"""What the node needs of the cluster around it, and nothing else.

``cluster.py`` gives an object that fits :class:`NodeApi`; tests give a small fake.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from labkit.embedded.machinery.request import Object, Request, Response


class NodeApi(Protocol):
    """The cluster as its node sees it. Resources are named by their plural, with the group if there is one."""

    def get(self, resource: str, namespace: str, name: str) -> Object | None:
        """A stored object, or None. It must not be changed."""

    def list(self, resource: str, namespace: str = "") -> Sequence[Object]:
        """Stored objects of one namespace, or of all."""

    def create(self, resource: str, obj: Object, manager: str) -> Object:
        """Store a new object; its owner in ``managedFields`` is ``manager``."""

    def edit(
        self, resource: str, obj: Object, change: Callable[[Object], None], *, manager: str, subresource: str = ""
    ) -> Object:
        """Change a copy of a stored object and store it."""

    def delete(self, resource: str, namespace: str, name: str) -> None:
        """Remove an object at once, without grace. It may be gone already."""

    def issue_token(self, pod: Object, account: Object, audience: str, expiration_seconds: int) -> tuple[str, float]:
        """A token bound to a pod, and when it expires by its own claim of renewal."""

    def handle(self, request: Request) -> Response:
        """Answer a request, as the API server answers it over the network."""

    def random(self, count: int) -> bytes:
        """Random bytes."""


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """What a node is like.

    Args:
        name: Its name.
        address: Its address, which is also the API server's.
        version: The kubelet's version.
    """

    name: str = "labkit"
    address: str = "172.18.0.2"
    version: str = "v1.36.2"


API_PORT = 6443
"""The port on which the API server listens at the node's address."""

SERVICE_ADDRESS = "10.96.0.1"
"""The Service ``kubernetes``."""
