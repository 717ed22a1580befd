"""Get and list.

Source: k8s.io/apiserver ``pkg/endpoints/handlers/get.go`` and ``pkg/storage``.
"""

from kube_embedded.machinery.kinds import Kind
from kube_embedded.machinery.releases import differs
from kube_embedded.machinery.request import Object, Request
from kube_embedded.machinery.status import ApiError, bad_request, not_found

from ...storage import Expired, Key, Page, Store
from ..decode import list_options
from ..decode.object_meta import name_in_path, namespace_of
from ..represent.responses import Many, One


class Reader:
    """Reads stored objects."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def get(self, request: Request, kind: Kind) -> One:
        """Get one object; 404, or 400, 500 or 504 for a bad resource version."""
        key = Key(kind.resource, namespace_of(request, kind), name_in_path(request))
        # Most requests have none.
        if "resourceVersion" in request.query:
            self._check_revision(kind, request.param("resourceVersion"))
        obj = self.store.get(key)
        if obj is None:
            raise not_found(kind.plural, kind.group, key.name)
        return One(kind, obj)

    def _check_revision(self, kind: Kind, text: str) -> None:
        """Require a resource version that was reached; of events, which no cache serves, it is checked elsewhere."""
        # Events are too many for the watch cache, so the real server reads them from etcd.
        if kind.plural != "events" and not differs("bad revision"):
            list_options.stored_revision(text)
        list_options.reached_revision(text, self.store.revision)

    def list(self, request: Request, kind: Kind) -> Many:
        """List a collection; 400, 410, 422 or 504."""
        options = list_options.read_options(request)
        namespace = namespace_of(request, kind)
        # The list of every controller and of kubectl: no selector, no page, no version.
        if options is list_options.EVERYTHING:
            metadata: Object = {"resourceVersion": str(self.store.revision)}
            return Many(kind, metadata, self.store.list(kind.resource, namespace))
        list_options.check_list_options(options, watch=False)
        matches = list_options.selection(kind, options)
        metadata, page = self._page(kind, namespace, options, matches)
        if page.remaining and matches is None:
            metadata["remainingItemCount"] = page.remaining
        return Many(kind, metadata, page.objects)

    def _page(
        self,
        kind: Kind,
        namespace: str,
        options: list_options.ListOptions,
        matches: list_options.Matches | None,
    ) -> tuple[Object, Page]:
        revision = self.store.revision
        after = ""
        exact = False
        if options.continue_token:
            # The token holds the revision already.
            if options.resource_version not in ("", "0"):
                raise bad_request("specifying resource version is not allowed when using continue")
            at, after = list_options.decode_continue(options.continue_token)
            if at > revision:
                raise list_options.too_large_revision(at, revision)
            if at > 0:
                revision = at
                exact = True
        elif options.resource_version:
            asked = list_options.reached_revision(options.resource_version, revision)
            if options.resource_version_match == list_options.EXACT or (
                options.limit > 0 and asked > 0 and not options.resource_version_match
            ):
                revision = asked
                exact = True
        limit = max(options.limit, 0)
        # The watch cache, which serves "0", does not page.
        if options.resource_version == "0" and not options.continue_token:
            limit = 0  # served from the cache, which does not page
        try:
            page = self.store.page(
                kind.resource,
                namespace,
                after=after,
                limit=limit,
                revision=revision if exact else None,
                matches=matches,
            )
        except Expired as error:
            raise _expired(options, after) from error
        metadata: Object = {"resourceVersion": str(revision)}
        if page.remaining:
            metadata["continue"] = list_options.encode_continue(revision, page.last)
        return metadata, page


def _expired(options: list_options.ListOptions, after: str) -> ApiError:
    """Return a 410: the revision of a list is no longer stored. A continue token can go on at the newest."""
    if not options.continue_token:
        return ApiError(410, "Expired", "The resourceVersion for the provided list is too old.")
    # A client that prefers progress to consistency can go on with the new token.
    error = ApiError(
        410,
        "Expired",
        "The provided continue parameter is too old to display a consistent list result. You can start a "
        "new list without the continue parameter, or use the continue token in this response to retrieve "
        "the remainder of the results. Continuing with the provided token results in an inconsistent list "
        "- objects that were created, modified, or deleted between the time the first chunk was returned "
        "and now may show up in the list.",
    )
    error.list_metadata = {"continue": list_options.encode_continue(-1, after)}
    return error
