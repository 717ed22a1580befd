"""Aggregated cluster roles: their rules are those of the cluster roles they select.

Source: k8s.io/kubernetes ``pkg/controller/clusterroleaggregation``;
https://kubernetes.io/docs/reference/access-authn-authz/rbac/#aggregated-clusterroles
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from labkit.embedded.apiserver.registry.registry import Change, Registry, timestamp
from labkit.embedded.apiserver.registry.strategies.fields.selectors import selects
from labkit.embedded.machinery.kinds import BY_RESOURCE, RBAC
from labkit.embedded.machinery.request import Object

CLUSTER_ROLES = BY_RESOURCE[RBAC, "v1", "clusterroles"]
MANAGER = "clusterrole-aggregation-controller"

MAX_LOOKED = 200_000
"""Selectors and rules that are looked at in a second. Roles that select each other ask for
the cube of their number: what is beyond it is done later, as by the real controller's queue."""


class RoleAggregation:
    """Keeps aggregated cluster roles in step with what they select.

    Args:
        registry: Where cluster roles are.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._waiting: dict[str, None] = {}
        self._at_work = False
        self._looked = 0
        self._second = 0.0

    def __call__(self, change: Change) -> None:
        """React to a change of any cluster role."""
        if change.kind is not CLUSTER_ROLES:
            return
        changed = [role for role in (change.old, change.new) if role is not None]
        for role in self._registry.list(CLUSTER_ROLES):
            if role.get("aggregationRule") and (self._spent() or any(self._concerns(role, other) for other in changed)):
                self._waiting[role["metadata"]["name"]] = None
        self._go_on()

    def advance(self) -> None:
        """Go on with what was too much before."""
        if self._waiting:
            with self._registry.transaction():
                self._go_on()

    def _go_on(self) -> None:
        if self._at_work:
            return
        self._at_work = True
        try:
            while self._waiting and not self._spent():
                name = next(iter(self._waiting))
                del self._waiting[name]
                role = self._registry.find(CLUSTER_ROLES, "", name)
                if role is not None and role.get("aggregationRule"):
                    self._sync(role)
        finally:
            self._at_work = False

    def _spent(self) -> bool:
        """Whether enough was looked at for this second."""
        now = self._registry.steady()
        if now - self._second >= 1:
            self._second, self._looked = now, 0
        return self._looked >= MAX_LOOKED

    def _sync(self, role: Object) -> None:
        rules = self._collected(role)
        if rules == (role.get("rules") or []):
            return
        if not rules and any(owner.get("manager") != MANAGER for owner in _owners_of_rules(role)):
            return  # applying no rules takes away the controller's own only
        metadata = {**role["metadata"], "managedFields": self._owners(role, rules)}
        self._registry.write(CLUSTER_ROLES, {**role, "metadata": metadata, "rules": rules or None})

    def _owners(self, role: Object, rules: list[Any]) -> list[Object]:
        """The role's field owners, with this controller as the one of its rules (by apply)."""
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
            fields = {key: value for key, value in owner.get("fieldsV1", {}).items() if key != "f:rules"}
            if fields and owner.get("manager") != MANAGER:
                others.append({**owner, "fieldsV1": fields})
        return [entry, *others] if rules else others

    def _collected(self, aggregated: Object) -> list[Any]:
        rules: dict[str, Any] = {}
        for selector in _selectors(aggregated):
            for role in self._registry.list(CLUSTER_ROLES):
                if role["metadata"]["name"] == aggregated["metadata"]["name"]:
                    continue
                if self._selects(selector, role):
                    selected = role.get("rules") or ()
                    self._looked += len(selected)
                    for rule in selected:
                        rules.setdefault(repr(sorted(rule.items())), rule)
        return list(rules.values())

    def _concerns(self, aggregated: Object, changed: Object) -> bool:
        """Whether an aggregated role may look different after another (or itself) has changed."""
        if changed["metadata"]["name"] == aggregated["metadata"]["name"]:
            return True
        return any(self._selects(selector, changed) for selector in _selectors(aggregated))

    def _selects(self, selector: Object, role: Object) -> bool:
        self._looked += 1
        return selects(selector, role["metadata"].get("labels") or {})


def _selectors(aggregated: Object) -> Sequence[Object]:
    return aggregated["aggregationRule"].get("clusterRoleSelectors") or ()


def _owners_of_rules(role: Object) -> list[Object]:
    return [owner for owner in role["metadata"].get("managedFields") or () if "f:rules" in owner.get("fieldsV1", {})]
