import pytest

from kube_embedded.apiserver.storage import Expired, Store
from kube_embedded.tests.apiserver.storage.test_contract import key, put


def test_stores_on_one_base_share_objects_and_nothing_else() -> None:
    origin = Store()
    put(origin, "a/x", "a/y")
    base = origin.snapshot()
    one, other = Store(base), Store(base)
    assert one.get(key("a/x")) is other.get(key("a/x")) is origin.get(key("a/x"))
    put(one, "a/x", value="mine")
    one.delete(key("a/y"))
    assert len(one.list("configmaps")) == 1
    assert len(other.list("configmaps")) == len(origin.list("configmaps")) == 2
    assert other.revision == 2


def test_a_watch_from_before_the_base_sees_it_added() -> None:
    origin = Store()
    put(origin, "a/x", "a/y", "a/x")
    store = Store(origin.snapshot())
    put(store, "a/z")
    assert [(event.revision, event.type) for event in store.events(0, "configmaps")] == [
        (2, "ADDED"), (3, "ADDED"), (4, "ADDED"),
    ]  # fmt: skip
    assert [event.revision for event in store.events(2, "configmaps")] == [3, 4]
    assert [event.revision for event in store.events(3, "configmaps")] == [4]


def test_a_base_is_expired_once_the_history_behind_it_is() -> None:
    origin = Store()
    put(origin, "a/x")
    store = Store(origin.snapshot(), history_length=2)
    put(store, "a/y", "a/y", "a/y")
    with pytest.raises(Expired):
        store.events(0, "configmaps")
