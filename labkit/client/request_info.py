"""Parse a method and a path into the attributes that are authorized.

The server does the same before it authorizes a request: verb, group, resource, namespace,
name. Here the cards of answers and the grader's request policy use them.
Source: https://kubernetes.io/docs/reference/access-authn-authz/authorization/
"""

from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

_COLLECTION = {"GET": "list", "HEAD": "list", "POST": "create", "DELETE": "deletecollection"}
_SINGLE = {"GET": "get", "HEAD": "get", "POST": "create", "PUT": "update", "DELETE": "delete"}
# Source: namespaceSubresources in k8s.io/apiserver/pkg/endpoints/request/requestinfo.go.
_OF_NAMESPACES = {"status", "finalize"}


@dataclass(frozen=True, slots=True)
class Call:
    """The attributes of one request.

    Args:
        verb: ``get``, ``list``, ``watch``, ``create``, ``update``, ``patch``,
            ``delete`` or ``deletecollection``; for a non-resource path, the method in
            lower case.
        path: The path without its query.
        group: The API group, empty for the core group.
        version: Such as ``v1``.
        resource: The plural, such as ``services``; empty for a non-resource path.
        subresource: Such as ``log``.
        namespace: Empty at the cluster's level.
        name: Empty for a whole collection.
    """

    verb: str
    path: str
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""

    @property
    def is_resource(self) -> bool:
        """Return whether the path names a resource."""
        return bool(self.resource)

    @property
    def full_resource(self) -> str:
        """Resource and subresource as in an RBAC rule, such as ``pods/exec``."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


def read_call(method: str, path: str) -> Call:
    """Parse a method and a path, with or without a query, as an API server does.

    A non-resource path has an empty ``resource``.
    """
    method = method.upper()
    split = urlsplit(path)
    parts = [part for part in split.path.split("/") if part]
    # /api, /api/v1 and /apis/GROUP/VERSION are discovery, which RBAC grants by nonResourceURLs.
    if parts[:1] == ["api"] and len(parts) >= 3:
        group = ""
        version = parts[1]
        rest = parts[2:]
    elif parts[:1] == ["apis"] and len(parts) >= 4:
        group = parts[1]
        version = parts[2]
        rest = parts[3:]
    else:
        return Call(method.lower(), split.path or "/")
    # Watches by path are deprecated in favour of the parameter `watch`, and still served.
    watch_prefix = rest[0] == "watch" and len(rest) > 1
    if watch_prefix:
        rest = rest[1:]
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 1:
        namespace = rest[1]
        if len(rest) > 2 and rest[2] not in _OF_NAMESPACES:
            rest = rest[2:]
    # A limit: for a list the server also reads the name from fieldSelector=metadata.name=…
    name = rest[1] if len(rest) > 1 else ""
    subresource = rest[2] if len(rest) > 2 else ""
    verb = (_SINGLE if name else _COLLECTION).get(method, method.lower())
    watching = dict(parse_qsl(split.query)).get("watch", "").lower() not in ("", "0", "false")
    if watch_prefix or (verb == "list" and watching):
        verb = "watch"
    return Call(verb, split.path, group, version, rest[0], subresource, namespace, name)
