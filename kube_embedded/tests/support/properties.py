"""How property tests run: the same examples each time, however long they take.

A busy machine must not fail a change, nor must a rare example that is unrelated to it.
``make soak`` goes further, with new examples (the profile ``explore``).
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings


def examples(count: int) -> int:
    """Return how many examples a test that wants many gets: ``make test-all`` gives all, ``make test`` a third."""
    return count if os.environ.get("LABKIT_ALL_EXAMPLES") else count // 3


def load_profiles() -> None:
    """Make both profiles known, and ``steady`` the one that counts unless pytest is told otherwise."""
    steady = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
    settings.register_profile("steady", steady)
    settings.register_profile("explore", steady, derandomize=False, print_blob=True)
    settings.load_profile("steady")
