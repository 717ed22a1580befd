"""Create, update and patch.

The order of a write: options, decode, defaults, field managers, mutating admission, and then the
registry: validation, validating admission, storage. Warnings go into ``request.warnings``.
Source: k8s.io/apiserver ``pkg/endpoints/handlers``.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial

import orjson

from labkit.embedded.apiserver.handlers.admission import Admission
from labkit.embedded.apiserver.handlers.decode import object_meta
from labkit.embedded.apiserver.handlers.decode.bodies import decode_object
from labkit.embedded.apiserver.handlers.decode.patches.apply import (
    applied_configuration,
    applied_object,
)
from labkit.embedded.apiserver.handlers.decode.patches.patch import APPLY_PATCH, patch_type, patched
from labkit.embedded.apiserver.handlers.decode.write_options import WriteOptions, write_options
from labkit.embedded.apiserver.handlers.represent.responses import One
from labkit.embedded.apiserver.registry.conversion import (
    from_stored,
    has_versions,
    in_version,
    to_stored,
)
from labkit.embedded.apiserver.registry.managed.apply import apply
from labkit.embedded.apiserver.registry.managed.fieldset import Unownable
from labkit.embedded.apiserver.registry.managed.manager import (
    keep_managers,
    set_managed,
    update_managed_fields,
)
from labkit.embedded.apiserver.registry.registry import Registry, timestamp
from labkit.embedded.machinery.beside import apart
from labkit.embedded.machinery.kinds import CustomKind, Kind
from labkit.embedded.machinery.request import BeginAgain, Object, Request
from labkit.embedded.machinery.schema.empties import drop_empty
from labkit.embedded.machinery.sharing import LARGE_BYTES
from labkit.embedded.machinery.status import ApiError, not_found

AuthorizeCreate = Callable[[Request], None]
"""Raises 403 if the caller of an update that creates may not create."""

AuthorizeGrant = Callable[[Request, Object, Object | None], None]
"""Raises 403 if a caller's new object, which replaces the second one, grants more than the caller holds."""

SYSTEM_FIELDS = (
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "selfLink",
    "uid",
    "creationTimestamp",
)


class Writer:
    """Writes objects of any kind on a caller's behalf.

    ``request.info.subresource`` tells a write of the object from one of its status or finalizers.
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
            obj = decode_object(request, kind, keep_empty=True)
            self._registry.strategy(kind).default(obj)
            metadata = obj["metadata"]
            for field in SYSTEM_FIELDS:
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
        created = self._registry.create(
            kind,
            obj,
            dry_run=options.dry_run,
            guard=partial(self._authorize_grant, request),
            check=self._admission.check(request, kind, "CREATE", options.dry_run),
            warnings=request.warnings,
        )
        return One(kind, created, 201)

    def update(self, request: Request, kind: Kind) -> One:
        """Replace an object; 400, 403, 404, 409, 415 or 422."""
        name = object_meta.name_in_path(request)
        options = write_options(request, "UpdateOptions")
        with apart():
            obj = decode_object(request, kind, keep_empty=True)
            self._registry.strategy(kind).default(obj)
            given, obj = obj, drop_empty(self._registry.struct(kind), obj)
        object_meta.place(obj, object_meta.namespace_of(request, kind))
        object_meta.check_name(obj["metadata"], name)

        def change(old: Object | None) -> Object:
            with apart():
                new = copy.deepcopy(obj)
                self._note_manager(request, kind, self._requested_version(kind, old), new, options)
            _keep_empty_labels(kind, given, new)
            new = self._stored(kind, new)
            self._admit(request, kind, new, old, options)
            return new

        return self._update(request, kind, change, options, uid=obj["metadata"].get("uid", ""))

    def patch(self, request: Request, kind: Kind) -> One:
        """Patch an object, as the content type says; 400, 403, 404, 409, 415 or 422."""
        name = object_meta.name_in_path(request)
        form = patch_type(request, kind)
        options = write_options(request, "PatchOptions", apply=form == APPLY_PATCH)
        struct = self._registry.struct(kind)
        strategy = self._registry.strategy(kind)
        subresource = request.info.subresource

        def change(stored: Object | None) -> Object:
            if request.in_parts and len(orjson.dumps(stored)) > LARGE_BYTES:
                raise BeginAgain
            with apart():
                old = self._requested_version(kind, stored)
                if form == APPLY_PATCH:
                    config = applied_configuration(request, struct, kind, old)
                    manager, version = options.manager, kind.group_version
                    others = partial(in_version, kind) if isinstance(kind, CustomKind) else None
                    try:
                        merged, managed = apply(
                            struct,
                            old,
                            config,
                            manager,
                            version,
                            subresource,
                            options.force,
                            self._now(),
                            others,
                        )
                    except Unownable as error:
                        raise ApiError(500, "", str(error)) from error
                    if merged is None and old is not None:
                        new = copy.deepcopy(old)
                    else:
                        new = applied_object(
                            partial(self._registry.complete, kind), merged or {}, config, kind
                        )
                    set_managed(new, managed)
                else:
                    if old is None:
                        raise not_found(kind.plural, kind.group, name)
                    new = patched(request, form, old, struct, kind)
                    if not isinstance(kind, CustomKind):
                        new["kind"], new["apiVersion"] = kind.kind, kind.group_version
                    strategy.default(new)
                    given, new = new, drop_empty(struct, new)
                    self._note_manager(request, kind, old, new, options)
                    _keep_empty_labels(kind, given, new)
            object_meta.place(new, object_meta.namespace_of(request, kind))
            object_meta.check_name(new["metadata"], name)
            new = self._stored(kind, new)
            self._admit(request, kind, new, stored, options)
            return new

        return self._update(
            request, kind, change, options, create=form == APPLY_PATCH and not subresource
        )

    def _now(self) -> str:
        return timestamp(self._registry.clock())

    def _requested_version(self, kind: Kind, stored: Object | None) -> Object | None:
        """Convert a stored object to the version of the request."""
        return from_stored(kind, stored) if stored is not None else None

    def _stored(self, kind: Kind, obj: Object) -> Object:
        """Convert an object of the request's version to the version in which it is stored."""
        if kind.stored_as is None or isinstance(kind, CustomKind):
            return obj
        made = to_stored(kind, obj)
        self._registry.strategy(kind).default(made)
        return made

    def _update(
        self,
        request: Request,
        kind: Kind,
        change: Callable[[Object | None], Object],
        options: WriteOptions,
        create: bool = False,
        uid: str = "",
    ) -> One:
        check_create = self._admission.check(request, kind, "CREATE", options.dry_run)

        def may_create(new: Object | None, old: Object | None) -> None:
            self._authorize_create(request)
            check_create(new, old)

        obj, created = self._registry.update(
            kind,
            object_meta.namespace_of(request, kind),
            request.info.name,
            change,
            subresource=request.info.subresource,
            uid=uid,
            create=create,
            dry_run=options.dry_run,
            guard=partial(self._authorize_grant, request),
            check=self._admission.check(request, kind, "UPDATE", options.dry_run),
            check_create=may_create,
            warnings=request.warnings,
        )
        return One(kind, obj, 201 if created else 200)

    def _note_manager(
        self, request: Request, kind: Kind, old: Object | None, new: Object, options: WriteOptions
    ) -> None:
        # The manager also owns what conversion adds (see ``stored_as``).
        plain = kind.stored_as is None or isinstance(kind, CustomKind)
        shown = new if plain else from_stored(kind, self._stored(kind, new))
        update_managed_fields(
            self._registry.struct(kind),
            old,
            shown,
            options.manager,
            kind.group_version,
            request.info.subresource,
            self._now(),
            partial(in_version, kind) if old is not None and has_versions(kind) else None,
        )
        if shown is not new:
            new["metadata"]["managedFields"] = shown["metadata"].get("managedFields", [])

    def _admit(
        self, request: Request, kind: Kind, new: Object, old: Object | None, options: WriteOptions
    ) -> None:
        operation = "CREATE" if old is None else "UPDATE"
        self._admission.admit(request, kind, operation, new, old, options.dry_run)


def _keep_empty_labels(kind: Kind, sent: Object, new: Object) -> None:
    """Restore the empty labels of a template: validation, which refuses them, shows them so."""
    if isinstance(kind, CustomKind):
        return
    metadata = ((sent.get("spec") or {}).get("template") or {}).get("metadata") or {}
    if metadata.get("labels") == {}:
        new["spec"]["template"]["metadata"]["labels"] = {}
