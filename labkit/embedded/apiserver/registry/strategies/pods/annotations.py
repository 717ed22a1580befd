"""Annotations of pods that mean something to the server: mirror pods, deletion cost, security profiles.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go`` (``ValidatePodSpecificAnnotations``,
``validateSeccompAnnotationsAndFields``, ``validateAppArmorAnnotationsAndFieldsMatchOnCreate``),
``pkg/registry/core/pod/strategy.go`` (``applyAppArmorVersionSkew``).
"""

from __future__ import annotations

import re

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.strategies.pods.windows_options import every_container
from labkit.embedded.machinery.golang.quote import go_quote
from labkit.embedded.machinery.request import Object

MIRROR = "kubernetes.io/config.mirror"
APP_ARMOR = "container.apparmor.security.beta.kubernetes.io/"
DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
WHOLE = re.compile(r"0|-?[1-9][0-9]*")
PATH = "metadata.annotations"


def check_annotations(pod: Object, errors: FieldErrors, path: str = PATH) -> None:
    """Check the annotations of a pod."""
    notes, spec = pod["metadata"].get("annotations") or {}, pod["spec"]
    if MIRROR in notes and not spec.get("nodeName"):
        errors.invalid(
            f"{path}[{MIRROR}]",
            notes[MIRROR],
            "must set spec.nodeName if mirror pod annotation is set",
        )
    cost = notes.get(DELETION_COST)
    if cost is not None and not (WHOLE.fullmatch(cost) and -(2**31) <= int(cost) < 2**31):
        errors.invalid(f"{path}[{DELETION_COST}]", cost, "must be a 32bit integer")
    names = {container.get("name", "") for container, _ in every_container(spec, "spec")}
    for key, profile in notes.items():
        if not key.startswith(APP_ARMOR):
            continue
        if key.removeprefix(APP_ARMOR) not in names:
            errors.invalid(f"{path}[{key}]", key.removeprefix(APP_ARMOR), "container not found")
        if profile not in ("", "runtime/default", "unconfined") and not profile.startswith(
            "localhost/"
        ):
            errors.invalid(
                f"{path}[{key}]", profile, f"invalid AppArmor profile name: {go_quote(profile)}"
            )


def check_annotation_changes(new: Object, old: Object, errors: FieldErrors) -> None:
    """Check changes of a pod's annotations."""
    now, before = (pod["metadata"].get("annotations") or {} for pod in (new, old))
    for verb, keys in (
        (
            "may not remove or update",
            [key for key, value in before.items() if now.get(key) != value],
        ),
        ("may not add", [key for key in now if key not in before]),
    ):
        for key in keys:
            if key.startswith(APP_ARMOR):
                errors.forbidden(f"{PATH}[{key}]", f"{verb} AppArmor annotations")
            if key == MIRROR:
                errors.forbidden(f"{PATH}[{key}]", f"{verb} mirror pod annotation")
    check_annotations(new, errors)
