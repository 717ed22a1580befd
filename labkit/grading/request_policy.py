"""What a submission may touch on a real cluster, and what it made there.

On an embedded cluster of its own a learner is the administrator of everything. On a
cluster that others use as well the same credential changes what was made for the
submission and by it, and no more: what was there before is read, and stays as it is.
"""

from __future__ import annotations

import json
from urllib.parse import unquote

from labkit.client.client import Client
from labkit.client.request_info import Call, read_call

READING = ("GET", "HEAD", "OPTIONS")
CONNECTING = frozenset({"exec", "attach", "portforward", "proxy"})
"""Subresources that act, whatever the method."""

QUESTIONS = frozenset({"authorization.k8s.io", "authentication.k8s.io"})
"""Groups whose objects are questions; nothing of them is kept."""

CLUSTER_WIDE = frozenset({"namespaces", "clusterroles", "clusterrolebindings"})
"""What an exercise makes outside of namespaces."""

SYSTEM = ("kube-", "local-path-storage")
"""How the namespaces begin that are the cluster's own."""


class Fence:
    """Judges a submission's requests, and keeps the paths of what they made.

    Args:
        admin: Who looks at the cluster, observed by nobody.
    """

    def __init__(self, admin: Client) -> None:
        self._admin = admin
        self.made: list[str] = []
        """In the order in which they were made."""
        self.refused: list[str] = []

    def judge(self, method: str, target: str) -> str:
        """Why a request is not passed on; empty when it is.

        Args:
            method: Such as ``PATCH``.
            target: Path and query, as they were sent.
        """
        why = self._refusal(method, target)
        if why:
            self.refused.append(f"{method} {target.partition('?')[0][:200]}: {why}")
        return why

    def note(self, method: str, target: str, status: int, body: bytes) -> None:
        """Keep what a request made.

        Args:
            method: The request's.
            target: Its path and query.
            status: The answer's.
            body: The answer's, JSON.
        """
        path, _, query = target.partition("?")
        call = read_call(method, unquote(path))
        if status != 201 or method in READING or call.subresource or call.group in QUESTIONS or "dryRun" in query:
            return
        try:
            metadata = json.loads(body)["metadata"]
            self.made.append(_path(call, str(metadata.get("namespace", "")), str(metadata["name"])))
        except (ValueError, KeyError, TypeError, AttributeError):
            return

    def _refusal(self, method: str, target: str) -> str:
        raw, _, query = target.partition("?")
        path = unquote(raw)
        if "//" in path or {".", ".."} & set(path.split("/")) or "%2f" in raw.lower() or not path.startswith("/"):
            return "the path is not written plainly"
        call = read_call(method, f"{path}?{query}")
        reading = method in READING and call.subresource not in CONNECTING
        if not call.is_resource:
            return "" if reading else "no such path is written to here"
        if call.group in QUESTIONS:
            return ""
        system = call.namespace.startswith(SYSTEM)
        if call.resource == "secrets" and (system or not call.namespace):
            return "other people's Secrets are not read here"
        if reading:
            return ""
        if system:
            return f"{call.namespace} is the cluster's own"
        if call.full_resource == "serviceaccounts/token":
            return ""
        if call.name:
            return self._of_an_object(call)
        if call.verb == "create":
            return _creation(call)
        return "" if self._is_own(call.namespace) else "only single objects are deleted here"

    def _of_an_object(self, call: Call) -> str:
        path = _path(call, call.namespace if call.resource != "namespaces" else "", call.name)
        if path in self.made or self._is_own(call.namespace):
            return ""
        if self._admin.get(path).status == 404:
            return _creation(call)
        return f"{path} was there before and is not changed here"

    def _is_own(self, namespace: str) -> bool:
        """Whether a namespace was made for this submission, or by it: then all in it is its own."""
        return bool(namespace) and f"/api/v1/namespaces/{namespace}" in self.made


def _creation(call: Call) -> str:
    if call.namespace or call.resource in CLUSTER_WIDE:
        return ""
    return f"no {call.resource} are made here"


def _path(call: Call, namespace: str, name: str) -> str:
    base = f"/apis/{call.group}/{call.version}" if call.group else f"/api/{call.version}"
    where = f"/namespaces/{namespace}" if namespace else ""
    return f"{base}{where}/{call.resource}/{name}"
