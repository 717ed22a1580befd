"""The strategy of CSIDrivers: no driver runs here, so their values are not checked.

Source: k8s.io/kubernetes ``pkg/apis/storage/v1/defaults.go``, ``pkg/registry/storage``.
"""

from __future__ import annotations

from typing_extensions import override

from labkit.embedded.apiserver.registry.strategy import Strategy, StrategyContext
from labkit.embedded.machinery.request import Object


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
