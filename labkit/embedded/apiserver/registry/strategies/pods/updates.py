"""Validation of pod updates.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go`` (``ValidatePodUpdate``,
``ValidatePodEphemeralContainersUpdate``).
"""

from __future__ import annotations

import copy

from labkit.embedded.apiserver.registry.errors import FieldErrors, between
from labkit.embedded.apiserver.registry.strategies.fields.struct_diff import (
    ephemeral_diff,
    internal_spec,
    unified,
)
from labkit.embedded.apiserver.registry.strategies.pods.containers import check_image_padding
from labkit.embedded.apiserver.registry.strategies.pods.scheduling import check_tolerations
from labkit.embedded.apiserver.registry.strategy import keep
from labkit.embedded.machinery.golang.quote import go_quote
from labkit.embedded.machinery.request import Object

MAY_CHANGE = (
    "pod updates may not change fields other than `spec.containers[*].image`,"
    "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to "
    "existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was "
    "previously negative)"
)
CONTAINER_LISTS = ("containers", "initContainers")


def check_pod_update(spec: Object, before: Object, errors: FieldErrors) -> None:
    """Check an update of a pod's spec."""
    for list_name in CONTAINER_LISTS:
        containers = spec.get(list_name) or []
        if len(containers) != len(before.get(list_name) or ()):
            errors.forbidden(f"spec.{list_name}", "pod updates may not add or remove containers")
            return
        for index, container in enumerate(containers):
            errors.check_present(f"spec.{list_name}[{index}].image", container.get("image"))
            check_image_padding([container], f"spec.{list_name}[{index}]", errors, listed=False)
    if not _check_deadline(spec, before, errors):
        return
    _check_tolerations(spec, before, errors)
    _check_gates(spec, before, errors)
    changed = _masked(spec, before)
    if before.get("schedulingGates"):
        _mask_placement(changed, before, errors)
    if changed != before:
        errors.forbidden(
            "spec", f"{MAY_CHANGE}\n{unified(internal_spec(before), internal_spec(changed))}"
        )


def _check_deadline(spec: Object, before: Object, errors: FieldErrors) -> bool:
    """Check a change of the deadline, and return whether to check on."""
    field, path = "activeDeadlineSeconds", "spec.activeDeadlineSeconds"
    new, old = spec.get(field), before.get(field)
    if new is None:
        if old is not None:
            errors.invalid(path, None, "must not update from a positive integer to nil value")
        return True
    if not 0 <= new <= 2**31 - 1:
        errors.invalid(path, new, between(0, 2**31 - 1))
        return False
    if old is not None and old < new:
        errors.invalid(path, new, "must be less than or equal to previous value")
        return False
    return True


def _check_tolerations(spec: Object, before: Object, errors: FieldErrors) -> None:
    def timeless(toleration: Object) -> Object:
        return {name: value for name, value in toleration.items() if name != "tolerationSeconds"}

    wanted = [timeless(toleration) for toleration in spec.get("tolerations") or ()]
    if all(timeless(toleration) in wanted for toleration in before.get("tolerations") or ()):
        check_tolerations(spec.get("tolerations") or [], "spec.tolerations", errors)
    else:
        errors.forbidden(
            "spec.tolerations",
            "existing toleration can not be modified except its tolerationSeconds",
        )


def _check_gates(spec: Object, before: Object, errors: FieldErrors) -> None:
    known = {gate.get("name", "") for gate in before.get("schedulingGates") or ()}
    added = {
        gate.get("name", ""): index for index, gate in enumerate(spec.get("schedulingGates") or ())
    }
    for name, index in added.items():
        if name not in known:
            why = f"only deletion is allowed, but found new scheduling gate '{name}'"
            errors.forbidden(f"spec.schedulingGates[{index}].name", why)


def _masked(spec: Object, before: Object) -> Object:
    """The spec with the old values of the fields that may change."""
    changed = copy.deepcopy(dict(spec))
    for list_name in CONTAINER_LISTS:
        for container, other in zip(
            changed.get(list_name) or (), before.get(list_name) or (), strict=True
        ):
            keep(container, other, "image")
    for field in ("activeDeadlineSeconds", "schedulingGates", "tolerations"):
        keep(changed, before, field)
    if (
        before.get("terminationGracePeriodSeconds", 0) < 0
        and spec.get("terminationGracePeriodSeconds") == 1
    ):
        keep(changed, before, "terminationGracePeriodSeconds")
    return changed


def _mask_placement(changed: Object, before: Object, errors: FieldErrors) -> None:
    """Mask the node selector of a gated pod, which may become narrower, and a node affinity where there was none."""
    wanted, had = changed.get("nodeSelector") or {}, before.get("nodeSelector") or {}
    if any(wanted.get(key) != value for key, value in had.items()):
        why = "only additions to spec.nodeSelector are allowed (no mutations or deletions)"
        errors.invalid("spec.nodeSelector", dict(sorted(wanted.items())) or None, why)
    keep(changed, before, "nodeSelector")
    old = before.get("affinity")
    if (old or {}).get("nodeAffinity") is None:
        others = {
            name: value
            for name, value in (changed.get("affinity") or {}).items()
            if name != "nodeAffinity"
        }
        changed["affinity"] = others
        if not others and old is None:
            del changed["affinity"]


def check_ephemeral_update(spec: Object, before: Object, errors: FieldErrors) -> None:
    """Refuse to remove or change ephemeral containers."""
    path = "spec.ephemeralContainers"
    now = {container.get("name"): container for container in spec.get("ephemeralContainers") or ()}
    for container in before.get("ephemeralContainers") or ():
        name = go_quote(container["name"])
        if container["name"] not in now:
            errors.forbidden(path, f"existing ephemeral containers {name} may not be removed\n")
        elif now[container["name"]] != container:
            diff = ephemeral_diff(container, now[container["name"]])
            errors.forbidden(
                path, f"existing ephemeral containers {name} may not be changed\n{diff}"
            )
