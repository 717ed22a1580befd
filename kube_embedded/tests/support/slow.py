"""Which of many like cases `make test` runs; `make test-all` runs them all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def slow_but(cases: Iterable[Any], *quick: Any) -> list[Any]:
    """Mark the cases of a parametrized test as slow, but for a few.

    Args:
        cases: All of its cases; a tuple is a case of several values.
        quick: Those that ``make test`` runs as well.

    Raises:
        ValueError: A quick one is not among the cases.
    """
    every = list(cases)
    if unknown := [case for case in quick if case not in every]:
        raise ValueError(f"There is no case {unknown}.")
    return [
        case
        if case in quick
        else pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=pytest.mark.slow)
        for case in every
    ]
