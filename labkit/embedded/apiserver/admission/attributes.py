"""What an admission plugin sees of a write, and what a plugin is.

Source: k8s.io/apiserver ``pkg/admission``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from labkit.embedded.machinery.request import Object
from labkit.embedded.machinery.status import ApiError, forbidden
from labkit.rbac.attributes import User

Lookup = Callable[[str, str, str], Object | None]
"""(plural with group, namespace, name) to a stored object."""
Lister = Callable[[str, str], Iterable[Object]]
"""(plural with group, namespace) to stored objects."""


@dataclass(slots=True)
class Attributes:
    """One write.

    Args:
        operation: ``CREATE``, ``UPDATE``, ``DELETE`` or ``CONNECT``.
        group: API group of the resource.
        kind: The Kind.
        resource: The plural.
        subresource: Which part is written, empty for the object.
        namespace: The request's namespace.
        name: The object's name, perhaps not known yet.
        obj: The new object; a mutating plugin changes it in place. None for a deletion.
        old: The stored object, not to be changed. None for a creation.
        user: Who writes.
        dry_run: Whether nothing will be stored.
        annotate: Adds an annotation to the audit event.
        warn: Adds a ``Warning`` header.
    """

    operation: str
    group: str
    kind: str
    resource: str
    subresource: str
    namespace: str
    name: str
    obj: Object | None
    old: Object | None
    user: User
    dry_run: bool
    annotate: Callable[[str, str], None]
    warn: Callable[[str], None] = lambda text: None

    def refuse(self, why: str) -> ApiError:
        """403 in the words of a plugin."""
        name = self.name
        if self.obj is not None and not name:
            metadata = self.obj.get("metadata") or {}
            name = metadata.get("name") or metadata.get("generateName") or "Unknown"
        return forbidden(self.resource, self.group, name, why)


class Plugin(Protocol):
    """Changes or refuses writes."""

    def admit(self, attributes: Attributes) -> None:
        """Change the object before it is checked; raise to refuse."""

    def validate(self, attributes: Attributes) -> None:
        """Look at the final object; raise to refuse."""


class Ordinary:
    """A plugin that does nothing; others derive from it."""

    def admit(self, attributes: Attributes) -> None:
        """See ``Plugin``."""

    def validate(self, attributes: Attributes) -> None:
        """See ``Plugin``."""


class Chain:
    """Plugins one after another.

    Args:
        plugins: In the order in which they are asked.
    """

    def __init__(self, plugins: tuple[Plugin, ...] = ()) -> None:
        self._plugins = plugins

    def admit(self, attributes: Attributes) -> None:
        """Let every plugin change the object."""
        for plugin in self._plugins:
            plugin.admit(attributes)

    def validate(self, attributes: Attributes) -> None:
        """Let every plugin look at the final object."""
        for plugin in self._plugins:
            plugin.validate(attributes)
