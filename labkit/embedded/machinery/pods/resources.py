"""Sums of the resources of a pod's containers.

Source: k8s.io/component-helpers ``resource/helpers.go``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from labkit.embedded.machinery.quota.amounts import Amounts, add, largest, read
from labkit.embedded.machinery.quota.names import HUGE_PAGES
from labkit.embedded.machinery.request import Object

FINISHED = ("Failed", "Succeeded")


def pod_level(name: str) -> bool:
    """Whether a resource may be asked for by the pod as a whole."""
    return name in ("cpu", "memory") or name.startswith(HUGE_PAGES)


def has_pod_level(spec: Object) -> bool:
    """Whether a pod has resources of its own."""
    resources = spec.get("resources") or {}
    return any(pod_level(name) for kind in ("requests", "limits") for name in resources.get(kind) or ())


def pod_requests(spec: Object) -> Amounts:
    """The requests of a pod, with its overhead."""
    return add(total(spec, "requests"), read(spec.get("overhead")))


def pod_limits(spec: Object) -> Amounts:
    """The limits of a pod, with its overhead where there is a limit."""
    limits = total(spec, "limits")
    overhead = {
        name: amount for name, amount in read(spec.get("overhead")).items() if name in limits and limits[name].value
    }
    return add(limits, overhead)


def total(spec: Object, kind: str) -> Amounts:
    """``requests`` or ``limits`` of a pod, without its overhead."""
    whole = read((spec.get("resources") or {}).get(kind))
    return together(spec, kind) | {name: amount for name, amount in whole.items() if pod_level(name)}


def together(spec: Object, kind: str) -> Amounts:
    """``requests`` or ``limits`` of a pod's containers.

    All containers run together; the init containers run before, one by one, sidecars to the end.
    """
    found: Amounts = {}
    for container in spec.get("containers") or ():
        found = add(found, _amounts(container, kind))
    sidecars: Amounts = {}
    start: Amounts = {}
    for container in spec.get("initContainers") or ():
        asked = _amounts(container, kind)
        if container.get("restartPolicy") == "Always":
            found = add(found, asked)
            sidecars = add(sidecars, asked)
            start = largest(start, sidecars)
        else:
            start = largest(start, add(asked, sidecars))
    return largest(found, start)


def _amounts(container: Object, kind: str) -> Amounts:
    return read((container.get("resources") or {}).get(kind))


def terminating(spec: Object) -> bool:
    """Whether a pod has an active deadline."""
    deadline: int | None = spec.get("activeDeadlineSeconds")
    return deadline is not None and deadline >= 0


def crosses_namespaces(spec: Object) -> bool:
    """Whether a pod's affinity refers to other namespaces."""
    return any(term.get("namespaces") or term.get("namespaceSelector") is not None for term in _affinity_terms(spec))


def _affinity_terms(spec: Object) -> Iterator[dict[str, Any]]:
    for form in ("podAffinity", "podAntiAffinity"):
        rules = (spec.get("affinity") or {}).get(form) or {}
        yield from rules.get("requiredDuringSchedulingIgnoredDuringExecution") or ()
        for weighted in rules.get("preferredDuringSchedulingIgnoredDuringExecution") or ():
            yield weighted.get("podAffinityTerm") or {}


def pod_cost(template: Object) -> float:
    """The cost of creating and running a pod, in the units of ``machinery.work``."""
    written = str(template)
    return 8000 + 2000 * written.count("'image': ") + 6 * len(written)
