"""``pods/resize``: changes cpu and memory of containers, nothing else.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go`` (``ValidatePodResize``),
``pkg/registry/core/pod/strategy.go``;
https://kubernetes.io/docs/tasks/configure-pod-container/resize-container-resources/.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.strategies.pods.annotations import MIRROR
from labkit.embedded.apiserver.registry.strategy import keep
from labkit.embedded.machinery.request import Object

RESIZABLE = ("cpu", "memory")
RESTARTS = "non-sidecar init containers with a resize policy of RestartContainer cannot be resized"
CONTAINER_LISTS = ("containers", "initContainers")


def resized(sent: Object, before: Object) -> Object:
    """Return the spec that a resize asks for: the old one with new resources.

    Where containers come, go or change places it is ``sent``, so that this can be refused.
    """
    if any(len(sent.get(form) or ()) != len(before.get(form) or ()) for form in CONTAINER_LISTS):
        return sent
    spec = copy.deepcopy(dict(before))
    keep(spec, sent, "resources")
    for form in CONTAINER_LISTS:
        wanted = sent.get(form) or []
        if [item.get("name") for item in wanted] != [
            item.get("name") for item in spec.get(form) or ()
        ]:
            spec[form] = wanted
            continue
        for container, new in zip(spec.get(form) or (), wanted, strict=True):
            for field in ("resources", "resizePolicy"):
                keep(container, new, field)
    return spec


def refused_as_a_whole(pod: Object) -> str:
    """Why a pod cannot be resized at all; empty if it can."""
    if MIRROR in (pod["metadata"].get("annotations") or {}):
        return "static pods cannot be resized"
    if (pod["spec"].get("os") or {}).get("name") == "windows":
        return "windows pods cannot be resized"
    return ""


def unsupported(pod: Object) -> bool:
    """Whether the pod's node does not report the resources of its containers."""
    for status in pod["status"].get("containerStatuses") or ():
        if (status.get("state") or {}).get("running") is not None:
            return status.get("resources") is None
    return False


def check_resize(spec: Object, before: Object, errors: FieldErrors) -> None:
    """Check the changes of a resize."""
    _check_pod_level(spec, before, errors)
    if _check_order(spec, before, errors):
        return
    for form in ("initContainers", "containers"):
        for index, (container, old) in enumerate(_pairs(spec, before, form)):
            _check_removed(container, old, f"spec.{form}[{index}].resources", errors)
    for container, old in _pairs(spec, before, "containers"):
        if _masked(container, old) != _plain(old):
            errors.forbidden("spec", "only cpu and memory resources are mutable")
    for index, (container, old) in enumerate(_pairs(spec, before, "initContainers")):
        place = f"spec.initContainers[{index}]"
        if _masked(container, old) != _plain(old):
            errors.forbidden(
                place, "only cpu and memory resources for init or sidecar containers are mutable"
            )
        if _plain(container) != _plain(old) and container.get("restartPolicy") != "Always":
            for policy in container.get("resizePolicy") or ():
                if policy.get("restartPolicy") == "RestartContainer":
                    errors.forbidden(place, RESTARTS)


def _check_pod_level(spec: Object, before: Object, errors: FieldErrors) -> None:
    """Refuse to remove resources of the pod as a whole."""
    new, old = spec.get("resources"), before.get("resources")
    if not any((held or {}).get(form) for held in (new, old) for form in ("requests", "limits")):
        return
    if old is not None and new is None:
        errors.forbidden("spec.resources", "pod-level resources cannot be removed")
        return
    for form in ("requests", "limits"):
        if _removed((new or {}).get(form), (old or {}).get(form)):
            errors.forbidden(
                f"spec.resources.{form}", f"pod-level resource {form} cannot be removed"
            )
    if _others(new or {}, old or {}) != _others(old or {}, old or {}):
        errors.forbidden("spec", "only cpu and memory resources are mutable at pod-level")


def _check_order(spec: Object, before: Object, errors: FieldErrors) -> bool:
    """Refuse added, removed or reordered containers, and return whether there are some."""
    found = len(errors)
    for form in CONTAINER_LISTS:
        containers, old = spec.get(form) or [], before.get(form) or []
        if len(containers) != len(old):
            errors.forbidden(f"spec.{form}", f"{form} may not be added or removed on resize")
            continue
        for index, (container, other) in enumerate(zip(containers, old, strict=True)):
            if container.get("name") != other.get("name"):
                errors.forbidden(
                    f"spec.{form}[{index}].name",
                    f"{form} may not be renamed or reordered on resize",
                )
    return len(errors) > found


def _pairs(spec: Object, before: Object, form: str) -> list[tuple[Object, Object]]:
    return list(zip(spec.get(form) or (), before.get(form) or (), strict=True))


def _check_removed(container: Object, old: Object, path: str, errors: FieldErrors) -> None:
    for form in ("requests", "limits"):
        if _removed(
            (container.get("resources") or {}).get(form), (old.get("resources") or {}).get(form)
        ):
            errors.forbidden(f"{path}.{form}", f"resource {form} cannot be removed")


def _removed(new: Mapping[str, Any] | None, had: Mapping[str, Any] | None) -> bool:
    return bool((had or {}).keys() - (new or {}).keys())


def _plain(container: Object) -> Object:
    """A container without empty lists of resources."""
    return {
        **container,
        "resources": _others(container.get("resources") or {}, container.get("resources") or {}),
    }


def _masked(container: Object, old: Object) -> Object:
    """A container with the old cpu and memory, and without claims."""
    resources = _others(container.get("resources") or {}, old.get("resources") or {})
    resources.pop("claims", None)
    return {**container, "resources": resources}


def _others(resources: Object, old: Object) -> dict[str, Any]:
    """Resources with the old cpu and memory, and without empty lists."""
    kept = {name: value for name, value in resources.items() if name not in ("requests", "limits")}
    for form in ("requests", "limits"):
        amounts = {
            name: value
            for name, value in (resources.get(form) or {}).items()
            if name not in RESIZABLE
        }
        amounts |= {
            name: value for name, value in (old.get(form) or {}).items() if name in RESIZABLE
        }
        if amounts:
            kept[form] = amounts
    return kept
