"""The one list of filters a request passes; see ``pipeline``.

A filter is ``with_x(handler, dependency) -> handler``.
"""

import logging
import re
from collections.abc import Callable, Sequence

from kube_embedded.rbac.attributes import Authorizer, User

from ...machinery.golang.quote import go_quote
from ...machinery.request import Handler, Request, Response
from ...machinery.status import ApiError
from ...machinery.steady_clock import Clock
from ..authentication.groups import ANONYMOUS, authenticated
from ..authorization.attributes import attributes_of
from ..authorization.impersonation import Impersonator, requested_user
from ..authorization.refusal import refusal
from ..handlers.represent.negotiation import accepts_errors
from ..handlers.represent.responses import PLAIN_TEXT, error_response
from .audit import Sink, with_audit
from .deadline import with_deadline
from .request_info import InvalidPath, request_info

log = logging.getLogger(__name__)

Authenticator = Callable[[Request], User | None]
"""Returns the caller, or None without credentials; raises ``ApiError`` (401) for bad ones."""

REASON = "authorization.k8s.io/reason"
IMPERSONATES = re.compile("impersonate-").match


def pipeline(
    handler: Handler,
    *,
    new_id: Callable[[], str],
    clock: Clock,
    sink: Sink,
    authenticators: Sequence[Authenticator],
    flow_headers: Callable[[User], dict[str, str]],
    authorize: Authorizer,
) -> Handler:
    """All filters around a handler of authorized requests, in the order in which a request meets them.

    Authenticators are tried in order. ``flow_headers`` name a user's priority level.
    """
    filters: tuple[Callable[[Handler], Handler], ...] = (
        lambda inner: with_audit_id(inner, new_id),  # first, so that every answer has one
        lambda inner: with_request_info(inner),  # everything below needs verb and resource
        lambda inner: with_cache_control(inner),  # only where the path could be read
        lambda inner: with_audit(inner, sink, clock),  # around errors: a 401 leaves an event too
        lambda inner: with_status(inner),  # every error from below becomes a Status
        lambda inner: with_deadline(inner),  # an invalid timeout is refused before authentication
        lambda inner: with_authentication(inner, authenticators),  # who is asking
        lambda inner: with_impersonation(
            inner, Impersonator(authorize)
        ),  # impersonation, checked with the permissions of the real user
        lambda inner: with_flow_control(inner, flow_headers),  # by the impersonated user
        lambda inner: with_authorization(
            inner, authorize
        ),  # before routing: a caller without permission must not learn from a 404 which paths exist
    )
    for around in reversed(filters):
        handler = around(handler)
    return handler


def with_audit_id(handler: Handler, new_id: Callable[[], str]) -> Handler:
    """Give the request an audit id (the caller's, or a new one), and the response its common headers."""

    def handle(request: Request) -> Response:
        audit_id = request.headers.get("audit-id") or new_id()
        request.audit.id = audit_id
        response = handler(request)
        # Filters and handlers add to the request, since the response does not exist yet when they warn.
        if request.warnings:
            response.warnings = (*response.warnings, *request.warnings)
        response.headers = {"Audit-Id": audit_id, **request.flow_headers, **response.headers}
        return response

    return handle


def with_request_info(handler: Handler) -> Handler:
    """Read verb, resource, namespace and name from method and path."""

    def handle(request: Request) -> Response:
        try:
            request.info = request_info(request)
        except InvalidPath as error:
            text = f"Internal Server Error: {go_quote(request.path)}: failed to create RequestInfo: {error}\n"
            return Response(500, dict(PLAIN_TEXT), text.encode())
        return handler(request)

    return handle


def with_cache_control(handler: Handler) -> Handler:
    """Set ``Cache-Control: no-cache, private`` unless the handler set one."""

    def handle(request: Request) -> Response:
        response = handler(request)
        response.headers.setdefault("Cache-Control", "no-cache, private")
        return response

    return handle


def with_status(handler: Handler) -> Handler:
    """Turn errors into Status bodies. A defect is logged and answered with 500 alone."""

    def handle(request: Request) -> Response:
        try:
            return handler(request)
        except ApiError as error:
            return _refused(request, error)
        except Exception:
            log.exception("a handler failed on %s %s", request.method, request.path)
            return _refused(request, ApiError(500, "InternalError", "Internal error occurred"))

    return handle


def _refused(request: Request, error: ApiError) -> Response:
    if accepts_errors(request):
        request.audit.refusal = error.to_status()
    else:
        request.audit.refusal_hidden = True
    return error_response(request, error)


def with_authentication(handler: Handler, authenticators: Sequence[Authenticator]) -> Handler:
    """Ask each authenticator in turn; a caller without credentials is anonymous.

    One valid credential is enough; a caller with only invalid ones is refused. Source: ``request/union``.
    """

    def handle(request: Request) -> Response:
        # A request with a bad token and a good certificate is accepted: the union authenticator only fails if no
        # authenticator recognizes the caller.
        user, refusal = None, None
        for authenticate in authenticators:
            try:
                user = authenticate(request)
            except ApiError as error:
                # Another authenticator can accept it: a bearer token can be meant for any of several.
                refusal = error
            if user is not None:
                break
        if user is None and refusal is not None:
            raise refusal
        request.user = ANONYMOUS if user is None else authenticated(user)
        request.audit.user = request.user
        return handler(request)

    return handle


def with_impersonation(handler: Handler, impersonate: Impersonator) -> Handler:
    """Continue as the user in the ``Impersonate-`` headers, if the caller is allowed to impersonate them."""

    def handle(request: Request) -> Response:
        if not any(map(IMPERSONATES, request.headers)):
            return handler(request)
        requested = requested_user(request)
        if requested is not None:
            impersonation = impersonate(requested, attributes_of(request.user, request.info))
            request.user = impersonation.user
            request.audit.impersonated = impersonation.user
            request.audit.impersonation_constraint = impersonation.constraint
        return handler(request)

    return handle


def with_flow_control(handler: Handler, flow_headers: Callable[[User], dict[str, str]]) -> Handler:
    """Name the priority level in the response headers. No request is queued."""

    def handle(request: Request) -> Response:
        request.flow_headers = flow_headers(request.user)
        return handler(request)

    return handle


def with_authorization(handler: Handler, authorize: Authorizer) -> Handler:
    """Refuse a request that the authorizer does not allow."""

    def handle(request: Request) -> Response:
        question = attributes_of(request.user, request.info)
        decision = authorize(question)
        # By these annotations the audit log explains each decision.
        request.annotate("authorization.k8s.io/decision", "allow" if decision.allowed else "forbid")
        request.annotate(REASON, decision.reason)
        if not decision.allowed:
            raise refusal(question, decision.reason)
        return handler(request)

    return handle
