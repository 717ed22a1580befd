"""Evaluates label selectors."""

from __future__ import annotations

from labkit.embedded.machinery.pods.placement import holds
from labkit.embedded.machinery.request import Object


def selects(selector: Object, labels: Object) -> bool:
    """Return whether a label selector matches labels."""
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(holds(labels, term) for term in selector.get("matchExpressions") or ())


def guards(budget: Object, pod: Object) -> bool:
    """Return whether a disruption budget counts a pod."""
    selector = budget["spec"].get("selector")
    return selector is not None and selects(selector, pod["metadata"].get("labels") or {})
