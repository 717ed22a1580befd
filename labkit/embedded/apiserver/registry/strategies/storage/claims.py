"""The strategy of PersistentVolumeClaims.

Source: k8s.io/kubernetes ``pkg/registry/core/persistentvolumeclaim``, ``pkg/api/persistentvolumeclaim``,
``pkg/apis/core/validation/validation.go``.
"""

from __future__ import annotations

import copy
from typing import Any, ClassVar

from typing_extensions import override

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.metadata import validate_selector
from labkit.embedded.apiserver.registry.names import dns_label, dns_subdomain
from labkit.embedded.apiserver.registry.strategies.fields.struct_diff import claim_diff
from labkit.embedded.apiserver.registry.strategy import Strategy, StrategyContext, keep
from labkit.embedded.machinery.request import Object
from labkit.embedded.machinery.schema.values import NANO, amount

ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
VOLUME_MODES = ("Block", "Filesystem")
CLAIM = "PersistentVolumeClaim"
SNAPSHOT = ("VolumeSnapshot", "snapshot.storage.k8s.io")
MAY_CHANGE = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"
NOT_POSITIVE = "must be greater than zero"


class ClaimStrategy(Strategy):
    """Persistent volume claims."""

    returns_deleted = True
    status = True
    new_status: ClassVar[Object] = {"phase": "Pending"}

    @override
    def default(self, obj: Object) -> None:
        obj["spec"].setdefault("volumeMode", "Filesystem")
        if not obj["status"].get("phase"):
            obj["status"]["phase"] = "Pending"

    @override
    def prepare_create(self, context: StrategyContext, obj: Object) -> None:
        """Copy ``dataSource`` to ``dataSourceRef`` and back."""
        super().prepare_create(context, obj)
        _settle_source(obj["spec"], {})

    @override
    def prepare_update(self, context: StrategyContext, new: Object, old: Object) -> None:
        super().prepare_update(context, new, old)
        _settle_source(new["spec"], old["spec"])

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        check_claim_spec(obj["spec"], "spec", errors)

    @override
    def check_change(self, new: Object, old: Object, errors: FieldErrors) -> None:
        spec, before = copy.deepcopy(new["spec"]), copy.deepcopy(old["spec"])
        if not before.get("volumeName") and spec.get("volumeName"):
            before["volumeName"] = spec["volumeName"]
        if new["status"].get("phase") == "Bound":
            requests = (spec.get("resources") or {}).get("requests")
            if requests:
                requests["storage"] = _requested(before)
            keep(spec, before, "volumeAttributesClassName")
        if not _alike(spec, before):
            errors.forbidden("spec", f"{MAY_CHANGE}\n{claim_diff(before, spec)}")
        wanted, had = amount(_requested(new["spec"])), amount(_requested(old["spec"]))
        if wanted < had and wanted <= amount(
            (old["status"].get("capacity") or {}).get("storage", 0)
        ):
            errors.forbidden(
                "spec.resources.requests.storage", "field can not be less than status.capacity"
            )
        errors.check_unchanged(
            "volumeMode", new["spec"].get("volumeMode"), old["spec"].get("volumeMode")
        )

    @override
    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        return claim_warnings(obj["spec"], "spec")


def _requested(spec: Object) -> Any:
    return ((spec.get("resources") or {}).get("requests") or {}).get("storage", "0")


def _alike(one: Object, other: Object) -> bool:
    """Whether two specs are equal but for the form of amounts."""

    def plain(spec: Object) -> Object:
        resources = spec.get("resources") or {}
        amounts = {
            form: {name: amount(value) for name, value in (resources.get(form) or {}).items()}
            for form in ("limits", "requests")
        }
        return {**spec, "resources": amounts}

    return plain(one) == plain(other)


def _settle_source(spec: Object, before: Object) -> None:
    """Keep ``dataSource`` and ``dataSourceRef`` in step."""
    reference = spec.get("dataSourceRef")
    if reference is not None and reference.get("namespace") and before.get("dataSourceRef") is None:
        reference = None
        spec.pop("dataSourceRef")
    source = spec.get("dataSource")
    in_use = before.get("dataSource") is not None or before.get("dataSourceRef") is not None
    if source is not None and reference is None and not in_use:
        named = (source.get("kind", ""), source.get("apiGroup") or "")
        if named not in ((CLAIM, ""), SNAPSHOT):
            spec.pop("dataSource")
            source = None
    if source is not None and reference is None:
        spec["dataSourceRef"] = dict(source)
    elif reference is not None and source is None and not reference.get("namespace"):
        spec["dataSource"] = {
            name: value for name, value in reference.items() if name != "namespace"
        }


def check_basic(value: Any, path: str, errors: FieldErrors) -> None:
    """Check that an amount is not negative, in whole units."""
    size = amount(value)
    if size <= -NANO:
        errors.invalid(path, -(-size // NANO), "must be a valid resource quantity")


def check_access_modes(modes: list[str], path: str, errors: FieldErrors) -> None:
    """Check access modes."""
    for mode in modes:
        errors.check_choice(path, mode, ACCESS_MODES)
    known = {mode for mode in modes if mode in ACCESS_MODES}
    if "ReadWriteOncePod" in known and len(known) > 1:
        errors.forbidden(path, "may not use ReadWriteOncePod with other access modes")


def check_claim_spec(spec: Object, path: str, errors: FieldErrors) -> None:
    """Check the spec of a claim."""
    modes = spec.get("accessModes") or []
    errors.check_present(f"{path}.accessModes", modes, "at least 1 access mode is required")
    if spec.get("selector") is not None:
        validate_selector(spec["selector"], f"{path}.selector", errors)
    check_access_modes(modes, f"{path}.accessModes", errors)
    requests = (spec.get("resources") or {}).get("requests") or {}
    if "storage" not in requests:
        errors.required(f"{path}.resources[storage]")
    elif amount(requests["storage"]) <= 0:
        errors.invalid(f"{path}.resources[storage]", requests["storage"], NOT_POSITIVE)
    errors.check_if_given(f"{path}.storageClassName", spec.get("storageClassName"), dns_subdomain)
    errors.check_choice(f"{path}.volumeMode", spec.get("volumeMode"), VOLUME_MODES)
    _check_sources(spec, path, errors)
    errors.check_if_given(
        f"{path}.volumeAttributesClassName", spec.get("volumeAttributesClassName"), dns_subdomain
    )


def _check_sources(spec: Object, path: str, errors: FieldErrors) -> None:
    source, reference = spec.get("dataSource"), spec.get("dataSourceRef")
    for given, field in ((source, "dataSource"), (reference, "dataSourceRef")):
        if given is not None:
            _check_source(given, f"{path}.{field}", errors)
    if source is None or reference is None:
        return
    shown: Object = {}  # the real server shows a path here, whose fields are private
    if reference.get("namespace"):
        errors.invalid(
            path, shown, "may not be specified when dataSourceRef.namespace is specified"
        )
    elif any(source.get(field) != reference.get(field) for field in ("apiGroup", "kind", "name")):
        errors.invalid(path, shown, "must match dataSourceRef")


def _check_source(source: Object, path: str, errors: FieldErrors) -> None:
    kind, group = source.get("kind", ""), source.get("apiGroup") or ""
    for field in ("name", "kind"):
        errors.check_present(f"{path}.{field}", source.get(field))
    if not group and kind != CLAIM:
        errors.invalid(path, kind, f"must be '{CLAIM}' when referencing the default apiGroup")
    errors.check_if_given(f"{path}.apiGroup", group, dns_subdomain)
    errors.check_if_given(f"{path}.namespace", source.get("namespace"), dns_label)


def claim_warnings(spec: Object, path: str) -> list[str]:
    """Warn of fractional bytes in a claim's spec."""
    resources = spec.get("resources") or {}
    found = []
    for form in ("requests", "limits"):
        value = (resources.get(form) or {}).get("storage", "0")
        if amount(value) % NANO:
            why = f'fractional byte value "{value}" is invalid, must be an integer'
            found.append(f"{path}.resources.{form}[storage]: {why}")
    return found
