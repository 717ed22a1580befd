"""The life of a CustomResourceDefinition: its names, its API services, and its deletion after its instances.

Source: k8s.io/apiextensions-apiserver ``pkg/controller/{status,establish,finalizer}``; k8s.io/kubernetes
``pkg/controlplane/controller/crdregistration``.
"""

import copy

from ..apiserver.registry.custom.kinds import DEFINITIONS, condition_of, custom_kinds, holds
from ..apiserver.registry.registry import Change
from ..apiserver.registry.strategies.definitions import FINALIZER, condition, set_condition
from ..machinery.golang.quote import go_quote
from ..machinery.kinds import BY_KIND, CustomKind
from ..machinery.objects import finalizers_of, is_deleted, labels_of, name_of
from ..machinery.request import Object
from .controller import BaseController

API_SERVICES = BY_KIND["apiregistration.k8s.io", "APIService"]
LABEL = "kube-aggregator.kubernetes.io/automanaged"

# The priorities of crdregistration_controller.go: custom groups come after all of Kubernetes' own.
PRIORITIES = {"groupPriorityMinimum": 1000, "versionPriority": 100}
INITIAL = "the initial names have been accepted"
IN_PROGRESS = condition(
    "Terminating", "True", "InstanceDeletionInProgress", "CustomResource deletion is in progress"
)


class Definitions(BaseController):
    """Accepts the names of definitions, establishes them, and deletes their instances."""

    # These controllers are part of the API server, not of the controller manager.
    manager = "kube-apiserver"

    def __call__(self, change: Change) -> None:
        """React to definitions, and to the end of the last instance of one."""
        if isinstance(change.kind, CustomKind):
            if change.new is None:
                self._finish(change.kind.definition)
            return
        if change.kind is not DEFINITIONS:
            return
        if change.new is None:
            assert change.old is not None
            self._register(change.old)
            self._name_others(change.old)
            return
        definition = self._current(DEFINITIONS, change.new)
        if definition is None:
            return
        if change.old is None or change.old["spec"] != definition["spec"]:
            self._register(definition)
        if is_deleted(definition):
            self._finish(definition)
        elif self._name(definition):
            self._name_others(definition)
        else:
            self._establish(definition)

    def _set(self, definition: Object, *conditions: Object, names: Object | None = None) -> Object:
        now = self._now()

        def change(obj: Object) -> None:
            if names is not None:
                obj["status"]["acceptedNames"] = names
            for item in conditions:
                set_condition(obj, item, now)

        return self._edit(DEFINITIONS, definition, change, "status")

    def _name(self, definition: Object) -> bool:
        """Accept the names that no other definition has, and return whether that changed something."""
        accepted = definition["status"]["acceptedNames"]
        if definition["spec"]["names"] == accepted:
            return False
        names, naming = self._accepted(definition)
        known = condition_of(definition, "NamesAccepted") or {}
        if names == accepted and known.items() >= naming.items():
            return False
        established = condition_of(definition, "Established")
        if established is None:
            established = condition(
                "Established", "False", "NotAccepted", "not all names are accepted"
            )
        if established["status"] != "True" and naming["status"] == "True":
            established = condition("Established", "False", "Installing", INITIAL)
        self._set(definition, naming, established, names=names)
        return True

    def _accepted(self, definition: Object) -> tuple[Object, Object]:
        """Return the names that a definition can have, and its condition ``NamesAccepted``.

        After a conflict the definition retains its previous name, and the last conflict is reported.
        """
        asked = definition["spec"]["names"]
        names = copy.deepcopy(definition["status"]["acceptedNames"])
        resources: set[str] = set()
        kinds: set[str] = set()
        for other in self._registry.list(DEFINITIONS):
            if other["spec"]["group"] == definition["spec"]["group"]:
                used = other["status"]["acceptedNames"]
                resources.update(used.get(field, "") for field in ("plural", "singular"))
                resources.update(used.get("shortNames") or ())
                kinds.update(used.get(field, "") for field in ("kind", "listKind"))
        naming = condition("NamesAccepted", "True", "NoConflicts", "no conflicts found")
        for field in ("plural", "singular", "shortNames", "kind", "listKind"):
            taken = kinds if field in ("kind", "listKind") else resources
            # The definition's own accepted names are among those taken.
            conflicts = [
                text
                for text in _texts(asked.get(field))
                if text in taken and text not in _texts(names.get(field))
            ]
            if conflicts:
                problems = [f"{go_quote(text)} is already in use" for text in conflicts]
                message = problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]"
                reason = f"{field[0].upper()}{field[1:]}Conflict"
                naming = condition("NamesAccepted", "False", reason, message)
            else:
                _copy(asked, names, field)
        _copy(asked, names, "categories")  # which any number of definitions can share
        return names, naming

    def _name_others(self, definition: Object) -> None:
        """Look again at the names of the other definitions of a group."""
        for other in list(self._registry.list(DEFINITIONS)):
            same_group = other["spec"]["group"] == definition["spec"]["group"]
            if same_group and name_of(other) != name_of(definition):
                current = self._current(DEFINITIONS, other)
                if current is not None:
                    self._name(current)

    def _establish(self, definition: Object) -> None:
        if holds(definition, "NamesAccepted") and not holds(definition, "Established"):
            self._set(definition, condition("Established", "True", "InitialNamesAccepted", INITIAL))

    def _finish(self, definition: Object) -> None:
        """Delete the instances of a definition that is being deleted, and release it when they are gone."""
        current = self._current(DEFINITIONS, definition)
        if current is None or FINALIZER not in finalizers_of(current):
            return
        if not is_deleted(current):
            return
        if (condition_of(current, "Terminating") or {}).get("reason") != IN_PROGRESS["reason"]:
            current = self._set(current, IN_PROGRESS)
        reason = "NeverEstablished"
        message = "resource was never established"
        if holds(current, "Established"):
            reason = "InstanceDeletionCompleted"
            message = "removed all instances"
            kind = next(row for row in custom_kinds(current) if row.version_spec["storage"])
            for obj in list(self._registry.list(kind)):
                if not is_deleted(obj):
                    self._delete_object(kind, obj)
            if any(True for _ in self._registry.list(kind)):
                return
        if self._current(DEFINITIONS, current) is None:
            return
        if current["metadata"]["finalizers"] == [FINALIZER]:
            self._registry.remove(DEFINITIONS, "", name_of(current))
            return
        done = condition("Terminating", "False", reason, message)
        now = self._now()

        def release(obj: Object) -> None:
            set_condition(obj, done, now)
            obj["metadata"]["finalizers"].remove(FINALIZER)

        self._edit(DEFINITIONS, current, release, "status")

    def _register(self, definition: Object) -> None:
        """Create an API service for each group version that definitions serve, and delete all others."""
        group = definition["spec"]["group"]
        definitions = [
            item for item in self._registry.list(DEFINITIONS) if item["spec"]["group"] == group
        ]
        served = {
            version["name"]
            for item in definitions
            for version in item["spec"]["versions"]
            if version["served"]
        }
        for service in list(self._registry.list(API_SERVICES)):
            # Only services with the label are the controller's; others name servers of their own.
            spec = service["spec"]
            mine = labels_of(service).get(LABEL) == "true" and spec.get("group") == group
            if mine and spec["version"] not in served:
                self._delete_object(API_SERVICES, service)
        for version in sorted(served):
            name = f"{version}.{group}"
            if self._registry.find(API_SERVICES, "", name) is None:
                spec = {"group": group, "version": version, **PRIORITIES}
                metadata = {"name": name, "labels": {LABEL: "true"}}
                self._create_object(API_SERVICES, {"metadata": metadata, "spec": spec})


def _texts(names: str | list[str] | None) -> list[str]:
    """Return the names in a field, which has one or a list."""
    return [names] if isinstance(names, str) else names or []


def _copy(source: Object, target: Object, field: str) -> None:
    """Copy a field, or its absence."""
    target.pop(field, None)
    if field in source:
        target[field] = copy.deepcopy(source[field])
