"""Names and namespaces: those in the path of a request, and those in the metadata that it sends.

Source: k8s.io/apiserver ``pkg/registry/rest/meta.go``, ``pkg/endpoints/handlers/{create,rest}.go``.
"""

from kube_embedded.machinery.golang.quote import go_quote
from kube_embedded.machinery.kinds import Kind
from kube_embedded.machinery.path_segments import path_segment_errors
from kube_embedded.machinery.request import Object, Request
from kube_embedded.machinery.status import bad_request

SYSTEM_FIELDS = (
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "selfLink",
    "uid",
    "creationTimestamp",
)
"""Fields of the metadata that only the server sets."""


def name_in_path(request: Request) -> str:
    """The object's name in the path; 400 if no object can have that name."""
    check_key(request.info.name)
    return request.info.name


def check_key(name: str) -> None:
    """Refuse with 400 a name that no object can have."""
    messages = path_segment_errors(name)
    if messages:
        raise bad_request(f"Name parameter invalid: {go_quote(name)}: {';'.join(messages)}")


def namespace_of(request: Request, kind: Kind) -> str:
    """Return the namespace in the path; empty for cluster-scoped kinds, whatever the path contains."""
    return request.info.namespace if kind.namespaced else ""


def place(obj: Object, namespace: str) -> None:
    """Put an object, in place, into the namespace of its request (perhaps empty); 400 if it names another one."""
    metadata = obj["metadata"]
    if namespace:
        check_namespace(metadata, namespace)
        metadata["namespace"] = namespace
    else:
        metadata.pop("namespace", None)


def check_namespace(metadata: Object, namespace: str) -> None:
    """Refuse with 400 an object that names another namespace than its request."""
    # A missing namespace is taken from the path; another one would be a write that was not authorized.
    if (metadata.get("namespace") or namespace) != namespace:
        raise bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )


def check_name(metadata: Object, name: str) -> None:
    """Refuse with 400 an object that has another name than its path."""
    sent = metadata.get("name", "")
    if not sent:
        detail = f"the name of the object ({name} based on URL) was undeterminable: name must be provided"
        raise bad_request(detail)
    if sent != name:
        raise bad_request(
            f"the name of the object ({sent}) does not match the name on the URL ({name})"
        )
