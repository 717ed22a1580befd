"""The part of the client that checkpoints and widgets rely on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from labkit.client.answer import Answer


class Caller(Protocol):
    """A caller of an API server."""

    @property
    def name(self) -> str:
        """The caller's name in the lab, such as ``kikai/test``."""
        ...

    def request(
        self,
        method: str,
        path: str,
        *,
        body: object | None = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Make one call."""
        ...

    def get(self, path: str, *, query: Mapping[str, str] | None = None) -> Answer:
        """Read an object or a list."""
        ...

    def post(self, path: str, body: object, *, query: Mapping[str, str] | None = None) -> Answer:
        """Create an object."""
        ...

    def put(self, path: str, body: object, *, query: Mapping[str, str] | None = None) -> Answer:
        """Replace an object."""
        ...

    def patch(self, path: str, body: object, *, kind: str = "merge") -> Answer:
        """Change an object."""
        ...

    def delete(self, path: str, *, query: Mapping[str, str] | None = None) -> Answer:
        """Delete an object or a collection."""
        ...
