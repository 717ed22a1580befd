"""``/kube-embedded/snapshots/NAME/restore``: restore a state of the cluster that was saved under a name.

Not part of Kubernetes. Only administrators can use the paths, which are non-resource URLs.
"""

import re
from collections.abc import Callable

from kube_embedded.machinery.request import Request, Response
from kube_embedded.machinery.status import method_not_allowed, not_found

from ...storage import Store
from ..represent.encode import dump

PATH = re.compile(r"/kube-embedded/snapshots/([^/]+)/restore/*")


class SnapshotHandler:
    """Restores snapshots; ``restored`` is called afterwards, to refresh all state that is derived from the store."""

    def __init__(self, store: Store, restored: Callable[[], None] = lambda: None) -> None:
        self._store = store
        self._restored = restored

    def __call__(self, request: Request) -> Response | None:
        """Answer a request for a restoration, None for any other path; 404 or 405."""
        match = PATH.fullmatch(request.path)
        if match is None:
            return None
        if request.method != "POST":
            raise method_not_allowed()
        snapshot = self._store.named_snapshot(match[1])
        if snapshot is None:
            raise not_found("snapshots", "kube-embedded", match[1])
        self._store.restore(snapshot)
        # Kinds of definitions, owners and watch caches describe the state before.
        self._restored()
        answer = {"name": match[1], "resourceVersion": str(self._store.revision)}
        return Response(200, {"Content-Type": "application/json"}, dump(answer) + b"\n")
