"""How kinds differ: one strategy object beside each kind.

The registry asks it, in this order: ``default`` (with decoding), ``prepare_create`` or
``prepare_update``, ``validate`` or ``validate_update``, ``warnings``.
Objects handed in are not stored yet, so a strategy changes them in place; ``old`` is stored
and must not be changed.
Source: k8s.io/apiserver ``pkg/registry/rest``.
"""

from __future__ import annotations

import copy
import datetime
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.metadata import (
    validate_known_finalizers,
    validate_metadata,
    validate_metadata_update,
)
from labkit.embedded.apiserver.registry.names import NameRule, path_segment_name, subdomain_name
from labkit.embedded.machinery.kinds import Kind
from labkit.embedded.machinery.request import Object


@dataclass(slots=True)
class Context:
    """What a strategy may use.

    Args:
        clock: Seconds since the epoch.
        random: Source of suffixes and addresses.
        lookup: (group, kind, namespace, name) to a stored object.
        objects: (group, kind, namespace) to stored objects.
        dry_run: Whether nothing will be stored.
    """

    clock: Callable[[], float]
    random: Random
    lookup: Callable[[str, str, str, str], Object | None]
    objects: Callable[[str, str, str], Iterator[Object]]
    dry_run: bool = False


@dataclass(slots=True)
class DeleteOptions:
    """How to delete.

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


@dataclass
class Strategy:
    """The rules of an ordinary kind; families derive from it.

    Args:
        name_rule: What its names may be.
        create_on_update: A PUT to a name that is not there creates it.
        unconditional_update: An update need not name a resourceVersion.
        returns_deleted: A deletion answers with the object, not a Status.
        generation: ``metadata.generation`` counts changes of the spec.
        status: Writes of the object leave its status alone.
        graceful: A deletion may take its time.
        orphans: A deletion leaves the object's dependents, if nothing else is said.
        collected: The garbage collector looks after its dependents; else nobody may say how they fare.
        full_checks: How often an update holds the whole new object to the rules for its metadata.
        change_checks: How often it looks at what changes in metadata, besides the once for every kind.
        known_finalizers: Finalizers without a domain are Kubernetes' own.
        checks_twice: An update holds the new object to the kind's rules twice; its causes say so.
        hooks: Called as (new object, old object or None) before a write's validation;
            where the RBAC escalation check comes in.
    """

    name_rule: NameRule = subdomain_name
    create_on_update: bool = False
    unconditional_update: bool = True
    returns_deleted: bool = False
    generation: bool = False
    status: bool = False
    graceful: bool = False
    orphans: bool = False
    collected: bool = True
    full_checks: int = 1
    change_checks: int = 1
    known_finalizers: bool = True
    checks_twice: bool = False
    hooks: list[Callable[[Object, Object | None], None]] = field(default_factory=list)

    def default(self, obj: Object) -> None:
        """Fill in what the caller left out."""

    def prepare_create(self, context: Context, obj: Object) -> None:
        """Reset what a caller may not choose at creation."""
        self.drop_fields(obj, None)
        if self.status:
            self.reset_status(obj)
        if self.generation:
            obj["metadata"]["generation"] = 1

    def drop_fields(self, new: Object, old: Object | None) -> None:
        """Drop fields that the server ignores, such as those of disabled feature gates.

        Args:
            new: The object, changed in place.
            old: The stored object, None at creation. A field that it has may stay.
        """

    def reset_status(self, obj: Object) -> None:
        """The status of a new object."""
        obj["status"] = {}

    def prepare_update(self, context: Context, new: Object, old: Object) -> None:
        """Keep what an update may not change."""
        self.drop_fields(new, old)
        if self.status:
            if "status" in old:
                new["status"] = copy.deepcopy(old["status"])
            else:
                new.pop("status", None)
        if self.generation:
            self.count_generation(new, old)

    def count_generation(self, new: Object, old: Object) -> None:
        """One more if the spec differs."""
        generation = old["metadata"].get("generation", 0)
        if new.get("spec") != old.get("spec"):
            generation += 1
        if generation:
            new["metadata"]["generation"] = generation

    def prepare_status_update(self, context: Context, new: Object, old: Object) -> None:
        """A write to ``/status`` changes the status and metadata only."""
        for name in [*new, *old]:
            if name in ("metadata", "status", "kind", "apiVersion"):
                continue
            if name in old:
                new[name] = copy.deepcopy(old[name])
            else:
                new.pop(name, None)
        if "generation" in old["metadata"]:
            new["metadata"]["generation"] = old["metadata"]["generation"]

    def prepare_part_update(self, context: Context, part: str, new: Object, old: Object) -> None:
        """A write to another subresource: nothing but that part may change."""
        self.prepare_status_update(context, new, old)

    def validate(self, kind: Kind, obj: Object) -> FieldErrors:
        """What is wrong with a new object."""
        errors = FieldErrors()
        validate_metadata(obj["metadata"], kind.namespaced, self.name_rule, errors)
        if self.known_finalizers:
            validate_known_finalizers(obj["metadata"].get("finalizers"), "metadata.finalizers", errors)
        self.check(obj, errors)
        return errors

    def validate_update(self, kind: Kind, new: Object, old: Object) -> FieldErrors:
        """What is wrong with a changed object."""
        errors = common_update_errors(kind, new, old, self.change_checks, self.known_finalizers)
        for _ in range(self.full_checks):
            validate_metadata(new["metadata"], kind.namespaced, self.name_rule, errors)
            if self.known_finalizers:
                validate_known_finalizers(new["metadata"].get("finalizers"), "metadata.finalizers", errors)
        if self.checks_twice:
            self.check(new, errors)
        self.check_update(new, old, errors)
        return errors

    def validate_status_update(self, kind: Kind, new: Object, old: Object) -> FieldErrors:
        """What is wrong with a changed status."""
        errors = common_update_errors(kind, new, old)
        self.check_status(new, old, errors)
        return errors

    def validate_part_update(self, kind: Kind, part: str, new: Object, old: Object) -> FieldErrors:
        """What is wrong with a write to another subresource."""
        return self.validate_status_update(kind, new, old)

    def check(self, obj: Object, errors: FieldErrors) -> None:
        """The rules of the kind beyond metadata."""

    def check_update(self, new: Object, old: Object, errors: FieldErrors) -> None:
        """Check a changed object: the rules for a new one, then those for the change."""
        self.check(new, errors)
        self.check_change(new, old, errors)

    def check_change(self, new: Object, old: Object, errors: FieldErrors) -> None:
        """Check what an update changes."""

    def check_status(self, new: Object, old: Object, errors: FieldErrors) -> None:
        """The rules for a changed status."""

    def check_deletion(self, name: str) -> None:
        """Refuse to delete an object that must stay.

        Raises:
            ApiError: 403.
        """

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        """Texts for ``Warning`` headers."""
        return []

    def status_warnings(self, obj: Object) -> list[str]:
        """The same for a write of the status; hardly any kind has some."""
        return []

    def grace_seconds(self, obj: Object, options: DeleteOptions) -> int:
        """For a graceful kind: how long the object may take to end."""
        return options.grace_seconds or 0


def common_update_errors(
    kind: Kind, new: Object, old: Object, change_checks: int = 1, known_finalizers: bool = True
) -> FieldErrors:
    """What is wrong with changed metadata; the real server looks several times, and its causes show it.

    Args:
        kind: The kind.
        new: The object as it would be.
        old: The object as it is.
        change_checks: See ``Strategy``.
        known_finalizers: See ``Strategy``.
    """
    errors = FieldErrors()
    validate_metadata(new["metadata"], kind.namespaced, path_segment_name, errors)
    validate_metadata_update(new["metadata"], old["metadata"], errors)
    for _ in range(change_checks):
        validate_metadata_update(new["metadata"], old["metadata"], errors)
        if known_finalizers:
            validate_known_finalizers(new["metadata"].get("finalizers"), "metadata.finalizers", errors)
    return errors


def timestamp(seconds: float) -> str:
    """RFC 3339 in whole seconds, as ``metadata.creationTimestamp``."""
    return datetime.datetime.fromtimestamp(int(seconds), datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
