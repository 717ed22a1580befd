"""The life of a CustomResourceDefinition: its names, its API services, and its end with that of its instances.

Source: k8s.io/apiextensions-apiserver ``pkg/controller/{status,establish,apiapproval,finalizer}``; k8s.io/kubernetes
``pkg/controlplane/controller/crdregistration``.
"""

from __future__ import annotations

import copy
from functools import partial

from labkit.embedded.apiserver.registry.custom.kinds import (
    DEFINITIONS,
    condition_of,
    custom_kinds,
    holds,
)
from labkit.embedded.apiserver.registry.registry import Change, timestamp
from labkit.embedded.apiserver.registry.strategies.definitions import (
    FINALIZER,
    approval,
    condition,
    set_condition,
)
from labkit.embedded.controllers.controller import BaseController
from labkit.embedded.machinery.golang.quote import go_quote
from labkit.embedded.machinery.kinds import BY_KIND, CustomKind
from labkit.embedded.machinery.objects import finalizers_of, is_deleted, name_of
from labkit.embedded.machinery.request import Object

MANAGER = "kube-apiserver"
API_SERVICES = BY_KIND["apiregistration.k8s.io", "APIService"]
LABEL = "kube-aggregator.kubernetes.io/automanaged"
GROUP_PRIORITY, VERSION_PRIORITY = 1000, 100
CONFORMANT = "KubernetesAPIApprovalPolicyConformant"
INITIAL = "the initial names have been accepted"
IN_PROGRESS = condition(
    "Terminating", "True", "InstanceDeletionInProgress", "CustomResource deletion is in progress"
)


class Definitions(BaseController):
    """Accepts the names of definitions, establishes them, and deletes their instances."""

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
        elif not self._approve(definition):
            self._establish(definition)

    def _set(self, definition: Object, *conditions: Object, names: Object | None = None) -> Object:
        now = timestamp(self._registry.clock())

        def change(obj: Object) -> None:
            if names is not None:
                obj["status"]["acceptedNames"] = names
            for each in conditions:
                set_condition(obj, each, now)

        return self._registry.edit(DEFINITIONS, definition, MANAGER, change, "status")

    def _name(self, definition: Object) -> bool:
        """Accept the names that no other definition has, and return whether that changed something."""
        wanted, accepted = definition["spec"]["names"], definition["status"]["acceptedNames"]
        if wanted == accepted:
            return False
        names, naming = self._accepted(definition)
        known = condition_of(definition, "NamesAccepted")
        same = known is not None and all(known.get(name) == naming[name] for name in naming)
        if names == accepted and same:
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
        """The names that a definition may have, and the condition that says so."""
        wanted, names = (
            definition["spec"]["names"],
            copy.deepcopy(definition["status"]["acceptedNames"]),
        )
        resources: set[str] = set()
        kinds: set[str] = set()
        for other in self._registry.list(DEFINITIONS):
            if other["spec"]["group"] == definition["spec"]["group"]:
                used = other["status"]["acceptedNames"]
                resources |= {
                    used.get("plural", ""),
                    used.get("singular", ""),
                    *(used.get("shortNames") or ()),
                }
                kinds |= {used.get("kind", ""), used.get("listKind", "")}
        naming = condition("NamesAccepted", "True", "NoConflicts", "no conflicts found")
        for field, taken, reason in (
            ("plural", resources, "PluralConflict"),
            ("singular", resources, "SingularConflict"),
            ("shortNames", resources, "ShortNamesConflict"),
            ("kind", kinds, "KindConflict"),
            ("listKind", kinds, "ListKindConflict"),
        ):
            mine = names.get(field) or ""
            asked = wanted.get(field) or []
            texts = [asked] if isinstance(asked, str) else asked
            conflicts = [
                text for text in texts if text in taken and text != mine and text not in mine
            ]
            if conflicts:
                said = [f"{go_quote(text)} is already in use" for text in conflicts]
                message = said[0] if len(said) == 1 else f"[{', '.join(said)}]"
                naming = condition("NamesAccepted", "False", reason, message)
            elif field in wanted:
                names[field] = copy.deepcopy(wanted[field])
            else:
                names.pop(field, None)
        if "categories" in wanted:
            names["categories"] = list(wanted["categories"])
        else:
            names.pop("categories", None)
        return names, naming

    def _name_others(self, definition: Object) -> None:
        """Look again at the names of the other definitions of a group."""
        for other in list(self._registry.list(DEFINITIONS)):
            if other["spec"]["group"] == definition["spec"]["group"]:
                current = self._current(DEFINITIONS, other)
                if current is not None and name_of(other) != name_of(definition):
                    self._name(current)

    def _approve(self, definition: Object) -> bool:
        """Set the condition for the approval of a protected group, and return whether it has changed."""
        state, why = approval(definition)
        if not state:
            return False
        wanted = condition(
            CONFORMANT, "True" if state == "Approved" else "False", f"{state}Annotation", why
        )
        known = condition_of(definition, CONFORMANT)
        if known is not None and all(known.get(name) == wanted[name] for name in wanted):
            return False
        self._set(definition, wanted)
        return True

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
        reason, message = "NeverEstablished", "resource was never established"
        if holds(current, "Established"):
            reason, message = "InstanceDeletionCompleted", "removed all instances"
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
        change = partial(_release, done, timestamp(self._registry.clock()))
        self._registry.edit(DEFINITIONS, current, MANAGER, change, "status")

    def _register(self, definition: Object) -> None:
        """Create an API service for each group version that definitions serve, and delete those of the others."""
        group = definition["spec"]["group"]
        served = {
            f"{version['name']}.{group}": version["name"]
            for other in self._registry.list(DEFINITIONS)
            if other["spec"]["group"] == group
            for version in other["spec"]["versions"]
            if version["served"]
        }
        for service in list(self._registry.list(API_SERVICES)):
            metadata = service["metadata"]
            mine = (metadata.get("labels") or {}).get(LABEL) == "true" and service["spec"].get(
                "group"
            ) == group
            if mine and metadata["name"] not in served:
                self._delete_object(API_SERVICES, service)
        for name, version in sorted(served.items()):
            if self._registry.find(API_SERVICES, "", name) is None:
                spec = {"group": group, "version": version, "groupPriorityMinimum": GROUP_PRIORITY}
                spec["versionPriority"] = VERSION_PRIORITY
                metadata = {"name": name, "labels": {LABEL: "true"}}
                self._registry.create(
                    API_SERVICES, {"metadata": metadata, "spec": spec}, manager=MANAGER
                )


def _release(done: Object, now: str, obj: Object) -> None:
    set_condition(obj, done, now)
    obj["metadata"]["finalizers"] = [
        name for name in obj["metadata"]["finalizers"] if name != FINALIZER
    ]
