"""The status of quotas: the limits and the usage. Only numbers of objects count.

Source: k8s.io/kubernetes ``pkg/controller/resourcequota``; k8s.io/apiserver
``pkg/admission/plugin/resourcequota``.
"""

from ..apiserver.registry.registry import Change, Registry
from ..machinery.kinds import BY_KIND
from ..machinery.objects import namespace_of, uid_of
from ..machinery.quota.counts import Counted, counted_names
from ..machinery.request import Object
from ..machinery.schema.values import NANO, amount
from . import MANAGER
from .controller import BaseController

QUOTAS = BY_KIND["", "ResourceQuota"]

# In the real cluster a created object is counted by the admission plugin, which is part of the API server.
ADMISSION = "kube-apiserver"


class ResourceQuotas(BaseController):
    """Maintains the status of quotas."""

    def __init__(self, registry: Registry, resources: Counted) -> None:
        super().__init__(registry)
        self._resources = resources
        self._counted: dict[str, int] = {}
        """A quota's uid to the store's revision when everything was last counted."""

    def __call__(self, change: Change) -> None:
        """React to quotas, and to objects that count.

        A created object adds to the status; after a deletion or a change of a quota everything is counted again.
        """
        changed = change.new or change.old
        if not change.kind.namespaced or changed is None:
            return
        quotas = list(self._registry.list(QUOTAS, namespace_of(changed)))
        if change.kind is QUOTAS:
            if change.new is None:
                self._counted.pop(uid_of(changed), None)
            elif change.old is None or change.old["spec"] != change.new["spec"]:
                self._count(change.new)
        if change.old is not None and change.new is not None:
            return
        for quota in quotas:
            current = self._current(QUOTAS, quota)
            if current is None:
                continue
            status = current.get("status") or {}
            counts = counted_names(current, status.get("hard") or (), self._resources)
            names = [name for name, resource in counts.items() if resource == change.kind.resource]
            seen = self._counted.get(uid_of(quota), 0)
            if names and change.new is None:
                self._count(current)
            elif names and int(changed["metadata"]["resourceVersion"]) > seen:
                # Otherwise a count that began after the creation, in a write inside it, has seen the object.
                used = status.get("used") or {}
                more = {name: str(amount(used.get(name, 0)) // NANO + 1) for name in names}
                self._write(current, status["hard"], {**used, **more}, ADMISSION)

    def _count(self, quota: Object) -> None:
        """Count all objects that a quota limits."""
        current = self._current(QUOTAS, quota)
        if current is None:
            return
        hard = current["spec"].get("hard") or {}
        used = {}
        for name, resource in counted_names(current, hard, self._resources).items():
            objects = self._registry.store.list(resource, namespace_of(current))
            used[name] = str(len(objects))
        self._counted[uid_of(current)] = self._registry.store.revision
        self._write(current, hard, used, MANAGER)

    def _write(self, quota: Object, hard: Object, used: Object, manager: str) -> None:
        amounts = {"hard": dict(sorted(hard.items())), "used": dict(sorted(used.items()))}
        status = {name: value for name, value in amounts.items() if value}
        self._registry.edit(QUOTAS, quota, manager, lambda obj: obj.update(status=status), "status")
