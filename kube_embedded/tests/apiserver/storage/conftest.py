from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kube_embedded.apiserver.storage import Store
from kube_embedded.apiserver.storage.sqlite import SQLiteStore

HISTORY_LENGTH = 50

Factory = Callable[[Path], Store]


def memory(directory: Path) -> Store:
    return Store(history_length=HISTORY_LENGTH)


def on_shared_base(directory: Path) -> Store:
    return Store(Store().snapshot(), history_length=HISTORY_LENGTH)


def sqlite(directory: Path) -> Store:
    return SQLiteStore(directory / "state.db", history_length=HISTORY_LENGTH)


@pytest.fixture(params=[memory, on_shared_base, sqlite], ids=lambda factory: factory.__name__)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    factory: Factory = request.param
    made = factory(tmp_path)
    yield made
    made.close()
