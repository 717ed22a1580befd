"""The content that each namespace gets, and the deletion of a namespace's content.

Source: k8s.io/kubernetes ``pkg/controller/{serviceaccount,certificates/rootcacertpublisher,namespace}``.
"""

from collections import Counter

from typing_extensions import override

from ..apiserver.registry.registry import Change, Registry
from ..machinery.kinds import BY_KIND, KINDS, Kind
from ..machinery.objects import conditions_of, finalizers_of, is_deleted, name_of, namespace_of
from ..machinery.request import Object
from .conditions import condition, transition_time
from .controller import BaseController, Publisher

NAMESPACES = BY_KIND["", "Namespace"]
ACCOUNTS = BY_KIND["", "ServiceAccount"]
CONFIG_MAPS = BY_KIND["", "ConfigMap"]
ROOT_CA = "kube-root-ca.crt"
DESCRIPTION = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as "
    "the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of "
    "Kubernetes clusters."
)
CONTENT = tuple(
    kind for kind in KINDS if kind.namespaced and "list" in kind.verbs and kind.stored_as is None
)
"""The kinds of a namespace's content."""


def is_active_namespace(registry: Registry, name: str) -> bool:
    """Return whether a namespace exists and is not being deleted."""
    namespace = registry.find(NAMESPACES, "", name)
    return namespace is not None and not is_deleted(namespace)


class NamespaceContent(Publisher):
    """Creates and restores the account ``default`` and the bundle of the cluster's CA (PEM) of each namespace."""

    def __call__(self, change: Change) -> None:
        """React to namespaces, accounts and config maps."""
        changed = change.new or change.old or {}
        if change.kind is NAMESPACES:
            self._fill(name_of(changed))
        elif change.kind in (ACCOUNTS, CONFIG_MAPS) and name_of(changed) in ("default", ROOT_CA):
            self._fill(namespace_of(changed))

    @override
    def bootstrap(self) -> None:
        """Publish the CA's certificate again if it has been renewed."""
        for bundle in list(self._registry.list(CONFIG_MAPS)):
            if name_of(bundle) == ROOT_CA:
                self._fill(namespace_of(bundle))

    def _fill(self, name: str) -> None:
        namespace = self._registry.find(NAMESPACES, "", name)
        if namespace is None or namespace["status"].get("phase") != "Active":
            return
        if self._registry.find(ACCOUNTS, name, "default") is None:
            self._create_object(ACCOUNTS, {"metadata": {"name": "default", "namespace": name}})
        data = {"ca.crt": self._ca}
        bundle = self._registry.find(CONFIG_MAPS, name, ROOT_CA)
        if bundle is None:
            annotations = {"kubernetes.io/description": DESCRIPTION}
            metadata = {"name": ROOT_CA, "namespace": name, "annotations": annotations}
            self._create_object(CONFIG_MAPS, {"metadata": metadata, "data": data})
        elif bundle.get("data") != data:
            # Pods verify the API server by it: whatever somebody wrote there is replaced.
            self._edit(CONFIG_MAPS, bundle, lambda obj: obj.update(data=data))


class NamespaceDeletion(BaseController):
    """Deletes the content of a deleted namespace, and then the namespace."""

    def __call__(self, change: Change) -> None:
        """React to deleted namespaces, and to deletions in them."""
        changed = change.new or change.old or {}
        if change.kind is NAMESPACES:
            self._empty(name_of(changed))
        elif change.new is None and change.kind.namespaced:
            self._empty(namespace_of(changed))

    def _empty(self, name: str) -> None:
        namespace = self._registry.find(NAMESPACES, "", name)
        if namespace is None or not is_deleted(namespace):
            return
        # The finalizer in the spec, not in the metadata: namespaces are older than those.
        finalizers = namespace["spec"].get("finalizers", ())
        if "kubernetes" not in finalizers:
            return
        custom = [kind for kind in self._registry.custom.stored() if kind.namespaced]
        kinds: list[Kind] = [*CONTENT, *custom]
        for kind in kinds:
            for obj in list(self._registry.list(kind, name)):
                if not is_deleted(obj):
                    self._delete_object(kind, obj)
        # Each deletion above came back here, and the last one can have finished the work.
        current = self._current(NAMESPACES, namespace)
        if current is None:
            return
        contents = [(kind, list(self._registry.list(kind, name))) for kind in kinds]
        remaining = [(kind, objects) for kind, objects in contents if objects]
        if remaining:
            self._explain(current, remaining)
            return
        others = [item for item in finalizers if item != "kubernetes"]
        spec = {"finalizers": others} if others else {}
        released = self._edit(NAMESPACES, current, lambda obj: obj.update(spec=spec), "finalize")
        if not others and not finalizers_of(released):
            self._registry.remove(NAMESPACES, "", name)

    def _explain(self, namespace: Object, remaining: list[tuple[Kind, list[Object]]]) -> None:
        """Write the objects that the namespace waits for into its status."""
        # Of the real server's five conditions the three about errors are left out: none of them can happen here.
        remaining.sort(key=lambda pair: pair[0].resource)
        counts = ", ".join(
            f"{kind.plural}.{kind.group} has {len(objects)} resource instances"
            for kind, objects in remaining
        )
        finalizers: Counter[str] = Counter()
        for _, objects in remaining:
            for obj in objects:
                finalizers.update(finalizers_of(obj))
        held = ", ".join(
            f"{name} in {count} resource instances" for name, count in sorted(finalizers.items())
        )
        state = ("False", "ContentHasNoFinalizers", "All content-preserving finalizers finished")
        if held:
            message = f"Some content in the namespace has finalizers remaining: {held}"
            state = ("True", "SomeFinalizersRemain", message)
        rows = [
            (
                "NamespaceContentRemaining",
                "True",
                "SomeResourcesRemain",
                f"Some resources are remaining: {counts}",
            ),
            ("NamespaceFinalizersRemaining", *state),
        ]
        now = self._now()
        conditions = []
        for row in rows:
            since = transition_time(conditions_of(namespace), row[0], row[1], now)
            conditions.append(condition(*row, lastTransitionTime=since))
        status = {**namespace["status"], "conditions": conditions}
        self._write_status(NAMESPACES, namespace, status)
