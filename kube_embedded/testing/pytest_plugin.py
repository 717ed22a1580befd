"""The fixtures of pytest, off unless a project's ``conftest.py`` names this module in ``pytest_plugins``."""

from collections.abc import Iterator

import pytest

from . import LocalCluster


@pytest.fixture(scope="session")
def session_cluster() -> Iterator[LocalCluster]:
    """A cluster for the whole session; each worker of xdist has its own.

    Override it to prepare what all tests need, with ``apply`` and ``save``.
    """
    with LocalCluster() as cluster:
        yield cluster


@pytest.fixture
def cluster(session_cluster: LocalCluster) -> LocalCluster:
    """The session's cluster, rewound."""
    session_cluster.rewind()
    return session_cluster
