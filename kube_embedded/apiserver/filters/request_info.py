"""Parses the method and path of a request into verb, resource, namespace and name.

Source: k8s.io/apiserver ``pkg/endpoints/request/requestinfo.go``.
"""

from dataclasses import replace

from ...machinery.cache import cached
from ...machinery.request import Request, RequestInfo
from ...machinery.status import ApiError
from ..handlers.decode.field_selectors import exact_fields, exact_name
from ..handlers.decode.list_options import parse_bool, read_options

VERBS = {
    "GET": "get",
    "HEAD": "get",
    "POST": "create",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
}
COLLECTION_VERBS = {"get": "list", "delete": "deletecollection"}
"""The verbs of requests that name no object."""


class InvalidPath(ValueError):
    """A path that starts like a resource's path, and is none."""


def request_info(request: Request) -> RequestInfo:
    """Parse the method, path and query of a request; ``InvalidPath`` if the path is malformed."""
    info = read_path(request.method, request.path)
    query = request.query
    if not query or info.verb not in ("list", "deletecollection") or info.name:
        return info
    fields = exact_fields(request.param("fieldSelector")) if "fieldSelector" in query else ()
    if info.verb == "deletecollection":
        return replace(info, fields=fields)
    # A watch has a verb of its own in RBAC, although its method and path are those of a list.
    watched = "watch" in query and parse_bool(request.param("watch").lower())
    return replace(
        info, verb="watch" if watched else "list", name=_selected_name(request), fields=fields
    )


@cached(4096)
def read_path(method: str, path: str) -> RequestInfo:
    """Read a method and a path; ``InvalidPath`` if the path is malformed."""
    stripped = path.strip("/")
    parts = stripped.split("/") if stripped else []
    # Shorter paths are discovery documents, which are authorized as non-resource URLs.
    if len(parts) < 3 or parts[0] not in ("api", "apis") or (parts[0] == "apis" and len(parts) < 4):
        return RequestInfo(False, path, method.lower())
    prefix = parts[0]
    group = ""
    rest = parts[1:]
    if prefix == "apis":
        group = rest[0]
        rest = rest[1:]
    version = rest[0]
    rest = rest[1:]
    verb = VERBS.get(method, "")
    # The old form /api/v1/watch/… and /api/v1/proxy/…: deprecated, and still parsed.
    if rest[0] in ("proxy", "watch"):
        if len(rest) < 2:
            raise InvalidPath(f"unable to determine kind and namespace from url, {path}")
        verb = rest[0]
        rest = rest[1:]
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 1:
        namespace = rest[1]
        # /namespaces/NAME/status is a subresource of the namespace itself, not a resource called "status" within it.
        if len(rest) > 2 and rest[2] not in ("status", "finalize"):
            rest = rest[2:]
    resource = rest[0]
    name = rest[1] if len(rest) > 1 else ""
    # For the verb proxy the rest is the path at the other server.
    subresource = rest[2] if len(rest) > 2 and verb != "proxy" else ""
    if not name:
        verb = COLLECTION_VERBS.get(verb, verb)
    return RequestInfo(
        True,
        path,
        verb,
        prefix,
        group,
        version,
        namespace,
        resource,
        subresource,
        name,
        tuple(rest),
    )


def _selected_name(request: Request) -> str:
    """Return the single name that a field selector requests, so that permissions on that object are enough."""
    if "fieldSelector" not in request.query:
        return ""
    try:
        name = exact_name(read_options(request).field_selector)
    except ApiError:
        return ""
    return "" if name in (".", "..") or "/" in name or "%" in name else name
