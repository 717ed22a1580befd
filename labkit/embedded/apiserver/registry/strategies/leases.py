"""Leases.

Source: k8s.io/kubernetes ``pkg/apis/coordination/validation``.
"""

from __future__ import annotations

from dataclasses import dataclass

from typing_extensions import override

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.strategy import Context, Strategy
from labkit.embedded.machinery.request import Object


@dataclass
class LeaseStrategy(Strategy):
    """Leases."""

    known_finalizers: bool = False

    full_checks: int = 0

    create_on_update: bool = True
    unconditional_update: bool = False

    @override
    def prepare_create(self, context: Context, obj: Object) -> None:
        _forget_coordination(obj)

    @override
    def prepare_update(self, context: Context, new: Object, old: Object) -> None:
        _forget_coordination(new)

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        spec = obj["spec"]
        seconds = spec.get("leaseDurationSeconds")
        if seconds is not None and seconds <= 0:
            errors.invalid("spec.leaseDurationSeconds", seconds, "must be greater than 0")
        transitions = spec.get("leaseTransitions")
        errors.check_not_negative("spec.leaseTransitions", transitions)


def _forget_coordination(lease: Object) -> None:
    """Coordinated leader election is behind a gate that is closed."""
    for name in ("strategy", "preferredHolder"):
        lease["spec"].pop(name, None)
