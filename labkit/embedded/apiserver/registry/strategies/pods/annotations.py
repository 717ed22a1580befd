"""Annotations of pods that mean something to the server: mirrors, costs, old security profiles.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go`` (``ValidatePodSpecificAnnotations``).
"""

from __future__ import annotations

import re

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.strategies.fields.paths import check_descending
from labkit.embedded.apiserver.registry.strategies.pods.warnings import APP_ARMOR, CONTAINER_SECCOMP, POD_SECCOMP
from labkit.embedded.apiserver.registry.strategies.pods.windows_options import every_container
from labkit.embedded.machinery.golang.quote import go_quote
from labkit.embedded.machinery.request import Object

MIRROR = "kubernetes.io/config.mirror"
DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
WHOLE = re.compile(r"0|-?[1-9][0-9]*")
SECCOMP_PROFILES = ("runtime/default", "docker/default", "unconfined")
PATH = "metadata.annotations"


def check_annotations(pod: Object, errors: FieldErrors, path: str = PATH) -> None:
    """The annotations of a pod.

    Args:
        pod: The pod, or the template of one.
        errors: What is wrong so far.
        path: Where its annotations stand.
    """
    notes, spec = pod["metadata"].get("annotations") or {}, pod["spec"]
    if MIRROR in notes and not spec.get("nodeName"):
        why = "must set spec.nodeName if mirror pod annotation is set"
        errors.invalid(f"{path}[{MIRROR}]", notes[MIRROR], why)
    cost = notes.get(DELETION_COST)
    if cost is not None and not (WHOLE.fullmatch(cost) and -(2**31) <= int(cost) < 2**31):
        errors.invalid(f"{path}[{DELETION_COST}]", cost, "must be a 32bit integer")
    for key, profile in notes.items():
        if key == POD_SECCOMP or key.startswith(CONTAINER_SECCOMP):
            _check_seccomp(profile, f"{path}.{key}", errors)
    names = {container.get("name", "") for container, _ in every_container(spec, "spec")}
    for key, profile in notes.items():
        if not key.startswith(APP_ARMOR):
            continue
        if key.removeprefix(APP_ARMOR) not in names:
            errors.invalid(f"{path}[{key}]", key.removeprefix(APP_ARMOR), "container not found")
        if profile not in ("", "runtime/default", "unconfined") and not profile.startswith("localhost/"):
            errors.invalid(f"{path}[{key}]", profile, f"invalid AppArmor profile name: {go_quote(profile)}")


def _check_seccomp(profile: str, path: str, errors: FieldErrors) -> None:
    if profile in SECCOMP_PROFILES:
        return
    if profile.startswith("localhost/"):
        check_descending(profile.removeprefix("localhost/"), path, errors)
    else:
        errors.invalid(path, profile, "must be a valid seccomp profile")


def check_annotation_changes(new: Object, old: Object, errors: FieldErrors) -> None:
    """What an update does to the annotations of a pod."""
    now, before = (pod["metadata"].get("annotations") or {} for pod in (new, old))
    for verb, keys in (
        ("may not remove or update", [key for key, value in before.items() if now.get(key) != value]),
        ("may not add", [key for key in now if key not in before]),
    ):
        for key in keys:
            if key.startswith(APP_ARMOR):
                errors.forbidden(f"{PATH}[{key}]", f"{verb} AppArmor annotations")
            if key == MIRROR:
                errors.forbidden(f"{PATH}[{key}]", f"{verb} mirror pod annotation")
    check_annotations(new, errors)
