"""The status of quotas: the limits and what is used of them.

The usage of a created object is added to the status, as the real server's admission does; after a deletion
or a change of a quota everything is counted again, as the real controller does.
Source: k8s.io/kubernetes ``pkg/controller/resourcequota``; k8s.io/apiserver
``pkg/admission/plugin/resourcequota``.
"""

from __future__ import annotations

from labkit.embedded.apiserver.registry.registry import Change, Registry
from labkit.embedded.controllers import MANAGER
from labkit.embedded.controllers.controller import BaseController
from labkit.embedded.machinery.kinds import BY_KIND
from labkit.embedded.machinery.objects import name_of, namespace_of, uid_of
from labkit.embedded.machinery.quota.amounts import NANO, ONE, Amount, Amounts, add, read, written
from labkit.embedded.machinery.quota.evaluators import Evaluator, Evaluators
from labkit.embedded.machinery.request import Object

QUOTAS = BY_KIND["", "ResourceQuota"]


class ResourceQuotas(BaseController):
    """Maintains the status of quotas; evaluators say which names count an object."""

    def __init__(self, registry: Registry, evaluators: Evaluators) -> None:
        super().__init__(registry)
        self._evaluators = evaluators
        self._counted: dict[str, int] = {}
        """A quota's uid to the store's revision when everything was last counted."""

    def __call__(self, change: Change) -> None:
        """React to quotas, and to objects that count."""
        kind = change.kind
        some = change.new if change.new is not None else change.old
        if not kind.namespaced or some is None:
            return
        if kind is QUOTAS and change.new is None:
            self._counted.pop(uid_of(some), None)
        quotas = list(self._registry.list(QUOTAS, namespace_of(some)))
        if not quotas:
            return
        if kind is QUOTAS and change.new is not None and _bounds(change.old) != _bounds(change.new):
            self._count(namespace_of(change.new), name_of(change.new))
        evaluator = self._evaluators.of(kind.resource)
        if evaluator is not None:
            for quota in quotas:
                self._follow(evaluator, quota, change)

    def _follow(self, evaluator: Evaluator, quota: Object, change: Change) -> None:
        """Update a quota's status after one change."""
        current = self._registry.find(QUOTAS, namespace_of(quota), name_of(quota))
        if current is None or (change.old is not None and change.new is not None):
            return
        names = evaluator.matching(current, current.get("status", {}).get("hard") or ())
        if names and change.new is None:
            self._count(namespace_of(current), name_of(current))
        elif names and change.new is not None and not self._knows(current, change.new):
            used = add(read(current["status"].get("used")), dict.fromkeys(names, ONE))
            self._write(current, read(current["status"]["hard"]), used, "kube-apiserver")

    def _knows(self, quota: Object, obj: Object) -> bool:
        """Whether an object was counted already, before its change was handled."""
        return int(obj["metadata"]["resourceVersion"]) <= self._counted.get(uid_of(quota), 0)

    def _count(self, namespace: str, name: str) -> None:
        """Count all objects that a quota limits."""
        quota = self._registry.find(QUOTAS, namespace, name)
        if quota is None:
            return
        hard = read(quota["spec"].get("hard"))
        used: Amounts = {}
        for evaluator, names in self._evaluators.for_names(quota, hard):
            count = sum(1 for _ in self._registry.store.list(evaluator.resource, namespace))
            used |= dict.fromkeys(names, Amount(count * NANO))
        self._counted[uid_of(quota)] = self._registry.store.revision
        self._write(quota, hard, used, MANAGER)

    def _write(self, quota: Object, hard: Amounts, used: Amounts, manager: str) -> None:
        known = read((quota.get("status") or {}).get("used"))
        same = {
            name: known[name]
            for name in used
            if name in known and known[name].value == used[name].value
        }
        amounts = {"hard": written(hard), "used": written(used | same)}
        status = {name: each for name, each in amounts.items() if each}
        self._registry.edit(QUOTAS, quota, manager, lambda obj: obj.update(status=status), "status")


def _bounds(quota: Object | None) -> Object | None:
    return quota["spec"] if quota is not None else None
