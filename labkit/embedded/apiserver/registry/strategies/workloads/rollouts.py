"""Validation of update strategies.

Source: k8s.io/kubernetes ``pkg/apis/apps/validation``.
"""

from __future__ import annotations

from typing import Any

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.names import percent
from labkit.embedded.machinery.request import Object


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


def is_zero(value: Any) -> bool:
    """Whether a count or percentage is zero."""
    if isinstance(value, str):
        return bool(percent(value)) or int(value[:-1]) == 0
    return not value


def _shown_strategy(kind: str, rolling: Object | None) -> Object:
    """A strategy as the real server's Go structure prints it."""
    if rolling is None:
        return {"Type": kind, "RollingUpdate": None}
    shown = {
        "MaxUnavailable": rolling.get("maxUnavailable", 0),
        "MaxSurge": rolling.get("maxSurge", 0),
    }
    return {"Type": kind, "RollingUpdate": shown}


def check_deployment_update(strategy: Object, path: str, errors: FieldErrors) -> None:
    """Check the strategy of a Deployment."""
    kind, rolling = strategy.get("type", ""), strategy.get("rollingUpdate")
    place = f"{path}.rollingUpdate"
    if kind == "Recreate":
        if rolling is not None:
            errors.forbidden(place, "may not be specified when strategy `type` is 'Recreate'")
        return
    if kind != "RollingUpdate":
        errors.not_supported(path, _shown_strategy(kind, rolling), ["Recreate", "RollingUpdate"])
        return
    rolling = rolling or {}
    for name in ("maxUnavailable", "maxSurge"):
        check_int_or_percent(rolling.get(name), f"{place}.{name}", errors)
    if is_zero(rolling.get("maxUnavailable")) and is_zero(rolling.get("maxSurge")):
        errors.invalid(
            f"{place}.maxUnavailable",
            rolling.get("maxUnavailable"),
            "may not be 0 when `maxSurge` is 0",
        )
    check_at_most_all(rolling.get("maxUnavailable"), f"{place}.maxUnavailable", errors)


def check_daemon_set_update(strategy: Object, path: str, errors: FieldErrors) -> None:
    """Check the update strategy of a DaemonSet."""
    kind, rolling = strategy.get("type", ""), strategy.get("rollingUpdate")
    if kind == "OnDelete":
        return
    if kind != "RollingUpdate":
        errors.not_supported(path, _shown_strategy(kind, rolling), ["RollingUpdate", "OnDelete"])
        return
    place, rolling = f"{path}.rollingUpdate", rolling or {}
    for check in (check_int_or_percent, check_at_most_all):
        for name in ("maxUnavailable", "maxSurge"):
            check(rolling.get(name), f"{place}.{name}", errors)
    unavailable, surge = (
        not is_zero(rolling.get("maxUnavailable")),
        not is_zero(rolling.get("maxSurge")),
    )
    if unavailable and surge:
        errors.invalid(
            f"{place}.maxSurge",
            rolling["maxSurge"],
            "may not be set when maxUnavailable is non-zero",
        )
    elif not unavailable and not surge:
        errors.required(f"{place}.maxUnavailable", "cannot be 0 when maxSurge is 0")


def check_stateful_set_update(strategy: Object, path: str, errors: FieldErrors) -> None:
    """Check the update strategy of a StatefulSet."""
    kind, rolling = strategy.get("type", ""), strategy.get("rollingUpdate")
    if not kind:
        errors.required(path)
    elif kind not in ("OnDelete", "RollingUpdate"):
        errors.invalid(
            path, {"Type": kind, "RollingUpdate": rolling}, "must be 'RollingUpdate' or 'OnDelete'"
        )
    errors.check_counts(f"{path}.rollingUpdate", rolling or {}, "partition")


def check_retention(policy: Object | None, path: str, errors: FieldErrors) -> None:
    """Check a StatefulSet's retention policy for claims."""
    for name in ("whenDeleted", "whenScaled"):
        value = (policy or {}).get(name)
        if policy is not None and value not in ("Retain", "Delete"):
            errors.not_supported(f"{path}.{name}", value, ["Retain", "Delete"])
