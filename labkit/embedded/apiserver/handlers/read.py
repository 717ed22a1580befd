"""Get, list and watch.

Source: k8s.io/apiserver ``pkg/endpoints/handlers/get.go`` and ``pkg/storage``.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from labkit.embedded.apiserver.handlers.fieldselectors import FieldSelector, exact_name, field_selector
from labkit.embedded.apiserver.handlers.negotiation import JSON, PROTOBUF, Form, check_stream
from labkit.embedded.apiserver.handlers.options import (
    EVERYTHING,
    EXACT,
    ListOptions,
    check_list_options,
    decode_continue,
    encode_continue,
    list_options,
    parse_revision,
    reached_revision,
    too_large_revision,
    watch_defaults,
)
from labkit.embedded.apiserver.handlers.responses import Responder, table_options
from labkit.embedded.apiserver.handlers.scale import scale_of
from labkit.embedded.apiserver.handlers.selectors import LabelSelector, parse_labels
from labkit.embedded.apiserver.handlers.watch import Watch, WatchForm
from labkit.embedded.apiserver.storage import Expired, Key, Page, Store
from labkit.embedded.machinery.golang.quote import go_quote
from labkit.embedded.machinery.kinds import Kind
from labkit.embedded.machinery.request import Object, Request, Response
from labkit.embedded.machinery.status import ApiError, bad_request, not_found

WATCH_SECONDS = 1800
"""A watch that names no end is ended after this time, or up to twice as long."""

Matches = Callable[[Object], bool]


class Reader:
    """Answers the verbs that change nothing.

    Args:
        store: Where objects are.
        responder: Makes answers of them.
        clock: Seconds, never set back, for bookmarks.
        random: Spreads the ends of watches.
    """

    def __init__(self, store: Store, responder: Responder, clock: Callable[[], float], random: Random) -> None:
        self._store = store
        self._responder = responder
        self._clock = clock
        self._random = random
        self._bookmarked: list[Watch] = []

    def advance(self) -> None:
        """Wake the idle watches whose next bookmark is due by the clock."""
        self._bookmarked = [watch for watch in self._bookmarked if not watch.closed]
        for watch in self._bookmarked:
            watch.remind()

    def get(self, request: Request, kind: Kind, form: Form) -> Response:
        """GET of one object.

        Raises:
            ApiError: 404; 400 or 504 for a bad resource version.
        """
        info = request.info
        if "resourceVersion" in request.query:
            reached_revision(request.param("resourceVersion"), self._store.revision)
        obj = self._store.get(Key(kind.resource, info.namespace if kind.namespaced else "", info.name))
        if obj is None:
            raise not_found(kind.plural, kind.group, info.name)
        shown: Object = scale_of(obj) if info.subresource == "scale" else obj
        return self._responder.object(request, form, 200, kind, shown)

    def list(self, request: Request, kind: Kind, form: Form) -> Response:
        """GET of a collection.

        Raises:
            ApiError: 400, 410, 422 or 504.
        """
        options = list_options(request)
        namespace = request.info.namespace if kind.namespaced else ""
        if options is EVERYTHING:
            metadata: Object = {"resourceVersion": str(self._store.revision)}
            objects = self._store.list(kind.resource, namespace)
            return self._responder.list(request, form, kind, metadata, objects)
        check_list_options(options, watch=False)
        matches, selected = selection(kind, options)
        metadata, page = self._page(kind, namespace, options, matches)
        if page.remaining and not selected:
            metadata["remainingItemCount"] = page.remaining
        return self._responder.list(request, form, kind, metadata, page.objects)

    def watch(self, request: Request, kind: Kind, form: Form) -> Response:
        """GET of a collection's changes.

        Raises:
            ApiError: 400, 406, 422 or 504.
        """
        options = watch_defaults(list_options(request))
        check_list_options(options, watch=True)
        check_stream(form)
        matches, _ = selection(kind, options)
        info = request.info
        if info.name:
            selected = exact_name(options.field_selector)
            if options.field_selector and selected != info.name:
                raise bad_request("fieldSelector metadata.name doesn't match requested name")
            matches = _named(info.name, matches)
        since = self._watch_from(options)
        if (options.timeout_seconds or 0) < 0 and options.resource_version == "0":
            since = self._store.revision  # its time is over before there is anything to tell
        seconds = options.timeout_seconds or self._random.uniform(WATCH_SECONDS, 2 * WATCH_SECONDS)
        table = table_options(request, form) if form.as_kind == "Table" else None
        stream = Watch(
            self._store,
            WatchForm(self._responder, kind, form, table),
            namespace=info.namespace if kind.namespaced else "",
            matches=matches,
            since=since,
            bookmarks=options.bookmarks,
            initial_end=bool(options.send_initial_events),
            timeout_seconds=float(seconds),
            clock=self._clock,
        )
        if options.bookmarks:
            self._bookmarked.append(stream)
        content_type = f"{PROTOBUF};stream=watch" if form.media_type == PROTOBUF else JSON
        return Response(200, {"Content-Type": content_type}, stream=stream)

    def _page(self, kind: Kind, namespace: str, options: ListOptions, matches: Matches | None) -> tuple[Object, Page]:
        revision, after, exact = self._store.revision, "", False
        if options.continue_token:
            if options.resource_version not in ("", "0"):
                raise bad_request("specifying resource version is not allowed when using continue")
            at, after = decode_continue(options.continue_token)
            if at > revision:
                raise too_large_revision(at, revision)
            if at > 0:
                revision, exact = at, True
        elif options.resource_version:
            wanted = reached_revision(options.resource_version, revision)
            if options.resource_version_match == EXACT or (
                options.limit > 0 and wanted > 0 and not options.resource_version_match
            ):
                revision, exact = wanted, True
        limit = max(options.limit, 0)
        if options.resource_version == "0" and not options.continue_token:
            limit = 0  # served from the cache, which does not page
        try:
            page = self._store.page(
                kind.resource,
                namespace,
                after=after,
                limit=limit,
                revision=revision if exact else None,
                matches=matches,
            )
        except Expired as error:
            raise self._expired(options, after) from error
        metadata: dict[str, Any] = {"resourceVersion": str(revision)}
        if page.remaining:
            metadata["continue"] = encode_continue(revision, page.last)
        return metadata, page

    def _expired(self, options: ListOptions, after: str) -> ApiError:
        if not options.continue_token:
            return expired("The resourceVersion for the provided list is too old.")
        error = expired(
            "The provided continue parameter is too old to display a consistent list result. You can start a "
            "new list without the continue parameter, or use the continue token in this response to retrieve "
            "the remainder of the results. Continuing with the provided token results in an inconsistent list "
            "- objects that were created, modified, or deleted between the time the first chunk was returned "
            "and now may show up in the list."
        )
        error.list_metadata = {"continue": encode_continue(-1, after)}
        return error

    def _watch_from(self, options: ListOptions) -> int | None:
        """The revision to watch from; None to begin with all there is."""
        text = options.resource_version
        try:
            wanted = parse_revision(text)
        except ValueError as error:  # not one of the errors that have a code of their own
            what = f"resourceVersion: Invalid value: {go_quote(text)}: {error}"
            raise ApiError(500, "", what) from error
        if options.send_initial_events:
            if wanted > self._store.revision:
                raise too_large_revision(wanted, self._store.revision)
            return None
        if wanted:
            return wanted
        return self._store.revision if options.send_initial_events is False else None


def expired(message: str) -> ApiError:
    """410: that past is no longer kept."""
    return ApiError(410, "Expired", message)


def selection(kind: Kind, options: ListOptions) -> tuple[Matches | None, bool]:
    """What the selectors choose, and whether they choose at all.

    Raises:
        ApiError: 400.
    """
    by_label: LabelSelector | None = parse_labels(options.label_selector) if options.label_selector else None
    by_field: FieldSelector | None = field_selector(kind, options.field_selector) if options.field_selector else None
    labels = by_label.matches if by_label else None
    fields = by_field.matches if by_field else None
    if labels is None and fields is None:
        return None, False

    def matches(obj: Object) -> bool:
        if fields is not None and not fields(obj):
            return False
        return labels is None or labels(obj["metadata"].get("labels") or {})

    return matches, True


def _named(name: str, matches: Matches | None) -> Matches:
    return lambda obj: obj["metadata"]["name"] == name and (matches is None or matches(obj))
