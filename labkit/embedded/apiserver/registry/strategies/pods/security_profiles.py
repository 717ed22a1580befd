"""Security profiles that a pod names twice: in fields, and in the annotations of old.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go`` (``validateSeccompAnnotationsAndFields``,
``validateAppArmorAnnotationsAndFieldsMatchOnCreate``), ``pkg/registry/core/pod/strategy.go``
(``applyAppArmorVersionSkew``).
"""

from __future__ import annotations

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.strategies.pods.warnings import APP_ARMOR, CONTAINER_SECCOMP, POD_SECCOMP
from labkit.embedded.apiserver.registry.strategies.pods.windows_options import every_container
from labkit.embedded.machinery.request import Object

NAMES = {"unconfined": "Unconfined", "runtime/default": "RuntimeDefault"}


def check_profiles(pod: Object, errors: FieldErrors, path: str = "spec") -> None:
    """That what a new pod says twice is the same.

    Args:
        pod: The pod, or the template of one.
        errors: What is wrong so far.
        path: Where its spec stands.
    """
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
    """Put the AppArmor profiles that annotations name into the fields of today.

    Args:
        pod: A new pod, changed in place.
    """
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
    if note in NAMES:
        return {"type": NAMES[note]}
    name = note.removeprefix("localhost/")
    good = note.startswith("localhost/") and name and name == name.strip()
    return {"type": "Localhost", "localhostProfile": name} if good else None
