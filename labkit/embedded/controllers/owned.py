"""What controllers of workloads have in common: who controls what, and which pods count.

Source: k8s.io/kubernetes ``pkg/controller/controller_utils.go``, ``pkg/api/v1/pod``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from labkit.embedded.apiserver.registry.registry import Change, Registry
from labkit.embedded.apiserver.registry.strategies.fields.selectors import selects
from labkit.embedded.controllers.happenings import MANAGER
from labkit.embedded.machinery.kinds import BY_KIND, Kind
from labkit.embedded.machinery.pods.state import ready_since
from labkit.embedded.machinery.request import Object

PODS = BY_KIND["", "Pod"]
REASONS = tuple(BY_KIND["", kind] for kind in ("LimitRange", "Namespace", "ResourceQuota", "ServiceAccount"))
"""What may have forbidden a pod."""
MAX_PODS = 100
"""How many pods one owner gets, whatever it wants: they are made inside the write that asks for them."""
MAX_WRITTEN = 256 << 10
"""How many characters the templates of these pods may have together; the first pod comes in any case."""


class Create(Protocol):
    """Creates an object as a controller of the control plane does: past all admission."""

    def __call__(self, controller: str, obj: Object, kind: Kind = PODS) -> Object:
        """The stored object.

        Args:
            controller: Whose service account asks.
            obj: The object, with its namespace.
            kind: Its row.

        Raises:
            ApiError: It is refused.
        """


def controller_of(obj: Object | None) -> Object | None:
    """The reference to the object that controls this one."""
    for owner in (obj or {}).get("metadata", {}).get("ownerReferences") or ():
        if owner.get("controller"):
            found: Object = owner
            return found
    return None


def controls(owner: Object, obj: Object) -> bool:
    """Whether an object is controlled by another."""
    reference = controller_of(obj)
    return reference is not None and reference.get("uid") == owner["metadata"]["uid"]


def reference_to(kind: Kind, obj: Object) -> Object:
    """The reference by which an object controls others."""
    return {
        "apiVersion": kind.group_version,
        "kind": kind.kind,
        "name": obj["metadata"]["name"],
        "uid": obj["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def claimed(
    registry: Registry,
    kind: Kind,
    owner: Object,
    selector: Object,
    adoptable: Callable[[Object], bool],
    held: Kind = PODS,
) -> list[Object]:
    """What an owner controls; what nobody controls and it selects becomes its own, what it no longer selects is let go.

    Args:
        registry: Where objects are.
        kind: The owner's row.
        owner: The owner.
        selector: What it selects; an empty one selects nothing.
        adoptable: Whether it would take in an object that nobody controls.
        held: Of which kind it controls objects.

    Returns:
        The objects, as they are now.
    """
    found, ending = [], bool(owner["metadata"].get("deletionTimestamp"))
    for obj in list(registry.list(held, owner["metadata"]["namespace"])):
        matches = bool(selector) and selects(selector, obj["metadata"].get("labels") or {})
        if controls(owner, obj):
            if matches or ending:
                found.append(obj)
            else:
                registry.edit(held, obj, MANAGER, partial(_let_go, owner))
        elif matches and not ending and controller_of(obj) is None and adoptable(obj):
            found.append(registry.edit(held, obj, MANAGER, partial(_adopt, reference_to(kind, owner))))
    return found


def _adopt(reference: Object, obj: Object) -> None:
    obj["metadata"]["ownerReferences"] = [*obj["metadata"].get("ownerReferences", ()), reference]


def _let_go(owner: Object, obj: Object) -> None:
    uid, metadata = owner["metadata"]["uid"], obj["metadata"]
    left = [item for item in metadata["ownerReferences"] if item.get("uid") != uid]
    if left:
        metadata["ownerReferences"] = left
    else:
        del metadata["ownerReferences"]


def only_status(change: Change) -> bool:
    """Whether a workload changed in nothing that its controller acts on.

    What it says itself, of a failure perhaps, must not cause the next one.
    """
    old, new = change.old, change.new
    if old is None or new is None:
        return False
    return bool(
        old["spec"] == new["spec"]
        and old["metadata"].get("deletionTimestamp") == new["metadata"].get("deletionTimestamp")
    )


def most_pods(template: Object) -> int:
    """How many pods of a template one owner gets at once."""
    return min(MAX_PODS, -(-MAX_WRITTEN // len(str(template))))


def deletion_order(pod: Object) -> tuple[bool, int, bool, tuple[int, ...]]:
    """Those first that are missed least: without a node, pending, not ready, the youngest."""
    phases = {"Pending": 0, "Unknown": 1, "Running": 2}
    return (
        bool(pod["spec"].get("nodeName")),
        phases.get(pod["status"].get("phase", ""), 0),
        ready_since(pod) is not None,
        tuple(-ord(letter) for letter in pod["metadata"].get("creationTimestamp", "")),
    )


def pod_from(template: Object, kind: Kind, owner: Object) -> Object:
    """A pod as a workload's template has it."""
    metadata = template.get("metadata") or {}
    made: dict[str, Any] = {
        "generateName": f"{owner['metadata']['name']}-",
        "namespace": owner["metadata"]["namespace"],
        "ownerReferences": [reference_to(kind, owner)],
    }
    for name in ("labels", "annotations", "finalizers"):
        if metadata.get(name):
            made[name] = metadata[name]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": made, "spec": template["spec"]}
