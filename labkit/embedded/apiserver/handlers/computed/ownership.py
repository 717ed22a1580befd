"""The field manager of an object that is answered and never stored, such as a review."""

from __future__ import annotations

from labkit.embedded.apiserver.handlers.decode.write_options import write_options
from labkit.embedded.apiserver.registry.managed.manager import Ownership, update_managed_fields
from labkit.embedded.machinery.kinds import Kind
from labkit.embedded.machinery.request import Object, Request
from labkit.embedded.machinery.schema import schemas


def note_owner(request: Request, kind: Kind, obj: Object, now: str, subresource: str = "") -> None:
    """Put the ``managedFields`` of a first write into an object; 422 if the request's parameters are invalid.

    The request names the manager, in a parameter or by its user agent. The object is changed in place.
    """
    struct = schemas().of_kind(kind.group, kind.version, kind.kind)
    assert struct is not None, kind
    manager = write_options(request, "CreateOptions").manager
    write = Ownership(struct, manager, kind.group_version, now, subresource)
    update_managed_fields(write, None, obj)
