"""Rules for updates of pods.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go`` (``ValidatePodUpdate``,
``ValidatePodEphemeralContainersUpdate``).
"""

import copy
from typing import Any

from kube_embedded.machinery.golang.quote import go_quote
from kube_embedded.machinery.request import Object

from ...errors import FieldErrors, between
from ...strategy import keep
from ..fields.rules import each, every, fields, present
from ..fields.struct_diff import ephemeral_diff, internal_spec, unified
from .containers import UNPADDED
from .scheduling import TOLERATIONS

MAY_CHANGE = (
    "pod updates may not change fields other than `spec.containers[*].image`,"
    "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to "
    "existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was "
    "previously negative)"
)
CONTAINER_LISTS = ("containers", "initContainers")
IMAGES = each(every(fields(image=present), UNPADDED))
LAST_SECOND = 2**31 - 1


def check_pod_update(spec: Object, before: Object, errors: FieldErrors) -> None:
    """Check an update of a pod's spec."""
    for form in CONTAINER_LISTS:
        if len(spec.get(form) or ()) != len(before.get(form) or ()):
            errors.forbidden(f"spec.{form}", "pod updates may not add or remove containers")
            return
        IMAGES(spec.get(form), f"spec.{form}", errors)
    # A wrong deadline ends the checks, and a removed one does not.
    deadline = spec.get("activeDeadlineSeconds")
    old = before.get("activeDeadlineSeconds")
    path = "spec.activeDeadlineSeconds"
    if deadline is None and old is not None:
        errors.invalid(path, None, "must not update from a positive integer to nil value")
    elif deadline is not None and not 0 <= deadline <= LAST_SECOND:
        errors.invalid(path, deadline, between(0, LAST_SECOND))
        return
    elif deadline is not None and old is not None and old < deadline:
        errors.invalid(path, deadline, "must be less than or equal to previous value")
        return
    _check_tolerations(spec.get("tolerations"), before.get("tolerations"), errors)
    gates = {gate.get("name", "") for gate in before.get("schedulingGates") or ()}
    added = {
        gate.get("name", ""): index for index, gate in enumerate(spec.get("schedulingGates") or ())
    }
    for name, index in added.items():
        if name not in gates:
            detail = f"only deletion is allowed, but found new scheduling gate '{name}'"
            errors.forbidden(f"spec.schedulingGates[{index}].name", detail)
    masked = _masked(spec, before)
    if gates:
        _mask_placement(masked, before, errors)
    if masked != before:
        diff = unified(internal_spec(before), internal_spec(masked))
        errors.forbidden("spec", f"{MAY_CHANGE}\n{diff}")


def _check_tolerations(tolerations: Any, before: Any, errors: FieldErrors) -> None:
    timeless = [{**toleration, "tolerationSeconds": None} for toleration in tolerations or ()]
    if all({**toleration, "tolerationSeconds": None} in timeless for toleration in before or ()):
        TOLERATIONS(tolerations, "spec.tolerations", errors)
    else:
        detail = "existing toleration can not be modified except its tolerationSeconds"
        errors.forbidden("spec.tolerations", detail)


def _masked(spec: Object, before: Object) -> Object:
    """Return the spec with the old values of the fields that can change."""
    masked = copy.deepcopy(dict(spec))
    for form in CONTAINER_LISTS:
        for container, old in zip(masked.get(form) or (), before.get(form) or (), strict=True):
            keep(container, old, "image")
    for field in ("activeDeadlineSeconds", "schedulingGates", "tolerations"):
        keep(masked, before, field)
    grace = "terminationGracePeriodSeconds"
    if before.get(grace, 0) < 0 and spec.get(grace) == 1:
        keep(masked, before, grace)
    return masked


def _mask_placement(masked: Object, before: Object, errors: FieldErrors) -> None:
    """Mask the node selector of a gated pod, which can become narrower, and a node affinity where there was none."""
    selector = masked.get("nodeSelector") or {}
    old = (before.get("nodeSelector") or {}).items()
    if any(selector.get(key) != value for key, value in old):
        detail = "only additions to spec.nodeSelector are allowed (no mutations or deletions)"
        errors.invalid("spec.nodeSelector", dict(sorted(selector.items())) or None, detail)
    keep(masked, before, "nodeSelector")
    affinity = before.get("affinity")
    if (affinity or {}).get("nodeAffinity") is None:
        masked["affinity"] = dict(masked.get("affinity") or {})
        masked["affinity"].pop("nodeAffinity", None)
        if not masked["affinity"] and affinity is None:
            del masked["affinity"]


def check_ephemeral_update(spec: Object, before: Object, errors: FieldErrors) -> None:
    """Refuse to remove or change ephemeral containers."""
    containers = {
        container.get("name"): container for container in spec.get("ephemeralContainers") or ()
    }
    for old in before.get("ephemeralContainers") or ():
        new = containers.get(old["name"])
        start = f"existing ephemeral containers {go_quote(old['name'])} may not be"
        if new is None:
            errors.forbidden("spec.ephemeralContainers", f"{start} removed\n")
        elif new != old:
            diff = ephemeral_diff(old, new)
            errors.forbidden("spec.ephemeralContainers", f"{start} changed\n{diff}")
