"""Rules for update strategies.

Source: k8s.io/kubernetes ``pkg/apis/apps/validation/validation.go``.
"""

from typing import Any

from kube_embedded.machinery.request import Object

from ...errors import FieldErrors
from ...names import percent
from ..fields.rules import Rule, every, fields, forbidden, not_negative, zero


def check_int_or_percent(value: Any, path: str, errors: FieldErrors) -> None:
    """Check a count or a percentage."""
    if isinstance(value, str):
        errors.check_format(path, value, percent)
    elif isinstance(value, int):
        errors.check_not_negative(path, value)


def check_at_most_all(value: Any, path: str, errors: FieldErrors) -> None:
    """Check that a percentage is at most 100."""
    if isinstance(value, str) and not percent(value) and int(value[:-1]) > 100:
        errors.invalid(path, value, "must not be greater than 100%")


# Text that is not a percentage counts as zero, as Go's getPercentValue returns 0 for it.
def is_zero(value: Any) -> bool:
    """Return whether a count or percentage is zero."""
    if isinstance(value, str):
        return bool(percent(value)) or int(value[:-1]) == 0
    return not value


def _by_type(**rules: Rule) -> Rule:
    """Make the rule for an update strategy: those for its parameters, by its type."""

    def check(strategy: Any, path: str, errors: FieldErrors) -> None:
        kind = strategy.get("type", "")
        rolling = strategy.get("rollingUpdate")
        if kind in rules:
            rules[kind](rolling, f"{path}.rollingUpdate", errors)
            return
        # The real server prints its Go struct.
        printed = None
        if rolling is not None:
            printed = {
                "MaxUnavailable": rolling.get("maxUnavailable", 0),
                "MaxSurge": rolling.get("maxSurge", 0),
            }
        errors.not_supported(path, {"Type": kind, "RollingUpdate": printed}, rules)

    return check


# ValidateRollingUpdateDeployment
def _check_progress(rolling: Object, path: str, errors: FieldErrors) -> None:
    unavailable = rolling.get("maxUnavailable")
    field_path = f"{path}.maxUnavailable"
    if is_zero(unavailable) and is_zero(rolling.get("maxSurge")):
        errors.invalid(field_path, unavailable, "may not be 0 when `maxSurge` is 0")
    check_at_most_all(unavailable, field_path, errors)


# ValidateRollingUpdateDaemonSet: unlike a deployment, exactly one of the two has to be zero
def _check_one(rolling: Object, path: str, errors: FieldErrors) -> None:
    unavailable = not is_zero(rolling.get("maxUnavailable"))
    surge = not is_zero(rolling.get("maxSurge"))
    if unavailable and surge:
        detail = "may not be set when maxUnavailable is non-zero"
        errors.invalid(f"{path}.maxSurge", rolling["maxSurge"], detail)
    elif not unavailable and not surge:
        errors.required(f"{path}.maxUnavailable", "cannot be 0 when maxSurge is 0")


FORMATS = fields(maxUnavailable=check_int_or_percent, maxSurge=check_int_or_percent)
AT_MOST_ALL = fields(maxUnavailable=check_at_most_all, maxSurge=check_at_most_all)
DEPLOYMENT_UPDATE = _by_type(
    Recreate=forbidden("may not be specified when strategy `type` is 'Recreate'"),
    RollingUpdate=zero({}, every(FORMATS, _check_progress)),
)
DAEMON_SET_UPDATE = _by_type(
    RollingUpdate=zero({}, every(FORMATS, AT_MOST_ALL, _check_one)), OnDelete=every()
)


# ValidateStatefulSetSpec
def check_stateful_set_update(strategy: Any, path: str, errors: FieldErrors) -> None:
    """Check the update strategy of a StatefulSet."""
    kind = strategy.get("type", "")
    rolling = strategy.get("rollingUpdate")
    errors.check_present(path, kind)
    if kind not in ("", "OnDelete", "RollingUpdate"):
        printed = {"Type": kind, "RollingUpdate": rolling}
        errors.invalid(path, printed, "must be 'RollingUpdate' or 'OnDelete'")
    PARTITION(rolling, f"{path}.rollingUpdate", errors)


PARTITION = fields(partition=not_negative)
