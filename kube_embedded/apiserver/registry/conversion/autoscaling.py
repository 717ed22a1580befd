"""Conversion of HorizontalPodAutoscalers between ``autoscaling/v1`` and ``v2``.

Version 1 has one target, the use of processors. It cannot show the other metrics of version 2, and an update in
version 1 drops them.
Source: k8s.io/kubernetes ``pkg/apis/autoscaling/v1/conversion.go``.
"""

from collections.abc import Mapping
from typing import Any

from kube_embedded.machinery.request import Object

ALIKE = {
    "spec": ("scaleTargetRef", "minReplicas", "maxReplicas"),
    "status": ("observedGeneration", "lastScaleTime", "currentReplicas", "desiredReplicas"),
}
"""The fields that both versions name alike."""

# Part, field of version 1, field of version 2, and where the use is in a metric of version 2.
USES = (
    ("spec", "targetCPUUtilizationPercentage", "metrics", "target"),
    ("status", "currentCPUUtilizationPercentage", "currentMetrics", "current"),
)


def from_v2(obj: Object) -> Object:
    """Convert an autoscaler of ``autoscaling/v2`` to version 1."""
    converted = _with_common_fields(obj)
    for part, field, metrics, value in USES:
        for metric in (obj.get(part) or {}).get(metrics) or ():
            resource = metric.get("resource") or {}
            use = (resource.get(value) or {}).get("averageUtilization")
            if resource.get("name") == "cpu" and use is not None:
                converted[part][field] = use
    return converted


def to_v2(obj: Object) -> Object:
    """Convert an autoscaler of version 1 to ``autoscaling/v2``."""
    converted = _with_common_fields(obj)
    for part, field, metrics, value in USES:
        use = (obj.get(part) or {}).get(field)
        if use is not None:
            kind = {"type": "Utilization"} if value == "target" else {}
            resource = {"name": "cpu", value: {**kind, "averageUtilization": use}}
            converted[part][metrics] = [{"type": "Resource", "resource": resource}]
    return converted


def _with_common_fields(obj: Object) -> Object:
    converted: Object = {"metadata": dict(obj["metadata"])}
    for part, names in ALIKE.items():
        fields: Mapping[str, Any] = obj.get(part) or {}
        converted[part] = {name: fields[name] for name in names if fields.get(name) is not None}
    return converted
