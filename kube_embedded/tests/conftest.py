"""What every test gets; the repository's pyproject.toml adds that warnings are errors, and leaves the slow tests out."""

from __future__ import annotations

import pytest

from kube_embedded.tests.support.hygiene import (
    leaves_nothing_open,
    prepare,
    pytest_collection_finish,
)

__all__ = ["leaves_nothing_open", "pytest_collection_finish"]

prepare()


def pytest_configure(config: pytest.Config) -> None:
    """Name the marks for a run of this folder alone."""
    for mark in ("slow: takes long", "soak: takes longer than a change should wait for"):
        config.addinivalue_line("markers", mark)
