"""The strategies of CSIDrivers, CSINodes, CSIStorageCapacities, VolumeAttachments and VolumeAttributesClasses.

No driver runs here: new objects are checked as by a real server, and their changes no further.
Source: k8s.io/kubernetes ``pkg/apis/storage/{validation,v1/defaults.go}``, ``pkg/registry/storage``.
"""

from __future__ import annotations

from collections.abc import Sequence

from typing_extensions import override

from labkit.embedded.apiserver.registry.errors import NOT_NEGATIVE, FieldErrors
from labkit.embedded.apiserver.registry.metadata import validate_selector
from labkit.embedded.apiserver.registry.names import dns_subdomain, qualified_name
from labkit.embedded.apiserver.registry.strategies.fields.numbers import check_token_seconds
from labkit.embedded.apiserver.registry.strategies.storage.csi import check_driver_name
from labkit.embedded.apiserver.registry.strategy import Strategy, StrategyContext
from labkit.embedded.machinery.request import Object
from labkit.embedded.machinery.schema.values import amount

GROUP_POLICIES = ("File", "None", "ReadWriteOnceWithFSType")
MAX_NODE_ID = 256
MAX_PARAMETERS, MAX_PARAMETER_BYTES = 512, 256 * 1024
MAX_ERROR_MESSAGE = 1024


def check_parameters(parameters: Object, path: str, errors: FieldErrors) -> None:
    """Check the parameters for a driver."""
    if len(parameters) > MAX_PARAMETERS:
        errors.too_long(path, MAX_PARAMETERS)
        return
    if "" in parameters:
        errors.invalid(path, "", "field can not be empty.")
    if sum(len(key.encode()) + len(value.encode()) for key, value in parameters.items()) > MAX_PARAMETER_BYTES:
        errors.too_long(path, MAX_PARAMETER_BYTES)
    errors.check_present(path, parameters, "must contain at least one key/value pair")


class DriverStrategy(Strategy):
    """CSIDrivers."""

    @override
    def default(self, obj: Object) -> None:
        spec = obj["spec"]
        spec.setdefault("attachRequired", True)
        spec.setdefault("podInfoOnMount", False)
        spec.setdefault("storageCapacity", False)
        spec.setdefault("fsGroupPolicy", "ReadWriteOnceWithFSType")
        if not spec.get("volumeLifecycleModes"):
            spec["volumeLifecycleModes"] = ["Persistent"]
        spec.setdefault("requiresRepublish", False)
        spec.setdefault("seLinuxMount", False)

    @override
    def drop_fields(self, new: Object, old: Object | None) -> None:
        """Drop the field of the feature gate ``VolumeLimitScaling``, which is off in 1.36."""
        new["spec"].pop("preventPodSchedulingIfMissing", None)

    @override
    def prepare_create(self, context: StrategyContext, obj: Object) -> None:
        """Set no generation: it counts from the first change on."""
        self.drop_fields(obj, None)

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        spec = obj["spec"]
        errors.check_choice("spec.fsGroupPolicy", spec.get("fsGroupPolicy"), GROUP_POLICIES)
        self._check_tokens(spec.get("tokenRequests") or (), errors)
        for mode in spec.get("volumeLifecycleModes") or ():
            errors.check_choice("spec.volumeLifecycleModes", mode, ("Persistent", "Ephemeral"))
        period = spec.get("nodeAllocatableUpdatePeriodSeconds")
        if period is not None and period < 10:
            place = "spec.nodeAllocatableUpdatePeriodSeconds"
            errors.invalid(place, period, "must be greater than or equal to 10 seconds")
        secret = spec.get("serviceAccountTokenInSecrets")
        if secret is not None and not spec.get("tokenRequests"):
            why = "serviceAccountTokenInSecrets is set but no tokenRequests are specified"
            errors.invalid("spec.serviceAccountTokenInSecrets", secret, why)

    @override
    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        spec = obj["spec"]
        if not spec.get("tokenRequests") or spec.get("serviceAccountTokenInSecrets") is not None:
            return []
        if old is not None and spec["tokenRequests"] == old["spec"].get("tokenRequests"):
            return []
        return [
            "spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent "
            "possible logging of tokens in volume attributes"
        ]

    def _check_tokens(self, requests: Sequence[Object], errors: FieldErrors) -> None:
        audiences: set[str] = set()
        for index, request in enumerate(requests):
            path, audience = f"spec.tokenRequests[{index}]", request.get("audience", "")
            if audience in audiences:
                errors.duplicate(f"{path}.audience", audience)
                continue
            audiences.add(audience)
            seconds = request.get("expirationSeconds")
            if seconds is not None:
                check_token_seconds(seconds, f"{path}.expirationSeconds", errors)


class DriverNodeStrategy(Strategy):
    """CSINodes."""

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        names: set[str] = set()
        for index, driver in enumerate(obj["spec"].get("drivers") or ()):
            path = f"spec.drivers[{index}]"
            name, node = driver.get("name", ""), driver.get("nodeID", "")
            check_driver_name(name, f"{path}.name", errors)
            errors.check_present(f"{path}.nodeID", node)
            if len(node.encode()) > MAX_NODE_ID:
                errors.invalid(f"{path}.nodeID", node, f"must be {MAX_NODE_ID} characters or less")
            errors.check_not_negative(f"{path}.allocatable.count", (driver.get("allocatable") or {}).get("count"))
            errors.check_unique(f"{path}.name", name, names)
            self._check_keys(driver.get("topologyKeys") or (), path, errors)

    def _check_keys(self, keys: Sequence[str], path: str, errors: FieldErrors) -> None:
        seen: set[str] = set()
        for key in keys:
            errors.check_present(path, key)
            errors.check_unique(path, key, seen)
            errors.check_format(path, key, qualified_name)


class CapacityStrategy(Strategy):
    """CSIStorageCapacities."""

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        validate_selector(obj.get("nodeTopology"), "nodeTopology", errors)
        errors.check_format("storageClassName", obj.get("storageClassName", ""), dns_subdomain)
        capacity = obj.get("capacity")
        if capacity is not None and amount(capacity) < 0:
            errors.invalid("capacity", capacity, NOT_NEGATIVE)


class AttachmentStrategy(Strategy):
    """VolumeAttachments."""

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        self._check_always(obj, errors)
        volume = obj["spec"]["source"].get("persistentVolumeName")
        errors.check_format("spec.source.persistentVolumeName", volume, dns_subdomain)

    def _check_always(self, obj: Object, errors: FieldErrors) -> None:
        spec, path = obj["spec"], "spec.source"
        check_driver_name(spec.get("attacher", ""), "spec.attacher", errors)
        volume, inline = (spec["source"].get(name) for name in ("persistentVolumeName", "inlineVolumeSpec"))
        one = "must specify exactly one of inlineVolumeSpec and persistentVolumeName"
        if volume is None and inline is None:
            errors.required(path, one)
        elif volume is not None and inline is not None:
            errors.forbidden(path, one)
        elif volume == "":
            errors.required(f"{path}.persistentVolumeName", "must specify non empty persistentVolumeName")
        errors.check_format("spec.nodeName", spec.get("nodeName", ""), dns_subdomain)
        status = obj["status"]
        notes = status.get("attachmentMetadata") or {}
        if sum(len(key.encode()) + len(value.encode()) for key, value in notes.items()) > MAX_PARAMETER_BYTES:
            errors.too_long("status.attachmentMetadata", MAX_PARAMETER_BYTES)
        for name in ("attachError", "detachError"):
            error = status.get(name) or {}
            if len(error.get("message", "").encode()) > MAX_ERROR_MESSAGE:
                errors.too_long(f"status.{name}.message", MAX_PARAMETER_BYTES)
            errors.check_between(f"status.{name}.errorCode", error.get("errorCode"), 0, 2**31 - 1)


class AttributesClassStrategy(Strategy):
    """VolumeAttributesClasses."""

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        driver = obj.get("driverName", "")
        errors.check_required("driverName", driver.lower(), qualified_name)
        check_parameters(obj.get("parameters") or {}, "parameters", errors)
