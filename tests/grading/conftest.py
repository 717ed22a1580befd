"""One grader for all tests: its fork server takes a second to start."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from labkit.grading.grader import Grader
from labkit.grading.isolation import Limits

SHORT = Limits(seconds=20.0, cpu_seconds=10)


@pytest.fixture(scope="session")
def grader() -> Iterator[Grader]:
    """An entered grader with short limits."""
    with Grader(limits=SHORT) as running:
        yield running
