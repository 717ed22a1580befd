"""``pods/resize``: changes only cpu and memory of containers.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go`` (``ValidatePodResize``),
``pkg/registry/core/pod/strategy.go``;
https://kubernetes.io/docs/tasks/configure-pod-container/resize-container-resources/.
"""

import copy

from kube_embedded.machinery.request import Object

from ...errors import FieldErrors
from ...strategy import keep
from .annotations import MIRROR
from .resources import FORMS

RESIZABLE = ("cpu", "memory")
CONTAINER_LISTS = ("containers", "initContainers")
RESTARTS = "non-sidecar init containers with a resize policy of RestartContainer cannot be resized"
OF_INIT = "only cpu and memory resources for init or sidecar containers are mutable"


def _names(containers: list[Object] | None) -> list[str]:
    return [container.get("name", "") for container in containers or ()]


def resized(sent: Object, before: Object) -> Object:
    """Return the spec that a resize requests: the old one with new resources.

    If containers were added, removed or moved, it has these changes too, so that they can be refused.
    """
    if any(_names(sent.get(form)) != _names(before.get(form)) for form in CONTAINER_LISTS):
        return sent
    spec = copy.deepcopy(dict(before))
    keep(spec, sent, "resources")
    for form in CONTAINER_LISTS:
        for new, container in _pairs(sent, spec, form):
            for field in ("resources", "resizePolicy"):
                keep(container, new, field)
    return spec


def refused_as_a_whole(pod: Object) -> str:
    """Return why a pod cannot be resized at all; empty if it can."""
    if MIRROR in (pod["metadata"].get("annotations") or {}):
        return "static pods cannot be resized"
    if (pod["spec"].get("os") or {}).get("name") == "windows":
        return "windows pods cannot be resized"
    return ""


def unsupported(pod: Object) -> bool:
    """Return whether the pod's node does not report the resources of its containers."""
    for status in pod["status"].get("containerStatuses") or ():
        if (status.get("state") or {}).get("running") is not None:
            return status.get("resources") is None
    return False


def check_resize(spec: Object, before: Object, errors: FieldErrors) -> None:
    """Check the changes of a resize."""
    _check_pod_level(spec.get("resources"), before.get("resources"), errors)
    count = len(errors)
    for form in CONTAINER_LISTS:
        _check_order(_names(spec.get(form)), _names(before.get(form)), form, errors)
    if len(errors) > count:
        return
    for form in ("initContainers", "containers"):
        for index, (new, old) in enumerate(_pairs(spec, before, form)):
            field_path = f"spec.{form}[{index}].resources"
            _check_removed(new.get("resources"), old.get("resources"), field_path, "", errors)
    for new, old in _pairs(spec, before, "containers"):
        if _changes_more(new, old):
            errors.forbidden("spec", "only cpu and memory resources are mutable")
    for index, (new, old) in enumerate(_pairs(spec, before, "initContainers")):
        field_path = f"spec.initContainers[{index}]"
        if _changes_more(new, old):
            errors.forbidden(field_path, OF_INIT)
        if new != old and new.get("restartPolicy") != "Always":
            for policy in new.get("resizePolicy") or ():
                if policy.get("restartPolicy") == "RestartContainer":
                    errors.forbidden(field_path, RESTARTS)


def _check_pod_level(new: Object | None, old: Object | None, errors: FieldErrors) -> None:
    """Refuse to remove resources of the pod as a whole."""
    if not {*(new or {}), *(old or {})} & set(FORMS):
        return
    if old is not None and new is None:
        errors.forbidden("spec.resources", "pod-level resources cannot be removed")
        return
    _check_removed(new, old, "spec.resources", "pod-level ", errors)
    if _fixed(new or {}) != _fixed(old or {}):
        errors.forbidden("spec", "only cpu and memory resources are mutable at pod-level")


def _check_order(names: list[str], before: list[str], form: str, errors: FieldErrors) -> None:
    """Refuse added, removed or reordered containers."""
    if len(names) != len(before):
        errors.forbidden(f"spec.{form}", f"{form} may not be added or removed on resize")
        return
    for index, name in enumerate(names):
        if name != before[index]:
            detail = f"{form} may not be renamed or reordered on resize"
            errors.forbidden(f"spec.{form}[{index}].name", detail)


def _pairs(spec: Object, before: Object, form: str) -> list[tuple[Object, Object]]:
    return list(zip(spec.get(form) or (), before.get(form) or (), strict=True))


def _check_removed(
    new: Object | None, old: Object | None, path: str, level: str, errors: FieldErrors
) -> None:
    for form in FORMS:
        if ((old or {}).get(form) or {}).keys() - ((new or {}).get(form) or {}).keys():
            errors.forbidden(f"{path}.{form}", f"{level}resource {form} cannot be removed")


def _changes_more(new: Object, old: Object) -> bool:
    """Return whether a container changes in more than cpu and memory."""
    resources = _fixed(new.get("resources") or {})
    # The real server leaves claims out of the new container only: one with claims cannot be resized.
    resources.pop("claims", None)
    return {**new, "resources": resources} != {
        **old,
        "resources": _fixed(old.get("resources") or {}),
    }


def _fixed(resources: Object) -> Object:
    """Resources without those that can be resized."""
    fixed = dict(resources)
    for form in FORMS:
        amounts = (resources.get(form) or {}).items()
        fixed[form] = {name: value for name, value in amounts if name not in RESIZABLE}
    return fixed
