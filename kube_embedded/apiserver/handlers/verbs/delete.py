"""Delete and deletecollection.

Source: k8s.io/apiserver ``pkg/endpoints/handlers/delete.go``.
"""

import copy

from kube_embedded.machinery.kinds import Kind
from kube_embedded.machinery.request import Object, Request
from kube_embedded.machinery.status import ApiError
from kube_embedded.machinery.work import charge

from ...registry.registry import Registry
from ...registry.strategy import DeleteOptions
from ..admission import Admission
from ..decode import list_options
from ..decode.field_selectors import exact_name
from ..decode.object_meta import name_in_path, namespace_of
from ..decode.write_options import delete_options
from ..represent.responses import Many, One

ORPHANED_PODS = (
    "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or "
    "set propagationPolicy=Orphan to suppress this warning"
)


class Deleter:
    """Deletes objects of any kind on a caller's behalf."""

    def __init__(self, registry: Registry, admission: Admission) -> None:
        self._registry = registry
        self._admission = admission

    def delete(self, request: Request, kind: Kind) -> One:
        """Delete one object; 400, 403, 404, 409, 415 or 422.

        Returns:
            The object if it has still to end, else a Status.
        """
        name = name_in_path(request)
        options = delete_options(request)
        _warn_of_orphans(request, kind, options)
        check = self._admission.check(request, kind, "DELETE", options.dry_run)
        return One(
            kind, self._registry.delete(kind, namespace_of(request, kind), name, options, check)
        )

    def delete_collection(self, request: Request, kind: Kind) -> Many:
        """Delete the objects that the selectors choose; 400, 403, 409, 415, 422 or 504.

        Returns:
            The objects as they were.
        """
        chosen = list_options.read_options(request)
        list_options.check_list_options(chosen, watch=False)
        # A collection is deleted in pages like those of a list, so a deletion accepts a continue token, too.
        after = self._start(chosen)
        matches = list_options.selection(kind, chosen)
        options = delete_options(request)
        _warn_of_orphans(request, kind, options)
        store = self._registry.store
        limit = max(chosen.limit, 0)
        page = store.page(
            kind.resource, namespace_of(request, kind), after=after, limit=limit, matches=matches
        )
        metadata: Object = {"resourceVersion": str(store.revision)}
        if page.remaining:
            metadata["continue"] = list_options.encode_continue(store.revision, page.last)
            if matches is None:
                metadata["remainingItemCount"] = page.remaining
        check = self._admission.check(request, kind, "DELETE", options.dry_run)
        graceful = self._registry.strategy(kind).graceful
        with self._registry.transaction():
            for obj in page.objects:
                # A graceful deletion wakes the controllers and the kubelet; one that is not is a single write.
                charge(1000 if graceful else 100)
                namespace = obj["metadata"].get("namespace", "")
                try:
                    self._registry.delete(
                        kind, namespace, obj["metadata"]["name"], copy.copy(options), check
                    )
                except ApiError as error:
                    # A controller can have deleted an object of the page together with an earlier one.
                    if error.code != 404:
                        raise
        return Many(kind, metadata, page.objects)

    def _start(self, chosen: list_options.ListOptions) -> str:
        """The key after which to start."""
        if chosen.continue_token:
            return list_options.decode_continue(chosen.continue_token)[1]
        retry = not exact_name(chosen.field_selector)
        list_options.reached_revision(
            chosen.resource_version, self._registry.store.revision, retry=retry
        )
        return ""


def _warn_of_orphans(request: Request, kind: Kind, options: DeleteOptions) -> None:
    """Warn that deleting a Job without a propagation policy orphans its pods."""
    # Jobs still have the orphaning default of the first releases, which surprises most callers.
    if (kind.group, kind.plural) == ("batch", "jobs") and not options.propagation:
        request.warnings.append(ORPHANED_PODS)
