"""The objects that every cluster has from its start."""

from functools import partial

from ..apiserver.registry.registry import Registry, timestamp
from ..apiserver.storage import Key
from ..bootstrap.core import bootstrap_core
from ..bootstrap.policy import bootstrap_policy, reconciled
from ..bootstrap.services import bootstrap_services
from ..machinery.kinds import BY_RESOURCE, RBAC
from ..machinery.request import Object
from .controllers import Controllers


def bootstrap(registry: Registry, controllers: Controllers) -> None:
    """Store the missing parts of a cluster's content, in one transaction."""
    new = not registry.store.revision
    copied = registry.store.is_copy
    with registry.transaction():
        if not copied:  # else the other cluster has these
            bootstrap_core(registry)  # first: everything namespaced needs its namespace
            bootstrap_services(registry)
        for publisher in controllers.publishers:
            publisher.bootstrap()
        if not copied:
            _bootstrap_policy(registry, new)


def _bootstrap_policy(registry: Registry, new: bool) -> None:
    """Store the default roles and bindings, and add the missing parts to existing ones."""
    now = timestamp(registry.clock())
    for plural, obj in bootstrap_policy(now):
        metadata = obj["metadata"]
        kind = BY_RESOURCE[RBAC, "v1", plural]
        key = Key(kind.resource, metadata.get("namespace", ""), metadata["name"])
        stored = registry.store.get(key)
        if stored is not None:
            changed = reconciled(stored, obj)
            if changed is not None:
                registry.edit(kind, stored, "kube-apiserver", partial(_update, changed))
            continue
        metadata |= {"uid": registry.new_uid(), "creationTimestamp": now}
        if new:  # complete as they are: no controller has anything to add
            registry.store.put(key, obj)
        else:
            registry.write(kind, obj)


def _update(changed: Object, obj: Object) -> None:
    obj.update(changed)
