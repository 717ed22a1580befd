"""Reading a method and a path: what is asked of which resource.

Source: k8s.io/apiserver ``pkg/endpoints/request/requestinfo.go``.
"""

from __future__ import annotations

from labkit.apiserver.request import Request, RequestInfo

VERBS = {"GET": "get", "HEAD": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
SPECIAL_VERBS = ("proxy", "watch")
NAMESPACE_SUBRESOURCES = ("status", "finalize")


def request_info(request: Request) -> RequestInfo:
    """What ``request`` asks for.

    Args:
        request: Only method, path and query are read.
    """
    path = request.path
    parts = [part for part in path.strip("/").split("/") if part] if path.strip("/") else []
    non_resource = RequestInfo(False, path, request.method.lower())
    if len(parts) < 3 or parts[0] not in ("api", "apis"):
        return non_resource
    prefix, rest = parts[0], parts[1:]
    group = ""
    if prefix == "apis":
        if len(rest) < 3:
            return non_resource
        group, rest = rest[0], rest[1:]
    version, rest = rest[0], rest[1:]
    verb = VERBS.get(request.method, "")
    if rest and rest[0] in SPECIAL_VERBS:
        if len(rest) < 2:
            return non_resource
        verb, rest = rest[0], rest[1:]
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 1:
        namespace = rest[1]
        if len(rest) > 2 and rest[2] not in NAMESPACE_SUBRESOURCES:
            rest = rest[2:]
    resource = rest[0]
    name = rest[1] if len(rest) > 1 else ""
    subresource = rest[2] if len(rest) > 2 else ""
    if not name and verb == "get":
        watching = request.param("watch", "false") if "watch" in request.query else "false"
        verb = "watch" if watching in ("", "1", "t", "T", "true", "TRUE", "True") else "list"
    if not name and verb == "delete":
        verb = "deletecollection"
    if not name and verb in ("list", "watch", "deletecollection"):
        name = _name_from_field_selector(request.param("fieldSelector"))
    return RequestInfo(
        True, path, verb, prefix, group, version, namespace, resource, subresource, name, tuple(rest)
    )


def _name_from_field_selector(selector: str) -> str:
    for term in selector.split(","):
        field, equals, value = term.partition("=")
        if field == "metadata.name" and equals:
            return value.removeprefix("=")
    return ""
