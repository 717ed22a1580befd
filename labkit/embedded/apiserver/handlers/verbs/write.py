"""The verbs that change something: create, update, patch, delete, deletecollection.

Routing calls these with a request and the kind's row, and encodes what they return.
Warnings go into ``request.warnings``. The order of a write: options, decode, defaults, field
managers, mutating admission, and then the registry: validation, validating admission, storage.
Source: k8s.io/apiserver ``pkg/endpoints/handlers``.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from labkit.embedded.apiserver.admission.attributes import Chain
from labkit.embedded.apiserver.handlers.admission import Admission
from labkit.embedded.apiserver.handlers.decode.bodies import decode_object
from labkit.embedded.apiserver.handlers.decode.fieldselectors import exact_name
from labkit.embedded.apiserver.handlers.decode.listoptions import (
    ListOptions,
    check_list_options,
    decode_continue,
    encode_continue,
    list_options,
    reached_revision,
)
from labkit.embedded.apiserver.handlers.decode.objectmeta import check_name, drop_duplicate_owners, place
from labkit.embedded.apiserver.handlers.decode.patches.patch import (
    APPLY_PATCH,
    applied_configuration,
    applied_object,
    patch_type,
    patched,
)
from labkit.embedded.apiserver.handlers.decode.writeoptions import (
    WriteOptions,
    delete_options,
    warn_of_orphans,
    write_options,
)
from labkit.embedded.apiserver.handlers.subresources.binding import bind, write_scale
from labkit.embedded.apiserver.handlers.subresources.eviction import evict
from labkit.embedded.apiserver.handlers.verbs.read import selection
from labkit.embedded.apiserver.registry.conversion import BY_STORE, from_stored, in_version, to_stored
from labkit.embedded.apiserver.registry.managed.apply import apply
from labkit.embedded.apiserver.registry.managed.manager import keep_managers, set_managed, update_managed_fields
from labkit.embedded.apiserver.registry.registry import Registry, timestamp
from labkit.embedded.machinery.kinds import Kind
from labkit.embedded.machinery.request import Object, Request
from labkit.embedded.machinery.schema import Struct
from labkit.embedded.machinery.schema.decoding import drop_empty
from labkit.embedded.machinery.status import ApiError, not_found

AuthorizeCreate = Callable[[Request], None]
"""Raises 403 if the caller of an update that creates may not create."""

SYSTEM_FIELDS = ("deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "uid", "creationTimestamp")


class Written(NamedTuple):
    """What a write answers.

    Args:
        code: 200 or 201 (202 for a deletion that goes on in the background).
        object: The object, or a Status.
    """

    code: int
    object: Object


class Writer:
    """Create, update, patch and delete objects of any kind on a caller's behalf.

    ``request.info.subresource`` tells a write of the object from one of its status,
    scale, finalizers, ….

    Args:
        registry: Where objects are.
        admission: The plugins.
        authorize_create: See ``AuthorizeCreate``.
    """

    def __init__(
        self,
        registry: Registry,
        admission: Chain | None = None,
        authorize_create: AuthorizeCreate | None = None,
    ) -> None:
        self._registry = registry
        self._admission = Admission(admission)
        self._authorize_create = authorize_create

    def create(self, request: Request, kind: Kind) -> Written:
        """POST to a collection, or of a binding or eviction."""
        subresource = request.info.subresource
        if subresource == "eviction":
            check = self._admission.check(request, kind, "DELETE", False)
            return Written(201, evict(self._registry, request, self._admission.admit, check))
        if subresource == "binding" or kind.kind == "Binding":
            return Written(201, bind(self._registry, request, self._admission.admit))
        options = write_options(request, "CreateOptions")
        obj = decode_object(request, kind, keep_empty=True)
        self._registry.strategy(kind).default(obj)
        metadata = obj["metadata"]
        for field in SYSTEM_FIELDS:
            metadata.pop(field, None)
        place(obj, _namespace(request, kind))
        drop_duplicate_owners(obj, request.warnings)
        printed = drop_empty(self._registry.struct(kind), obj)
        self._note_manager(request, kind, None, printed, options)
        if kind.stored_as is not None:
            obj = printed
        elif printed is not obj:  # validation tells what is empty from what is not given
            keep_managers(obj["metadata"], printed["metadata"])
        obj = self._stored(kind, obj)
        self._admission.admit(request, kind, "CREATE", obj, None, options.dry_run)
        created = self._registry.create(
            kind,
            obj,
            dry_run=options.dry_run,
            check=self._admission.check(request, kind, "CREATE", options.dry_run),
            warnings=request.warnings,
        )
        return Written(201, created)

    def update(self, request: Request, kind: Kind) -> Written:
        """PUT."""
        if request.info.subresource == "scale":
            return Written(200, write_scale(self._registry, request, kind, self._admission.admit))
        options = write_options(request, "UpdateOptions")
        obj = decode_object(request, kind, keep_empty=True)
        self._registry.strategy(kind).default(obj)
        obj = drop_empty(self._registry.struct(kind), obj)
        place(obj, _namespace(request, kind))
        check_name(obj["metadata"], request.info.name)
        drop_duplicate_owners(obj, request.warnings)

        def change(old: Object | None) -> Object:
            new = copy.deepcopy(obj)
            self._note_manager(request, kind, self._seen(kind, old), new, options)
            new = self._stored(kind, new)
            self._admit(request, kind, new, old, options)
            return new

        return self._update(request, kind, change, options, uid=obj["metadata"].get("uid", ""))

    def patch(self, request: Request, kind: Kind) -> Written:
        """PATCH, whichever of the four kinds of patch the content type names."""
        if request.info.subresource == "scale":
            return Written(200, write_scale(self._registry, request, kind, self._admission.admit))
        form = patch_type(request)
        options = write_options(request, "PatchOptions", apply=form == APPLY_PATCH)
        struct = self._registry.struct(kind)
        strategy = self._registry.strategy(kind)
        subresource = request.info.subresource

        def change(stored: Object | None) -> Object:
            old = self._seen(kind, stored)
            if form == APPLY_PATCH:
                config = applied_configuration(request, struct, kind)
                merged, managed = apply(
                    struct,
                    old,
                    config,
                    options.manager,
                    kind.group_version,
                    subresource,
                    options.force,
                    self._now(),
                )
                if merged is None and old is not None:
                    new = copy.deepcopy(old)
                else:
                    new = applied_object(partial(self._registry.complete, kind), merged or {}, config, kind)
                set_managed(new, managed)
            else:
                if old is None:
                    raise not_found(kind.plural, kind.group, request.info.name)
                new = patched(request, form, old, struct, kind)
                new["kind"], new["apiVersion"] = kind.kind, kind.group_version
                strategy.default(new)
                new = drop_empty(struct, new)
                self._note_manager(request, kind, old, new, options)
            place(new, _namespace(request, kind))
            check_name(new["metadata"], request.info.name)
            new = self._stored(kind, new)
            self._admit(request, kind, new, stored, options)
            return new

        return self._update(request, kind, change, options, create=form == APPLY_PATCH and not subresource)

    def delete(self, request: Request, kind: Kind) -> Written:
        """DELETE of one object."""
        options = delete_options(request)
        warn_of_orphans(request, kind, options)
        namespace = _namespace(request, kind)
        check = self._admission.check(request, kind, "DELETE", options.dry_run)
        return Written(200, self._registry.delete(kind, namespace, request.info.name, options, check))

    def delete_collection(self, request: Request, kind: Kind) -> Written:
        """DELETE of a collection, as the selectors choose."""
        chosen = list_options(request)
        check_list_options(chosen, watch=False)
        after = self._collection_begin(chosen)
        matches, by_choice = selection(kind, chosen)
        options = delete_options(request)
        warn_of_orphans(request, kind, options)
        namespace = _namespace(request, kind)
        limit = max(chosen.limit, 0)
        page = self._registry.store.page(kind.resource, namespace, after=after, limit=limit, matches=matches)
        metadata: Object = {"resourceVersion": str(self._registry.store.revision)}
        if page.remaining:
            metadata["continue"] = encode_continue(self._registry.store.revision, page.last)
            if not by_choice:
                metadata["remainingItemCount"] = page.remaining
        check = self._admission.check(request, kind, "DELETE", options.dry_run)
        items = []
        with self._registry.transaction():
            for obj in page.objects:
                place = obj["metadata"].get("namespace", "")
                try:
                    self._registry.delete(kind, place, obj["metadata"]["name"], copy.copy(options), check)
                except ApiError as error:
                    if error.code != 404:
                        raise
                items.append({name: value for name, value in obj.items() if name not in ("kind", "apiVersion")})
        listed = {"kind": f"{kind.kind}List", "apiVersion": kind.group_version, "metadata": metadata, "items": items}
        return Written(200, listed)

    def _collection_begin(self, chosen: ListOptions) -> str:
        """The key behind which to begin."""
        if chosen.continue_token:
            return decode_continue(chosen.continue_token)[1]
        retry = not exact_name(chosen.field_selector)
        reached_revision(chosen.resource_version, self._registry.store.revision, retry=retry)
        return ""

    # Parts

    def _now(self) -> str:
        return timestamp(self._registry.clock())

    def _seen(self, kind: Kind, stored: Object | None) -> Object | None:
        """A stored object in the version of the request."""
        return from_stored(kind, stored) if stored is not None else None

    def _stored(self, kind: Kind, obj: Object) -> Object:
        """An object of the request's version as it is stored."""
        if kind.stored_as is None:
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
    ) -> Written:
        check_create = self._admission.check(request, kind, "CREATE", options.dry_run)

        def may_create(new: Object | None, old: Object | None) -> None:
            if self._authorize_create is not None:
                self._authorize_create(request)
            check_create(new, old)

        obj, created = self._registry.update(
            kind,
            _namespace(request, kind),
            request.info.name,
            change,
            subresource=request.info.subresource,
            uid=uid,
            create=create,
            dry_run=options.dry_run,
            check=self._admission.check(request, kind, "UPDATE", options.dry_run),
            check_create=may_create,
            warnings=request.warnings,
        )
        return Written(201 if created else 200, obj)

    def _note_manager(
        self, request: Request, kind: Kind, old: Object | None, new: Object, options: WriteOptions
    ) -> None:
        # What conversion adds (see ``stored_as``) is owned as well, though it is added later.
        shown = new if kind.stored_as is None else from_stored(kind, self._stored(kind, new))
        update_managed_fields(
            self._registry.struct(kind),
            old,
            shown,
            options.manager,
            kind.group_version,
            request.info.subresource,
            self._now(),
            partial(_in_version, kind, old, shown) if old is not None and kind.resource in BY_STORE else None,
        )
        if shown is not new:
            new["metadata"]["managedFields"] = shown["metadata"].get("managedFields", [])

    def _admit(self, request: Request, kind: Kind, new: Object, old: Object | None, options: WriteOptions) -> None:
        operation = "CREATE" if old is None else "UPDATE"
        self._admission.admit(request, kind, operation, new, old, options.dry_run)


def _namespace(request: Request, kind: Kind) -> str:
    return request.info.namespace if kind.namespaced else ""


def _in_version(kind: Kind, old: Object, new: Object, api_version: str) -> tuple[Struct, Object, Object] | None:
    """An object before and after a write, as another version of its kind shows it."""
    before, after = in_version(kind, api_version, old), in_version(kind, api_version, new)
    return (before[0], before[1], after[1]) if before is not None and after is not None else None
