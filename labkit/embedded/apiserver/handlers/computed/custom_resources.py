"""CustomResourceDefinitions: an empty list. Their group is not served.

But kubectl lists the definitions before it creates an object of a kind that cannot be patched, such as a review,
to find out whether the kind is a custom one, and gives up without an answer.

Source: k8s.io/cli-runtime ``pkg/resource/{query_param_verifier,crd_finder}.go``.
"""

from __future__ import annotations

from labkit.embedded.apiserver.handlers.decode.list_options import check_list_options, read_options
from labkit.embedded.apiserver.handlers.represent.results import Many
from labkit.embedded.machinery.kinds import Kind
from labkit.embedded.machinery.request import Request, RequestInfo

KIND = Kind(
    "apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", False, verbs=("list",)
)


def asks_for_definitions(info: RequestInfo) -> bool:
    """Whether a request lists the definitions of custom resources."""
    return (info.group, info.version, info.resource, info.verb) == (KIND.group, KIND.version, KIND.plural, "list")


def no_definitions(request: Request, revision: int) -> Many:
    """The empty list, at the store's revision."""
    check_list_options(read_options(request), watch=False)
    return Many(KIND, {"resourceVersion": str(revision)}, [])
