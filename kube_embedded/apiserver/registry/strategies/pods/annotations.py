"""Rules for the annotations of pods that have a meaning: mirror pods, deletion cost, AppArmor profiles."""

import re

from kube_embedded.machinery.golang.quote import go_quote
from kube_embedded.machinery.request import Object

from ...errors import FieldErrors
from .specs import every_container

MIRROR = "kubernetes.io/config.mirror"
APP_ARMOR = "container.apparmor.security.beta.kubernetes.io/"
DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
WHOLE = re.compile(r"0|-?[1-9][0-9]*")
PATH = "metadata.annotations"


# pkg/apis/core/validation/validation.go: ValidatePodSpecificAnnotations, ValidateAppArmorPodAnnotations
def check_annotations(pod: Object, errors: FieldErrors, path: str = PATH) -> None:
    """Check the annotations of a pod."""
    annotations = pod["metadata"].get("annotations")
    if not annotations:
        return
    if MIRROR in annotations and not pod["spec"].get("nodeName"):
        detail = "must set spec.nodeName if mirror pod annotation is set"
        errors.invalid(f"{path}[{MIRROR}]", annotations[MIRROR], detail)
    cost = annotations.get(DELETION_COST)
    if cost is not None and not (WHOLE.fullmatch(cost) and -(2**31) <= int(cost) < 2**31):
        errors.invalid(f"{path}[{DELETION_COST}]", cost, "must be a 32bit integer")
    names = {container.get("name", "") for container, _ in every_container(pod["spec"])}
    for key, profile in annotations.items():
        container = key.removeprefix(APP_ARMOR)
        if container == key:
            continue
        if container not in names:
            errors.invalid(f"{path}[{key}]", container, "container not found")
        if not allowed_profile(profile) and profile != "unconfined":
            detail = f"invalid AppArmor profile name: {go_quote(profile)}"
            errors.invalid(f"{path}[{key}]", profile, detail)


def allowed_profile(profile: str) -> bool:
    """Return whether an annotation names an AppArmor profile that confines the container."""
    return profile in ("", "runtime/default") or profile.startswith("localhost/")


# pkg/apis/core/validation/validation.go: ValidatePodSpecificAnnotationUpdates
def check_annotation_changes(new: Object, old: Object, errors: FieldErrors) -> None:
    """Check changes of a pod's annotations."""
    annotations = new["metadata"].get("annotations") or {}
    before = old["metadata"].get("annotations") or {}
    changes = {
        key: "may not remove or update" for key in before if annotations.get(key) != before[key]
    }
    changes |= {key: "may not add" for key in annotations if key not in before}
    for key, verb in changes.items():
        if key.startswith(APP_ARMOR):
            errors.forbidden(f"{PATH}[{key}]", f"{verb} AppArmor annotations")
        if key == MIRROR:
            errors.forbidden(f"{PATH}[{key}]", f"{verb} mirror pod annotation")
    check_annotations(new, errors)
