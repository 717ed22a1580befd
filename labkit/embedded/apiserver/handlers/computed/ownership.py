"""The field manager of an object that is answered and never stored, such as a review."""

from __future__ import annotations

from labkit.embedded.apiserver.handlers.decode.write_options import write_options
from labkit.embedded.apiserver.registry.managed.manager import update_managed_fields
from labkit.embedded.machinery.request import Object, Request
from labkit.embedded.machinery.schema import schemas


def note_owner(request: Request, kind: str, obj: Object, now: str, subresource: str = "") -> None:
    """Put the ``managedFields`` of a first write into an object; 422 if the request's parameters are invalid.

    Args:
        request: Names the manager, in a parameter or by its user agent.
        kind: The object's kind, of the request's group; or with its group and version
            (``authentication.k8s.io/v1/TokenRequest``).
        obj: The object as it was sent, with its metadata; changed in place.
        now: RFC 3339.
        subresource: Where it was written to, if not to the object itself.
    """
    version, _, name = kind.rpartition("/")
    version = version or f"{request.info.group}/{request.info.version}"
    group, _, number = version.rpartition("/")
    struct = schemas().of_kind(group, number, name)
    assert struct is not None, kind
    manager = write_options(request, "CreateOptions").manager
    update_managed_fields(struct, None, obj, manager, version, subresource, now)
