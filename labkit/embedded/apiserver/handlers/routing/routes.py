"""Which paths exist, and with which methods: 404 for another path, 405 for another method.

Source: k8s.io/apiserver ``pkg/endpoints/installer.go``.
"""

from __future__ import annotations

from labkit.embedded.machinery.golang.quote import go_quote
from labkit.embedded.machinery.kinds import Kind
from labkit.embedded.machinery.request import Request, RequestInfo
from labkit.embedded.machinery.status import ApiError, method_not_allowed, no_such_resource

NAMED = ("get", "watch", "update", "patch", "delete")


def routed_verb(request: Request, kind: Kind) -> str:
    """The verb of a request whose path and method are a route of the kind; 404 or 405 if they are none."""
    info = request.info
    if (
        info.subresource == "proxy"
        and "proxy" in kind.subresources
        and request.method in ("HEAD", "OPTIONS")
    ):
        return "get"  # a proxy passes every method on
    if info.subresource:
        verb = _subresource_verb(info, kind)
        if request.method == "HEAD":
            raise method_not_allowed()
        return verb
    if info.verb == "proxy" or not _exists(info, kind):
        raise no_such_resource()
    if info.verb == "watch" and "list" in kind.verbs and "watch" not in kind.verbs:
        raise _unwatched(info, kind)
    if request.method == "HEAD" or (info.verb == "watch" and request.method != "GET"):
        raise method_not_allowed()
    if not info.verb or info.verb not in kind.verbs:
        raise method_not_allowed()
    if len(info.parts) > 1:
        allowed = info.verb in NAMED
    elif kind.namespaced and not info.namespace:
        allowed = info.verb in ("list", "watch")
    else:
        allowed = info.verb in ("list", "watch", "create", "deletecollection")
    if not allowed:
        raise method_not_allowed()
    return info.verb


def _unwatched(info: RequestInfo, kind: Kind) -> ApiError:
    """The error of a watch of a kind that can only be listed: by path 404, by parameter 405."""
    if info.path.startswith(f"/api/{info.version}/watch/"):
        return no_such_resource()
    what = f"watch is not supported on resources of kind {go_quote(kind.plural)}"
    return ApiError(405, "MethodNotAllowed", what, {"kind": kind.plural})


def _exists(info: RequestInfo, kind: Kind) -> bool:
    """Whether a path without subresource is one of the kind's."""
    named = len(info.parts) > 1
    if named and "get" not in kind.verbs:
        return False
    if kind.namespaced:
        return bool(info.namespace) or (not named and "list" in kind.verbs)
    if kind.plural == "namespaces" and not kind.group:
        return not info.namespace or (named and info.parts[1] == info.namespace)
    return not info.namespace


def _subresource_verb(info: RequestInfo, kind: Kind) -> str:
    verbs = kind.subresources.get(info.subresource)
    if verbs is None or (kind.namespaced and not info.namespace):
        raise no_such_resource()
    if len(info.parts) > 3 and info.subresource != "proxy":
        raise no_such_resource()
    if info.verb not in verbs:
        raise method_not_allowed()
    return info.verb
