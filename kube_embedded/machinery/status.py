"""API errors: a Status object with code, reason, message and details.

Handlers raise ``ApiError``; the pipeline turns it into the response.
Source: k8s.io/apimachinery ``pkg/api/errors``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from .golang.quote import go_quote
from .request import MAX_BODY_BYTES, Object

REASONS = {status.value: status.phrase for status in HTTPStatus} | {
    413: "Request Entity Too Large",
    422: "Unprocessable Entity",
}
"""Reason phrases as Go's ``net/http`` has them."""


class ApiError(Exception):
    """A request that ends with a Status.

    Args:
        code: The HTTP status code.
        reason: Such as ``NotFound``; empty for none.
        message: The human-readable text.
        details: ``details`` of the Status; None leaves the field out.
        headers: Extra response headers, such as ``Retry-After``.
    """

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        details: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details
        self.headers = dict(headers or {})
        self.list_metadata: dict[str, str] = {}
        """``metadata`` of the Status: an expired list has a new continue token there."""

    def with_retry_after(self, seconds: int) -> ApiError:
        """Put into the details and a header when to retry."""
        self.details = {**(self.details or {}), "retryAfterSeconds": seconds}
        self.headers["Retry-After"] = str(seconds)
        return self

    def to_status(self) -> Object:
        """The Status object, fields in the order the real server sends them."""
        status: Object = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": dict(self.list_metadata),
            "status": "Failure",
            "message": self.message,
        }
        # Go omits an empty reason, and writes details that are empty but not nil.
        if self.reason:
            status["reason"] = self.reason
        if self.details is not None:
            status["details"] = dict(self.details)
        status["code"] = self.code
        return status


def resource_details(resource: str, group: str = "", name: str = "", **more: Any) -> Object:
    """``details`` that name a resource; empty parts are left out."""
    named = {"name": name, "group": group, "kind": resource}
    return {**{field: text for field, text in named.items() if text}, **more}


def qualified(resource: str, group: str) -> str:
    """A resource with its group, as messages name it: ``deployments.apps``."""
    return f"{resource}.{group}" if group else resource


def not_found(resource: str, group: str, name: str) -> ApiError:
    """404: the named object does not exist."""
    text = f"{qualified(resource, group)} {go_quote(name)} not found"
    return ApiError(404, "NotFound", text, resource_details(resource, group, name))


def already_exists(resource: str, group: str, name: str) -> ApiError:
    """409: an object of that name exists."""
    text = f"{qualified(resource, group)} {go_quote(name)} already exists"
    return ApiError(409, "AlreadyExists", text, resource_details(resource, group, name))


def conflict(resource: str, group: str, name: str, why: str) -> ApiError:
    """409: the stored object has changed, or forbids the write."""
    text = f"Operation cannot be fulfilled on {qualified(resource, group)} {go_quote(name)}: {why}"
    return ApiError(409, "Conflict", text, resource_details(resource, group, name))


def forbidden(resource: str, group: str, name: str, why: str) -> ApiError:
    """403: an authorizer or an admission plugin refuses a call on a resource."""
    named = f" {go_quote(name)}" if name else ""
    text = f"{qualified(resource, group)}{named} is forbidden: {why}"
    return ApiError(403, "Forbidden", text, resource_details(resource, group, name))


def bad_request(message: str) -> ApiError:
    """400: the request is invalid."""
    return ApiError(400, "BadRequest", message)


def unauthorized() -> ApiError:
    """401: the credentials are invalid."""
    return ApiError(401, "Unauthorized", "Unauthorized")


def no_such_resource() -> ApiError:
    """404: a served group has no such resource or version."""
    return ApiError(404, "NotFound", "the server could not find the requested resource", details={})


def method_not_allowed() -> ApiError:
    """405: the resource has no such verb."""
    text = "the server does not allow this method on the requested resource"
    return ApiError(405, "MethodNotAllowed", text, details={})


def invalid(kind: str, group: str, name: str, causes: Sequence[Mapping[str, str]]) -> ApiError:
    """422: the object is invalid.

    ``kind`` is the Kind, not the resource. Each cause is ``{"reason", "message", "field"}`` of a broken rule.
    """
    lines = [f"{cause['field']}: {cause['message']}" for cause in causes]
    # An ``Aggregate`` of one error prints without brackets: apimachinery's util/errors.
    why = lines[0] if len(lines) == 1 else f"[{', '.join(lines)}]"
    details = resource_details(kind, group, name, causes=[dict(cause) for cause in causes])
    return ApiError(
        422, "Invalid", f"{qualified(kind, group)} {go_quote(name)} is invalid: {why}", details
    )


def entity_too_large() -> ApiError:
    """413: the body is too large for a write."""
    return ApiError(
        413, "RequestEntityTooLarge", f"Request entity too large: limit is {MAX_BODY_BYTES}"
    )
