"""Validation of volume mounts and devices.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go`` (``ValidateVolumeMounts``,
``ValidateVolumeDevices``).
"""

from __future__ import annotations

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.strategies.fields.paths import (
    check_descending,
    has_backsteps,
)
from labkit.embedded.machinery.request import Object

RECURSIONS = ("Disabled", "Enabled", "IfPossible")


def check_mounts(
    container: Object, volumes: dict[str, Object], path: str, errors: FieldErrors
) -> None:
    """Check the mounts and devices of a container."""
    mounts, devices = container.get("volumeMounts") or [], container.get("volumeDevices") or []
    points: set[str] = set()
    for index, mount in enumerate(mounts):
        _check_mount(mount, volumes, points, f"{path}.volumeMounts", index, errors)
        _check_propagation(mount, container, f"{path}.volumeMounts", errors)
    names: set[str] = set()
    paths: set[str] = set()
    for index, device in enumerate(devices):
        _check_device(device, volumes, names, paths, f"{path}.volumeDevices[{index}]", errors)


def _check_mount(
    mount: Object,
    volumes: dict[str, Object],
    points: set[str],
    path: str,
    index: int,
    errors: FieldErrors,
) -> None:
    place, name, point = f"{path}[{index}]", mount.get("name", ""), mount.get("mountPath", "")
    errors.check_present(f"{place}.name", name)
    if name not in volumes:
        errors.not_found(f"{place}.name", name)
    errors.check_present(f"{place}.mountPath", point)
    if point in points:
        errors.invalid(f"{place}.mountPath", point, "must be unique")
    points.add(point)
    below, expression = mount.get("subPath", ""), mount.get("subPathExpr", "")
    check_descending(below, f"{path}.subPath", errors)
    if expression:
        if below:
            errors.invalid(
                f"{place}.subPathExpr", expression, "subPathExpr and subPath are mutually exclusive"
            )
        check_descending(expression, f"{path}.subPathExpr", errors)


def _check_propagation(mount: Object, container: Object, path: str, errors: FieldErrors) -> None:
    propagation = mount.get("mountPropagation")
    errors.check_choice(
        f"{path}.mountPropagation", propagation, ("Bidirectional", "HostToContainer", "None")
    )
    if propagation == "Bidirectional" and not (container.get("securityContext") or {}).get(
        "privileged"
    ):
        why = "Bidirectional mount propagation is available only to privileged containers"
        errors.forbidden(f"{path}.mountPropagation", why)
    recursion, place = mount.get("recursiveReadOnly"), f"{path}.recursiveReadOnly"
    if recursion in ("Enabled", "IfPossible"):
        if not mount.get("readOnly"):
            errors.forbidden(place, "may only be specified when readOnly is true")
        if propagation not in (None, "None"):
            errors.forbidden(
                place, "may only be specified when mountPropagation is None or not specified"
            )
    elif recursion is not None and recursion not in RECURSIONS:
        errors.not_supported(place, recursion, RECURSIONS)


def _check_device(
    device: Object,
    volumes: dict[str, Object],
    names: set[str],
    paths: set[str],
    path: str,
    errors: FieldErrors,
) -> None:
    name, point = device.get("name", ""), device.get("devicePath", "")
    volume = volumes.get(name)
    errors.check_present(f"{path}.name", name)
    if name in names:
        errors.invalid(f"{path}.name", name, "must be unique")
    if volume is None:
        errors.not_found(f"{path}.name", name)
    elif volume.get("persistentVolumeClaim") is None and volume.get("ephemeral") is None:
        why = "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode"
        errors.invalid(f"{path}.name", name, why)
    errors.check_present(f"{path}.devicePath", point)
    if point in paths:
        errors.invalid(f"{path}.devicePath", point, "must be unique")
    if has_backsteps(point):
        errors.invalid(f"{path}.devicePath", point, "can not contain backsteps ('..')")
    else:
        paths.add(point)
    if name:
        names.add(name)
