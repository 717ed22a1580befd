"""The interface of admission plugins: their view of a write, and the chain that calls them in order.

Source: k8s.io/apiserver ``pkg/admission``.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from typing_extensions import override

from kube_embedded.rbac.attributes import User

from ...machinery.request import Object
from ...machinery.status import ApiError, forbidden

Lookup = Callable[[str, str, str], Object | None]
"""(plural with group, namespace, name) to a stored object."""
Lister = Callable[[str, str], Iterable[Object]]
"""(plural with group, namespace) to stored objects."""


@dataclass(slots=True)
class Attributes:
    """A write, as admission plugins see it.

    Args:
        operation: ``CREATE``, ``UPDATE``, ``DELETE`` or ``CONNECT``.
        group: API group of the resource.
        kind: The Kind.
        resource: The plural.
        subresource: The subresource that is written; empty for the object itself.
        namespace: The request's namespace.
        name: The object's name; empty if it is generated later.
        obj: The new object; a mutating plugin changes it in place. None for a deletion.
        old: The stored object, not to be changed. None for a creation.
        user: The caller.
        dry_run: If true, the write is not stored.
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

    @property
    def qualified(self) -> str:
        """Plural with its group."""
        return f"{self.resource}.{self.group}" if self.group else self.resource

    def concerns(self, resource: str, *operations: str, subresource: str = "") -> bool:
        """Return whether this is one of some operations on a resource, such as ``ingresses.networking.k8s.io``."""
        return (
            self.qualified == resource
            and self.operation in operations
            and self.subresource == subresource
        )

    def refuse(self, reason: str) -> ApiError:
        """Return a 403 in the words of a plugin."""
        name = self.name
        if self.obj is not None and not name:
            metadata = self.obj.get("metadata") or {}
            name = metadata.get("name") or metadata.get("generateName") or "Unknown"
        return forbidden(self.resource, self.group, name, reason)


class Plugin:
    """Changes or refuses writes; this one does neither."""

    def admit(self, attributes: Attributes) -> None:
        """Change the object before it is validated; an ApiError refuses the write."""

    def validate(self, attributes: Attributes) -> None:
        """Check the final object; an ApiError refuses the write."""


class ReadingPlugin(Plugin):
    """A plugin that reads stored objects."""

    def __init__(self, lookup: Lookup, lister: Lister) -> None:
        self._lookup = lookup
        self._lister = lister


class Chain(Plugin):
    """Plugins, called in this order."""

    def __init__(self, plugins: tuple[Plugin, ...] = ()) -> None:
        self._plugins = plugins

    @override
    def admit(self, attributes: Attributes) -> None:
        for plugin in self._plugins:
            plugin.admit(attributes)

    @override
    def validate(self, attributes: Attributes) -> None:
        for plugin in self._plugins:
            plugin.validate(attributes)
