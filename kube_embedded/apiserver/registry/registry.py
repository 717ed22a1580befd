"""Creates, updates and deletes objects of any kind by the rules of its strategy.

Handlers call it for a client's request, controllers and the node directly. Authorization and
mutating admission come before.
Source: k8s.io/apiserver ``pkg/registry/generic/registry/store.go``.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from ...machinery.beside import apart
from ...machinery.kinds import CustomKind, Kind, stored_kind
from ...machinery.request import BeginAgain, Object
from ...machinery.schema.empties import drop_empty, forget_empty
from ...machinery.status import ApiError, already_exists, conflict, not_found
from ..storage import Key
from . import deletion
from .custom.decoding import in_version_of, version_of
from .custom.kinds import DEFINITIONS
from .errors import FieldErrors, invalid_object
from .managed.manager import update_managed_fields
from .metadata import FOREGROUND, ORPHAN
from .names import path_segment_name
from .objects import Change, Check, Controller, Guard, Objects, Texts
from .resource_versions import check_version, parsed_revision, same, wrong_uid
from .sizes import check_size
from .strategy import DeleteOptions, Strategy, timestamp

__all__ = ["Change", "Check", "Controller", "Guard", "Registry", "WriteRules", "timestamp"]


@dataclass(frozen=True, slots=True)
class WriteRules:
    """The rules for a caller's write in addition to the rules of the kind; controllers have none.

    Args:
        dry_run: Do everything but store the object.
        guard: The permissions that a caller must hold to write this.
        check: Validating admission.
        warnings: Collects the warnings for the caller.
    """

    dry_run: bool = False
    guard: Guard | None = None
    check: Check | None = None
    warnings: Texts | None = None


UNCHECKED = WriteRules()


class Registry(Objects):
    """Objects of all kinds, and the rules for changing them."""

    def create(
        self, kind: Kind, obj: Object, rules: WriteRules = UNCHECKED, *, manager: str = ""
    ) -> Object:
        """Store a new object.

        Args:
            kind: Its row.
            obj: The object, with its namespace set if its kind is namespaced. It is changed; do not use it
                afterwards.
            rules: Of the caller.
            manager: For objects of controllers: complete it, and note this manager as the owner of its fields.

        Raises:
            ApiError: 409 if the name is taken, 422 if it breaks the kind's rules, 500 if it is too large.
        """
        if manager:
            obj = self.complete(kind, obj)
            update_managed_fields(self.ownership(kind, manager), None, obj)
        strategy = self.strategy(kind)
        metadata = obj["metadata"] = dict(obj.get("metadata") or {})
        for field in ("deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"):
            metadata.pop(field, None)
        # Never the caller's: owner references and volumes rely on it.
        metadata["uid"] = self.new_uid()
        metadata["creationTimestamp"] = timestamp(self.clock())
        generated = bool(metadata.get("generateName")) and not metadata.get("name")
        if generated:
            metadata["name"] = self.new_name(metadata["generateName"])
        # Strategies allocate addresses and ports, except in a dry run.
        context = replace(self._context, dry_run=rules.dry_run)
        # These can be deleted while a long request is processed apart: the namespace, and the definition of a
        # custom kind.
        around = (
            Key("namespaces", "", metadata.get("namespace", "")),
            Key(DEFINITIONS.resource, "", kind.resource),
        )
        before = [self.store.get(key) for key in around]
        strategy.prepare_create(context, obj)
        if rules.guard is not None:
            rules.guard(obj, None)
        struct = self.struct(stored_kind(kind))
        with apart():
            errors = strategy.validate(kind, obj)
            ordered = obj if errors else self.ordered(kind, drop_empty(struct, obj))
        self._refuse_invalid(kind, obj, errors)
        if [self.store.get(key) for key in around] != before:
            raise BeginAgain
        if rules.warnings is not None:
            rules.warnings.extend(strategy.warnings(obj, None))
        if rules.check is not None:
            rules.check(obj, None)
        # Storage refuses this in the real server, hence so late, with a 500, and never in a dry run.
        if parsed_revision(metadata.get("resourceVersion", "")) and not rules.dry_run:
            raise ApiError(500, "", "resourceVersion should not be set on objects to be created")
        name = metadata["name"]
        if self.store.get(Key(kind.resource, metadata.get("namespace", ""), name)) is not None:
            raise self._taken(kind, obj, generated)
        forget_empty(struct, ordered)
        if rules.dry_run:
            return ordered
        check_size(kind, ordered, None)
        return self.write(kind, ordered)

    def update(
        self,
        kind: Kind,
        namespace: str,
        name: str,
        change: Callable[[Object | None], Object],
        rules: WriteRules = UNCHECKED,
        *,
        creation: WriteRules = UNCHECKED,
        subresource: str = "",
        uid: str = "",
        create: bool = False,
    ) -> tuple[Object, bool]:
        """Replace an object.

        Args:
            kind: Its row.
            namespace: Its namespace.
            name: Its name.
            change: From the stored object (None if there is none) to the new one, completed and admitted.
            rules: Of the caller.
            creation: Of the caller, for an object that is created.
            subresource: The part that can change, such as ``status``.
            uid: The uid that the object must have, empty for any.
            create: Create a missing object of any kind.

        Returns:
            The object, and True if it was created.

        Raises:
            ApiError: 404, 409 for a stale resourceVersion, 422, 500 for an object that grows too large.
        """
        strategy = self.strategy(kind)
        key = Key(kind.resource, namespace, name)
        stored = self.store.get(key)
        if stored is None:
            if not create and (subresource or not strategy.create_on_update):
                raise not_found(kind.plural, kind.group, name)
            if uid:
                raise wrong_uid(kind, namespace, name, uid, "", rules.dry_run)
            return self._create_missing(kind, name, change(None), creation), True
        old: Object = stored
        if isinstance(kind, CustomKind):
            with apart():
                old = in_version_of(kind, old)
        if uid and uid != old["metadata"]["uid"]:
            raise wrong_uid(kind, namespace, name, uid, old["metadata"]["uid"], rules.dry_run)
        new = change(old)
        check_version(kind, strategy, new, old)
        self._prepare_update(kind, strategy, new, old, subresource, rules)
        # Another request can have written while this long request was processed apart.
        if self.store.get(key) is not stored:
            raise BeginAgain
        forget_empty(self.struct(stored_kind(kind)), new)
        # A custom object is also written again if another version is stored now, or if its schema has new defaults.
        # ``old`` is the stored object itself, unless the kind is a custom one.
        if same(new if old is stored else self.ordered(kind, new), stored):
            return old, False
        if rules.check is not None:
            rules.check(new, old)
        # The write that removes the last finalizer deletes the object: no controller does so afterwards.
        if deletion.emptied_finalizers(new, old):
            if not rules.dry_run:
                self.remove(kind, namespace, name, new)
            return new, False
        new = self.ordered(kind, new)
        if rules.dry_run:
            return new, False
        check_size(kind, new, old)
        return self.write(kind, new), False

    def _create_missing(self, kind: Kind, name: str, obj: Object, rules: WriteRules) -> Object:
        uid = obj["metadata"].get("uid")
        if uid:
            text = f"uid mismatch: the provided object specified uid {uid}, and no existing object was found"
            raise conflict(kind.plural, kind.group, name, text)
        # The version that it was to replace; a new object replaces none.
        obj["metadata"].pop("resourceVersion", None)
        return self.create(kind, obj, rules)

    def delete(
        self,
        kind: Kind,
        namespace: str,
        name: str,
        options: DeleteOptions | None = None,
        check: Check | None = None,
    ) -> Object:
        """Delete an object, at once or as its finalizers and grace period allow.

        Returns:
            The answer: the object or a Status, depending on the kind.

        Raises:
            ApiError: 404, or 409 if a precondition fails.
        """
        options = options or DeleteOptions()
        strategy = self.strategy(kind)
        # Before it is looked up: what must stay is refused even while it is missing.
        strategy.check_deletion(name)
        old = self.get(kind, namespace, name)
        deletion.check_preconditions(kind, old, options)
        if kind.kind == "Namespace" and not kind.group:
            return self._delete_namespace(kind, old, options, check)
        if check is not None:
            # No client can delete what cannot be read any more; controllers can, so that definitions end.
            if isinstance(kind, CustomKind):
                version_of(kind, old)
            check(None, old)
        # A definition does not end before its custom resources, which its controller deletes first.
        begun = strategy.begin_deletion(old, timestamp(self.clock()))
        if begun is not None:
            return begun if options.dry_run else self.write(kind, self.ordered(kind, begun))
        metadata = dict(old["metadata"])
        marked: Object = {**old, "metadata": metadata}
        graceful, pending = deletion.begin_graceful(strategy, marked, options, self.clock)
        # The kubelet is at it already. A second request must neither give it more time nor change who goes with it,
        # so the options' finalizers are ignored from here on, as in the real server.
        if pending:
            return deletion.deleted_answer(kind, strategy, old)
        # The garbage collector's finalizers would never be removed from a kind that it does not handle.
        effective = options if strategy.collected else replace(options, propagation="Background")
        finalizers = deletion.deletion_finalizers(
            metadata.get("finalizers", []), effective, strategy.orphans
        )
        if finalizers != metadata.get("finalizers", []):
            metadata["finalizers"] = finalizers
        if not graceful and not finalizers:
            if options.dry_run:
                return deletion.deleted_answer(kind, strategy, old)
            return deletion.deleted_answer(kind, strategy, self.remove(kind, namespace, name))
        if not graceful:
            deletion.mark_deleting(metadata, self.clock)
        marked = self.ordered(kind, marked)
        # Even what gets no time at all is marked first, so that watchers and the node see why it goes.
        at_once = graceful and not finalizers and not metadata.get("deletionGracePeriodSeconds")
        if options.dry_run:
            return deletion.deleted_answer(kind, strategy, marked) if at_once else marked
        with self.transaction():
            stored = self.write(kind, marked) if not same(marked, old) else old
            # That write notifies the node, which can have removed the pod by now; the real server loses the same
            # race.
            if at_once and self.store.get(Key(kind.resource, namespace, name)) is not None:
                stored = self.remove(kind, namespace, name)
        return deletion.deleted_answer(kind, strategy, stored) if at_once else stored

    def _refuse_invalid(self, kind: Kind, obj: Object, errors: FieldErrors) -> None:
        name = obj["metadata"].get("name", "")
        if not errors and name:
            errors.check_format("metadata.name", name, path_segment_name)
        if errors:
            word = obj["kind"] if isinstance(kind, CustomKind) else kind.kind
            raise invalid_object(word, stored_kind(kind).group, name, errors)

    def _taken(self, kind: Kind, obj: Object, generated: bool) -> ApiError:
        name = obj["metadata"]["name"]
        error = already_exists(kind.plural, kind.group, name)
        existing = self.store.get(Key(kind.resource, obj["metadata"].get("namespace", ""), name))
        # kubectl apply prints this while an object waits for its finalizers.
        if existing is not None and existing["metadata"].get("deletionTimestamp"):
            error.message = f"object is being deleted: {error.message}"
        if generated:
            error.message += ", the server was not able to generate a unique name for the object"
            error.details = {**(error.details or {}), "retryAfterSeconds": 1}
        return error

    def _prepare_update(
        self,
        kind: Kind,
        strategy: Strategy,
        new: Object,
        old: Object,
        subresource: str,
        rules: WriteRules,
    ) -> None:
        context = replace(self._context, dry_run=rules.dry_run)
        metadata = new["metadata"]
        before = old["metadata"]
        # Only the strategy counts it.
        metadata.pop("generation", None)
        if "generation" in before:
            metadata["generation"] = before["generation"]
        if subresource in ("status", "finalize"):
            strategy.prepare_status_update(context, new, old)
        elif subresource:
            strategy.prepare_part_update(context, subresource, new, old)
        else:
            strategy.prepare_update(context, new, old)
        for field in ("uid", "creationTimestamp", "deletionTimestamp"):
            if before.get(field) and (field != "uid" or not metadata.get(field)):
                metadata[field] = before[field]
        if "deletionGracePeriodSeconds" in before:
            metadata.setdefault("deletionGracePeriodSeconds", before["deletionGracePeriodSeconds"])
        if rules.guard is not None:
            rules.guard(new, old)
        with apart():
            if subresource in ("status", "finalize"):
                errors = strategy.validate_status_update(kind, new, old)
            elif subresource:
                errors = strategy.validate_part_update(kind, subresource, new, old)
            else:
                errors = strategy.validate_update(kind, new, old)
        self._refuse_invalid(kind, new, errors)
        if rules.warnings is not None and not subresource:
            rules.warnings.extend(strategy.warnings(new, old))
        elif rules.warnings is not None and subresource == "status":
            rules.warnings.extend(strategy.status_warnings(new))

    def _delete_namespace(
        self, kind: Kind, old: Object, options: DeleteOptions, check: Check | None
    ) -> Object:
        if check is not None:
            check(None, old)
        name = old["metadata"]["name"]
        # The first request only marks it: its controller empties it, and then removes the finalizer.
        if not old["metadata"].get("deletionTimestamp"):
            metadata = {**old["metadata"], "deletionTimestamp": timestamp(self.clock())}
            finalizer = {"Orphan": ORPHAN, "Foreground": FOREGROUND}.get(options.propagation)
            if finalizer:
                metadata["finalizers"] = [*metadata.get("finalizers", []), finalizer]
            obj = self.ordered(
                kind, {**old, "metadata": metadata, "status": {"phase": "Terminating"}}
            )
            return obj if options.dry_run else self.write(kind, obj)
        if old.get("spec", {}).get("finalizers") or old["metadata"].get("finalizers"):
            return old
        return old if options.dry_run else self.remove(kind, "", name)
