"""Which requests of a submission are passed on to a real cluster, and the objects that it created there.

On an embedded cluster of its own a learner is the administrator. On a real cluster the same credential
changes only objects that were created for the submission and by it; all others can be read, except Secrets.
"""

import json
from contextlib import suppress
from urllib.parse import parse_qs, unquote

from labkit.client.client import Client
from labkit.client.request_info import Call, read_call
from labkit.core.language import listed, text

READ_METHODS = ("GET", "HEAD", "OPTIONS")
CONNECT_SUBRESOURCES = frozenset({"exec", "attach", "portforward", "proxy"})
"""Subresources that act, whatever the method."""

REVIEW_GROUPS = frozenset({"authorization.k8s.io", "authentication.k8s.io"})
"""API groups of reviews, which are answered and not stored."""

CLUSTER_SCOPED = frozenset({"namespaces", "clusterroles", "clusterrolebindings"})
"""The cluster-scoped resources that exercises create."""

SYSTEM_PREFIXES = ("kube-", "local-path-storage")
"""Prefixes of the cluster's own namespaces."""


class RequestPolicy:
    """Decides which requests of a submission reach the cluster, and records the objects that they created.

    The administrator's client has no observers.
    """

    def __init__(self, admin: Client) -> None:
        self._admin = admin
        self.created: list[str] = []
        """Paths, in the order of creation."""
        self.refused: list[str] = []
        """Requests, each with the reason why it was refused."""

    def check(self, method: str, target: str) -> str:
        """Return the reason for refusing a request with this path and query; empty if it is passed on."""
        reason = self._refusal(method, target)
        if reason:
            self.refused.append(
                listed((f"{method} {target.partition('?')[0][:200]}", reason), ": ")
            )
        return reason

    def record(self, method: str, target: str, status: int, body: bytes) -> None:
        """Record the object that a request created, if any, from its answer's status and JSON body."""
        path, _, query = target.partition("?")
        call = read_call(method, unquote(path))
        if (
            status != 201
            or method in READ_METHODS
            or call.subresource
            or call.group in REVIEW_GROUPS
            # A server ignores what only looks like it: another parameter, or one that it cannot read.
            or parse_qs(query).get("dryRun") == ["All"]
        ):
            return
        # From the answer, not the request, which can leave the name to the server (``generateName``).
        with suppress(ValueError, KeyError, TypeError, AttributeError):
            metadata = json.loads(body)["metadata"]
            self.created.append(
                _path(call, str(metadata.get("namespace", "")), str(metadata["name"]))
            )

    def _refusal(self, method: str, target: str) -> str:
        raw = target.partition("?")[0]
        path = unquote(raw)
        # The cluster could read such paths otherwise than this policy does.
        if (
            "//" in path
            or {".", ".."} & set(path.split("/"))
            or "%2f" in raw.lower()
            or not path.startswith("/")
        ):
            return text("the path is not written plainly")
        call = read_call(method, unquote(target))
        reading = method in READ_METHODS and call.subresource not in CONNECT_SUBRESOURCES
        if not call.is_resource:
            return "" if reading else text("no such path is written to here")
        # Reviews are POSTs without an effect on the cluster.
        if call.group in REVIEW_GROUPS:
            return ""
        system = call.namespace.startswith(SYSTEM_PREFIXES)
        if call.resource == "secrets" and (system or not call.namespace):
            return text("other people's Secrets are not read here")
        if reading:
            return ""
        if system:
            return text("{namespace} is the cluster's own", call.namespace)
        if call.full_resource == "serviceaccounts/token":
            return ""
        if call.name:
            return self._refusal_of_object(call)
        if call.verb == "create":
            return _refusal_of_creation(call)
        return "" if self._is_own(call.namespace) else text("only single objects are deleted here")

    def _refusal_of_object(self, call: Call) -> str:
        path = _path(call, call.namespace if call.resource != "namespaces" else "", call.name)
        if path in self.created or self._is_own(call.namespace):
            return ""
        # A PUT, or a PATCH with server-side apply, creates an object that does not exist.
        if self._admin.get(path).status == 404:
            return _refusal_of_creation(call)
        return text("{path} was there before and is not changed here", path)

    def _is_own(self, namespace: str) -> bool:
        """Return whether a namespace was created for this submission or by it: then all in it is its own."""
        return bool(namespace) and f"/api/v1/namespaces/{namespace}" in self.created


def _refusal_of_creation(call: Call) -> str:
    if call.namespace or call.resource in CLUSTER_SCOPED:
        return ""
    return text("no {resource} are made here", call.resource)


def _path(call: Call, namespace: str, name: str) -> str:
    base = f"/apis/{call.group}/{call.version}" if call.group else f"/api/{call.version}"
    where = f"/namespaces/{namespace}" if namespace else ""
    return f"{base}{where}/{call.resource}/{name}"
