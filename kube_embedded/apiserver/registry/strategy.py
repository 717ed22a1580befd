"""The hooks by which kinds differ: defaulting, preparation, validation, warnings.

The registry calls, in this order: ``default`` (while decoding), ``prepare_create`` or
``prepare_update``, ``validate`` or ``validate_update``, ``warnings``.
New objects are not stored yet, so a strategy changes them in place; ``old`` is stored and
must not be changed.
Source: k8s.io/apiserver ``pkg/registry/rest``.
"""

import copy
import datetime
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import ClassVar

from ...machinery.kinds import Kind
from ...machinery.request import Object
from .errors import FieldErrors
from .metadata import validate_known_finalizers, validate_metadata, validate_metadata_update
from .names import NameRule, path_segment_name, subdomain_name


@dataclass(slots=True)
class StrategyContext:
    """The parts of a cluster that a strategy can use.

    Args:
        clock: Seconds since the epoch.
        random: Source of generated names and addresses.
        lookup: (group, kind, namespace, name) to a stored object.
        objects: (group, kind, namespace) to stored objects.
        dry_run: If true, the write is not stored.
    """

    clock: Callable[[], float]
    random: Random
    lookup: Callable[[str, str, str, str], Object | None]
    objects: Callable[[str, str, str], Iterator[Object]]
    dry_run: bool = False


@dataclass(slots=True)
class DeleteOptions:
    """The options of a deletion.

    Args:
        grace_seconds: Seconds for a graceful end; None is the object's own choice.
        propagation: ``Background``, ``Foreground``, ``Orphan``; empty is the kind's choice.
        uid: Delete only an object of this uid.
        resource_version: Delete only this state of it.
        dry_run: Change nothing.
    """

    grace_seconds: int | None = None
    propagation: str = ""
    uid: str | None = None
    resource_version: str | None = None
    dry_run: bool = False


class Strategy:
    """The rules of a kind, with defaults that suit most; kinds override them."""

    name_rule: NameRule = staticmethod(subdomain_name)
    create_on_update = False
    """True if a PUT creates a missing object."""
    unconditional_update = True
    """True if an update may leave out the resourceVersion."""
    returns_deleted = False
    """True if a deletion returns the object, not a Status."""
    generation = False
    """True if ``metadata.generation`` counts changes of the spec."""
    status = False
    """True if only writes to ``/status`` change the status."""
    new_status: ClassVar[Object] = {}
    """The status of a new object, for kinds with ``status``."""
    graceful = False
    """True if deletions have a grace period."""
    orphans = False
    """True if deletions without a propagation policy orphan the dependents."""
    collected = True
    """True if the garbage collector handles dependents, so that propagation policies count."""
    # Some strategies of the real server call the same validation twice, and answers list each cause that they
    # find.
    full_checks = 1
    """How often an update validates all metadata."""
    change_checks = 1
    """How often an update validates the change of metadata, besides once for every kind."""
    known_finalizers = True
    """True if finalizers without a domain must be Kubernetes' own."""

    def default(self, obj: Object) -> None:
        """Set the defaults of an object."""

    def prepare_create(self, context: StrategyContext, obj: Object) -> None:
        """Reset fields that a caller cannot set at creation."""
        self.drop_fields(obj, None)
        if self.status:
            self.reset_status(obj)
        if self.generation:
            obj["metadata"]["generation"] = 1

    def drop_fields(self, new: Object, old: Object | None) -> None:
        """Drop fields that the server ignores, such as those of disabled feature gates that ``old`` lacks."""

    def reset_status(self, obj: Object) -> None:
        """Set the status of a new object."""
        obj["status"] = copy.deepcopy(self.new_status)

    def prepare_update(self, context: StrategyContext, new: Object, old: Object) -> None:
        """Reset fields that an update cannot change."""
        self.drop_fields(new, old)
        if self.status:
            keep(new, old, "status")
        if self.generation:
            self.count_generation(new, old)

    def count_generation(self, new: Object, old: Object) -> None:
        """Increment ``metadata.generation`` if more than the metadata and the status changes."""
        generation = old["metadata"].get("generation", 0)
        if any(
            new.get(name) != old.get(name)
            for name in {**new, **old}
            if name not in ("metadata", "status")
        ):
            generation += 1
        if generation:
            new["metadata"]["generation"] = generation

    def prepare_status_update(self, context: StrategyContext, new: Object, old: Object) -> None:
        """Reset all but the status and the metadata."""
        # A write to /status must not change the spec: its permission is another one.
        for name in {**new, **old}:
            if name not in ("metadata", "status", "kind", "apiVersion"):
                keep(new, old, name)
        if "generation" in old["metadata"]:
            new["metadata"]["generation"] = old["metadata"]["generation"]

    def prepare_part_update(
        self, context: StrategyContext, part: str, new: Object, old: Object
    ) -> None:
        """Reset all fields except those that a subresource other than ``status`` can change."""
        self.prepare_status_update(context, new, old)

    def validate(self, kind: Kind, obj: Object) -> FieldErrors:
        """Return the errors of a new object."""
        errors = FieldErrors()
        self._check_metadata(kind, obj["metadata"], errors)
        self.check(obj, errors)
        return errors

    def _check_metadata(self, kind: Kind, metadata: Object, errors: FieldErrors) -> None:
        validate_metadata(metadata, kind.namespaced, self.name_rule, errors)
        if self.known_finalizers:
            validate_known_finalizers(metadata.get("finalizers"), "metadata.finalizers", errors)

    def validate_update(self, kind: Kind, new: Object, old: Object) -> FieldErrors:
        """Return the errors of an update."""
        errors = common_update_errors(kind, new, old, self.change_checks, self.known_finalizers)
        for _ in range(self.full_checks):
            self._check_metadata(kind, new["metadata"], errors)
        self.check_update(new, old, errors)
        return errors

    def validate_status_update(self, kind: Kind, new: Object, old: Object) -> FieldErrors:
        """Return the errors of an update of the status."""
        errors = common_update_errors(kind, new, old)
        self.check_status(new, old, errors)
        return errors

    def validate_part_update(self, kind: Kind, part: str, new: Object, old: Object) -> FieldErrors:
        """Return the errors of an update through another subresource."""
        return self.validate_status_update(kind, new, old)

    def check(self, obj: Object, errors: FieldErrors) -> None:
        """Check the fields beyond metadata."""

    def check_update(self, new: Object, old: Object, errors: FieldErrors) -> None:
        """Check an update: the rules for a new object, then those for the change."""
        self.check(new, errors)
        self.check_change(new, old, errors)

    def check_change(self, new: Object, old: Object, errors: FieldErrors) -> None:
        """Check the changes of an update."""

    def check_status(self, new: Object, old: Object, errors: FieldErrors) -> None:
        """Check a changed status."""

    def begin_deletion(self, old: Object, now: str) -> Object | None:
        """Return the object as the first request to delete it leaves it; None for the usual deletion."""
        return None

    def check_deletion(self, name: str) -> None:
        """Raise a 403 for an object that must stay."""

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        """Return the texts for ``Warning`` headers."""
        return []

    def status_warnings(self, obj: Object) -> list[str]:
        """Return the texts for ``Warning`` headers of a status update."""
        return []

    def grace_seconds(self, obj: Object, options: DeleteOptions) -> int:
        """The grace period of a deletion, in seconds, for kinds with ``graceful``."""
        return options.grace_seconds or 0


def keep(new: Object, old: Object, name: str) -> None:
    """Give a field its old value, or remove it if it had none."""
    if name in old:
        # A copy, because stored objects are shared and must not change.
        new[name] = copy.deepcopy(old[name])
    else:
        new.pop(name, None)


def common_update_errors(
    kind: Kind, new: Object, old: Object, change_checks: int = 1, known_finalizers: bool = True
) -> FieldErrors:
    """Check an update of metadata as often as the real server does, whose causes show it.

    The last two arguments are the attributes of ``Strategy``.
    """
    errors = FieldErrors()
    # As rest.BeforeUpdate: of the name, it only checks that it can be a segment of a path.
    validate_metadata(new["metadata"], kind.namespaced, path_segment_name, errors)
    validate_metadata_update(new["metadata"], old["metadata"], errors)
    # The messages would be the same without this, but not their number in the causes.
    for _ in range(change_checks):
        validate_metadata_update(new["metadata"], old["metadata"], errors)
        if known_finalizers:
            validate_known_finalizers(
                new["metadata"].get("finalizers"), "metadata.finalizers", errors
            )
    return errors


def timestamp(seconds: float) -> str:
    """A time as RFC 3339 in whole seconds, such as ``metadata.creationTimestamp``."""
    return _whole_seconds(int(seconds))


@lru_cache(maxsize=16)
def _whole_seconds(seconds: int) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
