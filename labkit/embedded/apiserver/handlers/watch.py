"""A watch: a cursor over the event log, polled by the server.

Source: k8s.io/apiserver ``pkg/storage/cacher``; KEP-956 (bookmarks), KEP-3157 (initial
events).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from labkit.embedded.apiserver.handlers.encode import in_order, object_bytes, protobuf_event
from labkit.embedded.apiserver.handlers.negotiation import PROTOBUF, Form
from labkit.embedded.apiserver.handlers.responses import Responder, partial
from labkit.embedded.apiserver.registry.conversion import from_stored
from labkit.embedded.apiserver.storage import Event, Expired, Store
from labkit.embedded.apiserver.storage.memory import with_revision
from labkit.embedded.machinery.kinds import Kind
from labkit.embedded.machinery.request import Object
from labkit.embedded.machinery.schema import schemas
from labkit.embedded.machinery.schema.decoding import Decoder
from labkit.embedded.machinery.status import ApiError

if TYPE_CHECKING:
    from labkit.embedded.apiserver.handlers.tables.model import Table

BOOKMARK_SECONDS = 60.0
"""How often a watcher that wants bookmarks gets one, at most."""

LAST_BOOKMARK_SECONDS = 2.0
"""How long before its end a watch sends its last bookmark."""

TOO_LATE = (500, "InternalError", "context deadline exceeded")
INITIAL_END = {"k8s.io/initial-events-end": "true"}


@dataclass(frozen=True, slots=True)
class WatchForm:
    """How events are written.

    Args:
        responder: Makes tables.
        kind: Of the objects.
        form: What the caller asked for.
        table: A Table's options, if that is what was asked for.
    """

    responder: Responder
    kind: Kind
    form: Form
    table: Table | None

    def key(self, type_: str) -> str:
        """Names an event's encoding."""
        version = self.kind.group_version if self.kind.stored_as is not None else ""
        return f"{type_};{self.form.key};{self.table and self.table.include};{version}"

    def event(self, type_: str, obj: Object, headers: bool = False) -> bytes:
        """One event, with its newline."""
        form = self.form
        if self.table is not None:
            wanted = replace(self.table, headers=headers)
            metadata = {"resourceVersion": obj["metadata"].get("resourceVersion", "")}
            obj = self.responder.table(self.kind, [in_order(obj)], metadata, wanted)
        elif form.as_kind:
            obj = partial(form.meta_version, obj)
        else:
            obj = from_stored(self.kind, obj)
        return self.raw(type_, obj)

    def raw(self, type_: str, obj: Object) -> bytes:
        """An event whose object is written as it is."""
        if self.form.media_type == PROTOBUF:
            return protobuf_event(type_, obj)
        return b'{"type":"%b","object":%b}\n' % (type_.encode(), object_bytes(obj))

    def bookmark(self, revision: int, annotations: dict[str, str] | None = None) -> bytes:
        """A BOOKMARK: the watcher has seen all up to a revision."""
        metadata: Object = {"resourceVersion": str(revision)}
        if annotations:
            metadata["annotations"] = annotations
        obj: Object = {
            "kind": self.kind.kind,
            "apiVersion": self.kind.group_version,
            **_empty(self.kind.group, self.kind.version, self.kind.kind),
        }
        obj["metadata"] = metadata
        if self.form.as_kind:
            return self.event("BOOKMARK", obj)
        return self.raw("BOOKMARK", obj)


@cache
def _empty(group: str, version: str, kind: str) -> Object:
    """An object of a kind of which nothing is said, in the fields that Go prints nevertheless."""
    struct = schemas().of_kind(group, version, kind)
    assert struct is not None, kind
    return Decoder().decode(struct, {})


class Watch:
    """An ``EventStream`` of a collection's changes.

    Args:
        store: Whose events.
        form: How they are written.
        namespace: Only this namespace; empty for all.
        matches: Only objects for which this is true; an object that ceases to match is
            told as deleted.
        since: Begin behind this revision; None to begin with all objects there are.
        bookmarks: Send bookmarks.
        initial_end: Tell by a bookmark where the initial objects end.
        timeout_seconds: When the server ends it; less than nothing if it had ended before it began.
        clock: Seconds, never set back, for bookmarks.
    """

    def __init__(
        self,
        store: Store,
        form: WatchForm,
        *,
        namespace: str,
        matches: Callable[[Object], bool] | None,
        since: int | None,
        bookmarks: bool,
        initial_end: bool,
        timeout_seconds: float,
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._form = form
        self._resource = form.kind.resource
        self._namespace = namespace
        self._matches = matches
        self._since = store.revision if since is None else since
        self._initial = since is None
        self._bookmarks = bookmarks
        self._initial_end = initial_end and bookmarks
        self._timeout_seconds = max(timeout_seconds, 0.0)
        self._clock = clock
        self._headers = form.table is not None
        self._closed = False
        self._unsubscribe: Callable[[], None] | None = None
        self._wake: Callable[[], None] | None = None
        now = clock()
        self._end = now + timeout_seconds
        self._next_bookmark = self._bookmark_after(now)
        self._backlog: list[bytes] = []
        if self._initial:
            self._backlog = self._begin() if timeout_seconds >= 0 else [self._failed(*TOO_LATE)]

    @property
    def closed(self) -> bool:
        """True once nothing more will come."""
        return self._closed

    @property
    def timeout_seconds(self) -> float:
        """After how long the server ends the stream by itself."""
        return self._timeout_seconds

    def on_ready(self, wake: Callable[[], None]) -> None:
        """Call ``wake`` after each change of the resource, and when a bookmark is due."""
        self._wake = wake
        self._unsubscribe = self._store.subscribe(self._resource, wake)

    def remind(self) -> None:
        """Wake the reader if a bookmark is due: an idle watch has nothing else to wake it."""
        if self._wake is not None and self._clock() >= self._next_bookmark:
            self._wake()

    def close(self) -> None:
        """Forget the watch."""
        self._closed = True
        self._wake = None
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None

    def read(self) -> list[bytes]:
        """The events since the last call, one a piece."""
        if self._closed:
            return []
        pieces, self._backlog = self._backlog, []
        try:
            events = self._store.events(self._since, self._resource)
        except Expired:
            self._closed = True
            return [*pieces, self._expired()]
        for event in events:
            if not self._namespace or event.key.namespace == self._namespace:
                piece = self._piece(event)
                if piece is not None:
                    pieces.append(piece)
        if events:
            self._since = events[-1].revision
        if self._bookmarks and self._clock() >= self._next_bookmark:
            self._next_bookmark = self._bookmark_after(self._clock())
            self._since = max(self._since, self._store.revision)
            pieces.append(self._form.bookmark(self._since))
        return pieces

    def _begin(self) -> list[bytes]:
        objects = self._store.page(self._resource, self._namespace, matches=self._matches).objects
        pieces = [self._written("ADDED", obj) for obj in objects]
        if self._initial_end:
            pieces.append(self._form.bookmark(self._since, INITIAL_END))
        return pieces

    def _piece(self, event: Event) -> bytes | None:
        type_, obj = event.type, event.object
        if self._matches is not None:
            before = event.previous is not None and self._matches(event.previous)
            after = type_ != "DELETED" and self._matches(obj)
            if not before and not after:
                return None
            type_ = "MODIFIED" if before and after else "ADDED" if after else "DELETED"
            if type_ == "DELETED" and event.type != "DELETED" and event.previous is not None:
                return self._written(type_, with_revision(event.previous, event.revision))
        if self._headers:
            return self._written(type_, obj)
        key = self._form.key(type_)
        known = event.encodings.get(key)
        if known is None:
            known = event.encodings[key] = self._form.event(type_, obj)
        return known

    def _written(self, type_: str, obj: Object) -> bytes:
        headers, self._headers = self._headers, False
        return self._form.event(type_, obj, headers)

    def _expired(self) -> bytes:
        return self._failed(410, "Expired", f"too old resource version: {self._since} ({self._store.revision})")

    def _failed(self, code: int, reason: str, message: str) -> bytes:
        return self._form.raw("ERROR", ApiError(code, reason, message).to_status())

    def _bookmark_after(self, now: float) -> float:
        """The next in a minute, or a little before the end, whichever comes first."""
        last = self._end - LAST_BOOKMARK_SECONDS
        return min(now + BOOKMARK_SECONDS, last) if last > now else now + BOOKMARK_SECONDS
