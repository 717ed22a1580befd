"""Watch: from the options of a request to a stream of events.

Source: k8s.io/apiserver ``pkg/endpoints/handlers/get.go``.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from labkit.embedded.apiserver.handlers.decode import list_options
from labkit.embedded.apiserver.handlers.decode.field_selectors import exact_name
from labkit.embedded.apiserver.handlers.decode.object_meta import namespace_of
from labkit.embedded.apiserver.handlers.decode.selection import Matches, selection
from labkit.embedded.apiserver.handlers.represent.events import EventEncoder
from labkit.embedded.apiserver.handlers.represent.negotiation import (
    JSON,
    PROTOBUF,
    Form,
    check_stream,
)
from labkit.embedded.apiserver.handlers.represent.transform import Transformer, table_options
from labkit.embedded.apiserver.handlers.verbs.watch_stream import WatchStream
from labkit.embedded.apiserver.storage import Store
from labkit.embedded.machinery.kinds import Kind
from labkit.embedded.machinery.request import Request, Response
from labkit.embedded.machinery.status import bad_request

WATCH_SECONDS = 1800
"""A watch without a timeout ends after this time, or up to twice as long."""


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
        options = list_options.watch_defaults(list_options.read_options(request))
        list_options.check_list_options(options, watch=True)
        check_stream(form)
        matches = selection(kind, options)
        name = request.info.name
        if name:
            if options.field_selector and exact_name(options.field_selector) != name:
                raise bad_request("fieldSelector metadata.name doesn't match requested name")
            matches = _named(name, matches)
        since = self._start(options)
        if (options.timeout_seconds or 0) < 0 and options.resource_version == "0":
            since = self._store.revision  # it has ended before there is anything to send
        seconds = options.timeout_seconds or self._random.uniform(WATCH_SECONDS, 2 * WATCH_SECONDS)
        stream = WatchStream(
            self._store,
            EventEncoder(
                self._transformer,
                kind,
                form,
                table_options(form) if form.as_kind == "Table" else None,
            ),
            namespace=namespace_of(request, kind),
            matches=matches,
            since=since,
            bookmarks=options.bookmarks,
            initial_end=bool(options.send_initial_events),
            reach=int(options.resource_version or 0) if options.send_initial_events else 0,
            timeout_seconds=float(seconds),
            clock=self._clock,
        )
        if options.bookmarks:
            self._bookmarked.append(stream)
        content_type = f"{PROTOBUF};stream=watch" if form.media_type == PROTOBUF else JSON
        return Response(200, {"Content-Type": content_type}, stream=stream)

    def _start(self, options: list_options.ListOptions) -> int | None:
        """The revision to watch from; None to start with all stored objects."""
        wanted = list_options.stored_revision(options.resource_version)
        if options.send_initial_events:
            return None
        if wanted:
            return wanted
        return self._store.revision if options.send_initial_events is False else None


def _named(name: str, matches: Matches | None) -> Matches:
    return lambda obj: obj["metadata"]["name"] == name and (matches is None or matches(obj))
