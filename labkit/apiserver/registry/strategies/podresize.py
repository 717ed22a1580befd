"""``pods/resize``: cpu and memory of containers that run may change, nothing else.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go`` (``ValidatePodResize``);
https://kubernetes.io/docs/tasks/configure-pod-container/resize-container-resources/.
"""

from __future__ import annotations

from typing import Any

from labkit.apiserver.registry.errors import FieldErrors
from labkit.apiserver.request import Object

MIRROR = "kubernetes.io/config.mirror"
RESIZABLE = ("cpu", "memory")
MUTABLE = "only cpu and memory resources are mutable"
SIDECARS = "only cpu and memory resources for sidecar containers are mutable"
NO_SIDECARS = "resources for non-sidecar init containers are immutable"


def refused_as_a_whole(pod: Object) -> str:
    """Why a pod cannot be resized at all; empty if it can."""
    if MIRROR in (pod["metadata"].get("annotations") or {}):
        return "static pods cannot be resized"
    if (pod["spec"].get("os") or {}).get("name") == "windows":
        return "windows pods cannot be resized"
    return ""


def check_resize(spec: Object, before: Object, errors: FieldErrors) -> None:
    """What a resize changes.

    Args:
        spec: Of the pod as it would be.
        before: Of the pod as it is.
        errors: What is wrong so far.
    """
    for list_name in ("initContainers", "containers"):
        for index, (container, old) in enumerate(_pairs(spec, before, list_name)):
            if list_name == "containers" or _sidecar(container):
                _check_removed(container, old, f"spec.{list_name}[{index}].resources", errors)
    for container, old in _pairs(spec, before, "containers"):
        if _others(container, old) != (old.get("resources") or {}):
            errors.forbidden("spec", MUTABLE)
    for container, old in _pairs(spec, before, "initContainers"):
        if not _sidecar(container):
            if (container.get("resources") or {}) != (old.get("resources") or {}):
                errors.forbidden("spec", NO_SIDECARS)
        elif _others(container, old) != (old.get("resources") or {}):
            errors.forbidden("spec", SIDECARS)


def _pairs(spec: Object, before: Object, list_name: str) -> list[tuple[Object, Object]]:
    return list(zip(spec.get(list_name) or (), before.get(list_name) or (), strict=True))


def _sidecar(container: Object) -> bool:
    return bool(container.get("restartPolicy") == "Always")


def _check_removed(container: Object, old: Object, path: str, errors: FieldErrors) -> None:
    for kind in ("requests", "limits"):
        given, had = _amounts(container, kind), _amounts(old, kind)
        if len(had) > len(given) or had.keys() - given.keys():
            errors.forbidden(f"{path}.{kind}", f"resource {kind} cannot be removed")


def _others(container: Object, old: Object) -> dict[str, Any]:
    """A container's resources with the old cpu and memory in them."""
    resources = dict(container.get("resources") or {})
    for kind in ("requests", "limits"):
        had = _amounts(old, kind)
        kept = {name: value for name, value in _amounts(container, kind).items() if name not in RESIZABLE}
        kept |= {name: had[name] for name in RESIZABLE if name in had}
        if had:
            resources[kind] = kept
        else:
            resources.pop(kind, None)
    return resources


def _amounts(container: Object, kind: str) -> dict[str, Any]:
    return (container.get("resources") or {}).get(kind) or {}
