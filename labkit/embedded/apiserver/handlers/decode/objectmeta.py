"""What the metadata of a written object must say: the namespace and name of the URL, and each owner once.

Source: k8s.io/apiserver ``pkg/registry/rest/meta.go``, ``pkg/endpoints/handlers/{create,rest}.go``.
"""

from __future__ import annotations

from labkit.embedded.machinery.request import Object
from labkit.embedded.machinery.status import ApiError, bad_request


def place(obj: Object, namespace: str) -> None:
    """Put an object into the namespace of its request.

    Args:
        obj: The object, changed in place.
        namespace: The request's, empty for kinds that are in none.

    Raises:
        ApiError: 400, it names another one.
    """
    metadata = obj["metadata"]
    if namespace:
        check_namespace(metadata, namespace)
        metadata["namespace"] = namespace
    else:
        metadata.pop("namespace", None)


def check_namespace(metadata: Object, namespace: str) -> None:
    """See that an object names no other namespace than its request.

    Raises:
        ApiError: 400.
    """
    if (metadata.get("namespace") or namespace) != namespace:
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")


def check_name(metadata: Object, name: str) -> None:
    """See that an object has the name that its URL ends in.

    Raises:
        ApiError: 400.
    """
    found = metadata.get("name", "")
    if not found:
        raise nameless(name)
    if found != name:
        raise bad_request(f"the name of the object ({found}) does not match the name on the URL ({name})")


def nameless(name: str) -> ApiError:
    """400: an object has no name, and its URL has one."""
    return bad_request(f"the name of the object ({name} based on URL) was undeterminable: name must be provided")


def drop_duplicate_owners(obj: Object, warnings: list[str]) -> None:
    """Name each owner once.

    Args:
        obj: The object, changed in place.
        warnings: Collects what the caller should be told.
    """
    owners = obj["metadata"].get("ownerReferences")
    if not owners or len(owners) < 2:
        return
    kept: dict[tuple[tuple[str, object], ...], Object] = {}
    twice: list[str] = []
    for owner in owners:
        known = tuple(sorted(owner.items()))
        if known in kept:
            twice.append(owner.get("uid", ""))
        kept.setdefault(known, owner)
    if twice:
        obj["metadata"]["ownerReferences"] = list(kept.values())
        warnings.append(
            ".metadata.ownerReferences contains duplicate entries; API server dedups owner references in "
            "1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate "
            f"UID(s) observed: {', '.join(dict.fromkeys(twice))}"
        )
