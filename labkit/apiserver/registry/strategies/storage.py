"""Persistent volumes, claims and storage classes.

Source: k8s.io/kubernetes ``pkg/apis/core/validation``, ``pkg/apis/storage``.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from labkit.apiserver.registry.errors import FieldErrors
from labkit.apiserver.registry.metadata import immutable, validate_selector
from labkit.apiserver.registry.names import dns_subdomain, qualified_name
from labkit.apiserver.registry.strategies.nodeselectors import check_node_selector
from labkit.apiserver.registry.strategies.poddiff import claim_diff, source_diff
from labkit.apiserver.registry.strategies.podvolumes import check_host_path, check_nfs
from labkit.apiserver.registry.strategy import Context, Strategy, timestamp
from labkit.apiserver.request import Object
from labkit.apiserver.schema import schemas
from labkit.apiserver.schema.values import amount

ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
RECLAIM_POLICIES = ("Delete", "Recycle", "Retain")
VOLUME_MODES = ("Block", "Filesystem")
OTHER_FIELDS = (
    "accessModes",
    "capacity",
    "claimRef",
    "mountOptions",
    "nodeAffinity",
    "persistentVolumeReclaimPolicy",
    "storageClassName",
    "volumeAttributesClassName",
    "volumeMode",
)


def _sources(spec: Object) -> list[str]:
    """The volume types that a spec names."""
    known = schemas()["core.v1.PersistentVolumeSpec"].fields
    return [name for name in spec if name in known and name not in OTHER_FIELDS and spec[name] is not None]


@dataclass
class VolumeStrategy(Strategy):
    """Persistent volumes."""

    checks_twice: bool = True

    returns_deleted: bool = True
    status: bool = True

    def default(self, obj: Object) -> None:
        """See ``Strategy``."""
        spec = obj["spec"]
        spec.setdefault("persistentVolumeReclaimPolicy", "Retain")
        spec.setdefault("volumeMode", "Filesystem")
        if spec.get("hostPath") is not None:
            spec["hostPath"].setdefault("type", "")
        if not obj["status"].get("phase"):
            obj["status"]["phase"] = "Pending"

    def prepare_create(self, context: Context, obj: Object) -> None:
        """See ``Strategy``."""
        obj["status"] = {"phase": "Pending", "lastPhaseTransitionTime": timestamp(context.clock())}

    def check(self, obj: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        spec = obj["spec"]
        modes = spec.get("accessModes") or []
        if not modes:
            errors.required("spec.accessModes")
        for mode in modes:
            if mode not in ACCESS_MODES:
                errors.not_supported("spec.accessModes", mode, ACCESS_MODES)
        if "ReadWriteOncePod" in modes and len(modes) > 1:
            errors.forbidden("spec.accessModes", "may not use ReadWriteOncePod with other access modes")
        capacity = spec.get("capacity")
        if not capacity:
            errors.required("spec.capacity")
        if not capacity or "storage" not in capacity or len(capacity) > 1:
            errors.not_supported("spec.capacity", _internal_resources(capacity), ["storage"])
        for name, value in (capacity or {}).items():
            for message in qualified_name(name):
                errors.invalid(f"spec.capacity[{name}]", name, message)
            if amount(value) <= 0:
                errors.invalid(f"spec.capacity[{name}]", value, "must be greater than zero")
        policy = spec.get("persistentVolumeReclaimPolicy", "")
        if policy and policy not in RECLAIM_POLICIES:
            errors.not_supported("spec.persistentVolumeReclaimPolicy", policy, RECLAIM_POLICIES)
        if spec.get("nodeAffinity") is not None:
            if spec["nodeAffinity"].get("required") is not None:
                check_node_selector(spec["nodeAffinity"]["required"], "spec.nodeAffinity.required", errors)
            else:
                errors.required("spec.nodeAffinity.required", "must specify required node constraints")
        sources = _sources(spec)
        for extra in sources[1:]:
            errors.forbidden(f"spec.{extra}", "may not specify more than 1 volume type")
        if not sources:
            errors.required("spec", "must specify a volume type")
        if spec.get("hostPath") is not None:
            check_host_path(spec["hostPath"], "spec.hostPath", errors)
            if spec["hostPath"].get("path") == "/" and policy == "Recycle":
                errors.forbidden(
                    "spec.persistentVolumeReclaimPolicy", "may not be 'recycle' for a hostPath mount of '/'"
                )
        if spec.get("nfs") is not None:
            check_nfs(spec["nfs"], "spec.nfs", errors)
        if spec.get("local") is not None and spec.get("nodeAffinity") is None:
            errors.required("spec.nodeAffinity", "Local volume requires node affinity")
        storage_class = spec.get("storageClassName", "")
        for message in dns_subdomain(storage_class) if storage_class else ():
            errors.invalid("spec.storageClassName", storage_class, message)
        mode = spec.get("volumeMode")
        if mode is not None and mode not in VOLUME_MODES:
            errors.not_supported("spec.volumeMode", mode, VOLUME_MODES)

    def check_update(self, new: Object, old: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        self.check(new, errors)
        before = {name: old["spec"][name] for name in _sources(old["spec"])}
        after = {name: new["spec"][name] for name in _sources(new["spec"])}
        if before != after:
            errors.forbidden(
                "spec.persistentvolumesource",
                f"spec.persistentvolumesource is immutable after creation\n{source_diff(before, after)}",
            )
        if new["spec"].get("volumeMode") != old["spec"].get("volumeMode"):
            errors.invalid("volumeMode", new["spec"].get("volumeMode"), "field is immutable")
        before = old["spec"].get("nodeAffinity")
        if before is not None and new["spec"].get("nodeAffinity") != before:
            errors.invalid(
                "nodeAffinity",
                _internal_affinity(new["spec"].get("nodeAffinity")),
                "field is immutable, except for updating from beta label to GA",
            )


def _internal_affinity(affinity: Object | None) -> Any:
    """A volume's node affinity as messages show it: with Go's names."""
    if affinity is None:
        return None
    required = affinity.get("required")

    def requirements(term: Object, field: str) -> Any:
        found = term.get(field)
        if found is None:
            return None
        return [
            {"Key": item.get("key", ""), "Operator": item.get("operator", ""), "Values": item.get("values")}
            for item in found
        ]

    if required is None:
        return {"Required": None}
    terms = required.get("nodeSelectorTerms")
    return {
        "Required": {
            "NodeSelectorTerms": None
            if terms is None
            else [
                {
                    "MatchExpressions": requirements(term, "matchExpressions"),
                    "MatchFields": requirements(term, "matchFields"),
                }
                for term in terms
            ]
        }
    }


def _internal_resources(amounts: Object | None) -> Any:
    """Amounts as messages show them."""
    return dict(amounts) if amounts else None


@dataclass
class ClaimStrategy(Strategy):
    """Persistent volume claims."""

    full_checks: int = 2
    checks_twice: bool = True

    returns_deleted: bool = True
    status: bool = True

    def default(self, obj: Object) -> None:
        """See ``Strategy``."""
        obj["spec"].setdefault("volumeMode", "Filesystem")
        if not obj["status"].get("phase"):
            obj["status"]["phase"] = "Pending"

    def reset_status(self, obj: Object) -> None:
        """See ``Strategy``."""
        obj["status"] = {"phase": "Pending"}

    def check(self, obj: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        check_claim_spec(obj["spec"], "spec", errors)

    def check_update(self, new: Object, old: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        self.check(new, errors)
        spec, before = copy.deepcopy(new["spec"]), copy.deepcopy(old["spec"])
        if not before.get("volumeName") and spec.get("volumeName"):
            before["volumeName"] = spec["volumeName"]
        wanted = amount(((spec.get("resources") or {}).get("requests") or {}).get("storage", 0))
        had = amount(((before.get("resources") or {}).get("requests") or {}).get("storage", 0))
        if old["status"].get("phase") == "Bound" and wanted >= had:
            before["resources"] = spec.get("resources", {})
        elif old["status"].get("phase") == "Bound":
            errors.forbidden("spec.resources.requests.storage", "field can not be less than status.capacity")
            return
        before["volumeAttributesClassName"] = spec.get("volumeAttributesClassName")
        spec.setdefault("volumeAttributesClassName", None)
        if spec != before:
            errors.forbidden(
                "spec",
                "spec is immutable after creation except resources.requests and volumeAttributesClassName for "
                f"bound claims\n{claim_diff(before, spec)}",
            )


def check_claim_spec(spec: Object, path: str, errors: FieldErrors) -> None:
    """The spec of a claim."""
    modes = spec.get("accessModes") or []
    if not modes:
        errors.required(f"{path}.accessModes", "at least 1 access mode is required")
    if spec.get("selector") is not None:
        validate_selector(spec["selector"], f"{path}.selector", errors)
    for mode in modes:
        if mode not in ACCESS_MODES:
            errors.not_supported(f"{path}.accessModes", mode, ACCESS_MODES)
    if "ReadWriteOncePod" in modes and len(modes) > 1:
        errors.forbidden(f"{path}.accessModes", "may not use ReadWriteOncePod with other access modes")
    requests = (spec.get("resources") or {}).get("requests") or {}
    if "storage" not in requests:
        errors.required(f"{path}.resources[storage]")
    elif amount(requests["storage"]) <= 0:
        errors.invalid(f"{path}.resources[storage]", requests["storage"], "must be greater than zero")
    storage_class = spec.get("storageClassName")
    if storage_class:
        for message in dns_subdomain(storage_class):
            errors.invalid(f"{path}.storageClassName", storage_class, message)
    mode = spec.get("volumeMode")
    if mode is not None and mode not in VOLUME_MODES:
        errors.not_supported(f"{path}.volumeMode", mode, VOLUME_MODES)


@dataclass
class StorageClassStrategy(Strategy):
    """Storage classes."""

    returns_deleted: bool = True

    def default(self, obj: Object) -> None:
        """See ``Strategy``."""
        obj.setdefault("reclaimPolicy", "Delete")
        obj.setdefault("volumeBindingMode", "Immediate")

    def check(self, obj: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        provisioner = obj.get("provisioner", "")
        if not provisioner:
            errors.required("provisioner")
        else:
            for message in qualified_name(provisioner.lower()):
                errors.invalid("provisioner", provisioner.lower(), message)
        if obj.get("reclaimPolicy") not in ("", "Delete", "Retain"):
            errors.not_supported("reclaimPolicy", obj.get("reclaimPolicy", ""), ["Delete", "Retain"])
        mode = obj.get("volumeBindingMode")
        if mode not in ("Immediate", "WaitForFirstConsumer"):
            errors.not_supported("volumeBindingMode", mode, ["Immediate", "WaitForFirstConsumer"])
        check_topologies(obj.get("allowedTopologies") or [], errors)

    def check_update(self, new: Object, old: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        self.check(new, errors)
        if (new.get("parameters") or {}) != (old.get("parameters") or {}):
            immutable(new.get("parameters"), old.get("parameters"), "parameters", errors)
        immutable(new.get("provisioner", ""), old.get("provisioner", ""), "provisioner", errors)
        for field in ("reclaimPolicy", "volumeBindingMode"):
            if new.get(field) != old.get(field):
                errors.invalid(field, new.get(field), "field is immutable")


def check_topologies(topologies: list[Object], errors: FieldErrors) -> None:
    """Where a storage class has volumes: terms that differ, each with keys and values that differ.

    The real server starts with as many empty terms as there are terms, so it calls an empty one a duplicate.
    """
    known: list[dict[str, set[str]]] = [{} for _ in topologies]
    for index, term in enumerate(topologies):
        path = f"allowedTopologies[{index}].matchLabelExpressions"
        keys: dict[str, set[str]] = {}
        for number, expression in enumerate(term.get("matchLabelExpressions") or ()):
            place, key = f"{path}[{number}]", expression.get("key", "")
            values = expression.get("values") or []
            if not values:
                errors.required(f"{place}.values")
            for position, value in enumerate(values):
                if value in values[:position]:
                    errors.duplicate(f"{place}.values[{position}]", value)
            for message in qualified_name(key):
                errors.invalid(f"{place}.key", key, message)
            if key in keys:
                errors.duplicate(f"{place}.key", key)
            keys[key] = set(values)
        for other in known:
            if other == keys:
                errors.duplicate(path, "")
        known.append(keys)
