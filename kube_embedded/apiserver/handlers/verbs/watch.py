"""Watch: from the options of a request to a stream of events, a cursor over the store's event log.

Source: k8s.io/apiserver ``pkg/endpoints/handlers/get.go``, ``pkg/storage/cacher``; KEP-956 (bookmarks), KEP-3157
(initial events).
"""

from collections.abc import Callable, Iterator
from random import Random

from kube_embedded.machinery.kinds import CustomKind, Kind
from kube_embedded.machinery.request import Object, Request, Response
from kube_embedded.machinery.sharing import LARGE_BYTES, Encoding, share
from kube_embedded.machinery.status import ApiError, bad_request

from ...registry.custom.kinds import DEFINITIONS
from ...storage import Event, Expired, Key, Store, Stored
from ...storage.memory import with_revision
from ..decode.field_selectors import exact_name
from ..decode.list_options import (
    ListOptions,
    Matches,
    check_list_options,
    read_options,
    selection,
    stored_revision,
    too_large_revision,
    watch_defaults,
)
from ..decode.object_meta import namespace_of
from ..represent.events import EventEncoder
from ..represent.negotiation import JSON, PROTOBUF, Form, check_stream
from ..represent.transform import Transformer, table_options

WATCH_SECONDS = 1800
"""A watch without a timeout ends after this time, or up to twice as long."""
BOOKMARK_SECONDS = 60.0
"""The interval of bookmarks."""
LAST_BOOKMARK_SECONDS = 2.0
"""How long before its end a watch sends a last bookmark."""
TOO_LATE = (500, "InternalError", "context deadline exceeded")
INITIAL_END = {"k8s.io/initial-events-end": "true"}


class Watcher:
    """Starts watches, and wakes them for bookmarks.

    Its clock, in seconds, is never set back. ``random`` spreads the ends of watches.
    """

    def __init__(
        self, store: Store, transformer: Transformer, clock: Callable[[], float], random: Random
    ) -> None:
        self._store = store
        self._transformer = transformer
        self._clock = clock
        self._random = random
        self._bookmarked: list[WatchStream] = []

    def advance(self) -> None:
        """Wake the idle watches whose next bookmark is due by the clock."""
        self._bookmarked = [stream for stream in self._bookmarked if not stream.closed]
        for stream in self._bookmarked:
            stream.remind()

    def watch(self, request: Request, kind: Kind, form: Form) -> Response:
        """Start a watch of a collection, or of one object; 400, 406 or 422."""
        options = watch_defaults(read_options(request))
        check_list_options(options, watch=True)
        check_stream(form)
        matches = selection(kind, options)
        name = request.info.name
        if name:
            if options.field_selector and exact_name(options.field_selector) != name:
                raise bad_request("fieldSelector metadata.name doesn't match requested name")
            matches = _named(name, matches)
        # Watches that began together must not end together: their clients would all come back at once.
        seconds = options.timeout_seconds or self._random.uniform(WATCH_SECONDS, 2 * WATCH_SECONDS)
        table = table_options(form) if form.as_kind == "Table" else None
        stream = WatchStream(
            self._store,
            EventEncoder(self._transformer, kind, form, table),
            options,
            namespace=namespace_of(request, kind),
            matches=matches,
            timeout_seconds=float(seconds),
            clock=self._clock,
        )
        if options.bookmarks:
            self._bookmarked.append(stream)
        content_type = f"{PROTOBUF};stream=watch" if form.media_type == PROTOBUF else JSON
        return Response(200, {"Content-Type": content_type}, stream=stream)


def _named(name: str, matches: Matches | None) -> Matches:
    return lambda obj: obj["metadata"]["name"] == name and (matches is None or matches(obj))


class WatchStream:
    """An ``EventStream`` of a collection's changes.

    Args:
        options: Where to start, and whether to send initial events and bookmarks.
        namespace: Only this namespace; empty for all.
        matches: A filter of objects; an object that ceases to match is reported as deleted.
        timeout_seconds: When the server ends it; negative if it had ended before it began.
        clock: Seconds, never set back, for bookmarks.
    """

    def __init__(
        self,
        store: Store,
        encoder: EventEncoder,
        options: ListOptions,
        *,
        namespace: str,
        matches: Matches | None,
        timeout_seconds: float,
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._encoder = encoder
        self._resource = encoder.kind.resource
        self._namespace = namespace
        self._matches = matches
        self._bookmarks = options.bookmarks
        self._initial_end = bool(options.send_initial_events) and options.bookmarks
        self.timeout_seconds = max(timeout_seconds, 0.0)
        """After how long the server ends the stream."""
        self._clock = clock
        self._headers = encoder.table is not None
        self.closed = False
        """True if the stream has ended."""
        self._subscriptions: list[Callable[[], None]] = []
        self._wake: Callable[[], None] | None = None
        now = clock()
        self._end = now + timeout_seconds
        self._next_bookmark = self._bookmark_after(now)
        self._initial_objects: Iterator[Stored] = iter(())
        self._held: list[Encoding] = []
        """The encodings that were read last, until the next reading."""
        self._failure: ApiError | None = None
        self._since = store.revision
        asked = stored_revision(options.resource_version)
        if options.send_initial_events:
            if asked > store.revision:
                self._failure = too_large_revision(asked, store.revision)
                return
        elif asked:
            self._since = asked
            return
        elif options.send_initial_events is False:
            return
        if timeout_seconds >= 0:
            page = store.page(self._resource, namespace, matches=matches)
            self._initial_objects = iter(page.objects)
        elif options.resource_version != "0":
            # From the cache ("0") such a watch ends without an error, since it has nothing to wait for.
            self._failure = ApiError(*TOO_LATE)

    def on_ready(self, wake: Callable[[], None]) -> None:
        """Call ``wake`` after each change of the resource or of its definition, and when a bookmark is due."""
        self._wake = wake
        resources = [self._resource]
        if isinstance(self._encoder.kind, CustomKind):
            resources.append(DEFINITIONS.resource)
        self._subscriptions = [self._store.subscribe(resource, wake) for resource in resources]

    def remind(self) -> None:
        """Wake the reader if a bookmark is due; no change wakes an idle watch."""
        if self._wake is not None and self._clock() >= self._next_bookmark:
            self._wake()

    def close(self) -> None:
        """End the watch."""
        self.closed = True
        self._wake = None
        while self._subscriptions:
            self._subscriptions.pop()()

    def read(self) -> list[bytes]:
        """The next events since the last call, one a piece: one that is large, or several."""
        self._held.clear()
        if self.closed:
            return []
        if self._failure is not None:
            return [self._ended(self._failure)]
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
        # A failure is an event, since 200 has been sent long ago: the client lists again and starts a new watch.
        try:
            events = self._store.events(self._since, self._resource)
        except Expired:
            yield self._expired()
            return
        for event in events:
            self._since = event.revision
            if self._namespace and event.key.namespace != self._namespace:
                continue
            try:
                piece = self._piece(event)
            except ApiError:
                # The object was stored in a version that its definition no longer has.
                yield self._expired()
                return
            if piece is not None:
                yield piece
        if self._is_outdated():
            self.closed = True
            return
        if self._bookmarks and self._clock() >= self._next_bookmark:
            self._next_bookmark = self._bookmark_after(self._clock())
            # Other resources' changes count: the point of a bookmark is that a quiet watch does not grow too old.
            self._since = max(self._since, self._store.revision)
            yield self._encoder.bookmark(self._since)

    def _is_outdated(self) -> bool:
        """Return whether the spec of a custom kind's definition has changed; the real server ends a watch then."""
        kind = self._encoder.kind
        if not isinstance(kind, CustomKind):
            return False
        begun = kind.definition
        key = Key(DEFINITIONS.resource, "", begun["metadata"]["name"])
        current = self._store.get(key)
        return current is not begun and (current is None or current["spec"] != begun["spec"])

    def _piece(self, event: Event) -> bytes | None:
        type_ = event.type
        obj = event.object
        if self._matches is not None:
            before = event.previous is not None and self._matches(event.previous)
            after = type_ != "DELETED" and self._matches(obj)
            if before and not after and type_ != "DELETED":
                # Sent as it last matched: the new content is outside the client's selector.
                assert event.previous is not None
                return self._written("DELETED", with_revision(event.previous, event.revision))
            if before:
                type_ = "MODIFIED" if after else "DELETED"
            elif after:
                type_ = "ADDED"
            else:
                return None
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
        headers = self._headers
        self._headers = False
        return self._encoder.event(type_, obj, headers)

    def _expired(self) -> bytes:
        text = f"too old resource version: {self._since} ({self._store.revision})"
        return self._ended(ApiError(410, "Expired", text))

    def _ended(self, error: ApiError) -> bytes:
        self.closed = True
        return self._encoder.raw("ERROR", error.to_status())

    def _bookmark_after(self, now: float) -> float:
        """The time of the next bookmark: after the interval, or shortly before the end."""
        last = self._end - LAST_BOOKMARK_SECONDS
        return min(now + BOOKMARK_SECONDS, last) if last > now else now + BOOKMARK_SECONDS
