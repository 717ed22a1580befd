"""Waiting for a state, and never for a time."""

from __future__ import annotations

import time
from collections.abc import Callable

SECONDS = 300.0
"""Longer than the busiest machine takes: only a test that fails waits so long."""


def until(
    true: Callable[[], object], otherwise: Callable[[], str] = lambda: "it did not become true"
) -> None:
    """Wait until a condition holds.

    Raises:
        AssertionError: It does not come to hold; with the text of ``otherwise``.
    """
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline, otherwise()
        time.sleep(0.01)
