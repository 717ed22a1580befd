"""Leases.

Source: k8s.io/kubernetes ``pkg/apis/coordination/validation``.
"""

from __future__ import annotations

from dataclasses import dataclass

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.strategies.fields.numbers import NOT_NEGATIVE
from labkit.embedded.apiserver.registry.strategy import Context, Strategy
from labkit.embedded.machinery.request import Object


@dataclass
class LeaseStrategy(Strategy):
    """Leases."""

    known_finalizers: bool = False

    full_checks: int = 0

    create_on_update: bool = True
    unconditional_update: bool = False

    def prepare_create(self, context: Context, obj: Object) -> None:
        """See ``Strategy``."""
        _forget_coordination(obj)

    def prepare_update(self, context: Context, new: Object, old: Object) -> None:
        """See ``Strategy``."""
        _forget_coordination(new)

    def check(self, obj: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        spec = obj["spec"]
        seconds = spec.get("leaseDurationSeconds")
        if seconds is not None and seconds <= 0:
            errors.invalid("spec.leaseDurationSeconds", seconds, "must be greater than 0")
        transitions = spec.get("leaseTransitions")
        if transitions is not None and transitions < 0:
            errors.invalid("spec.leaseTransitions", transitions, NOT_NEGATIVE)


def _forget_coordination(lease: Object) -> None:
    """Coordinated leader election is behind a gate that is closed."""
    for name in ("strategy", "preferredHolder"):
        lease["spec"].pop(name, None)
