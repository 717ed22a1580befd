"""Custom resources: there are none, and that can be asked.

Their group is not served. But before kubectl creates an object of a kind that cannot be patched,
such as a review, it lists all definitions to learn whether the kind is a custom one; without an
answer it gives up.

Source: k8s.io/cli-runtime ``pkg/resource/{query_param_verifier,crd_finder}.go``.
"""

from __future__ import annotations

from labkit.embedded.apiserver.handlers.decode.listoptions import check_list_options, list_options
from labkit.embedded.apiserver.handlers.represent.negotiation import COLLECTION, PARTIAL, check_route, negotiate
from labkit.embedded.apiserver.handlers.represent.responses import Responder
from labkit.embedded.machinery.kinds import Kind
from labkit.embedded.machinery.request import Request, RequestInfo, Response

KIND = Kind(
    "apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", False, verbs=("list",)
)


def asks_for_definitions(info: RequestInfo) -> bool:
    """Whether a request lists the definitions of custom resources."""
    return (info.group, info.version, info.resource, info.verb) == (KIND.group, KIND.version, KIND.plural, "list")


def no_definitions(request: Request, responder: Responder, revision: int) -> Response:
    """The empty list.

    Args:
        request: Says in which form.
        responder: Makes the answer.
        revision: The store's.

    Raises:
        ApiError: 400 or 406.
    """
    check_route(request, COLLECTION)
    form = negotiate(request, transforms=PARTIAL)
    check_list_options(list_options(request), watch=False)
    return responder.list(request, form, KIND, {"resourceVersion": str(revision)}, [])
