"""Events of ``events.k8s.io/v1`` and of the core group: the same facts by other names.

Source: k8s.io/kubernetes ``pkg/apis/events/v1/conversion.go``.
"""

from __future__ import annotations

from labkit.embedded.machinery.request import Object

NAMES = {
    "regarding": "involvedObject",
    "note": "message",
    "reportingController": "reportingComponent",
    "deprecatedSource": "source",
    "deprecatedFirstTimestamp": "firstTimestamp",
    "deprecatedLastTimestamp": "lastTimestamp",
    "deprecatedCount": "count",
}
"""Fields of ``events.k8s.io/v1`` that the core group calls otherwise."""

CORE_NAMES = {core: name for name, core in NAMES.items()}


def to_core(obj: Object) -> Object:
    """An event of ``events.k8s.io/v1`` as one of the core group."""
    return {NAMES.get(name, name): value for name, value in obj.items()}


def from_core(obj: Object) -> Object:
    """An event of the core group as one of ``events.k8s.io/v1``."""
    return {CORE_NAMES.get(name, name): value for name, value in obj.items()}
