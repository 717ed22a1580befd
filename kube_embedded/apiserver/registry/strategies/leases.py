"""The strategy of Leases.

Source: k8s.io/kubernetes ``pkg/apis/coordination/validation``.
"""

from typing_extensions import override

from kube_embedded.machinery.request import Object

from ..strategy import Strategy


class LeaseStrategy(Strategy):
    """Leases."""

    create_on_update = True
    unconditional_update = False
    full_checks = 0
    known_finalizers = False

    @override
    def drop_fields(self, new: Object, old: Object | None) -> None:
        """Drop the fields of coordinated leader election, whose feature gate is off."""
        # CoordinatedLeaderElection is beta and off by default in 1.36.
        for name in ("strategy", "preferredHolder"):
            new["spec"].pop(name, None)
