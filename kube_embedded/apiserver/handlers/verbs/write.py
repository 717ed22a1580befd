"""Create, update and patch.

The order of a write: options, decode, defaults, field managers, mutating admission, and then the
registry: validation, validating admission, storage. Warnings go into ``request.warnings``.
Source: k8s.io/apiserver ``pkg/endpoints/handlers``.
"""

import copy
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import orjson

from kube_embedded.machinery.beside import apart
from kube_embedded.machinery.kinds import CustomKind, Kind
from kube_embedded.machinery.request import BeginAgain, Object, Request
from kube_embedded.machinery.schema.empties import drop_empty
from kube_embedded.machinery.sharing import LARGE_BYTES
from kube_embedded.machinery.status import ApiError, not_found

from ...registry.conversion import from_stored, has_versions, in_version, to_stored
from ...registry.managed.apply import apply
from ...registry.managed.fieldset import Unownable
from ...registry.managed.manager import keep_managers, set_managed, update_managed_fields
from ...registry.registry import Registry, WriteRules
from ..admission import Admission
from ..decode import object_meta
from ..decode.bodies import decode_object
from ..decode.patches.patch import (
    APPLY_PATCH,
    applied_configuration,
    applied_object,
    patch_type,
    patched,
)
from ..decode.write_options import WriteOptions, write_options
from ..represent.responses import One

AuthorizeCreate = Callable[[Request], None]
"""Raises 403 if the caller of an update that creates may not create."""

AuthorizeGrant = Callable[[Request, Object, Object | None], None]
"""Raises 403 if a caller's new object, which replaces the second one, grants more than the caller holds."""


class Writer:
    """Writes objects of any kind on a caller's behalf.

    ``request.info.subresource`` distinguishes a write of the object from a write of its status or finalizers.
    """

    def __init__(
        self,
        registry: Registry,
        admission: Admission,
        authorize_create: AuthorizeCreate,
        authorize_grant: AuthorizeGrant,
    ) -> None:
        self._registry = registry
        self._admission = admission
        self._authorize_create = authorize_create
        self._authorize_grant = authorize_grant

    def create(self, request: Request, kind: Kind) -> One:
        """Create an object; 400, 403, 404, 409, 415 or 422."""
        options = write_options(request, "CreateOptions")
        with apart():
            obj = self._decoded(request, kind)
            metadata = obj["metadata"]
            for field in object_meta.SYSTEM_FIELDS:
                metadata.pop(field, None)
            object_meta.place(obj, object_meta.namespace_of(request, kind))
            printed = drop_empty(self._registry.struct(kind), obj)
            self._note_manager(request, kind, None, printed, options)
        if kind.stored_as is not None:
            obj = printed
        elif printed is not obj:  # validation distinguishes empty from missing fields
            keep_managers(obj["metadata"], printed["metadata"])
        obj = self._stored(kind, obj)
        self._admission.admit(request, kind, "CREATE", obj, None, options.dry_run)
        rules = self._rules(request, kind, options, "CREATE")
        return One(kind, self._registry.create(kind, obj, rules), 201)

    def update(self, request: Request, kind: Kind) -> One:
        """Replace an object; 400, 403, 404, 409, 415 or 422."""
        name = object_meta.name_in_path(request)
        options = write_options(request, "UpdateOptions")
        with apart():
            sent = self._decoded(request, kind)
            obj = drop_empty(self._registry.struct(kind), sent)
        object_meta.place(obj, object_meta.namespace_of(request, kind))
        object_meta.check_name(obj["metadata"], name)

        def change(old: Object | None) -> Object:
            with apart():
                new = copy.deepcopy(obj)
                self._note_manager(request, kind, self._requested_version(kind, old), new, options)
            return self._admitted(request, kind, sent, new, old, options)

        return self._update(request, kind, change, options, uid=obj["metadata"].get("uid", ""))

    def patch(self, request: Request, kind: Kind) -> One:
        """Patch an object in the way that the content type names; 400, 403, 404, 409, 415 or 422."""
        name = object_meta.name_in_path(request)
        form = patch_type(request, kind)
        applies = form == APPLY_PATCH
        options = write_options(request, "PatchOptions", apply=applies)
        struct = self._registry.struct(kind)

        def change(stored: Object | None) -> Object:
            # A patch copies and diffs the whole object, which would hold up the event loop.
            if request.in_parts and len(orjson.dumps(stored)) > LARGE_BYTES:
                raise BeginAgain
            # Patching a large object is slow; the store is not written before it is done.
            with apart():
                old = self._requested_version(kind, stored)
                if applies:
                    new = self._applied(request, kind, old, options)
                elif old is None:
                    raise not_found(kind.plural, kind.group, name)
                else:
                    sent = patched(request, form, old, struct, kind)
                    if not isinstance(kind, CustomKind):
                        sent |= {"kind": kind.kind, "apiVersion": kind.group_version}
                    self._registry.strategy(kind).default(sent)
                    new = drop_empty(struct, sent)
                    self._note_manager(request, kind, old, new, options)
                    _keep_empty_labels(kind, sent, new)
            object_meta.place(new, object_meta.namespace_of(request, kind))
            object_meta.check_name(new["metadata"], name)
            return self._admitted(request, kind, {}, new, stored, options)

        # Only an apply can create its target, but never through a subresource.
        create = applies and not request.info.subresource
        return self._update(request, kind, change, options, create=create)

    def _applied(
        self, request: Request, kind: Kind, old: Object | None, options: WriteOptions
    ) -> Object:
        config = applied_configuration(request, self._registry.struct(kind), kind, old)
        others = partial(in_version, kind) if isinstance(kind, CustomKind) else None
        write = self._registry.ownership(kind, options.manager, request.info.subresource, others)
        try:
            merged, managed = apply(write, old, config, force=options.force)
        except Unownable as error:
            raise ApiError(500, "", str(error)) from error
        # An apply that changes nothing must not write either, or every apply would wake all watches.
        if merged is None and old is not None:
            new = copy.deepcopy(old)
        else:
            complete = partial(self._registry.complete, kind)
            new = applied_object(complete, merged or {}, config, kind)
        set_managed(new, managed)
        return new

    def _decoded(self, request: Request, kind: Kind) -> Object:
        obj = decode_object(request, kind, keep_empty=True)
        self._registry.strategy(kind).default(obj)
        return obj

    def _requested_version(self, kind: Kind, stored: Object | None) -> Object | None:
        """Convert a stored object to the version of the request."""
        return from_stored(kind, stored) if stored is not None else None

    def _stored(self, kind: Kind, obj: Object) -> Object:
        """Convert an object of the request's version to the version in which it is stored."""
        if kind.stored_as is None or isinstance(kind, CustomKind):
            return obj
        converted = to_stored(kind, obj)
        self._registry.strategy(kind).default(converted)
        return converted

    def _admitted(
        self,
        request: Request,
        kind: Kind,
        sent: Object,
        new: Object,
        old: Object | None,
        options: WriteOptions,
    ) -> Object:
        """The object as it is to be stored, after mutating admission."""
        _keep_empty_labels(kind, sent, new)
        new = self._stored(kind, new)
        operation = "CREATE" if old is None else "UPDATE"
        self._admission.admit(request, kind, operation, new, old, options.dry_run)
        return new

    def _rules(
        self, request: Request, kind: Kind, options: WriteOptions, operation: str
    ) -> WriteRules:
        return WriteRules(
            dry_run=options.dry_run,
            guard=partial(self._authorize_grant, request),
            check=self._admission.check(request, kind, operation, options.dry_run),
            warnings=request.warnings,
        )

    def _update(
        self,
        request: Request,
        kind: Kind,
        change: Callable[[Object | None], Object],
        options: WriteOptions,
        *,
        create: bool = False,
        uid: str = "",
    ) -> One:
        # An update of a missing object is a creation, and is checked as one.
        creation = self._rules(request, kind, options, "CREATE")

        def check_create(new: Object | None, old: Object | None) -> None:
            self._authorize_create(request)
            assert creation.check is not None
            creation.check(new, old)

        obj, created = self._registry.update(
            kind,
            object_meta.namespace_of(request, kind),
            request.info.name,
            change,
            self._rules(request, kind, options, "UPDATE"),
            creation=replace(creation, check=check_create),
            subresource=request.info.subresource,
            uid=uid,
            create=create,
        )
        return One(kind, obj, 201 if created else 200)

    def _note_manager(
        self, request: Request, kind: Kind, old: Object | None, new: Object, options: WriteOptions
    ) -> None:
        # The manager also owns what conversion adds (see ``stored_as``).
        plain = kind.stored_as is None or isinstance(kind, CustomKind)
        seen = new if plain else from_stored(kind, self._stored(kind, new))
        others = partial(in_version, kind) if old is not None and has_versions(kind) else None
        subresource = request.info.subresource
        write = self._registry.ownership(kind, options.manager, subresource, others)
        update_managed_fields(write, old, seen)
        if seen is not new:
            new["metadata"]["managedFields"] = seen["metadata"].get("managedFields", [])


def _keep_empty_labels(kind: Kind, sent: Object, new: Object) -> None:
    """Restore the empty labels of a template: validation, which refuses them, shows them so."""
    if isinstance(kind, CustomKind):
        return
    metadata = ((sent.get("spec") or {}).get("template") or {}).get("metadata") or {}
    if metadata.get("labels") == {}:
        new["spec"]["template"]["metadata"]["labels"] = {}
