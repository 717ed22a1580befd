import pytest

from kube_embedded.tests.apiserver.handlers.reading import Reading


@pytest.fixture
def api() -> Reading:
    return Reading()
