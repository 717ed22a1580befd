"""What a namespace gets at its beginning, and how it is emptied at its end.

Source: k8s.io/kubernetes ``pkg/controller/{serviceaccount,certificates/rootcacertpublisher,namespace}``.
"""

from __future__ import annotations

from labkit.embedded.apiserver.registry.registry import Change, Registry, timestamp
from labkit.embedded.machinery.kinds import BY_KIND, KINDS, Kind
from labkit.embedded.machinery.request import Object

MANAGER = "kube-controller-manager"
NAMESPACES = BY_KIND["", "Namespace"]
ACCOUNTS = BY_KIND["", "ServiceAccount"]
CONFIG_MAPS = BY_KIND["", "ConfigMap"]
ROOT_CA = "kube-root-ca.crt"
DESCRIPTION = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as "
    "the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of "
    "Kubernetes clusters."
)
CONTENT = tuple(kind for kind in KINDS if kind.namespaced and "list" in kind.verbs and kind.stored_as is None)
"""The kinds of which a namespace must be emptied."""


class NamespaceContent:
    """Gives each namespace its account ``default`` and the CA's certificate, and keeps them there.

    Args:
        registry: Where objects are.
        ca_certificate: The cluster's CA, PEM.
    """

    def __init__(self, registry: Registry, ca_certificate: bytes) -> None:
        self._registry = registry
        self._ca = ca_certificate.decode()

    def __call__(self, change: Change) -> None:
        """React to namespaces, accounts and config maps."""
        kind = change.kind
        if kind is NAMESPACES and change.new is not None:
            self._fill(change.new["metadata"]["name"])
            return
        if kind is not ACCOUNTS and kind is not CONFIG_MAPS:
            return
        obj = change.old if change.new is None else change.new
        if obj is not None and obj["metadata"]["name"] in ("default", ROOT_CA):
            self._fill(obj["metadata"]["namespace"])

    def bootstrap(self) -> None:
        """Publish the CA's certificate again where it was renewed since."""
        for bundle in list(self._registry.list(CONFIG_MAPS)):
            if bundle["metadata"]["name"] == ROOT_CA:
                self._fill(bundle["metadata"]["namespace"])

    def renew(self, ca_certificate: bytes) -> None:
        """Publish a new certificate of the CA.

        Args:
            ca_certificate: PEM.
        """
        self._ca = ca_certificate.decode()
        self.bootstrap()

    def _fill(self, name: str) -> None:
        namespace = self._registry.find(NAMESPACES, "", name)
        if namespace is None or namespace["status"].get("phase") != "Active":
            return
        if self._registry.find(ACCOUNTS, name, "default") is None:
            self._registry.create(ACCOUNTS, {"metadata": {"name": "default", "namespace": name}}, manager=MANAGER)
        bundle = self._registry.find(CONFIG_MAPS, name, ROOT_CA)
        if bundle is None:
            metadata = {
                "name": ROOT_CA,
                "namespace": name,
                "annotations": {"kubernetes.io/description": DESCRIPTION},
            }
            self._registry.create(CONFIG_MAPS, {"metadata": metadata, "data": {"ca.crt": self._ca}}, manager=MANAGER)
        elif bundle.get("data") != {"ca.crt": self._ca}:

            def restore(obj: Object) -> None:
                obj["data"] = {"ca.crt": self._ca}

            self._registry.edit(CONFIG_MAPS, bundle, MANAGER, restore)


class NamespaceDeletion:
    """Empties a namespace that is ending, and lets it go when nothing is left.

    Args:
        registry: Where objects are.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def __call__(self, change: Change) -> None:
        """React to namespaces that end, and to the end of what is in them."""
        if change.kind is NAMESPACES:
            if change.new is not None and change.new["metadata"].get("deletionTimestamp"):
                self._empty(change.new["metadata"]["name"])
        elif change.new is None and change.old is not None and change.kind.namespaced:
            name = change.old["metadata"]["namespace"]
            namespace = self._registry.find(NAMESPACES, "", name)
            if namespace is not None and namespace["metadata"].get("deletionTimestamp"):
                self._empty(name)

    def _empty(self, name: str) -> None:
        namespace = self._registry.find(NAMESPACES, "", name)
        if namespace is None or "kubernetes" not in namespace["spec"].get("finalizers", ()):
            return
        for kind in CONTENT:
            for obj in list(self._registry.list(kind, name)):
                if not obj["metadata"].get("deletionTimestamp"):
                    self._registry.delete(kind, name, obj["metadata"]["name"])
        namespace = self._registry.find(NAMESPACES, "", name)
        if namespace is None:
            return
        remaining = [(kind, list(self._registry.list(kind, name))) for kind in CONTENT]
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
        """Say in the status what the namespace waits for."""
        counts = ", ".join(
            f"{kind.plural}.{kind.group} has {len(objects)} resource instances"
            for kind, objects in sorted(remaining, key=lambda pair: pair[0].resource)
        )
        finalizers: dict[str, int] = {}
        for _, objects in remaining:
            for obj in objects:
                for finalizer in obj["metadata"].get("finalizers", ()):
                    finalizers[finalizer] = finalizers.get(finalizer, 0) + 1
        held = ", ".join(f"{name} in {count} resource instances" for name, count in sorted(finalizers.items()))
        rows = [
            (
                "NamespaceDeletionDiscoveryFailure",
                False,
                "ResourcesDiscovered",
                "All resources successfully discovered",
            ),
            (
                "NamespaceDeletionGroupVersionParsingFailure",
                False,
                "ParsedGroupVersions",
                "All legacy kube types successfully parsed",
            ),
            (
                "NamespaceDeletionContentFailure",
                False,
                "ContentDeleted",
                "All content successfully deleted, may be waiting on finalization",
            ),
            ("NamespaceContentRemaining", True, "SomeResourcesRemain", f"Some resources are remaining: {counts}"),
            (
                "NamespaceFinalizersRemaining",
                bool(held),
                "SomeFinalizersRemain" if held else "ContentHasNoFinalizers",
                f"Some content in the namespace has finalizers remaining: {held}"
                if held
                else "All content-preserving finalizers finished",
            ),
        ]
        now = timestamp(self._registry.clock())
        before = {item["type"]: item for item in namespace["status"].get("conditions", ())}

        def explain(obj: Object) -> None:
            conditions = []
            for kind, holds, reason, message in rows:
                status = "True" if holds else "False"
                old = before.get(kind)
                since = old["lastTransitionTime"] if old is not None and old["status"] == status else now
                conditions.append(
                    {
                        "type": kind,
                        "status": status,
                        "lastTransitionTime": since,
                        "reason": reason,
                        "message": message,
                    }
                )
            obj["status"]["conditions"] = conditions

        self._registry.edit(NAMESPACES, namespace, MANAGER, explain, "status")
