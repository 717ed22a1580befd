"""Conversion of HorizontalPodAutoscalers between ``autoscaling/v1`` and ``v2``.

Version 1 has one target, of the processors' use; all that it lacks goes into annotations, where it keeps the form
of version 2 (a real server's has other names there).
Source: k8s.io/kubernetes ``pkg/apis/autoscaling/v1/conversion.go``, ``annotations.go``.
"""

from __future__ import annotations

from typing import Any

import orjson

from labkit.embedded.machinery.request import Object
from labkit.embedded.machinery.schema import schemas
from labkit.embedded.machinery.schema.decoding import DecodeProblem, Decoder

PREFIX = "autoscaling.alpha.kubernetes.io/"
METRICS, CURRENT, CONDITIONS, BEHAVIOR = (
    PREFIX + name for name in ("metrics", "current-metrics", "conditions", "behavior")
)
SPEC, STATUS = (f"autoscaling.v2.HorizontalPodAutoscaler{part}" for part in ("Spec", "Status"))
DEFAULT_UTILIZATION = 80


def utilization_metric(percent: int) -> Object:
    """The one metric that version 1 can express."""
    target = {"type": "Utilization", "averageUtilization": percent}
    return {"type": "Resource", "resource": {"name": "cpu", "target": target}}


def _is_processor(metric: Object) -> bool:
    return metric.get("type") == "Resource" and (metric.get("resource") or {}).get("name") == "cpu"


def _present(**fields: Any) -> Object:
    return {name: value for name, value in fields.items() if value is not None}


def _copied(source: Object, *names: str) -> Object:
    """Copy the fields that both versions name alike."""
    return _present(**{name: source.get(name) for name in names})


SPEC_FIELDS = ("scaleTargetRef", "minReplicas", "maxReplicas")
STATUS_FIELDS = ("observedGeneration", "lastScaleTime", "currentReplicas", "desiredReplicas")


def from_v2(obj: Object) -> Object:
    """Convert an autoscaler of ``autoscaling/v2`` to version 1."""
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    metrics, current = spec.get("metrics") or [], status.get("currentMetrics") or []
    notes: Object = {}
    for name, value in (
        (METRICS, [metric for metric in metrics if not _is_utilization(metric)]),
        (CURRENT, current),
        (BEHAVIOR, spec.get("behavior")),
        (CONDITIONS, status.get("conditions")),
    ):
        if value:
            notes[name] = orjson.dumps(value).decode()
    percent = next(
        (_part(metric, "target").get("averageUtilization") for metric in metrics if _is_processor(metric)), None
    )
    measured = [_part(metric, "current").get("averageUtilization") for metric in current if _is_processor(metric)]
    uses = [use for use in measured if use is not None]
    return {
        "metadata": _with_notes(obj, notes),
        "spec": _copied(spec, *SPEC_FIELDS) | _present(targetCPUUtilizationPercentage=percent),
        "status": _copied(status, *STATUS_FIELDS)
        | _present(currentCPUUtilizationPercentage=uses[-1] if uses else None),
    }


def to_v2(obj: Object) -> Object:
    """Convert an autoscaler of version 1 to ``autoscaling/v2``."""
    given = obj["metadata"].get("annotations") or {}
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    percent = spec.get("targetCPUUtilizationPercentage")
    metrics = _read(given, METRICS, SPEC, "metrics") or []
    if percent is not None:
        metrics.append(utilization_metric(percent))
    measured = status.get("currentCPUUtilizationPercentage")
    current = _read(given, CURRENT, STATUS, "currentMetrics")
    if current is None and measured is not None:
        current = [{"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": measured}}}]
    return {
        "metadata": _with_notes(obj, {}),
        "spec": _copied(spec, *SPEC_FIELDS)
        | _present(
            metrics=metrics or [utilization_metric(DEFAULT_UTILIZATION)],
            behavior=_read(given, BEHAVIOR, SPEC, "behavior"),
        ),
        "status": _copied(status, *STATUS_FIELDS)
        | _present(
            currentMetrics=current,
            conditions=_read(given, CONDITIONS, STATUS, "conditions"),
        ),
    }


def _with_notes(obj: Object, notes: Object) -> Object:
    """The metadata of an autoscaler with other annotations for what version 1 lacks."""
    given = obj["metadata"].get("annotations") or {}
    kept = {name: value for name, value in given.items() if name not in (METRICS, CURRENT, CONDITIONS, BEHAVIOR)}
    metadata = {**obj["metadata"], "annotations": kept | notes}
    if not metadata["annotations"]:
        del metadata["annotations"]
    return metadata


def _read(notes: Object, note: str, struct: str, field: str) -> Any:
    """Decode an annotation as the value of a field; None if it does not fit."""
    try:
        value = orjson.loads(notes.get(note) or "null")
        return Decoder().decode(schemas()[struct], {field: value}).get(field)
    except (orjson.JSONDecodeError, DecodeProblem):
        return None


def _part(metric: Object, name: str) -> Object:
    """The target or the current value of a resource metric."""
    return (metric.get("resource") or {}).get(name) or {}


def _is_utilization(metric: Object) -> bool:
    return _is_processor(metric) and _part(metric, "target").get("averageUtilization") is not None
