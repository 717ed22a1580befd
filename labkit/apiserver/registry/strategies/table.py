"""Which kind has which strategy."""

from __future__ import annotations

from labkit.apiserver.registry.strategy import Strategy


def table() -> dict[tuple[str, str], Strategy]:
    """(group, kind) to a new strategy."""
    return {}
