"""Deletion of objects: preconditions, grace periods, finalizers, and the answer.

Source: k8s.io/apiserver ``pkg/registry/rest/delete.go``, ``pkg/registry/generic/registry/store.go``.
"""

from collections.abc import Callable

from ...machinery.kinds import Kind, stored_kind
from ...machinery.request import Object
from ...machinery.status import conflict
from .metadata import FOREGROUND, ORPHAN
from .strategy import DeleteOptions, Strategy, timestamp


def check_preconditions(kind: Kind, old: Object, options: DeleteOptions) -> None:
    """Refuse the deletion if its uid or resourceVersion differs from the object's."""
    metadata = old["metadata"]
    for word, expected, actual, reason in (
        ("UID", options.uid, metadata["uid"], "deleted and then recreated"),
        ("ResourceVersion", options.resource_version, metadata["resourceVersion"], "modified"),
    ):
        if expected is not None and expected != actual:
            detail = (
                f"the {word} in the precondition ({expected}) does not match the {word} in record ({actual}). "
                f"The object might have been {reason}"
            )
            raise conflict(kind.kind, stored_kind(kind).group, metadata["name"], detail)


def begin_graceful(
    strategy: Strategy, marked: Object, options: DeleteOptions, clock: Callable[[], float]
) -> tuple[bool, bool]:
    """Start a graceful deletion; return whether it started and whether it was pending already."""
    if not strategy.graceful:
        return False, False
    metadata = marked["metadata"]
    asked = options.grace_seconds
    # Not 0, which would remove a pod behind the kubelet's back.
    if asked is not None and asked < 0:
        asked = options.grace_seconds = 1
    if metadata.get("deletionTimestamp"):
        current = metadata.get("deletionGracePeriodSeconds", 0)
        # Its time is over: this time it goes, unless finalizers are left.
        if not current:
            return False, False
        if asked is None or asked >= current:
            return False, True
        metadata["deletionTimestamp"] = timestamp(clock() + asked)
        metadata["deletionGracePeriodSeconds"] = asked
        return True, False
    # The first request decides; later ones can only shorten it.
    period = strategy.grace_seconds(marked, options)
    metadata["deletionTimestamp"] = timestamp(clock() + period)
    metadata["deletionGracePeriodSeconds"] = period
    if metadata.get("generation"):
        metadata["generation"] += 1
    return True, False


def mark_deleting(metadata: Object, clock: Callable[[], float]) -> None:
    """Set ``deletionTimestamp`` on an object that waits for its finalizers."""
    if not metadata.get("deletionTimestamp") and metadata.get("generation"):
        metadata["generation"] += 1
    now = timestamp(clock())
    # "~" sorts after every digit: a missing time is later than any.
    if metadata.get("deletionTimestamp", "~") > now:
        metadata["deletionTimestamp"] = now
    metadata["deletionGracePeriodSeconds"] = 0


def deletion_finalizers(
    finalizers: list[str], options: DeleteOptions, orphans: bool = False
) -> list[str]:
    """Return the finalizers of an object about to be deleted, with those for its dependents.

    If ``orphans`` is true, dependents are orphaned when there is no propagation policy.
    """
    if options.propagation:
        orphan = options.propagation == "Orphan"
        foreground = options.propagation == "Foreground"
    else:
        # Without a policy, an earlier request's choice remains in effect.
        last = next((name for name in finalizers if name in (ORPHAN, FOREGROUND)), "")
        orphan = last == ORPHAN or (not last and orphans)
        foreground = last == FOREGROUND
    rest = [name for name in finalizers if name not in (ORPHAN, FOREGROUND)]
    expected = rest + [ORPHAN] * orphan + [FOREGROUND] * foreground
    return finalizers if set(expected) == set(finalizers) else expected


def emptied_finalizers(new: Object, old: Object) -> bool:
    """Return whether an object that is being deleted has lost its last finalizer."""
    before = old["metadata"]
    if new["metadata"].get("finalizers") or not before.get("deletionTimestamp"):
        return False
    # Namespaces had finalizers before objects did, and still have these in their spec.
    if new["kind"] == "Namespace" and new.get("spec", {}).get("finalizers"):
        return False
    # A pod without finalizers but with time left is still the kubelet's.
    return not before.get("deletionGracePeriodSeconds")


def deleted_answer(kind: Kind, strategy: Strategy, last: Object) -> Object:
    """The answer to a deletion: the object or a Status, depending on the kind."""
    if strategy.returns_deleted:
        return last
    details = {"name": last["metadata"]["name"]}
    if kind.group:
        details["group"] = kind.group
    details |= {"kind": kind.plural, "uid": last["metadata"]["uid"]}
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": details,
    }
