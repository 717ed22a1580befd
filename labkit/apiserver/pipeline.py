"""The one list of filters a request passes, top to bottom.

A filter is ``with_x(handler, dependency) -> handler``. The order, and why:

1. ``with_status``          outermost, so that every error becomes a Status
2. ``with_request_info``    everything below asks what is asked for
3. ``with_audit``           begins before authentication, so that a 401 leaves an event too
4. ``with_authentication``  who
5. ``with_impersonation``   as whom; needs who, and is itself authorized
6. ``with_authorization``   may they; before routing, so an unknown resource is 403, not 404
7. the handler
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import orjson

from labkit.apiserver.authorization.attributes import Attributes, Authorizer, attributes_of
from labkit.apiserver.request import Handler, Request, Response, User
from labkit.apiserver.requestinfo import request_info
from labkit.apiserver.status import ApiError, forbidden, unauthorized

log = logging.getLogger(__name__)

Authenticator = Callable[[Request], User | None]
"""The caller, None without credentials; raises ``ApiError`` (401) for bad ones."""

ANONYMOUS = User("system:anonymous", ("system:unauthenticated",))


def with_status(handler: Handler, new_id: Callable[[], str]) -> Handler:
    """Turn errors into Status bodies, and give every answer the common headers."""

    def handle(request: Request) -> Response:
        audit_id = new_id()
        request.audit = {"auditID": audit_id}
        try:
            response = handler(request)
        except ApiError as error:
            response = error_response(error)
        except Exception:
            log.exception("a handler failed on %s %s", request.method, request.path)
            response = error_response(ApiError(500, "InternalError", "Internal error occurred"))
        response.headers = {
            "Audit-Id": audit_id,
            "Cache-Control": "no-cache, private",
            **response.headers,
        }
        return response

    return handle


def error_response(error: ApiError) -> Response:
    """The response that says an error."""
    headers = {"Content-Type": "application/json", **error.headers}
    return Response(error.code, headers, orjson.dumps(error.to_status()))


def with_request_info(handler: Handler) -> Handler:
    """Read verb, resource, namespace and name from method and path."""

    def handle(request: Request) -> Response:
        request.info = request_info(request)
        return handler(request)

    return handle


def with_authentication(handler: Handler, authenticators: tuple[Authenticator, ...]) -> Handler:
    """Ask each authenticator in turn; who shows nothing is anonymous."""

    def handle(request: Request) -> Response:
        request.user = ANONYMOUS
        for authenticate in authenticators:
            user = authenticate(request)
            if user is not None:
                groups = user.groups if "system:authenticated" in user.groups else (*user.groups, "system:authenticated")
                request.user = User(user.name, groups, user.uid, user.extra)
                break
        return handler(request)

    return handle


def with_authorization(handler: Handler, authorize: Authorizer) -> Handler:
    """Refuse what the authorizer does not allow, in the words of a real server."""

    def handle(request: Request) -> Response:
        question = attributes_of(request.user, request.info)
        decision = authorize(question)
        if not decision.allowed:
            raise refusal(question, decision.reason)
        return handler(request)

    return handle


def refusal(question: Attributes, reason: str) -> ApiError:
    """The 403 for a question that was not allowed."""
    user = question.user.name
    if not question.is_resource:
        return ApiError(
            403, "Forbidden", f'forbidden: User "{user}" cannot {question.verb} path "{question.path}"', {},
            {"X-Content-Type-Options": "nosniff"},
        )
    resource = question.resource + (f"/{question.subresource}" if question.subresource else "")
    where = f'in the namespace "{question.namespace}"' if question.namespace else "at the cluster scope"
    why = f'User "{user}" cannot {question.verb} resource "{resource}" in API group "{question.group}" {where}'
    error = forbidden(question.resource, question.group, question.name, why + (f": {reason}" if reason else ""))
    error.headers["X-Content-Type-Options"] = "nosniff"
    return error


__all__ = [
    "ANONYMOUS", "Authenticator", "error_response", "refusal", "unauthorized", "with_authentication",
    "with_authorization", "with_request_info", "with_status",
]
