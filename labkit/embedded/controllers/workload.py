"""The base class of the workload controllers: reactions to changes, dependents, back-off, events.

A controller runs inside the write that it reacts to. It creates one dependent and returns; the change of that
dependent, which quotas have counted by then, causes the next sync.
Source: k8s.io/kubernetes ``pkg/controller/controller_utils.go``.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import NamedTuple, Protocol

from labkit.embedded.apiserver.registry.registry import Change, Registry
from labkit.embedded.apiserver.registry.strategies.fields.selectors import selects
from labkit.embedded.controllers.backoff import Backoff
from labkit.embedded.controllers.controller import BaseController
from labkit.embedded.controllers.controller_ref import claim, controller_of, controls, refers_to
from labkit.embedded.controllers.event_recorder import EventRecorder
from labkit.embedded.controllers.workload_pods import PODS
from labkit.embedded.machinery.kinds import BY_KIND, Kind
from labkit.embedded.machinery.objects import is_deleted, labels_of, name_of, namespace_of
from labkit.embedded.machinery.request import Object
from labkit.embedded.machinery.status import ApiError

ADMITTING = tuple(
    BY_KIND["", kind] for kind in ("LimitRange", "Namespace", "ResourceQuota", "ServiceAccount")
)
"""The kinds of objects by which admission may have refused a pod."""


class Create(Protocol):
    """Creates an object as the service account of a controller: admission applies."""

    def __call__(self, controller: str, obj: Object, kind: Kind = PODS) -> Object:
        """Create an object in its namespace as the service account of a controller.

        Raises:
            ApiError: It is refused.
        """


class Messages(NamedTuple):
    """Messages of events; ``{name}`` is a dependent's, ``{owner}`` its owner's name, ``{error}`` a refusal."""

    created: str
    refused: str
    deleted: str


class WorkloadController(BaseController):
    """Reconciles the owners of one kind with what they control."""

    kind: Kind
    """The owners' row."""
    component: str
    """The source of events, and the service account that creates dependents."""
    dependents: Kind = PODS
    with_retry_after: tuple[Kind, ...] = ADMITTING
    """The kinds whose changes end the back-off of the owners in their namespace."""
    messages = Messages("Created pod: {name}", "Error creating: {error}", "Deleted pod: {name}")

    def __init__(self, registry: Registry, create: Create) -> None:
        super().__init__(registry)
        self._create = create
        self._events = EventRecorder(registry, self.component, self.kind)
        self._backoff = Backoff(registry.steady)

    @abstractmethod
    def _sync(self, owner: Object) -> None:
        """Take the next step towards what an owner's spec asks for."""

    @abstractmethod
    def _is_due(self, owner: Object) -> bool:
        """Whether time alone calls for a sync."""

    # Changes

    def __call__(self, change: Change) -> None:
        """React to a change of an owner, of a dependent, and of what may have refused one."""
        if change.kind is self.kind:
            self._owner_changed(change)
        elif change.kind is self.dependents:
            self._dependent_changed(change)
        elif change.kind in self.with_retry_after:
            changed = change.new or change.old or {}
            namespace = changed["metadata"].get("namespace") or name_of(changed)
            self._reconcile_all(namespace, self._ends_backoff)

    def advance(self) -> None:
        """Sync the owners for which it is time."""
        for owner in list(self._registry.list(self.kind)):
            if self._is_due(owner):
                self._reconcile_in_transaction(owner)

    def _owner_changed(self, change: Change) -> None:
        """Sync a changed owner, unless only its status changed: a status must not cause the next one."""
        old, new = change.old, change.new
        if new is None:
            if old is not None:
                self._backoff.reset(old)
        elif old is None or _acted_on(old) != _acted_on(new):
            self._reconcile(namespace_of(new), name_of(new))

    def _dependent_changed(self, change: Change) -> None:
        """Sync the controllers of a dependent before and after a change, and those that could adopt an orphan."""
        for side in {
            id(side): side for side in (change.old, change.new) if side is not None
        }.values():
            reference, namespace = controller_of(side), namespace_of(side)
            if reference is not None:
                if refers_to(reference, self.kind):
                    self._reconcile(namespace, reference.get("name", ""))
            elif side is change.new:
                for owner in list(self._registry.list(self.kind, namespace)):
                    if self._selects(owner, side):
                        self._reconcile(namespace, name_of(owner))

    def _ends_backoff(self, owner: Object) -> bool:
        """End an owner's back-off, and return whether it had to wait."""
        return self._backoff.reset(owner)

    def _reconcile(self, namespace: str, name: str) -> None:
        owner = self._registry.find(self.kind, namespace, name)
        if owner is not None:
            self._sync(owner)

    def _reconcile_all(self, namespace: str, condition: Callable[[Object], bool]) -> None:
        for owner in list(self._registry.list(self.kind, namespace)):
            if condition(owner):
                self._reconcile(namespace_of(owner), name_of(owner))

    def _reconcile_in_transaction(self, owner: Object) -> None:
        """Sync an owner when no write is under way."""
        with self._registry.transaction():
            self._reconcile(namespace_of(owner), name_of(owner))

    # Dependents

    def _selector(self, owner: Object) -> Object:
        selector: Object = owner["spec"].get("selector") or {}
        return selector

    def _selects(self, owner: Object, obj: Object) -> bool:
        """Whether an owner could adopt an orphan."""
        selector = self._selector(owner)
        return bool(selector) and selects(selector, labels_of(obj))

    def _claim(
        self, owner: Object, adoptable: Callable[[Object], bool] = lambda obj: True
    ) -> list[Object]:
        return claim(
            self._registry, self.kind, owner, self._selector(owner), self.dependents, adoptable
        )

    def _controlled(self, owner: Object) -> list[Object]:
        found = self._registry.list(self.dependents, namespace_of(owner))
        return [obj for obj in found if controls(owner, obj)]

    def _create_dependent(self, owner: Object, obj: Object) -> ApiError | None:
        """Create a dependent and record an event; a refusal is returned, and starts the owner's back-off."""
        refusal = self._create_for(owner, obj, self.dependents, self.messages)
        if refusal is None:
            self._backoff.reset(owner)
        return refusal

    def _create_for(
        self, owner: Object, obj: Object, kind: Kind, messages: Messages
    ) -> ApiError | None:
        """Create an object of any kind for an owner; see ``_create_dependent``."""
        try:
            made = self._create(self.component, obj, kind)
        except ApiError as error:
            self._backoff.fail(owner)
            name = obj["metadata"].get("name", "")
            message = messages.refused.format(name=name, owner=name_of(owner), error=error.message)
            self._events.warning(owner, "FailedCreate", message)
            return error
        message = messages.created.format(name=name_of(made), owner=name_of(owner))
        self._events.normal(owner, "SuccessfulCreate", message)
        return None

    def _delete(self, owner: Object, obj: Object, propagation: str = "") -> None:
        """Delete a dependent and record an event."""
        self._delete_object(self.dependents, obj, propagation)
        message = self.messages.deleted.format(name=name_of(obj), owner=name_of(owner))
        self._events.normal(owner, "SuccessfulDelete", message)


def _acted_on(owner: Object) -> object:
    """The fields of an owner that its controller acts on."""
    return owner["spec"], is_deleted(owner)
