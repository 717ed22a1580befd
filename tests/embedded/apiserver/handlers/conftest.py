import pytest

from tests.embedded.apiserver.handlers.reading import Reading


@pytest.fixture
def api() -> Reading:
    return Reading()
