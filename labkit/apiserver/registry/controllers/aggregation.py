"""Aggregated cluster roles: their rules are those of the cluster roles they select.

Source: k8s.io/kubernetes ``pkg/controller/clusterroleaggregation``;
https://kubernetes.io/docs/reference/access-authn-authz/rbac/#aggregated-clusterroles
"""

from __future__ import annotations

from typing import Any

from labkit.apiserver.registry.kinds import BY_RESOURCE, RBAC
from labkit.apiserver.registry.registry import Change, Registry, timestamp
from labkit.apiserver.registry.strategies.fields.selectors import selects
from labkit.apiserver.request import Object

CLUSTER_ROLES = BY_RESOURCE[RBAC, "v1", "clusterroles"]
MANAGER = "clusterrole-aggregation-controller"


class RoleAggregation:
    """Keeps aggregated cluster roles in step with what they select.

    Args:
        registry: Where cluster roles are.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def __call__(self, change: Change) -> None:
        """React to a change of any cluster role."""
        if change.kind is not CLUSTER_ROLES:
            return
        changed = [role for role in (change.old, change.new) if role is not None]
        for role in list(self._registry.list(CLUSTER_ROLES)):
            if role.get("aggregationRule") and any(_concerns(role, other) for other in changed):
                self._sync(role)

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
        rules: list[Any] = []
        selectors = aggregated["aggregationRule"].get("clusterRoleSelectors") or ()
        for selector in selectors:
            for role in self._registry.list(CLUSTER_ROLES):
                if role["metadata"]["name"] == aggregated["metadata"]["name"]:
                    continue
                if not selects(selector, role["metadata"].get("labels") or {}):
                    continue
                rules += [rule for rule in role.get("rules") or () if rule not in rules]
        return rules


def _owners_of_rules(role: Object) -> list[Object]:
    return [owner for owner in role["metadata"].get("managedFields") or () if "f:rules" in owner.get("fieldsV1", {})]


def _concerns(aggregated: Object, changed: Object) -> bool:
    """Whether an aggregated role may look different after another (or itself) has changed."""
    if changed["metadata"]["name"] == aggregated["metadata"]["name"]:
        return True
    labels = changed["metadata"].get("labels") or {}
    selectors = aggregated["aggregationRule"].get("clusterRoleSelectors") or ()
    return any(selects(selector, labels) for selector in selectors)
