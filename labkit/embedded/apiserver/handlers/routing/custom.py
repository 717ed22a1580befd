"""Which requests for custom resources are routes, and the warning for a deprecated version.

Source: k8s.io/apiextensions-apiserver ``pkg/apiserver/customresource_handler.go``.
"""

from __future__ import annotations

from labkit.embedded.apiserver.openapi.discovery import version_rank
from labkit.embedded.machinery.golang.quote import go_quote
from labkit.embedded.machinery.kinds import CustomKind
from labkit.embedded.machinery.request import RequestInfo
from labkit.embedded.machinery.status import ApiError, bad_request, not_found, resource_details


def custom_verb(info: RequestInfo, kind: CustomKind) -> str:
    """The verb of a request; empty if its path is none of the kind's, 404 or 405 for others that do not exist."""
    anywhere = info.verb in ("list", "watch")
    if (info.namespace and not kind.namespaced) or (
        kind.namespaced and not info.namespace and not anywhere
    ):
        return ""
    if info.subresource and info.subresource not in kind.subresources:
        raise not_found(kind.plural, kind.group, info.name)
    if info.verb not in (kind.subresources[info.subresource] if info.subresource else kind.verbs):
        text = f"{info.verb} is not supported on resources of kind {go_quote(kind.qualified)}"
        raise ApiError(405, "MethodNotAllowed", text, resource_details(kind.plural, kind.group))
    if info.verb in ("update", "patch") and not info.name:
        raise bad_request("name must be provided")
    return info.verb


def deprecation(kind: CustomKind) -> str:
    """The warning for requests in a deprecated version; empty for other versions."""
    version = kind.version_spec
    if not version.get("deprecated"):
        return ""
    own: str | None = version.get("deprecationWarning")
    if own is not None:
        return own
    text = f"{kind.group_version} {kind.kind} is deprecated"
    others = [each["name"] for each in kind.definition["spec"]["versions"] if each["served"]]
    current = [name for name in others if not kind.versions[name].version_spec.get("deprecated")]
    better = sorted(
        (name for name in current if version_rank(name) < version_rank(kind.version)),
        key=version_rank,
    )
    return f"{text}; use {kind.group}/{better[0]} {kind.kind}" if better else text
