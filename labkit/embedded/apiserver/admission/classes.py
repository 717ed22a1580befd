"""Default storage and ingress classes.

Source: k8s.io/kubernetes ``plugin/pkg/admission/storage``, ``plugin/pkg/admission/network/defaultingressclass``.
"""

from __future__ import annotations

from collections.abc import Iterable

from typing_extensions import override

from labkit.embedded.apiserver.admission.attributes import Attributes, ReadingPlugin
from labkit.embedded.machinery.request import Object

BETA_CLASS = "volume.beta.kubernetes.io/storage-class"
STORAGE_CLASSES = "storageclasses.storage.k8s.io"
INGRESS_CLASSES = "ingressclasses.networking.k8s.io"


class DefaultStorageClass(ReadingPlugin):
    """Gives a claim without a class the default one."""

    @override
    def admit(self, attributes: Attributes) -> None:
        claim = attributes.obj
        if claim is None or not attributes.concerns("persistentvolumeclaims", "CREATE"):
            return
        if BETA_CLASS in _notes(claim) or claim["spec"].get("storageClassName") is not None:
            return
        name = _default(self._lister(STORAGE_CLASSES, ""), "storageclass.kubernetes.io/is-default-class")
        if name is not None:
            claim["spec"]["storageClassName"] = name


class DefaultIngressClass(ReadingPlugin):
    """Gives an ingress without a class the default one."""

    @override
    def admit(self, attributes: Attributes) -> None:
        ingress = attributes.obj
        if ingress is None or not attributes.concerns("ingresses.networking.k8s.io", "CREATE"):
            return
        if "kubernetes.io/ingress.class" in _notes(ingress):
            return
        spec = ingress.setdefault("spec", {})
        if spec.get("ingressClassName") is not None:
            return
        name = _default(self._lister(INGRESS_CLASSES, ""), "ingressclass.kubernetes.io/is-default-class")
        if name is not None:
            spec["ingressClassName"] = name


def _notes(obj: Object) -> Object:
    return obj["metadata"].get("annotations") or {}


def _default(classes: Iterable[Object], annotation: str) -> str | None:
    """The name of the newest class marked as default; of equally new ones, the first by name."""
    marked = sorted(
        (one["metadata"] for one in classes if _notes(one).get(annotation) == "true"), key=lambda one: str(one["name"])
    )
    newest = max(marked, key=lambda one: str(one.get("creationTimestamp", "")), default=None)
    return None if newest is None else str(newest["name"])
