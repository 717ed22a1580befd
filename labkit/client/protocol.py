"""What a checkpoint or a page needs of whoever asks the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from labkit.client.answer import Answer


class Caller(Protocol):
    """Someone who may ask the API server: what checkpoints get."""

    @property
    def name(self) -> str:
        """How the lab calls them, such as ``kikai/test``."""
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
