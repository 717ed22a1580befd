"""Autoscalers, as they are stored: in ``autoscaling/v2``."""

from __future__ import annotations

from typing import Any

from labkit.embedded.apiserver.handlers.represent.tables.model import Cells, printer
from labkit.embedded.apiserver.handlers.represent.tables.text import NONE, UNKNOWN, shortened
from labkit.embedded.machinery.request import Object

SHOWN = 2
FIELDS = {
    "External": "external",
    "Pods": "pods",
    "Object": "object",
    "Resource": "resource",
    "ContainerResource": "containerResource",
}


@printer("horizontalpodautoscalers.autoscaling")
def _autoscaler(obj: Object, now: float) -> Cells:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    target = spec.get("scaleTargetRef") or {}
    return [
        f"{target.get('kind', '')}/{target.get('name', '')}",
        targets(spec.get("metrics") or [], status.get("currentMetrics") or []),
    ]


def targets(metrics: list[Object], measured: list[Object]) -> str:
    """The first metrics, each as its current and its target value."""
    if not metrics:
        return NONE
    texts = [_target(metric, measured[index] if index < len(measured) else {}) for index, metric in enumerate(metrics)]
    return shortened(texts, SHOWN, ", ")


def _target(metric: Object, status: Object) -> str:
    field = FIELDS.get(metric.get("type", ""))
    if field is None:
        return "<unknown type>"
    source = metric.get(field) or {}
    target: dict[str, Any] = source.get("target") or {}
    current: dict[str, Any] = (status.get(field) or {}).get("current") or {}
    name = f"{source.get('name', '')}: " if field in ("resource", "containerResource") else ""
    average = target.get("averageValue")
    if average is not None:
        suffix = " (avg)" if field in ("external", "object") else ""
        return f"{name}{current.get('averageValue', UNKNOWN)}/{average}{suffix}"
    if not name:
        return f"{current.get('value', UNKNOWN)}/{target.get('value', '')}"
    percent, use = target.get("averageUtilization"), current.get("averageUtilization")
    return f"{name}{UNKNOWN if use is None else f'{use}%'}/{'<auto>' if percent is None else f'{percent}%'}"
