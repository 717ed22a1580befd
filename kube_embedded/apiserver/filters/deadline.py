"""The deadline of a request: ``?timeout=``, a Go duration.

No request takes long enough to reach it, so only an invalid duration matters. It is refused
before authentication.

Source: k8s.io/apiserver ``pkg/endpoints/filters/request_deadline.go``; Go ``time.ParseDuration``.
"""

from ...machinery.golang.duration import duration_problem
from ...machinery.request import Handler, Request, RequestInfo, Response
from ...machinery.status import bad_request

LONG_VERBS = ("watch", "proxy")
LONG_SUBRESOURCES = ("attach", "exec", "log", "portforward", "proxy")


def is_long_running(info: RequestInfo) -> bool:
    """Return whether a request is long-running: it has no deadline, and audit events for its start and its end."""
    return info.is_resource and (info.verb in LONG_VERBS or info.subresource in LONG_SUBRESOURCES)


def with_deadline(handler: Handler) -> Handler:
    """Refuse a timeout that is not a duration."""

    def handle(request: Request) -> Response:
        asked = request.param("timeout") if request.query else ""
        if asked and not is_long_running(request.info):
            # Clients such as kubectl --request-timeout send it, so a typing error must give the real error.
            wrong = duration_problem(asked)
            if wrong:
                raise bad_request(f"invalid timeout specified in the request URL - {wrong}")
        return handler(request)

    return handle
