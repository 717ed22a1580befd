"""Controller revisions: the templates of a daemon set or a stateful set over time.

``kubectl rollout history`` and ``undo`` read them.
Source: k8s.io/kubernetes ``pkg/controller/history``, ``pkg/controller/daemon/update.go``.
"""

import copy
from collections.abc import Collection

from ..machinery.kinds import BY_KIND
from ..machinery.objects import annotations_of, labels_of, name_of, namespace_of
from ..machinery.request import Object
from .controller_ref import reference_to
from .rolling import by_age, free_name
from .workload import WorkloadController

REVISIONS = BY_KIND["apps", "ControllerRevision"]


class RevisionedController(WorkloadController):
    """A workload controller that stores the templates of its owners as revisions."""

    hash_label: str
    """The label of a revision with the hash in its name."""

    def _revisions(self, owner: Object) -> list[Object]:
        """Return an owner's revisions, the present one last: created if it is missing."""
        claimed = sorted(self._claim(owner, REVISIONS), key=_age)
        # The patch that restores the template; kubectl's undo applies it as it is.
        template = {**copy.deepcopy(dict(owner["spec"]["template"])), "$patch": "replace"}
        data = {"spec": {"template": template}}
        current = next((item for item in reversed(claimed) if item.get("data") == data), None)
        old = [item for item in claimed if item is not current]
        number = max((item.get("revision", 0) for item in old), default=0) + 1
        if current is None:
            current = self._create_revision(owner, data, number)
        elif current.get("revision", 0) < number:
            current = self._edit(REVISIONS, current, lambda obj: obj.update(revision=number))
        return [*old, current]

    def _create_revision(self, owner: Object, data: Object, number: int) -> Object:
        name, suffix = free_name(self._registry, REVISIONS, owner)
        metadata = {
            "name": name,
            "namespace": namespace_of(owner),
            "labels": {**labels_of(owner["spec"]["template"]), self.hash_label: suffix},
            "annotations": dict(annotations_of(owner)),
            "ownerReferences": [reference_to(self.kind, owner)],
        }
        revision = {"metadata": metadata, "data": data, "revision": number}
        return self._create_object(REVISIONS, revision)

    def _hash_of(self, revision: Object) -> str:
        """Return the hash of a revision, or its name if the label is missing."""
        return str(labels_of(revision).get(self.hash_label) or name_of(revision))

    def _trim(self, owner: Object, revisions: list[Object], live: Collection[str]) -> None:
        """Delete the oldest of the former revisions beyond the history limit, but none whose name is ``live``."""
        limit = owner["spec"].get("revisionHistoryLimit", 10)
        unused = [item for item in sorted(revisions, key=_age) if name_of(item) not in live]
        for revision in unused[: max(len(unused) - limit, 0)]:
            self._delete_object(REVISIONS, revision, "Background")


def template_of(revision: Object) -> Object | None:
    """Return the template in a revision, None if a client wrote something else into it."""
    # ``data`` is free-form JSON: the API server accepts anything there.
    spec = (revision.get("data") or {}).get("spec")
    template = spec.get("template") if isinstance(spec, dict) else None
    if not isinstance(template, dict) or not isinstance(template.get("spec"), dict):
        return None
    return {name: value for name, value in template.items() if name != "$patch"}


def _age(revision: Object) -> tuple[int, str, str]:
    return revision.get("revision", 0), *by_age(revision)
