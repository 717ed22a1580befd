"""Annotations of pods that mean something to the server: mirror pods, deletion cost, security profiles.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go`` (``ValidatePodSpecificAnnotations``,
``validateSeccompAnnotationsAndFields``, ``validateAppArmorAnnotationsAndFieldsMatchOnCreate``),
``pkg/registry/core/pod/strategy.go`` (``applyAppArmorVersionSkew``).
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
APP_ARMOR_TYPES = {"unconfined": "Unconfined", "runtime/default": "RuntimeDefault"}
PATH = "metadata.annotations"


def check_annotations(pod: Object, errors: FieldErrors, path: str = PATH) -> None:
    """Check the annotations of a pod."""
    notes, spec = pod["metadata"].get("annotations") or {}, pod["spec"]
    if MIRROR in notes and not spec.get("nodeName"):
        errors.invalid(f"{path}[{MIRROR}]", notes[MIRROR], "must set spec.nodeName if mirror pod annotation is set")
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
    if profile in ("runtime/default", "docker/default", "unconfined"):
        return
    if profile.startswith("localhost/"):
        check_descending(profile.removeprefix("localhost/"), path, errors)
    else:
        errors.invalid(path, profile, "must be a valid seccomp profile")


def check_annotation_changes(new: Object, old: Object, errors: FieldErrors) -> None:
    """Check changes of a pod's annotations."""
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


def check_profiles(pod: Object, errors: FieldErrors, path: str = "spec") -> None:
    """Reject conflicting annotation and field values."""
    notes, spec = pod["metadata"].get("annotations") or {}, pod["spec"]
    whole = spec.get("securityContext") or {}
    if whole.get("seccompProfile") is not None and POD_SECCOMP in notes:
        _check_same(notes[POD_SECCOMP], whole["seccompProfile"], f"{path}.securityContext.seccompProfile", errors)
    for container, where in every_container(spec, path):
        profile = (container.get("securityContext") or {}).get("seccompProfile")
        note = notes.get(CONTAINER_SECCOMP + container.get("name", ""))
        if profile is not None and note is not None:
            _check_same(note, profile, f"{where}.securityContext.seccompProfile", errors)
    if (spec.get("os") or {}).get("name") == "windows":
        return
    for container, where in every_container(spec, path):
        profile = (container.get("securityContext") or {}).get("appArmorProfile") or whole.get("appArmorProfile")
        note = notes.get(APP_ARMOR + container.get("name", ""))
        if profile is not None and note is not None:
            place = f"{where}.securityContext.appArmorProfile"
            _check_same(note, profile, place, errors, word="apparmor", old_name=False)


def _check_same(
    note: str, profile: Object, path: str, errors: FieldErrors, word: str = "seccomp", old_name: bool = True
) -> None:
    kind = profile.get("type", "")
    wanted = {"Unconfined": ("unconfined",), "RuntimeDefault": ("runtime/default",)}.get(kind, ())
    if old_name and kind == "RuntimeDefault":
        wanted = (*wanted, "docker/default")
    if kind == "Localhost":
        if not note.startswith("localhost/"):
            errors.forbidden(f"{path}.type", f"{word} type in annotation and field must match")
        elif note.removeprefix("localhost/") != profile.get("localhostProfile"):
            errors.forbidden(f"{path}.localhostProfile", f"{word} profile in annotation and field must match")
    elif wanted and note not in wanted:
        errors.forbidden(f"{path}.type", f"{word} type in annotation and field must match")


def take_app_armor(pod: Object) -> None:
    """Copy AppArmor profiles of a new pod from annotations to fields, in place."""
    notes, spec = pod["metadata"].get("annotations") or {}, pod["spec"]
    if (spec.get("os") or {}).get("name") == "windows":
        return
    whole = (spec.get("securityContext") or {}).get("appArmorProfile")
    for container, _ in every_container(spec, ""):
        note = notes.get(APP_ARMOR + container.get("name", ""))
        profile = _profile(note) if note is not None else None
        if profile is None or profile == whole:
            continue
        context = container.get("securityContext") or {}
        if context.get("appArmorProfile") is None:
            container["securityContext"] = {**context, "appArmorProfile": profile}


def _profile(note: str) -> Object | None:
    if note in APP_ARMOR_TYPES:
        return {"type": APP_ARMOR_TYPES[note]}
    name = note.removeprefix("localhost/")
    good = note.startswith("localhost/") and name and name == name.strip()
    return {"type": "Localhost", "localhostProfile": name} if good else None
