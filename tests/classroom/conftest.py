"""A class for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.classroom.room import Room


@pytest.fixture
def room(labkit_home: Path) -> Iterator[Room]:
    with Room(labkit_home / "class" / "class.db") as running:
        yield running
