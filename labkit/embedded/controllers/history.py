"""Controller revisions: the templates of a daemon set or a stateful set over time.

``kubectl rollout history`` and ``undo`` read them.
Source: k8s.io/kubernetes ``pkg/controller/history``, ``pkg/controller/daemon/update.go``.
"""

from __future__ import annotations

import copy
from collections.abc import Collection

from labkit.embedded.apiserver.registry.registry import Registry
from labkit.embedded.apiserver.registry.strategy import DeleteOptions
from labkit.embedded.controllers import MANAGER
from labkit.embedded.controllers.controller_ref import claim, reference_to
from labkit.embedded.controllers.rolling import COLLISIONS, template_hash
from labkit.embedded.machinery.kinds import BY_KIND, Kind
from labkit.embedded.machinery.objects import name_of, namespace_of
from labkit.embedded.machinery.request import Object

REVISIONS = BY_KIND["apps", "ControllerRevision"]


class History:
    """Maintains the revisions of owners of one kind; a revision has the hash of its name in a label."""

    def __init__(self, registry: Registry, kind: Kind, label: str) -> None:
        self._registry, self._kind, self._label = registry, kind, label

    def revisions(self, owner: Object) -> list[Object]:
        """An owner's revisions, the present one last: created if it is missing."""
        selector = owner["spec"].get("selector") or {}
        found = claim(self._registry, self._kind, owner, selector, REVISIONS)
        found.sort(key=_age)
        data = {
            "spec": {
                "template": {**copy.deepcopy(dict(owner["spec"]["template"])), "$patch": "replace"}
            }
        }
        current = next((one for one in reversed(found) if one.get("data") == data), None)
        old = [one for one in found if one is not current]
        number = max((one.get("revision", 0) for one in old), default=0) + 1
        if current is None:
            current = self._create(owner, data, number)
        elif current.get("revision", 0) < number:
            current = self._registry.edit(
                REVISIONS, current, MANAGER, lambda obj: obj.update(revision=number)
            )
        return [*old, current]

    def hash_of(self, revision: Object) -> str:
        """The hash of a revision, or its name if the label is missing."""
        metadata = revision["metadata"]
        return str((metadata.get("labels") or {}).get(self._label) or metadata["name"])

    def trim(self, owner: Object, revisions: list[Object], live: Collection[str]) -> None:
        """Delete the oldest of the former revisions beyond the history limit, but none whose name is ``live``."""
        keep = owner["spec"].get("revisionHistoryLimit", 10)
        unused = [one for one in sorted(revisions, key=_age) if name_of(one) not in live]
        for one in unused[: max(len(unused) - keep, 0)]:
            namespace, name = namespace_of(one), name_of(one)
            self._registry.delete(
                REVISIONS, namespace, name, DeleteOptions(propagation="Background")
            )

    def _create(self, owner: Object, data: Object, number: int) -> Object:
        metadata, template = owner["metadata"], owner["spec"]["template"]
        for collisions in range(COLLISIONS):
            suffix = template_hash(template, collisions)
            name = f"{metadata['name'][:223]}-{suffix}"
            if self._registry.find(REVISIONS, metadata["namespace"], name) is None:
                break
        made: Object = {
            "metadata": {
                "name": name,
                "namespace": metadata["namespace"],
                "labels": {
                    **((template.get("metadata") or {}).get("labels") or {}),
                    self._label: suffix,
                },
                "annotations": dict(metadata.get("annotations") or {}),
                "ownerReferences": [reference_to(self._kind, owner)],
            },
            "data": data,
            "revision": number,
        }
        return self._registry.create(REVISIONS, made, manager=MANAGER)


def template_of(revision: Object) -> Object | None:
    """The template in a revision; None if a client wrote something else into it."""
    spec = (revision.get("data") or {}).get("spec")
    template = spec.get("template") if isinstance(spec, dict) else None
    if not isinstance(template, dict) or not isinstance(template.get("spec"), dict):
        return None
    return {name: value for name, value in template.items() if name != "$patch"}


def _age(revision: Object) -> tuple[int, str, str]:
    return (
        revision.get("revision", 0),
        revision["metadata"]["creationTimestamp"],
        name_of(revision),
    )
