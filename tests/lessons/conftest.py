"""One embedded cluster for all checkpoint tests; each test begins at the beginning."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from labkit.lab import current
from labkit.lab.lab import Lab


@pytest.fixture(scope="session")
def shared_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Provide a real server process, over HTTPS."""
    lab = Lab("embedded", home=tmp_path_factory.mktemp("lessons") / "home", say=lambda _line: None)
    yield lab
    lab.stop()


@pytest.fixture
def lab(shared_lab: Lab) -> Lab:
    """Provide the cluster at its beginning, and a learner without progress."""
    shared_lab.reset()
    shared_lab.progress.forget()
    current.use(shared_lab)
    return shared_lab
