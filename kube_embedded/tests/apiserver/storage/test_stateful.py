"""List + watch always add up to the same state, whatever happens in between."""

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from kube_embedded.apiserver.storage import Expired, Key, Snapshot, Store
from kube_embedded.apiserver.storage.sqlite import SQLiteStore
from kube_embedded.machinery.request import Object

RESOURCE = "configmaps"
PLACES = st.sampled_from(["a/x", "a/y", "a-b/x", "a0/x", "b/x", "x", "b"])


class Watcher:
    """A client that listed once and then applies events."""

    def __init__(self, store: Store) -> None:
        self.revision = store.revision
        self.state: dict[str, Object] = {}
        self.list(store)

    def list(self, store: Store) -> None:
        self.revision = store.revision
        self.state = {place_of(obj): obj for obj in store.list(RESOURCE)}

    def catch_up(self, store: Store) -> None:
        try:
            events = store.events(self.revision, RESOURCE)
        except Expired:
            self.list(store)
            return
        for event in events:
            assert event.revision > self.revision
            self.revision = event.revision
            known = self.state.get(event.key.place)
            assert (known is None) == (event.type == "ADDED")
            assert known == event.previous
            if event.type == "DELETED":
                del self.state[event.key.place]
            else:
                self.state[event.key.place] = event.object


def place_of(obj: Object) -> str:
    metadata = obj["metadata"]
    return Key(RESOURCE, metadata.get("namespace", ""), metadata["name"]).place


class ListAndWatch(RuleBasedStateMachine):
    """A store, a plain dict that should equal it, and watchers."""

    snapshots: Bundle[tuple[Snapshot, dict[str, int]]] = Bundle("snapshots")

    def __init__(self) -> None:
        super().__init__()
        self.store = self.open()
        self.model: dict[str, int] = {}
        self.past: dict[int, dict[str, int]] = {0: {}}
        self.watchers: list[Watcher] = []
        self.counter = 0

    def open(self) -> Store:
        return Store(history_length=8)

    def write(self, place: str) -> None:
        self.counter += 1
        key = Key.of_place(RESOURCE, place)
        metadata = {"name": key.name, **({"namespace": key.namespace} if key.namespace else {})}
        self.store.put(key, {"metadata": metadata, "value": self.counter})
        self.model[place] = self.counter

    @rule()
    def watch(self) -> None:
        self.watchers.append(Watcher(self.store))

    @rule(place=PLACES)
    def put(self, place: str) -> None:
        self.write(place)

    @rule(place=PLACES)
    def delete(self, place: str) -> None:
        if place in self.model:
            self.store.delete(Key.of_place(RESOURCE, place))
            del self.model[place]

    @rule(places=st.lists(PLACES, min_size=1, max_size=4), fail=st.booleans())
    def transaction(self, places: list[str], fail: bool) -> None:
        before = dict(self.model)
        try:
            with self.store.transaction():
                for place in places:
                    self.write(place)
                if fail:
                    raise ZeroDivisionError
        except ZeroDivisionError:
            self.model = before

    @rule(target=snapshots)
    def snapshot(self) -> tuple[Snapshot, dict[str, int]]:
        return self.store.snapshot(), dict(self.model)

    @rule(snapshot=snapshots)
    def restore(self, snapshot: tuple[Snapshot, dict[str, int]]) -> None:
        self.store.restore(snapshot[0])
        self.model = dict(snapshot[1])

    @rule(pick=st.randoms(use_true_random=False))
    def some_catch_up(self, pick: object) -> None:
        for watcher in self.watchers[::2]:
            watcher.catch_up(self.store)

    @rule(limit=st.integers(1, 3))
    def page_through(self, limit: int) -> None:
        seen: list[str] = []
        after = ""
        while True:
            page = self.store.page(RESOURCE, after=after, limit=limit)
            seen += [place_of(obj) for obj in page.objects]
            if not page.remaining:
                break
            after = page.last
        assert seen == sorted(self.model)

    @rule()
    def look_back(self) -> None:
        for revision, state in self.past.items():
            try:
                page = self.store.page(RESOURCE, revision=revision)
            except Expired:
                continue
            assert {place_of(obj): obj["value"] for obj in page.objects} == state

    @invariant()
    def the_list_is_the_model(self) -> None:
        listed = self.store.list(RESOURCE)
        assert [place_of(obj) for obj in listed] == sorted(self.model)
        assert {place_of(obj): obj["value"] for obj in listed} == self.model
        self.past[self.store.revision] = dict(self.model)

    def teardown(self) -> None:
        for watcher in self.watchers:
            watcher.catch_up(self.store)
            assert {place: obj["value"] for place, obj in watcher.state.items()} == self.model
        self.store.close()


class ListAndWatchOnDisk(ListAndWatch):
    """The same over SQLite, which may also be closed and opened again at any moment."""

    def open(self) -> Store:
        self.directory = tempfile.TemporaryDirectory()
        return SQLiteStore(Path(self.directory.name) / "state.db", history_length=8)

    @rule()
    def restart(self) -> None:
        self.store.close()
        self.store = SQLiteStore(Path(self.directory.name) / "state.db", history_length=8)

    def teardown(self) -> None:
        super().teardown()
        self.directory.cleanup()


TestMemory = ListAndWatch.TestCase
TestMemory.settings = settings(max_examples=60, stateful_step_count=40)
TestSQLite = ListAndWatchOnDisk.TestCase
TestSQLite.settings = settings(max_examples=25, stateful_step_count=30)
