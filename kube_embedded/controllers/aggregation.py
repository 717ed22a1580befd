"""Aggregated cluster roles: their rules come from the cluster roles they select.

Source: k8s.io/kubernetes ``pkg/controller/clusterroleaggregation``;
https://kubernetes.io/docs/reference/access-authn-authz/rbac/#aggregated-clusterroles
"""

from collections.abc import Sequence
from typing import Any

from kube_embedded.rbac.selectors import selects

from ..apiserver.registry.registry import Change, Registry, timestamp
from ..machinery.kinds import BY_RESOURCE, RBAC
from ..machinery.objects import labels_of, name_of
from ..machinery.request import Object
from .controller import BaseController
from .rate_limiter import RateLimiter

CLUSTER_ROLES = BY_RESOURCE[RBAC, "v1", "clusterroles"]
MANAGER = "clusterrole-aggregation-controller"

# Selectors and rules that are compared in a second. Roles that select each other ask for the cube of their number: the
# rest is done later, as by the real controller's queue.
MAX_COMPARED = 200_000


class RoleAggregation(BaseController):
    """Writes the rules of the selected cluster roles into aggregated ones."""

    def __init__(self, registry: Registry) -> None:
        super().__init__(registry)
        self._waiting: dict[str, None] = {}
        self._at_work = False
        self._limiter = RateLimiter(registry.steady, MAX_COMPARED)

    def __call__(self, change: Change) -> None:
        """React to a change of any cluster role."""
        if change.kind is not CLUSTER_ROLES:
            return
        changed = [role for role in (change.old, change.new) if role is not None]
        for role in self._registry.list(CLUSTER_ROLES):
            if role.get("aggregationRule") and self._concerns(role, changed):
                self._waiting[name_of(role)] = None
        self._work()

    def advance(self) -> None:
        """Sync the roles that exceeded the rate limit."""
        if self._waiting:
            with self._registry.transaction():
                self._work()

    def _work(self) -> None:
        if self._at_work:
            return
        self._at_work = True
        try:
            while self._waiting and self._limiter.allows():
                name = next(iter(self._waiting))
                del self._waiting[name]
                role = self._registry.find(CLUSTER_ROLES, "", name)
                if role is not None and role.get("aggregationRule"):
                    self._sync(role)
        finally:
            self._at_work = False

    def _sync(self, role: Object) -> None:
        rules = self._collected(role)
        if rules == (role.get("rules") or []):
            return
        owners = [
            owner
            for owner in role["metadata"].get("managedFields") or ()
            if "f:rules" in owner.get("fieldsV1", {})
        ]
        if not rules and any(owner.get("manager") != MANAGER for owner in owners):
            return  # applying an empty list removes only the rules this controller owns
        metadata = {**role["metadata"], "managedFields": self._owners(role, rules)}
        self._registry.write(CLUSTER_ROLES, {**role, "metadata": metadata, "rules": rules or None})

    def _owners(self, role: Object, rules: list[Any]) -> list[Object]:
        """The role's field owners, with this controller as the applier of its rules."""
        entry = {
            "manager": MANAGER,
            "operation": "Apply",
            "apiVersion": CLUSTER_ROLES.group_version,
            "time": timestamp(self._registry.clock()),
            "fieldsType": "FieldsV1",
            "fieldsV1": {"f:rules": {}},
        }
        others = []
        for owner in role["metadata"].get("managedFields") or ():
            fields = {
                key: value for key, value in owner.get("fieldsV1", {}).items() if key != "f:rules"
            }
            if fields and owner.get("manager") != MANAGER:
                others.append({**owner, "fieldsV1": fields})
        return [entry, *others] if rules else others

    def _collected(self, aggregated: Object) -> list[Any]:
        rules: Object = {}
        seen = {name_of(aggregated)}
        for selector in _selectors(aggregated):
            for role in self._registry.list(CLUSTER_ROLES):
                if name_of(role) not in seen and self._selects(selector, role):
                    seen.add(name_of(role))
                    selected = role.get("rules") or ()
                    self._limiter.take(len(selected))
                    for rule in selected:
                        rules.setdefault(repr(sorted(rule.items())), rule)
        return list(rules.values())

    def _concerns(self, aggregated: Object, changed: list[Object]) -> bool:
        """Return whether a change can affect the rules of an aggregated role."""
        if not self._limiter.allows() or any(
            name_of(role) == name_of(aggregated) for role in changed
        ):
            return True
        return any(
            self._selects(selector, role) for role in changed for selector in _selectors(aggregated)
        )

    def _selects(self, selector: Object, role: Object) -> bool:
        self._limiter.take()
        return selects(selector, labels_of(role))


def _selectors(aggregated: Object) -> Sequence[Object]:
    return aggregated["aggregationRule"].get("clusterRoleSelectors") or ()
