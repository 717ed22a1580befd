"""The strategy of PersistentVolumes.

Source: k8s.io/kubernetes ``pkg/registry/core/persistentvolume``, ``pkg/api/persistentvolume``,
``pkg/apis/core/validation/validation.go`` (``ValidatePersistentVolumeSpec``).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from typing_extensions import override

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.names import dns_subdomain
from labkit.embedded.apiserver.registry.strategies.fields.node_selectors import (
    NODE_SELECTOR,
    node_term_warnings,
)
from labkit.embedded.apiserver.registry.strategies.fields.struct_diff import internal, source_diff
from labkit.embedded.apiserver.registry.strategies.storage import claims, sources
from labkit.embedded.apiserver.registry.strategies.storage.source_rules import (
    Rule,
    both,
    check_sources,
    names_secret,
    needs,
)
from labkit.embedded.apiserver.registry.strategies.storage.sources import csi_volume
from labkit.embedded.apiserver.registry.strategy import Strategy, StrategyContext, timestamp
from labkit.embedded.machinery.pods.placement import STABLE_LABELS
from labkit.embedded.machinery.request import Object
from labkit.embedded.machinery.schema import schemas
from labkit.embedded.machinery.schema.values import amount

RECYCLED = "The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning."

SOURCES: Mapping[str, Rule] = {
    "hostPath": sources.SHARED["hostPath"],
    "gcePersistentDisk": sources.SHARED["gcePersistentDisk"],
    "awsElasticBlockStore": sources.SHARED["awsElasticBlockStore"],
    "glusterfs": needs("endpoints", "path"),
    "flocker": sources.SHARED["flocker"],
    "nfs": sources.SHARED["nfs"],
    "rbd": sources.SHARED["rbd"],
    "quobyte": sources.SHARED["quobyte"],
    "cephfs": sources.SHARED["cephfs"],
    "iscsi": needs("targetPortal", "iqn"),
    "cinder": both(needs("volumeID"), names_secret("name", "namespace")),
    "fc": sources.SHARED["fc"],
    "flexVolume": sources.SHARED["flexVolume"],
    "azureFile": needs("secretName", "shareName"),
    "vsphereVolume": sources.SHARED["vsphereVolume"],
    "photonPersistentDisk": sources.SHARED["photonPersistentDisk"],
    "portworxVolume": sources.SHARED["portworxVolume"],
    "azureDisk": sources.SHARED["azureDisk"],
    "scaleIO": sources.SHARED["scaleIO"],
    "local": sources.local,
    "storageos": both(needs("volumeName"), names_secret("name", "namespace")),
    "csi": csi_volume,
}
"""The sources of persistent volumes, in the order of the real server's checks."""

WARNED = ("cephfs", "photonPersistentDisk", "scaleIO", "storageos", "glusterfs", "rbd")
"""Deprecated sources that are warned of."""


class VolumeStrategy(Strategy):
    """Persistent volumes."""

    returns_deleted = True
    status = True
    full_checks = 2
    change_checks = 0
    checks_twice = True

    @override
    def default(self, obj: Object) -> None:
        spec = obj["spec"]
        if not spec.get("persistentVolumeReclaimPolicy"):
            spec["persistentVolumeReclaimPolicy"] = "Retain"
        spec.setdefault("volumeMode", "Filesystem")
        if spec.get("hostPath") is not None:
            spec["hostPath"].setdefault("type", "")
        if not obj["status"].get("phase"):
            obj["status"]["phase"] = "Pending"

    @override
    def prepare_create(self, context: StrategyContext, obj: Object) -> None:
        obj["status"] = {"phase": "Pending", "lastPhaseTransitionTime": timestamp(context.clock())}

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        spec = obj["spec"]
        modes = spec.get("accessModes") or []
        errors.check_present("spec.accessModes", modes)
        claims.check_access_modes(modes, "spec.accessModes", errors)
        _check_capacity(spec.get("capacity"), errors)
        policy = spec.get("persistentVolumeReclaimPolicy", "")
        errors.check_choice(
            "spec.persistentVolumeReclaimPolicy", policy or None, ("Delete", "Recycle", "Retain")
        )
        affinity = spec.get("nodeAffinity")
        if affinity is not None and affinity.get("required") is not None:
            NODE_SELECTOR(affinity["required"], "spec.nodeAffinity.required", errors)
        elif affinity is not None:
            errors.required("spec.nodeAffinity.required", "must specify required node constraints")
        check_sources(spec, SOURCES, "spec", errors, always="flexVolume")
        errors.check_if_given("spec.storageClassName", spec.get("storageClassName"), dns_subdomain)
        errors.check_choice("spec.volumeMode", spec.get("volumeMode"), claims.VOLUME_MODES)
        _check_attributes_class(spec, errors)

    @override
    def check_change(self, new: Object, old: Object, errors: FieldErrors) -> None:
        spec, before = new["spec"], old["spec"]
        source, was = (
            {name: held[name] for name in SOURCES if held.get(name) is not None}
            for held in (spec, before)
        )
        if _without_new_secret(source, was) != was:
            why = f"spec.persistentvolumesource is immutable after creation\n{source_diff(was, source, SOURCES)}"
            errors.forbidden("spec.persistentvolumesource", why)
        errors.check_unchanged("volumeMode", spec.get("volumeMode"), before.get("volumeMode"))
        affinity, had = spec.get("nodeAffinity"), before.get("nodeAffinity")
        if had is not None and _with_old_names(affinity, had) != had:
            shown = (
                internal(schemas()["core.v1.VolumeNodeAffinity"], affinity)
                if affinity is not None
                else None
            )
            errors.invalid(
                "nodeAffinity",
                shown,
                "field is immutable, except for updating from beta label to GA",
            )

    @override
    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        spec = obj["spec"]
        found = []
        if spec.get("persistentVolumeReclaimPolicy") == "Recycle":
            found.append(f"spec.persistentVolumeReclaimPolicy: {RECYCLED}")
        terms = ((spec.get("nodeAffinity") or {}).get("required") or {}).get(
            "nodeSelectorTerms"
        ) or ()
        for index, term in enumerate(terms):
            found += node_term_warnings(
                term, f"spec.nodeAffinity.required.nodeSelectorTerms[{index}]"
            )
        return found + [
            f"spec.{sources.source_warning(field)}"
            for field in WARNED
            if spec.get(field) is not None
        ]


def _with_old_names(affinity: Object | None, before: Object) -> Object | None:
    """Undo the replacement of deprecated labels by current ones in an affinity."""
    new, old = (
        ((held or {}).get("required") or {}).get("nodeSelectorTerms") or []
        for held in (affinity, before)
    )
    if affinity is None or len(new) != len(old):
        return affinity
    kept = copy.deepcopy(affinity)
    for term, was in zip(kept["required"]["nodeSelectorTerms"], old, strict=True):
        for field in ("matchExpressions", "matchFields"):
            for item, other in zip(term.get(field) or (), was.get(field) or (), strict=False):
                if STABLE_LABELS.get(other.get("key", "")) == item.get("key"):
                    item["key"] = other["key"]
    return kept


def _check_capacity(amounts: Mapping[str, Any] | None, errors: FieldErrors) -> None:
    capacity = amounts or {}
    errors.check_present("spec.capacity", capacity)
    if "storage" not in capacity or len(capacity) > 1:
        shown = None if amounts is None else dict(sorted(capacity.items()))
        errors.not_supported("spec.capacity", shown, ["storage"])
    for name, value in capacity.items():
        claims.check_basic(value, f"spec.capacity[{name}]", errors)
        if amount(value) <= 0:
            errors.invalid(f"spec.capacity[{name}]", value, claims.NOT_POSITIVE)


def _check_attributes_class(spec: Object, errors: FieldErrors) -> None:
    name = spec.get("volumeAttributesClassName")
    if name is None:
        return
    errors.check_required(
        "spec.volumeAttributesClassName", name, dns_subdomain, "an empty string is disallowed"
    )
    if spec.get("csi") is None:
        errors.required("spec.csi", "has to be specified when using volumeAttributesClassName")


def _without_new_secret(source: Object, before: Object) -> Object:
    """A source without the expand secret, which may be added later."""
    driver, was = source.get("csi"), before.get("csi")
    if driver is None or was is None or was.get("controllerExpandSecretRef") is not None:
        return source
    kept = {name: value for name, value in driver.items() if name != "controllerExpandSecretRef"}
    return {**source, "csi": kept}
