"""How long a request may take: ``?timeout=``, in Go's words.

Nothing here takes long enough to be cut off, so that only what cannot be read matters. It
is refused before anybody asks who the caller is.

Source: k8s.io/apiserver ``pkg/endpoints/filters/request_deadline.go``; Go ``time.ParseDuration``.
"""

from __future__ import annotations

from labkit.embedded.machinery.golang.duration import duration_problem
from labkit.embedded.machinery.request import Handler, Request, RequestInfo, Response
from labkit.embedded.machinery.status import bad_request

LONG_VERBS = ("watch", "proxy")
LONG_SUBRESOURCES = ("attach", "exec", "log", "portforward", "proxy")


def is_long_running(info: RequestInfo) -> bool:
    """Whether a request is meant to go on: it has no deadline, and its audit has a beginning and an end."""
    return info.is_resource and (info.verb in LONG_VERBS or info.subresource in LONG_SUBRESOURCES)


def with_deadline(handler: Handler) -> Handler:
    """Refuse a timeout that is no duration."""

    def handle(request: Request) -> Response:
        asked = request.param("timeout") if request.query else ""
        if asked and not is_long_running(request.info):
            wrong = duration_problem(asked)
            if wrong:
                raise bad_request(f"invalid timeout specified in the request URL - {wrong}")
        return handler(request)

    return handle
