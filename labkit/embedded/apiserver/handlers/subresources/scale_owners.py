"""The field managers of ``spec.replicas``, in a workload and in its ``/scale``; server-side apply to a scale.

Source: k8s.io/apimachinery ``pkg/util/managedfields/scalehandler.go``.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from labkit.embedded.apiserver.handlers.decode.patches.apply import applied_configuration, applied_object
from labkit.embedded.apiserver.handlers.subresources.custom_scale import scale_paths
from labkit.embedded.apiserver.registry.managed.apply import apply
from labkit.embedded.apiserver.registry.managed.fieldset import Node, difference_sets, intersection_sets
from labkit.embedded.apiserver.registry.managed.manager import (
    Managed,
    decode_managed,
    set_managed,
    update_managed_fields,
)
from labkit.embedded.machinery.kinds import CustomKind, Kind
from labkit.embedded.machinery.request import Object, Request
from labkit.embedded.machinery.schema import schemas
from labkit.embedded.machinery.schema.decoding import Decoder

SCALE = Kind("autoscaling", "v1", "Scale", "scales", True)
REPLICAS: Node = {"f:spec": {"f:replicas": {}}}


def applied_scale(
    request: Request, current: Object, workload: Object, kind: Kind, manager: str, force: bool, now: str
) -> tuple[Object, Any]:
    """Apply a request's configuration to a workload's scale; 400, or 409 if another manager owns the number.

    Returns:
        The new scale, and the workload's ``managedFields``.
    """
    struct = schemas()["autoscaling.v1.Scale"]
    config = applied_configuration(request, struct, SCALE)
    seen = {**current, "metadata": dict(current["metadata"])}
    owners = decode_managed(workload["metadata"].get("managedFields")) or Managed()
    set_managed(seen, of_scale(owners, kind))
    merged, managed = apply(struct, seen, config, manager, SCALE.group_version, "scale", force, now)
    made = seen if merged is None else applied_object(partial(Decoder().decode, struct), merged, config, SCALE)
    new = {"kind": SCALE.kind, "apiVersion": SCALE.group_version, **made}
    set_managed(new, managed)
    merged_owners = _merged_owners(owners, new, kind)
    new["metadata"].pop("managedFields", None)
    return new, merged_owners


def owners_after(current: Object, new: Object, workload: Object, kind: Kind, manager: str, now: str) -> Any:
    """A workload's ``managedFields`` after a manager updated its scale from ``current`` to ``new``."""
    owners = decode_managed(workload["metadata"].get("managedFields")) or Managed()
    before = {**current, "metadata": dict(current["metadata"])}
    set_managed(before, of_scale(owners, kind))
    after = {**new, "metadata": dict(before["metadata"])}
    struct = schemas()["autoscaling.v1.Scale"]
    update_managed_fields(struct, before, after, manager, SCALE.group_version, "scale", now)
    return _merged_owners(owners, after, kind)


def _merged_owners(owners: Managed, scale: Object, kind: Kind) -> Any:
    scale_owners = decode_managed(scale["metadata"].get("managedFields")) or Managed()
    holder: Object = {"metadata": {}}
    set_managed(holder, of_workload(owners, scale_owners, kind))
    return holder["metadata"].get("managedFields")


def replicas_of(kind: Kind) -> Node:
    """The field of a workload that says how many pods are wanted."""
    if not isinstance(kind, CustomKind):
        return REPLICAS
    node: Node = {}
    for step in reversed(scale_paths(kind)["specReplicasPath"].removeprefix(".").split(".")):
        node = {f"f:{step}": node}
    return node


def of_scale(owners: Managed, kind: Kind) -> Managed:
    """The managers of a workload that own its number of replicas, as managers of its scale."""
    found, own = Managed(), replicas_of(kind)
    for key, fields in owners.fields.items():
        if owners.versions.get(key) == kind.group_version and intersection_sets(fields, own):
            found.fields[key] = REPLICAS
            found.versions[key] = SCALE.group_version
            if key in owners.times:
                found.times[key] = owners.times[key]
    return found


def of_workload(owners: Managed, scale_owners: Managed, kind: Kind) -> Managed:
    """The managers of a workload after its scale's have changed."""
    found, own, version = Managed(), replicas_of(kind), kind.group_version
    left = dict(scale_owners.fields)
    for key, fields in owners.fields.items():
        if owners.versions.get(key) != version:
            continue
        if key in left:
            left.pop(key)
        elif intersection_sets(fields, own):
            fields = difference_sets(fields, own)
        if fields:
            found.fields[key], found.versions[key] = fields, version
            if key in owners.times:
                found.times[key] = owners.times[key]
    for key, fields in left.items():
        if intersection_sets(fields, REPLICAS):
            found.fields[key], found.versions[key] = own, version
            if key in owners.times:  # the real server looks here, where a new manager has no time
                found.times[key] = owners.times[key]
    return found
