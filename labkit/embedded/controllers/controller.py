"""The base class of controllers."""

from __future__ import annotations

from abc import ABC, abstractmethod

from labkit.embedded.apiserver.registry.registry import Change, Registry
from labkit.embedded.apiserver.registry.strategy import DeleteOptions
from labkit.embedded.controllers import MANAGER
from labkit.embedded.machinery.kinds import Kind
from labkit.embedded.machinery.objects import uid_of
from labkit.embedded.machinery.request import Object


class BaseController(ABC):
    """Reacts to changes of stored objects by further writes."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    @abstractmethod
    def __call__(self, change: Change) -> None:
        """React to a change, inside the write that caused it."""

    def _current(self, kind: Kind, obj: Object) -> Object | None:
        """An object as it is stored now, None if it is gone or another one has its name."""
        metadata = obj["metadata"]
        found = self._registry.find(kind, metadata.get("namespace", ""), metadata["name"])
        return found if found is not None and uid_of(found) == metadata["uid"] else None

    def _delete_object(self, kind: Kind, obj: Object, propagation: str = "") -> None:
        metadata = obj["metadata"]
        options = DeleteOptions(propagation=propagation)
        self._registry.delete(kind, metadata.get("namespace", ""), metadata["name"], options)

    def _drop_finalizer(self, kind: Kind, obj: Object, finalizer: str) -> None:
        """Drop a finalizer of an object that is still there."""
        current = self._current(kind, obj)
        if current is not None:
            self._registry.drop_finalizer(kind, current, finalizer, MANAGER)

    def _write_status(self, kind: Kind, obj: Object, status: Object) -> None:
        """Write a status if it differs from the stored one."""
        if obj["status"] != status:
            self._registry.edit(
                kind, obj, MANAGER, lambda changed: changed.update(status=status), "status"
            )
