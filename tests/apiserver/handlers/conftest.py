import pytest

from tests.apiserver.handlers.reading import Reading


@pytest.fixture
def api() -> Reading:
    return Reading()
