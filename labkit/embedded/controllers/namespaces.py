"""The content that each namespace gets, and the deletion of a namespace's content.

Source: k8s.io/kubernetes ``pkg/controller/{serviceaccount,certificates/rootcacertpublisher,namespace}``.
"""

from __future__ import annotations

from collections import Counter

from labkit.embedded.apiserver.registry.registry import Change, Registry, timestamp
from labkit.embedded.controllers import MANAGER
from labkit.embedded.controllers.conditions import condition, transition_time
from labkit.embedded.controllers.controller import BaseController
from labkit.embedded.machinery.kinds import BY_KIND, KINDS, Kind
from labkit.embedded.machinery.objects import (
    conditions_of,
    finalizers_of,
    is_deleted,
    name_of,
    namespace_of,
)
from labkit.embedded.machinery.request import Object

NAMESPACES = BY_KIND["", "Namespace"]
ACCOUNTS = BY_KIND["", "ServiceAccount"]
CONFIG_MAPS = BY_KIND["", "ConfigMap"]
ROOT_CA = "kube-root-ca.crt"
DESCRIPTION = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as "
    "the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of "
    "Kubernetes clusters."
)
CONTENT_DELETED = "All content successfully deleted, may be waiting on finalization"
SUCCESSES = (
    (
        "NamespaceDeletionDiscoveryFailure",
        "ResourcesDiscovered",
        "All resources successfully discovered",
    ),
    (
        "NamespaceDeletionGroupVersionParsingFailure",
        "ParsedGroupVersions",
        "All legacy kube types successfully parsed",
    ),
    ("NamespaceDeletionContentFailure", "ContentDeleted", CONTENT_DELETED),
)
"""Conditions that are false: type, reason and message."""
CONTENT = tuple(
    kind for kind in KINDS if kind.namespaced and "list" in kind.verbs and kind.stored_as is None
)
"""The kinds of a namespace's content."""


def is_active_namespace(registry: Registry, name: str) -> bool:
    """Whether a namespace exists and is not being deleted."""
    namespace = registry.find(NAMESPACES, "", name)
    return namespace is not None and not is_deleted(namespace)


class NamespaceContent(BaseController):
    """Creates and restores the account ``default`` and the bundle of the cluster's CA (PEM) of each namespace."""

    def __init__(self, registry: Registry, ca_certificate: bytes) -> None:
        super().__init__(registry)
        self._ca = ca_certificate.decode()

    def __call__(self, change: Change) -> None:
        """React to namespaces, accounts and config maps."""
        kind = change.kind
        if kind is NAMESPACES and change.new is not None:
            self._fill(name_of(change.new))
            return
        if kind is not ACCOUNTS and kind is not CONFIG_MAPS:
            return
        obj = change.old if change.new is None else change.new
        if obj is not None and name_of(obj) in ("default", ROOT_CA):
            self._fill(namespace_of(obj))

    def bootstrap(self) -> None:
        """Publish the CA's certificate again where it was renewed since."""
        for bundle in list(self._registry.list(CONFIG_MAPS)):
            if name_of(bundle) == ROOT_CA:
                self._fill(namespace_of(bundle))

    def renew(self, ca_certificate: bytes) -> None:
        """Publish a new certificate of the CA, PEM."""
        self._ca = ca_certificate.decode()
        self.bootstrap()

    def _fill(self, name: str) -> None:
        namespace = self._registry.find(NAMESPACES, "", name)
        if namespace is None or namespace["status"].get("phase") != "Active":
            return
        if self._registry.find(ACCOUNTS, name, "default") is None:
            self._registry.create(
                ACCOUNTS, {"metadata": {"name": "default", "namespace": name}}, manager=MANAGER
            )
        bundle = self._registry.find(CONFIG_MAPS, name, ROOT_CA)
        if bundle is None:
            metadata = {
                "name": ROOT_CA,
                "namespace": name,
                "annotations": {"kubernetes.io/description": DESCRIPTION},
            }
            self._registry.create(
                CONFIG_MAPS, {"metadata": metadata, "data": {"ca.crt": self._ca}}, manager=MANAGER
            )
        elif bundle.get("data") != {"ca.crt": self._ca}:
            self._registry.edit(
                CONFIG_MAPS, bundle, MANAGER, lambda obj: obj.update(data={"ca.crt": self._ca})
            )


class NamespaceDeletion(BaseController):
    """Deletes the content of a deleted namespace, and then the namespace."""

    def __call__(self, change: Change) -> None:
        """React to deleted namespaces, and to deletions in them."""
        if change.kind is NAMESPACES:
            if change.new is not None and is_deleted(change.new):
                self._empty(name_of(change.new))
        elif change.new is None and change.old is not None and change.kind.namespaced:
            name = namespace_of(change.old)
            namespace = self._registry.find(NAMESPACES, "", name)
            if namespace is not None and is_deleted(namespace):
                self._empty(name)

    def _content(self) -> list[Kind]:
        return [*CONTENT, *(kind for kind in self._registry.custom.stored() if kind.namespaced)]

    def _empty(self, name: str) -> None:
        namespace = self._registry.find(NAMESPACES, "", name)
        if namespace is None or "kubernetes" not in namespace["spec"].get("finalizers", ()):
            return
        kinds = self._content()
        for kind in kinds:
            for obj in list(self._registry.list(kind, name)):
                if not is_deleted(obj):
                    self._delete_object(kind, obj)
        namespace = self._registry.find(NAMESPACES, "", name)
        if namespace is None:
            return
        remaining = [(kind, list(self._registry.list(kind, name))) for kind in kinds]
        remaining = [(kind, objects) for kind, objects in remaining if objects]
        if remaining:
            self._explain(namespace, remaining)
            return

        def release(obj: Object) -> None:
            left = [item for item in obj["spec"].get("finalizers", ()) if item != "kubernetes"]
            obj["spec"] = {"finalizers": left} if left else {}

        released = self._registry.edit(NAMESPACES, namespace, MANAGER, release, "finalize")
        if not released["spec"].get("finalizers") and not released["metadata"].get("finalizers"):
            self._registry.remove(NAMESPACES, "", name)

    def _explain(self, namespace: Object, remaining: list[tuple[Kind, list[Object]]]) -> None:
        """Write into the status what the namespace waits for."""
        counts = ", ".join(
            f"{kind.plural}.{kind.group} has {len(objects)} resource instances"
            for kind, objects in sorted(remaining, key=lambda pair: pair[0].resource)
        )
        finalizers: Counter[str] = Counter()
        for _, objects in remaining:
            for obj in objects:
                finalizers.update(finalizers_of(obj))
        held = ", ".join(
            f"{name} in {count} resource instances" for name, count in sorted(finalizers.items())
        )
        rows = [
            *((kind, "False", reason, message) for kind, reason, message in SUCCESSES),
            (
                "NamespaceContentRemaining",
                "True",
                "SomeResourcesRemain",
                f"Some resources are remaining: {counts}",
            ),
        ]
        state = ("False", "ContentHasNoFinalizers", "All content-preserving finalizers finished")
        if held:
            message = f"Some content in the namespace has finalizers remaining: {held}"
            state = ("True", "SomeFinalizersRemain", message)
        rows.append(("NamespaceFinalizersRemaining", *state))
        now, before = timestamp(self._registry.clock()), conditions_of(namespace)
        conditions = [
            condition(
                kind,
                status,
                reason,
                message,
                lastTransitionTime=transition_time(before, kind, status, now),
            )
            for kind, status, reason, message in rows
        ]
        self._registry.edit(
            NAMESPACES,
            namespace,
            MANAGER,
            lambda obj: obj["status"].update(conditions=conditions),
            "status",
        )
