"""Conversion of HorizontalPodAutoscalers between ``autoscaling/v1`` and ``v2``.

Version 1 has one target, of the processors' use; it shows and keeps nothing else of version 2's metrics.
Source: k8s.io/kubernetes ``pkg/apis/autoscaling/v1/conversion.go``.
"""

from __future__ import annotations

from typing import Any

from labkit.embedded.machinery.request import Object

DEFAULT_UTILIZATION = 80


def utilization_metric(percent: int) -> Object:
    """The one metric that version 1 can express."""
    target = {"type": "Utilization", "averageUtilization": percent}
    return {"type": "Resource", "resource": {"name": "cpu", "target": target}}


def _present(**fields: Any) -> Object:
    return {name: value for name, value in fields.items() if value is not None}


def _copied(source: Object, *names: str) -> Object:
    """Copy the fields that both versions name alike."""
    return _present(**{name: source.get(name) for name in names})


def _utilization(metrics: list[Object], part: str) -> int | None:
    """The processors' use among some metrics: its ``target``, or what is ``current``."""
    for metric in metrics:
        resource = metric.get("resource") or {}
        if metric.get("type") == "Resource" and resource.get("name") == "cpu":
            use: int | None = (resource.get(part) or {}).get("averageUtilization")
            return use
    return None


SPEC_FIELDS = ("scaleTargetRef", "minReplicas", "maxReplicas")
STATUS_FIELDS = ("observedGeneration", "lastScaleTime", "currentReplicas", "desiredReplicas")


def from_v2(obj: Object) -> Object:
    """Convert an autoscaler of ``autoscaling/v2`` to version 1."""
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    percent = _utilization(spec.get("metrics") or [], "target")
    use = _utilization(status.get("currentMetrics") or [], "current")
    return {
        "metadata": dict(obj["metadata"]),
        "spec": _copied(spec, *SPEC_FIELDS) | _present(targetCPUUtilizationPercentage=percent),
        "status": _copied(status, *STATUS_FIELDS) | _present(currentCPUUtilizationPercentage=use),
    }


def to_v2(obj: Object) -> Object:
    """Convert an autoscaler of version 1 to ``autoscaling/v2``."""
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    percent, use = (
        spec.get("targetCPUUtilizationPercentage"),
        status.get("currentCPUUtilizationPercentage"),
    )
    metrics = [utilization_metric(DEFAULT_UTILIZATION if percent is None else percent)]
    current = None
    if use is not None:
        current = [
            {
                "type": "Resource",
                "resource": {"name": "cpu", "current": {"averageUtilization": use}},
            }
        ]
    return {
        "metadata": dict(obj["metadata"]),
        "spec": _copied(spec, *SPEC_FIELDS) | {"metrics": metrics},
        "status": _copied(status, *STATUS_FIELDS) | _present(currentMetrics=current),
    }
