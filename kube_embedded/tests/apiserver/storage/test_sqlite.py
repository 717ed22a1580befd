import resource
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from kube_embedded.apiserver.storage import Expired, StorageFailed
from kube_embedded.apiserver.storage.sqlite import (
    RESERVE_BYTES,
    SCHEMA_VERSION,
    SQLiteStore,
    StateUnusable,
)
from kube_embedded.tests.apiserver.storage.test_contract import (
    key,
    places,
    put,
    thing,
    write_and_fail,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


def reopen(store: SQLiteStore, path: Path) -> SQLiteStore:
    store.close()
    return SQLiteStore(path)


def fill_the_disk(store: SQLiteStore) -> None:
    (pages,) = store._database.execute("PRAGMA page_count").fetchone()
    store._database.execute(f"PRAGMA max_page_count={pages}")


def test_everything_is_there_after_reopening(path: Path) -> None:
    store = SQLiteStore(path)
    put(store, "a/x", "a/y", "b", "a-b/z")
    store.delete(key("a/y"))
    before, revision = store.list("configmaps"), store.revision
    store = reopen(store, path)
    assert store.list("configmaps") == before
    assert places(store.list("configmaps")) == ["a-b/z", "a/x", "b"]
    assert store.revision == revision
    put(store, "a/new")
    assert store.revision == revision + 1
    store.close()


def test_the_revision_counts_on_after_a_deletion(path: Path) -> None:
    store = SQLiteStore(path)
    put(store, "a/x")
    store.delete(key("a/x"))
    store = reopen(store, path)
    assert store.revision == 2
    store.close()


def test_watches_from_before_the_restart_are_expired(path: Path) -> None:
    store = SQLiteStore(path)
    put(store, "a/x", "a/x")
    store = reopen(store, path)
    with pytest.raises(Expired):
        store.events(1, "configmaps")
    assert store.events(2, "configmaps") == []
    put(store, "a/x")
    assert [event.revision for event in store.events(2, "configmaps")] == [3]
    store.close()


def test_an_object_added_and_deleted_in_one_transaction_is_not_there(path: Path) -> None:
    store = SQLiteStore(path)
    with store.transaction():
        put(store, "a/x", "a/y")
        store.delete(key("a/x"))
    store = reopen(store, path)
    assert places(store.list("configmaps")) == ["a/y"]
    store.close()


def test_a_failed_transaction_is_not_in_the_file(path: Path) -> None:
    store = SQLiteStore(path)
    with pytest.raises(ZeroDivisionError):
        write_and_fail(store, "new")
    store = reopen(store, path)
    assert store.list("configmaps") == []
    store.close()


def test_named_snapshots_survive(path: Path) -> None:
    store = SQLiteStore(path)
    put(store, "a/x", "b", value="then")
    store.save_snapshot("pristine")
    put(store, "a/x", "a/y", value="now")
    store = reopen(store, path)
    assert store.snapshot_names() == ["pristine"]
    snapshot = store.named_snapshot("pristine")
    assert snapshot is not None
    assert snapshot.revision == 2
    store.restore(snapshot)
    assert {obj["metadata"]["name"]: obj["data"]["value"] for obj in store.list("configmaps")} == {
        "x": "then", "b": "then",
    }  # fmt: skip
    revision = store.revision
    store.restore(snapshot)
    assert store.revision == revision
    store.close()


def test_the_file_is_private(path: Path) -> None:
    store = SQLiteStore(path)
    put(store, "a/x")
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes["state.db"] == 0o600
    assert set(modes.values()) == {0o600}
    store.close()


def test_a_second_store_on_the_file_is_refused(path: Path) -> None:
    store = SQLiteStore(path)
    with pytest.raises(StateUnusable, match="another process uses it"):
        SQLiteStore(path)
    put(store, "a/x")
    store.close()


@pytest.mark.parametrize(("version", "age"), [(SCHEMA_VERSION + 1, "a newer"), (0, "an older")])
def test_another_versions_file_is_refused_and_left_alone(
    path: Path, version: int, age: str
) -> None:
    store = SQLiteStore(path)
    store._database.execute(f"PRAGMA user_version={version}")
    store.close()
    before = path.read_bytes()
    with pytest.raises(StateUnusable, match=f"{age} version made it.*set --home"):
        SQLiteStore(path)
    assert path.read_bytes() == before


def test_another_programs_database_is_refused(path: Path) -> None:
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE cookies (name TEXT)")
    other.close()
    with pytest.raises(StateUnusable, match="it is of another program"):
        SQLiteStore(path)


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.write_bytes(b"hello " * 1000)
    with pytest.raises(StateUnusable, match="not a database"):
        SQLiteStore(path)


def test_a_path_that_is_too_long_for_sqlite_is_said(tmp_path: Path) -> None:
    deep = tmp_path / ("a" * 200) / ("b" * 200) / ("c" * 200)
    deep.mkdir(parents=True)
    with pytest.raises(StateUnusable, match=r"no path of more than some 500 bytes.*set --home"):
        SQLiteStore(deep / "state.db")


def test_a_full_disk_is_an_honest_error_and_loses_nothing(path: Path) -> None:
    store = SQLiteStore(path)
    put(store, "a/x", value="old")
    revision = store.revision
    fill_the_disk(store)
    with pytest.raises(StorageFailed) as caught:
        put(store, "a/x", value="new" * 10_000)
    status = caught.value.to_status()
    assert (status["code"], status["reason"]) == (500, "InternalError")
    assert "cannot be written, nothing was changed: database or disk is full" in status["message"]
    assert status["details"]["causes"][0]["reason"] == "StateNotWritten"
    assert [obj["data"]["value"] for obj in store.list("configmaps")] == ["old"]
    assert store.revision == revision
    assert len(store.events(0, "configmaps")) == 1
    many = [f"a/{number}" for number in range(1000)]
    with pytest.raises(StorageFailed):
        put(store, *many, value="x" * 100)
    store._database.execute("PRAGMA max_page_count=1000000")
    put(store, "a/y")
    store = reopen(store, path)
    assert "a/y" in places(store.list("configmaps"))
    assert store.get(key("a/x"))["data"]["value"] == "old"  # type: ignore[index] # it is there
    store.close()


def reserve(path: Path) -> int:
    """The bytes that are set aside for a full disk."""
    return path.with_name("reserve").stat().st_size


def test_space_is_set_aside(path: Path) -> None:
    SQLiteStore(path).close()
    assert reserve(path) == RESERVE_BYTES
    path.with_name("reserve").write_bytes(b"")  # it did not fit
    SQLiteStore(path).close()
    assert reserve(path) == RESERVE_BYTES


@pytest.mark.parametrize(
    ("free", "size"),
    [
        (RESERVE_BYTES, RESERVE_BYTES // 2),
        (2 * RESERVE_BYTES - 2, RESERVE_BYTES - 1),
        (2 * RESERVE_BYTES + 2, RESERVE_BYTES),
    ],
)
def test_not_more_than_half_of_a_disk_is_set_aside(
    path: Path, monkeypatch: pytest.MonkeyPatch, free: int, size: int
) -> None:
    disk = SimpleNamespace(f_bavail=free // 2, f_frsize=2)
    monkeypatch.setattr("os.statvfs", lambda directory: disk)
    SQLiteStore(path).close()
    assert reserve(path) == size


@contextmanager
def no_file_grows_beyond(size: int) -> Iterator[None]:
    """A limit of this process; Python ignores the signal that comes with it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("reserved", [True, False])
@pytest.mark.parametrize("at_once", [True, False])
def test_a_full_disk_has_room_for_deletions(path: Path, reserved: bool, at_once: bool) -> None:
    store = SQLiteStore(path)
    put(store, *(f"a/{number}" for number in range(10)), value="x" * 10_000)
    if not reserved:
        path.with_name("reserve").unlink()
    with no_file_grows_beyond(path.with_name("state.db-wal").stat().st_size):
        with pytest.raises(StorageFailed):
            put(store, "a/new")
        assert path.with_name("reserve").exists() == reserved
        if at_once:
            store.delete(key("a/0"))
        else:
            ending = {**thing("a/0"), "metadata": {"name": "0", "deletionTimestamp": "now"}}
            store.put(key("a/0"), ending)
    assert path.with_name("reserve").exists()
    store = reopen(store, path)
    assert reserve(path) == RESERVE_BYTES
    assert "a/new" not in places(store.list("configmaps"))
    assert (store.get(key("a/0")) is None) == at_once
    store.close()


def test_a_write_that_fails_in_a_transaction_takes_all_of_it_back(path: Path) -> None:
    store = SQLiteStore(path)
    fill_the_disk(store)
    woken: list[None] = []
    store.subscribe("", lambda: woken.append(None))
    with pytest.raises(StorageFailed), store.transaction():
        put(store, *(f"a/{number}" for number in range(100)), value="x" * 1000)
    assert store.list("configmaps") == []
    assert woken == []
    store.close()


def test_a_history_of_large_objects_is_short(path: Path) -> None:
    store = SQLiteStore(path, history_bytes=100_000)
    for _ in range(20):
        store.put(key("a/x"), {"metadata": {}, "data": {"text": "x" * 30_000}})
    assert [event.revision for event in store.events(17, "configmaps")] == [18, 19, 20]
    with pytest.raises(Expired):
        store.events(16, "configmaps")
    with store.transaction():  # whoever is up to date gets to read all of one
        for name in "abcdef":
            store.put(key(f"b/{name}"), {"metadata": {}, "data": {"text": "x" * 30_000}})
    assert len(store.events(20, "configmaps")) == 6
    put(store, *(f"c/{number}" for number in range(50)))
    assert len(store.events(26, "configmaps")) == 50
    for name in "abcdef":
        store.delete(key(f"b/{name}"))
    assert len(store.events(79, "configmaps")) == 3
    with pytest.raises(Expired):
        store.events(78, "configmaps")
    store.close()
