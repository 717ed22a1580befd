"""The strategies of kinds without behaviour here, whose objects only their schema describes."""

from __future__ import annotations

from labkit.embedded.apiserver.registry.strategy import Strategy


class RuntimeClassStrategy(Strategy):
    """Runtime classes."""

    create_on_update = True
    unconditional_update = False
    known_finalizers = False


class StorageCapacityStrategy(Strategy):
    """The capacities that CSI drivers report."""

    unconditional_update = False


class AttributesClassStrategy(Strategy):
    """Classes of volume attributes."""

    returns_deleted = True
