"""Graders for all tests: a fork server takes a second to start."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from labkit.grading.graders.grader import Grader
from labkit.grading.walls.isolation import Limits

SHORT = Limits(seconds=20.0, cpu_seconds=10)

HASTY = Limits(seconds=6.0, cpu_seconds=2)
"""For what only a limit ends."""

PATIENT = Limits(seconds=120.0, cpu_seconds=10)
"""For kernels, which take long to start where other work goes first."""


@pytest.fixture(scope="session")
def grader() -> Iterator[Grader]:
    """An entered grader with short limits."""
    with Grader(limits=SHORT) as running:
        yield running


@pytest.fixture(scope="session")
def hasty_grader() -> Iterator[Grader]:
    """An entered grader for notebooks that never end by themselves."""
    with Grader(limits=HASTY) as running:
        yield running


@pytest.fixture(scope="session")
def patient_grader() -> Iterator[Grader]:
    """An entered grader for notebooks in kernels."""
    with Grader(limits=PATIENT) as running:
        yield running
