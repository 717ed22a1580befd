from __future__ import annotations

import pytest

from kube_embedded.tests.support.cluster import ClusterApi


@pytest.fixture
def api() -> ClusterApi:
    """A cluster with a namespace ``lab``."""
    made = ClusterApi()
    made.namespace("lab")
    return made
