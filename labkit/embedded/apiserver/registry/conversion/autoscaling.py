"""Conversion of HorizontalPodAutoscalers between ``autoscaling/v1`` and ``v2``.

Version 1 has one target, of the processors' use; all that it lacks goes into annotations.
Source: k8s.io/kubernetes ``pkg/apis/autoscaling/v1/conversion.go``, ``annotations.go``.
"""

from __future__ import annotations

from collections.abc import Callable
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
BEHAVIOR_NAMES = ("scaleUp", "scaleDown")
RULE_NAMES = ("stabilizationWindowSeconds", "selectPolicy", "policies", "tolerance")
POLICY_NAMES = ("type", "value", "periodSeconds")
SOURCES = {
    "Object": "object",
    "Pods": "pods",
    "Resource": "resource",
    "ContainerResource": "containerResource",
    "External": "external",
}
"""Types of metrics and the fields that hold them."""


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
        (METRICS, [_to_v1(metric, "target") for metric in metrics if not _is_utilization(metric)]),
        (CURRENT, [_to_v1(metric, "current") for metric in current]),
        (BEHAVIOR, _go_names(spec["behavior"]) if spec.get("behavior") is not None else None),
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
    metrics = _read(given, METRICS, SPEC, "metrics", lambda found: [_to_v2(metric, "target") for metric in found]) or []
    if percent is not None:
        metrics.append(utilization_metric(percent))
    measured = status.get("currentCPUUtilizationPercentage")
    current = _read(
        given, CURRENT, STATUS, "currentMetrics", lambda found: [_to_v2(metric, "current") for metric in found]
    )
    if current is None and measured is not None:
        current = [{"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": measured}}}]
    return {
        "metadata": _with_notes(obj, {}),
        "spec": _copied(spec, *SPEC_FIELDS)
        | _present(
            metrics=metrics or [utilization_metric(DEFAULT_UTILIZATION)],
            behavior=_read(given, BEHAVIOR, SPEC, "behavior", _json_names) or None,
        ),
        "status": _copied(status, *STATUS_FIELDS)
        | _present(
            currentMetrics=current,
            conditions=_read(given, CONDITIONS, STATUS, "conditions", list),
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


def _read(notes: Object, note: str, struct: str, field: str, convert: Callable[[Any], Any]) -> Any:
    """Decode an annotation as the value of a field; None if it does not fit."""
    try:
        found = convert(orjson.loads(notes.get(note) or "null"))
        return Decoder().decode(schemas()[struct], {field: found}).get(field)
    except (orjson.JSONDecodeError, DecodeProblem, AttributeError, TypeError):
        return None


def _part(metric: Object, name: str) -> Object:
    """The target or the current value of a resource metric."""
    return (metric.get("resource") or {}).get(name) or {}


def _is_utilization(metric: Object) -> bool:
    return _is_processor(metric) and _part(metric, "target").get("averageUtilization") is not None


def _to_v1(metric: Object, measure: str) -> Object:
    """Convert a metric's ``target`` or ``current`` measure to the form of version 1's annotation."""
    field = SOURCES.get(metric.get("type", ""), "")
    source = metric.get(field)
    if source is None:
        return {"type": metric.get("type", "")}
    numbers, named = source.get(measure) or {}, source.get("metric") or {}
    value, average, percent = (numbers.get(name) for name in ("value", "averageValue", "averageUtilization"))
    # What was measured is always a quantity; what is wanted may be left out.
    missing = "0" if measure == "current" else None
    made: Object
    if field == "object":
        made = {
            "target": source.get("describedObject"),
            "metricName": named.get("name", ""),
            f"{measure}Value": value or "0",
            "selector": named.get("selector"),
            "averageValue": average,
        }
    elif field == "pods":
        made = {
            "metricName": named.get("name", ""),
            f"{measure}AverageValue": average or "0",
            "selector": named.get("selector"),
        }
    elif field == "external":
        made = {
            "metricName": named.get("name", ""),
            "metricSelector": named.get("selector"),
            f"{measure}Value": value or missing,
            f"{measure}AverageValue": average,
        }
    else:
        made = {
            "name": source.get("name", ""),
            f"{measure}AverageUtilization": percent,
            f"{measure}AverageValue": average or missing,
            "container": source.get("container"),
        }
    return {"type": metric["type"], field: _present(**made)}


def _to_v2(metric: Object, measure: str) -> Object:
    """Convert a metric from the form of version 1's annotation."""
    field = SOURCES.get(str(metric.get("type")), "")
    source = metric.get(field)
    if not isinstance(source, dict):
        return {"type": str(metric.get("type", ""))}
    value, percent = source.get(f"{measure}Value"), source.get(f"{measure}AverageUtilization")
    average = source.get("averageValue" if field == "object" else f"{measure}AverageValue")
    if field not in ("object", "pods", "external"):
        kind = "AverageValue" if percent is None else "Utilization"
        numbers = _present(averageValue=average, averageUtilization=percent)
        made = {"name": source.get("name", ""), measure: _typed(kind, numbers, measure)}
        return {"type": metric["type"], field: made | _copied(source, "container")}
    if field == "object":
        kind = "Value" if average is None else "AverageValue"
    else:
        kind = "Value" if field == "external" and value is not None else "AverageValue"
    selector = source.get("metricSelector" if field == "external" else "selector")
    made = {
        "metric": _present(name=source.get("metricName", ""), selector=selector),
        measure: _typed(kind, _present(value=value, averageValue=average), measure),
    }
    if field == "object":
        made["describedObject"] = source.get("target") or {}
    return {"type": metric["type"], field: made}


def _typed(kind: str, numbers: Object, measure: str) -> Object:
    """Add the type that targets have and measured values have not."""
    return {"type": kind, **numbers} if measure == "target" else numbers


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]


def _go_names(behavior: Object) -> Object:
    """A behavior as Go writes its internal type: all fields, by their Go names."""
    made: Object = {}
    for direction in BEHAVIOR_NAMES:
        rules = behavior.get(direction)
        made[_capital(direction)] = rules and {
            _capital(name): [
                {_capital(each): policy.get(each) for each in POLICY_NAMES} for policy in rules.get(name) or ()
            ]
            if name == "policies"
            else rules.get(name)
            for name in RULE_NAMES
        }
    return made


def _json_names(behavior: Object) -> Object:
    """A behavior from the form of ``_go_names``."""
    made: Object = {}
    for direction in BEHAVIOR_NAMES:
        rules = behavior.get(_capital(direction))
        if not isinstance(rules, dict):
            continue
        made[direction] = _present(**{name: rules.get(_capital(name)) for name in RULE_NAMES})
        if "policies" in made[direction]:
            made[direction]["policies"] = [
                _present(**{each: policy.get(_capital(each)) for each in POLICY_NAMES})
                for policy in made[direction]["policies"]
            ]
    return made
