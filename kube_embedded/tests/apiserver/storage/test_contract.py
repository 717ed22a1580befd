"""What every store does. Each test runs against all of them."""

import contextlib
import copy

import pytest

from kube_embedded.apiserver.storage import Expired, Key, Store
from kube_embedded.machinery.request import Object
from kube_embedded.tests.apiserver.storage.conftest import HISTORY_LENGTH


def key(place: str, resource: str = "configmaps") -> Key:
    return Key.of_place(resource, place)


def thing(place: str, value: str = "") -> Object:
    where = key(place)
    metadata = {"name": where.name}
    if where.namespace:
        metadata["namespace"] = where.namespace
    return {"kind": "ConfigMap", "apiVersion": "v1", "metadata": metadata, "data": {"value": value}}


def put(store: Store, *places: str, value: str = "") -> None:
    for place in places:
        store.put(key(place), thing(place, value))


def places(objects: object) -> list[str]:
    assert isinstance(objects, list)
    return [
        "/".join(
            part for part in (obj["metadata"].get("namespace"), obj["metadata"]["name"]) if part
        )
        for obj in objects
    ]


def write_and_fail(store: Store, value: str) -> None:
    with store.transaction():
        put(store, "a/x", "a/y", value=value)
        store.delete(key("a/x"))
        raise ZeroDivisionError


def test_an_empty_store_has_nothing(store: Store) -> None:
    assert store.get(key("a/x")) is None
    assert store.list("configmaps") == []
    assert store.revision == 0
    assert store.events(0, "configmaps") == []
    assert store.snapshot_names() == []


def test_an_object_carries_the_revision_of_its_last_change(store: Store) -> None:
    first = store.put(key("a/x"), thing("a/x"))
    second = store.put(key("a/y"), thing("a/y"))
    third = store.put(key("a/x"), thing("a/x", "changed"))
    assert [obj["metadata"]["resourceVersion"] for obj in (first, second, third)] == ["1", "2", "3"]
    assert store.revision == 3
    assert store.get(key("a/x")) is third


def test_what_was_read_never_changes(store: Store) -> None:
    before = store.put(key("a/x"), thing("a/x", "old"))
    kept = copy.deepcopy(before)
    given = thing("a/x", "new")
    store.put(key("a/x"), given)
    assert before == kept
    assert "resourceVersion" not in given["metadata"]


def test_a_deep_copy_is_free_to_be_changed(store: Store) -> None:
    stored = store.put(key("a/x"), thing("a/x", "old"))
    mine = copy.deepcopy(stored)
    mine["data"]["value"] = "new"
    assert type(mine) is dict
    assert stored["data"]["value"] == "old"


def test_a_list_is_in_the_order_of_namespace_slash_name(store: Store) -> None:
    # "-" sorts before "/", so the namespace a-b comes before a.
    put(store, "a/z", "a-b/m", "a/b", "b/a", "a0/q")
    assert places(store.list("configmaps")) == ["a-b/m", "a/b", "a/z", "a0/q", "b/a"]


def test_a_namespace_is_listed_alone(store: Store) -> None:
    put(store, "a/z", "a-b/m", "a/b", "b/a", "a0/q", "aa/x")
    assert places(store.list("configmaps", "a")) == ["a/b", "a/z"]
    assert store.list("configmaps", "nope") == []


def test_cluster_scoped_objects_have_their_name_as_place(store: Store) -> None:
    put(store, "b", "a", "a-c")
    assert places(store.list("configmaps")) == ["a", "a-c", "b"]


def test_resources_are_apart(store: Store) -> None:
    put(store, "a/x")
    store.put(key("a/x", "secrets"), thing("a/x", "secret"))
    assert store.list("configmaps") != store.list("secrets")
    assert len(store.list("secrets")) == 1


def test_deleting_returns_the_last_state_with_the_revision_of_the_deletion(store: Store) -> None:
    put(store, "a/x", value="last")
    last = store.delete(key("a/x"))
    assert last["data"] == {"value": "last"}
    assert last["metadata"]["resourceVersion"] == "2"
    assert store.get(key("a/x")) is None
    assert store.list("configmaps") == []


def test_pages_cover_the_list(store: Store) -> None:
    put(store, *(f"a/{number:02}" for number in range(10)), "b/x")
    seen: list[str] = []
    after = ""
    while True:
        page = store.page("configmaps", "a", after=after, limit=3)
        seen += places(page.objects)
        assert page.remaining == 10 - len(seen)
        if not page.remaining:
            break
        after = page.last
    assert seen == [f"a/{number:02}" for number in range(10)]


def test_pages_of_all_namespaces(store: Store) -> None:
    put(store, "a/x", "b/x", "c/x")
    page = store.page("configmaps", limit=2)
    assert (places(page.objects), page.last, page.remaining) == (["a/x", "b/x"], "b/x", 1)
    assert places(store.page("configmaps", after=page.last).objects) == ["c/x"]


def test_a_page_holds_what_matches(store: Store) -> None:
    for number in range(10):
        put(store, f"a/{number:02}", value=str(number % 2))
    page = store.page(
        "configmaps", "a", limit=2, matches=lambda obj: bool(obj["data"]["value"] == "1")
    )
    assert (places(page.objects), page.last, page.remaining) == (["a/01", "a/03"], "03", 6)


def test_a_page_of_the_past(store: Store) -> None:
    put(store, "a/x", "a/y", value="old")
    then = store.revision
    put(store, "a/x", "a/z", value="new")
    store.delete(key("a/y"))
    page = store.page("configmaps", "a", revision=then)
    assert [(obj["metadata"]["name"], obj["data"]["value"]) for obj in page.objects] == [
        ("x", "old"), ("y", "old"),
    ]  # fmt: skip
    assert places(store.page("configmaps", "a", revision=store.revision).objects) == ["a/x", "a/z"]


def test_a_forgotten_past_is_expired(store: Store) -> None:
    put(store, "a/x")
    for number in range(HISTORY_LENGTH):
        put(store, "a/x", value=str(number))
    assert len(store.events(1, "configmaps")) == HISTORY_LENGTH
    with pytest.raises(Expired):
        store.events(0, "configmaps")
    with pytest.raises(Expired):
        store.page("configmaps", revision=0)
    assert store.events(0, "secrets") == []


def test_a_large_transaction_can_be_read_as_a_whole(store: Store) -> None:
    put(store, "a/x")
    with store.transaction():
        put(store, *(f"a/{number}" for number in range(2 * HISTORY_LENGTH)))
    assert len(store.events(1, "configmaps")) == 2 * HISTORY_LENGTH
    put(store, "a/y")
    with pytest.raises(Expired):
        store.events(1, "configmaps")


def test_events_tell_what_happened(store: Store) -> None:
    put(store, "a/x", "a/x")
    store.put(key("a/s", "secrets"), thing("a/s"))
    store.delete(key("a/x"))
    events = store.events(0, "configmaps")
    assert [(event.type, event.revision) for event in events] == [
        ("ADDED", 1),
        ("MODIFIED", 2),
        ("DELETED", 4),
    ]
    assert events[0].previous is None
    assert events[1].previous is events[0].object
    assert [event.type for event in store.events(2, "configmaps")] == ["DELETED"]
    assert store.events(4, "configmaps") == []


def test_subscribers_wake_after_the_commit_and_once(store: Store) -> None:
    woken: list[tuple[str, int]] = []
    end = store.subscribe(
        "configmaps", lambda: woken.append(("configmaps", len(store.events(0, "configmaps"))))
    )
    store.subscribe("", lambda: woken.append(("any", store.revision)))
    with store.transaction():
        put(store, "a/x", "a/y")
        assert woken == []
    assert woken == [("configmaps", 2), ("any", 2)]
    store.put(key("a/s", "secrets"), thing("a/s"))
    assert woken[2:] == [("any", 3)]
    end()
    end()
    put(store, "a/x")
    assert woken[3:] == [("any", 4)]


def test_followers_hear_of_each_change_at_once_and_of_what_is_taken_back(store: Store) -> None:
    seen: list[list[str]] = []
    store.follow("configmaps", lambda: seen.append(places(store.list("configmaps"))))
    with contextlib.suppress(ZeroDivisionError), store.transaction():
        store.put(key("a/x"), thing("a/x"))
        store.put(key("a/s", "secrets"), thing("a/s"))
        assert seen == [["a/x"]]
        raise ZeroDivisionError
    assert seen == [["a/x"], []]


def test_a_failed_transaction_leaves_nothing(store: Store) -> None:
    put(store, "a/x", value="old")
    woken: list[None] = []
    store.subscribe("", lambda: woken.append(None))
    with pytest.raises(ZeroDivisionError):
        write_and_fail(store, "new")
    assert [obj["data"]["value"] for obj in store.list("configmaps")] == ["old"]
    assert store.revision == 1
    assert len(store.events(0, "configmaps")) == 1
    assert woken == []


def test_an_inner_transaction_fails_alone(store: Store) -> None:
    with store.transaction():
        put(store, "a/x", value="outer")
        with pytest.raises(ZeroDivisionError):
            write_and_fail(store, "inner")
        put(store, "a/z")
    assert [(obj["metadata"]["name"], obj["data"]["value"]) for obj in store.list("configmaps")] == [
        ("x", "outer"), ("z", ""),
    ]  # fmt: skip
    assert [event.revision for event in store.events(0, "configmaps")] == [1, 2]


def test_a_snapshot_does_not_change(store: Store) -> None:
    put(store, "a/x", value="then")
    snapshot = store.snapshot()
    put(store, "a/x", "a/y", value="now")
    table = snapshot.tables["configmaps"]
    assert [obj["data"]["value"] for obj in table.objects.values()] == ["then"]
    assert table.order == ["a/x"]


def test_restoring_is_a_change_like_any_other(store: Store) -> None:
    put(store, "a/kept", "a/changed", "a/deleted", value="then")
    snapshot = store.snapshot()
    kept = store.get(key("a/kept"))
    put(store, "a/changed", "a/new", value="now")
    store.delete(key("a/deleted"))
    since = store.revision
    store.restore(snapshot)
    assert {obj["metadata"]["name"]: obj["data"]["value"] for obj in store.list("configmaps")} == {
        "kept": "then", "changed": "then", "deleted": "then",
    }  # fmt: skip
    assert store.get(key("a/kept")) is kept
    events = store.events(since, "configmaps")
    assert sorted((event.type, event.key.name) for event in events) == [
        ("ADDED", "deleted"), ("DELETED", "new"), ("MODIFIED", "changed"),
    ]  # fmt: skip
    assert all(
        int(event.object["metadata"]["resourceVersion"]) == event.revision > since
        for event in events
    )


def test_restoring_twice_changes_nothing_more(store: Store) -> None:
    put(store, "a/x", value="then")
    snapshot = store.snapshot()
    put(store, "a/x", value="now")
    store.restore(snapshot)
    revision = store.revision
    store.restore(snapshot)
    assert store.revision == revision


def test_restoring_clears_resources_that_came_later(store: Store) -> None:
    snapshot = store.snapshot()
    put(store, "a/x")
    store.restore(snapshot)
    assert store.list("configmaps") == []
    store.restore(snapshot)


def test_named_snapshots(store: Store) -> None:
    assert store.named_snapshot("pristine") is None
    put(store, "a/x", value="1")
    store.save_snapshot("pristine")
    put(store, "a/x", value="2")
    store.save_snapshot("later")
    assert store.snapshot_names() == ["later", "pristine"]
    pristine = store.named_snapshot("pristine")
    assert pristine is not None
    store.restore(pristine)
    assert [obj["data"]["value"] for obj in store.list("configmaps")] == ["1"]
    put(store, "a/x", value="3")
    store.save_snapshot("pristine")
    again = store.named_snapshot("pristine")
    assert again is not None
    assert [obj["data"]["value"] for obj in again.tables["configmaps"].objects.values()] == ["3"]
