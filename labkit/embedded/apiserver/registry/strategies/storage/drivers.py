"""The strategies of CSIDrivers, CSINodes and VolumeAttachments.

No driver runs here, so little of them is checked.
Source: k8s.io/kubernetes ``pkg/apis/storage/{validation,v1/defaults.go}``, ``pkg/registry/storage``.
"""

from __future__ import annotations

from typing import ClassVar

from typing_extensions import override

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.names import dns_subdomain
from labkit.embedded.apiserver.registry.strategies.storage.sources import check_driver_name
from labkit.embedded.apiserver.registry.strategy import Strategy, StrategyContext
from labkit.embedded.machinery.request import Object


class DriverStrategy(Strategy):
    """CSIDrivers."""

    unconditional_update = False
    returns_deleted = True
    generation = True

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


class DriverNodeStrategy(Strategy):
    """CSINodes."""

    unconditional_update = False
    returns_deleted = True

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        names: set[str] = set()
        for index, driver in enumerate(obj["spec"].get("drivers") or ()):
            path = f"spec.drivers[{index}]"
            name, node = driver.get("name", ""), driver.get("nodeID", "")
            check_driver_name(name, f"{path}.name", errors)
            errors.check_present(f"{path}.nodeID", node)
            errors.check_not_negative(
                f"{path}.allocatable.count", (driver.get("allocatable") or {}).get("count")
            )
            errors.check_unique(f"{path}.name", name, names)


class AttachmentStrategy(Strategy):
    """VolumeAttachments."""

    unconditional_update = False
    returns_deleted = True
    status = True
    new_status: ClassVar[Object] = {"attached": False}

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        spec, path = obj["spec"], "spec.source"
        check_driver_name(spec.get("attacher", ""), "spec.attacher", errors)
        volume, inline = (
            spec["source"].get(name) for name in ("persistentVolumeName", "inlineVolumeSpec")
        )
        one = "must specify exactly one of inlineVolumeSpec and persistentVolumeName"
        if volume is None and inline is None:
            errors.required(path, one)
        elif volume is not None and inline is not None:
            errors.forbidden(path, one)
        elif volume == "":
            errors.required(
                f"{path}.persistentVolumeName", "must specify non empty persistentVolumeName"
            )
        errors.check_format("spec.nodeName", spec.get("nodeName", ""), dns_subdomain)
        errors.check_format("spec.source.persistentVolumeName", volume, dns_subdomain)
