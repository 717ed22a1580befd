"""The engine of the workload controllers: reactions to changes, dependents, back-off, events.

A subclass declares the kinds of owners and dependents, and implements the next step of one owner in ``_sync``. A
controller runs inside the
write that it reacts to.
Source: k8s.io/kubernetes ``pkg/controller/controller_utils.go``.
"""

from abc import abstractmethod
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from kube_embedded.rbac.selectors import selects

from ..apiserver.registry.registry import Change, Registry
from ..machinery.kinds import BY_KIND, Kind
from ..machinery.objects import is_deleted, labels_of, name_of, namespace_of, owners_of, uid_of
from ..machinery.request import Object
from ..machinery.status import ApiError
from .backoff import Backoff
from .controller import BaseController
from .controller_ref import controller_of, controls, drop_owner, reference_to, refers_to, set_owners
from .events import EventRecorder
from .workload_pods import PODS

ADMITTING = tuple(
    BY_KIND["", kind] for kind in ("LimitRange", "Namespace", "ResourceQuota", "ServiceAccount")
)
"""The kinds of objects by which admission can have refused a pod."""


Create = Callable[[str, Object, Kind], Object]
"""Creates an object in its namespace as the service account of a controller; admission can refuse it (ApiError)."""


class Messages(NamedTuple):
    """Messages of events; ``{name}`` is a dependent's, ``{owner}`` its owner's name, ``{error}`` a refusal."""

    created: str
    refused: str
    deleted: str


class WorkloadController(BaseController):
    """Reconciles the owners of one kind with their dependents."""

    kind: Kind
    """The owners' row."""
    component: str
    """The source of events, and the service account that creates dependents."""
    dependents: Kind = PODS
    messages = Messages("Created pod: {name}", "Error creating: {error}", "Deleted pod: {name}")
    ready_counts = ("readyReplicas", "availableReplicas")
    """The fields of a status that differ while ready pods wait for ``minReadySeconds``."""

    def __init__(self, registry: Registry, create: Create) -> None:
        super().__init__(registry)
        self._create = create
        self._events = EventRecorder(registry, self.component, self.kind)
        self._backoff = Backoff(registry.steady)

    @abstractmethod
    def _sync(self, owner: Object) -> None:
        """Take the next step towards an owner's spec.

        A step creates at most one dependent. The change of that dependent causes the next step, when quotas have
        counted it; a loop in one step would create more than they allow.
        """

    def _lacks_dependents(self, owner: Object) -> bool:
        """Return whether an owner has to try again by time, after a refusal."""
        return False

    # Changes

    def __call__(self, change: Change) -> None:
        """React to a change of an owner, of a dependent, or of an object by which admission refused one."""
        if change.kind is self.kind:
            self._owner_changed(change)
        elif change.kind is self.dependents:
            self._dependent_changed(change)
        elif change.kind in ADMITTING:
            changed = change.new or change.old or {}
            self._reconcile_all(namespace_of(changed) or name_of(changed), self._ends_backoff)

    def advance(self) -> None:
        """Sync the owners for which it is time."""
        for owner in list(self._registry.list(self.kind)):
            if self._is_due(owner):
                with self._registry.transaction():
                    self._reconcile(owner)

    def _is_due(self, owner: Object) -> bool:
        """Return whether time alone calls for a sync: a refused pod again, or pods that became available."""
        ready, available = (owner["status"].get(name, 0) for name in self.ready_counts)
        if owner["spec"].get("minReadySeconds") and ready != available:
            return True
        return self._lacks_dependents(owner) and self._backoff.may_try(owner)

    def _acted_on(self, owner: Object) -> object:
        """Return the fields of an owner that call for a sync; its status must not, or it would cause the next one."""
        return owner["spec"], is_deleted(owner)

    def _owner_changed(self, change: Change) -> None:
        old = change.old
        new = change.new
        if new is None:
            self._backoff.reset(old or {})
        elif old is None or self._acted_on(old) != self._acted_on(new):
            self._reconcile(new)

    def _dependent_changed(self, change: Change) -> None:
        """Sync the controllers of a dependent before and after a change, and those that could adopt an orphan."""
        names = {}
        for side in (change.old, change.new):
            reference = controller_of(side)
            if side is None:
                continue
            if reference is not None:
                if refers_to(reference, self.kind):
                    names[reference.get("name", "")] = side
            elif side is change.new:
                owners = self._registry.list(self.kind, namespace_of(side))
                names |= {name_of(owner): side for owner in owners if self._selects(owner, side)}
        for name, side in names.items():
            owner = self._registry.find(self.kind, namespace_of(side), name)
            if owner is not None:
                self._sync(owner)

    def _ends_backoff(self, owner: Object) -> bool:
        """End an owner's back-off, and return whether it had to wait."""
        return self._backoff.reset(owner)

    def _reconcile(self, owner: Object) -> None:
        """Sync an owner as it is stored now, unless it is gone."""
        stored = self._stored(self.kind, owner)
        if stored is not None:
            self._sync(stored)

    def _reconcile_all(self, namespace: str, condition: Callable[[Object], bool]) -> None:
        for owner in list(self._registry.list(self.kind, namespace)):
            if condition(owner):
                self._reconcile(owner)

    # Dependents

    def _selector(self, owner: Object) -> Object:
        selector: Object = owner["spec"].get("selector") or {}
        return selector

    def _selects(self, owner: Object, obj: Object) -> bool:
        """Return whether an owner could adopt an orphan; an empty selector selects no objects."""
        selector = self._selector(owner)
        return bool(selector) and selects(selector, labels_of(obj))

    def _adoptable(self, owner: Object, dependent: Object) -> bool:
        """Return whether an owner adopts an orphan that it selects."""
        return True

    def _claim(self, owner: Object, kind: Kind | None = None) -> list[Object]:
        """Adopt the orphans that an owner selects, release dependents that it no longer selects, and return the rest.

        Objects of another ``kind`` than the dependents have the same labels, as revisions do.
        """
        claimed = []
        for obj in list(self._registry.list(kind or self.dependents, namespace_of(owner))):
            # An owner that is being deleted neither adopts nor releases: the garbage collector is at work.
            matches = self._selects(owner, obj) and not is_deleted(owner)
            if controls(owner, obj):
                if matches or is_deleted(owner):
                    claimed.append(obj)
                else:
                    self._edit(kind or self.dependents, obj, partial(drop_owner, uid_of(owner)))
            elif (
                matches
                and controller_of(obj) is None
                and (kind is not None or self._adoptable(owner, obj))
            ):
                owners = [*owners_of(obj), reference_to(self.kind, owner)]
                adopt = partial(set_owners, references=owners)
                claimed.append(self._edit(kind or self.dependents, obj, adopt))
        return claimed

    def _controlled(self, owner: Object) -> list[Object]:
        pods = self._registry.list(self.dependents, namespace_of(owner))
        return [pod for pod in pods if controls(owner, pod)]

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
            created = self._create(self.component, obj, kind)
        except ApiError as error:
            self._backoff.fail(owner)
            name = obj["metadata"].get("name", "")
            message = messages.refused.format(name=name, owner=name_of(owner), error=error.message)
            self._events.warning(owner, "FailedCreate", message)
            return error
        message = messages.created.format(name=name_of(created), owner=name_of(owner))
        self._events.normal(owner, "SuccessfulCreate", message)
        return None

    def _delete(self, owner: Object, obj: Object, propagation: str = "") -> None:
        """Delete a dependent and record an event."""
        self._delete_object(self.dependents, obj, propagation)
        message = self.messages.deleted.format(name=name_of(obj), owner=name_of(owner))
        self._events.normal(owner, "SuccessfulDelete", message)
