"""The stream of a watch: a cursor over the store's event log, polled by the server.

Source: k8s.io/apiserver ``pkg/storage/cacher``; KEP-956 (bookmarks), KEP-3157 (initial
events).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from labkit.embedded.apiserver.handlers.decode.list_options import too_large_revision
from labkit.embedded.apiserver.handlers.represent.events import EventEncoder
from labkit.embedded.apiserver.registry.custom.kinds import DEFINITIONS
from labkit.embedded.apiserver.storage import Event, Expired, Key, Store, Stored
from labkit.embedded.apiserver.storage.memory import with_revision
from labkit.embedded.machinery.kinds import CustomKind
from labkit.embedded.machinery.request import Object
from labkit.embedded.machinery.sharing import LARGE_BYTES, Encoding, share
from labkit.embedded.machinery.status import ApiError

BOOKMARK_SECONDS = 60.0
"""The interval of bookmarks."""

LAST_BOOKMARK_SECONDS = 2.0
"""How long before its end a watch sends a last bookmark."""

TOO_LATE = (500, "InternalError", "context deadline exceeded")
INITIAL_END = {"k8s.io/initial-events-end": "true"}


class WatchStream:
    """An ``EventStream`` of a collection's changes.

    Args:
        namespace: Only this namespace; empty for all.
        matches: Only such objects; one that ceases to match is reported as deleted.
        since: Start after this revision; None to start with all stored objects.
        initial_end: Mark by a bookmark where the initial objects end.
        reach: Fail unless the store has reached this revision.
        timeout_seconds: When the server ends it; negative if it had ended before it began.
        clock: Seconds, never set back, for bookmarks.
    """

    def __init__(
        self,
        store: Store,
        encoder: EventEncoder,
        *,
        namespace: str,
        matches: Callable[[Object], bool] | None,
        since: int | None,
        bookmarks: bool,
        initial_end: bool,
        reach: int,
        timeout_seconds: float,
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._encoder = encoder
        self._resource = encoder.kind.resource
        self._namespace = namespace
        self._matches = matches
        self._since = store.revision if since is None else since
        self._initial = since is None
        self._bookmarks = bookmarks
        self._initial_end = initial_end and bookmarks
        self._timeout_seconds = max(timeout_seconds, 0.0)
        self._clock = clock
        self._headers = encoder.table is not None
        self._closed = False
        self._subscriptions: list[Callable[[], None]] = []
        self._wake: Callable[[], None] | None = None
        now = clock()
        self._end = now + timeout_seconds
        self._next_bookmark = self._bookmark_after(now)
        self._initial_objects: Iterator[Stored] = iter(())
        self._held: list[Encoding] = []
        """What was read last, until the next reading."""
        self._failure = (
            too_large_revision(reach, store.revision) if reach > store.revision else None
        )
        if self._initial and self._failure is None and timeout_seconds >= 0:
            page = store.page(self._resource, namespace, matches=matches)
            self._initial_objects = iter(page.objects)
        elif self._initial and self._failure is None:
            self._failure = ApiError(*TOO_LATE)

    @property
    def closed(self) -> bool:
        """Whether the stream has ended."""
        return self._closed

    @property
    def timeout_seconds(self) -> float:
        """After how long the server ends the stream."""
        return self._timeout_seconds

    def on_ready(self, wake: Callable[[], None]) -> None:
        """Call ``wake`` after each change of the resource or of its definition, and when a bookmark is due."""
        self._wake = wake
        resources = (
            self._resource,
            *((DEFINITIONS.resource,) if isinstance(self._encoder.kind, CustomKind) else ()),
        )
        self._subscriptions = [self._store.subscribe(resource, wake) for resource in resources]

    def remind(self) -> None:
        """Wake the reader if a bookmark is due; no change wakes an idle watch."""
        if self._wake is not None and self._clock() >= self._next_bookmark:
            self._wake()

    def close(self) -> None:
        """End the watch."""
        self._closed = True
        self._wake = None
        while self._subscriptions:
            self._subscriptions.pop()()

    def read(self) -> list[bytes]:
        """The next events since the last call, one a piece: one that is large, or several."""
        self._held.clear()
        if self._closed:
            return []
        if self._failure is not None:
            self._closed = True
            return [self._encoder.raw("ERROR", self._failure.to_status())]
        pieces: list[bytes] = []
        size = 0
        for piece in self._next():
            pieces.append(piece)
            size += len(piece)
            if size > LARGE_BYTES:
                break
        return pieces

    def _next(self) -> Iterator[bytes]:
        """The events that are ready."""
        for obj in self._initial_objects:
            yield self._shared("ADDED", obj)
        if self._initial_end:
            self._initial_end = False
            yield self._encoder.bookmark(self._since, INITIAL_END)
        try:
            events = self._store.events(self._since, self._resource)
        except Expired:
            # Inside the stream, since 200 has been sent long ago: the client lists again and starts a new watch.
            self._closed = True
            yield self._expired()
            return
        for event in events:
            self._since = event.revision
            if not self._namespace or event.key.namespace == self._namespace:
                try:
                    piece = self._piece(event)
                except (
                    ApiError
                ):  # the object was stored in a version that its definition no longer has
                    self._closed = True
                    yield self._expired()
                    return
                if piece is not None:
                    yield piece
        if self._is_outdated():
            self._closed = True
            return
        if self._bookmarks and self._clock() >= self._next_bookmark:
            self._next_bookmark = self._bookmark_after(self._clock())
            # Other resources' changes count: the point of a bookmark is that a quiet watch does not grow too old.
            self._since = max(self._since, self._store.revision)
            yield self._encoder.bookmark(self._since)

    def _is_outdated(self) -> bool:
        """Whether the definition of a custom kind has changed since the watch began; the real server ends it then."""
        kind = self._encoder.kind
        if not isinstance(kind, CustomKind):
            return False
        current = self._store.get(
            Key(DEFINITIONS.resource, "", kind.definition["metadata"]["name"])
        )
        return current is not kind.definition and (
            current is None or current["spec"] != kind.definition["spec"]
        )

    def _piece(self, event: Event) -> bytes | None:
        type_, obj = event.type, event.object
        if self._matches is not None:
            before = event.previous is not None and self._matches(event.previous)
            after = type_ != "DELETED" and self._matches(obj)
            if not before and not after:
                return None
            type_ = "MODIFIED" if before and after else "ADDED" if after else "DELETED"
            # What no longer matches is sent as it last matched: its new content may be none of this client's concern.
            if type_ == "DELETED" and event.type != "DELETED" and event.previous is not None:
                return self._written(type_, with_revision(event.previous, event.revision))
        if self._headers:
            return self._written(type_, obj)
        # A hundred watchers of one resource share an encoding, except of tables: the first row has headers.
        key = self._encoder.key(type_)
        known = event.encodings.get(key)
        if known is None:
            known = self._shared(type_, obj)
            if len(known) <= LARGE_BYTES:
                event.encodings[key] = known
        return known

    def _shared(self, type_: str, obj: Object) -> bytes:
        """Encode an event, or share what another watcher sends now."""
        if self._headers:
            return self._written(type_, obj)
        shared = share(obj, self._encoder.key(type_), lambda: self._written(type_, obj))
        self._held.append(shared)
        return shared.data

    def _written(self, type_: str, obj: Object) -> bytes:
        headers, self._headers = self._headers, False
        return self._encoder.event(type_, obj, headers)

    def _expired(self) -> bytes:
        return self._failed(
            410, "Expired", f"too old resource version: {self._since} ({self._store.revision})"
        )

    def _failed(self, code: int, reason: str, message: str) -> bytes:
        return self._encoder.raw("ERROR", ApiError(code, reason, message).to_status())

    def _bookmark_after(self, now: float) -> float:
        """The time of the next bookmark: after the interval, or shortly before the end."""
        last = self._end - LAST_BOOKMARK_SECONDS
        return min(now + BOOKMARK_SECONDS, last) if last > now else now + BOOKMARK_SECONDS
