"""``/labkit/snapshots``: states of the cluster that can be restored.

Not part of Kubernetes. Only administrators may use the paths, which are non-resource URLs.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from labkit.embedded.apiserver.handlers.represent.encode import dump
from labkit.embedded.apiserver.storage import Store
from labkit.embedded.machinery.request import Object, Request, Response
from labkit.embedded.machinery.status import ApiError, method_not_allowed, not_found

PREFIX = "/labkit/snapshots"
NAME = re.compile(r"[A-Za-z0-9]([-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?")


class SnapshotHandler:
    """Saves, lists, restores and deletes snapshots.

    ``restored`` is called after a restore, to refresh what is derived from the store.
    """

    def __init__(self, store: Store, restored: Callable[[], None] = lambda: None) -> None:
        self._store = store
        self._restored = restored

    def __call__(self, request: Request) -> Response | None:
        """Answer a request below ``/labkit/snapshots``, None for any other path; 400, 404 or 405."""
        path = request.path.rstrip("/")
        if path == PREFIX:
            if request.method != "GET":
                raise method_not_allowed()
            return self._respond({"snapshots": [{"name": name} for name in self._store.snapshot_names()]})
        if not path.startswith(PREFIX + "/"):
            return None
        name, _, action = path.removeprefix(PREFIX + "/").partition("/")
        if not NAME.fullmatch(name):
            raise ApiError(400, "BadRequest", f"invalid snapshot name {name!r}: use letters, digits, '-', '_' and '.'")
        if action == "restore":
            return self._restore(request, name)
        if action:
            return None
        return self._one(request, name)

    def _one(self, request: Request, name: str) -> Response:
        if request.method not in ("DELETE", "GET", "PUT"):
            raise method_not_allowed()
        if request.method == "PUT":
            self._store.save_snapshot(name)
        answer = self._describe(name)
        if request.method == "DELETE":
            self._store.drop_snapshot(name)
        return self._respond(answer)

    def _restore(self, request: Request, name: str) -> Response:
        if request.method != "POST":
            raise method_not_allowed()
        snapshot = self._store.named_snapshot(name)
        if snapshot is None:
            raise not_found("snapshots", "labkit", name)
        self._store.restore(snapshot)
        self._restored()
        return self._respond(self._describe(name))

    def _describe(self, name: str) -> Object:
        snapshot = self._store.named_snapshot(name)
        if snapshot is None:
            raise not_found("snapshots", "labkit", name)
        objects = sum(len(table.objects) for table in snapshot.tables.values())
        revision, now = str(snapshot.revision), str(self._store.revision)
        return {"name": name, "objects": objects, "resourceVersion": revision, "currentResourceVersion": now}

    def _respond(self, value: Any) -> Response:
        return Response(200, {"Content-Type": "application/json"}, dump(value) + b"\n")
