"""The base class of controllers."""

from abc import ABC, abstractmethod
from collections.abc import Callable

from ..apiserver.registry.registry import Change, Registry, timestamp
from ..apiserver.registry.strategy import DeleteOptions
from ..machinery.kinds import Kind
from ..machinery.objects import name_of, namespace_of, uid_of
from ..machinery.request import Object
from . import MANAGER


class BaseController(ABC):
    """Reacts to changes of stored objects by further writes."""

    manager = MANAGER
    """The field manager of its writes."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    @abstractmethod
    def __call__(self, change: Change) -> None:
        """React to a change, inside the write that caused it."""

    def _now(self) -> str:
        """Return the time for a field of an object."""
        return timestamp(self._registry.clock())

    def _stored(self, kind: Kind, obj: Object) -> Object | None:
        """Return the object of a kind that has the namespace and the name of another one."""
        return self._registry.find(kind, namespace_of(obj), name_of(obj))

    def _current(self, kind: Kind, obj: Object) -> Object | None:
        """Return the stored state of an object, None if it is gone."""
        # Writes nest: a controller that reacted earlier can have deleted it, or put another one in its place.
        stored = self._stored(kind, obj)
        return stored if stored is not None and uid_of(stored) == uid_of(obj) else None

    def _create_object(self, kind: Kind, obj: Object) -> Object:
        return self._registry.create(kind, obj, manager=self.manager)

    def _edit(
        self, kind: Kind, obj: Object, change: Callable[[Object], None], subresource: str = ""
    ) -> Object:
        return self._registry.edit(kind, obj, self.manager, change, subresource)

    def _delete_object(self, kind: Kind, obj: Object, propagation: str = "") -> None:
        options = DeleteOptions(propagation=propagation)
        self._registry.delete(kind, namespace_of(obj), name_of(obj), options)

    def _drop_finalizer(self, kind: Kind, obj: Object, finalizer: str) -> None:
        """Drop a finalizer of an object that still exists."""
        current = self._current(kind, obj)
        if current is not None:
            self._registry.drop_finalizer(kind, current, finalizer, self.manager)

    def _write_status(self, kind: Kind, obj: Object, status: Object) -> None:
        """Write a status if it differs from the stored one."""
        # A write without a change would wake the watchers, and this controller, for nothing.
        if obj["status"] != status:
            self._edit(kind, obj, lambda changed: changed.update(status=status), "status")


class Publisher(BaseController):
    """Publishes the certificate of the CA (PEM) in objects."""

    def __init__(self, registry: Registry, ca_certificate: bytes) -> None:
        super().__init__(registry)
        self._ca = ca_certificate.decode()

    @abstractmethod
    def bootstrap(self) -> None:
        """Publish it where it is missing or old."""

    def renew(self, ca_certificate: bytes) -> None:
        """Publish a new certificate."""
        self._ca = ca_certificate.decode()
        self.bootstrap()
