"""Validation of probes and lifecycle hooks.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go`` (``validateProbe``, ``validateLifecycle``).
"""

from __future__ import annotations

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.names import http_header
from labkit.embedded.apiserver.registry.strategies.fields.numbers import check_port
from labkit.embedded.machinery.request import Object

PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
SECONDS = (
    "initialDelaySeconds",
    "timeoutSeconds",
    "periodSeconds",
    "successThreshold",
    "failureThreshold",
)


def check_hooks(container: Object, grace: int | None, path: str, errors: FieldErrors) -> None:
    """Check the lifecycle hooks and probes of a container."""
    lifecycle = container.get("lifecycle") or {}
    for hook in ("postStart", "preStop"):
        if lifecycle.get(hook) is not None:
            _check_handler(lifecycle[hook], grace, f"{path}.lifecycle.{hook}", errors)
    for probe in PROBES:
        if container.get(probe) is not None:
            _check_probe(container[probe], probe, grace, f"{path}.{probe}", errors)


def _check_probe(
    probe: Object, kind: str, grace: int | None, path: str, errors: FieldErrors
) -> None:
    _check_handler(probe, grace, path, errors)
    errors.check_counts(path, probe, *SECONDS)
    period = probe.get("terminationGracePeriodSeconds")
    if period is not None and period <= 0:
        errors.invalid(f"{path}.terminationGracePeriodSeconds", period, "must be greater than 0")
    if kind != "readinessProbe" and probe.get("successThreshold", 1) != 1:
        errors.invalid(f"{path}.successThreshold", probe["successThreshold"], "must be 1")
    if kind == "readinessProbe" and period is not None:
        errors.invalid(
            f"{path}.terminationGracePeriodSeconds", period, "must not be set for readinessProbes"
        )


def _check_handler(handler: Object, grace: int | None, path: str, errors: FieldErrors) -> None:
    count = 0
    for field in ("exec", "httpGet", "tcpSocket", "grpc", "sleep"):
        action = handler.get(field)
        if action is None:
            continue
        if count:
            errors.forbidden(f"{path}.{field}", "may not specify more than 1 handler type")
            continue
        count += 1
        if field == "exec":
            errors.check_present(f"{path}.exec.command", action.get("command"))
        elif field == "httpGet":
            _check_http_get(action, f"{path}.httpGet", errors)
        elif field == "sleep":
            seconds = action.get("seconds", 0)
            if grace is not None and not 0 <= seconds <= grace:
                why = f"must be non-negative and less than terminationGracePeriodSeconds ({grace})"
                errors.invalid(f"{path}.sleep", seconds, why)
        else:
            check_port(action.get("port", 0), f"{path}.{field}.port", errors)
    errors.check_present(path, count, "must specify a handler type")


def _check_http_get(action: Object, path: str, errors: FieldErrors) -> None:
    errors.check_present(f"{path}.path", action.get("path"))
    check_port(action.get("port"), f"{path}.port", errors)
    errors.check_choice(f"{path}.scheme", action.get("scheme", ""), ("HTTP", "HTTPS"))
    for header in action.get("httpHeaders") or ():
        errors.check_format(f"{path}.httpHeaders", header.get("name", ""), http_header)
