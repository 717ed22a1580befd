"""``{workload}/scale``: how many pods are wanted, in a form shared by all that can be scaled.

Source: k8s.io/kubernetes ``pkg/registry/apps/*/storage``.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

from labkit.embedded.apiserver.handlers.admission import Admission
from labkit.embedded.apiserver.handlers.decode.bodies import decode_object
from labkit.embedded.apiserver.handlers.decode.object_meta import (
    check_name,
    check_namespace,
    name_in_path,
)
from labkit.embedded.apiserver.handlers.decode.patches.apply import (
    applied_configuration,
    applied_object,
)
from labkit.embedded.apiserver.handlers.decode.patches.patch import APPLY_PATCH, patch_type, patched
from labkit.embedded.apiserver.handlers.decode.write_options import write_options
from labkit.embedded.apiserver.handlers.represent.results import One, Operation
from labkit.embedded.apiserver.handlers.represent.tables.text import NONE, labels, selector
from labkit.embedded.apiserver.handlers.subresources.custom_scale import (
    check_replicas,
    check_sent_replicas,
    custom_scale,
    scale_document,
    scale_paths,
)
from labkit.embedded.apiserver.registry.conversion import from_stored
from labkit.embedded.apiserver.registry.errors import FieldErrors, invalid_object
from labkit.embedded.apiserver.registry.managed.apply import apply
from labkit.embedded.apiserver.registry.managed.manager import (
    Managed,
    managers_of,
    set_managed,
    update_managed_fields,
)
from labkit.embedded.apiserver.registry.registry import Registry, timestamp
from labkit.embedded.apiserver.registry.resource_versions import MODIFIED, wrong_uid
from labkit.embedded.machinery.kinds import SUBRESOURCE_KINDS, CustomKind, Kind
from labkit.embedded.machinery.request import Object, Request
from labkit.embedded.machinery.schema import schemas
from labkit.embedded.machinery.schema.decoding import Decoder
from labkit.embedded.machinery.status import ApiError, conflict

SCALE = Kind("autoscaling", "v1", "Scale", "scales", True)


def scale_of(obj: Object) -> Object:
    """The scale of a deployment, replica set, stateful set or replication controller."""
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    chosen = spec.get("selector")
    text = labels(chosen) if obj.get("kind") == "ReplicationController" else selector(chosen)
    scale_status: Object = {"replicas": status.get("replicas", 0)}
    if text != NONE:
        scale_status["selector"] = text
    return scale_document(obj, spec.get("replicas", 0), scale_status)


def scale_view(kind: Kind, obj: Object) -> Object:
    """The scale of an object of a kind."""
    return custom_scale(kind, obj) if isinstance(kind, CustomKind) else scale_of(obj)


def set_replicas(kind: Kind, obj: Object, replicas: int) -> None:
    """Set how many pods are wanted, in place."""
    path = ["spec", "replicas"]
    if isinstance(kind, CustomKind):
        path = scale_paths(kind)["specReplicasPath"].removeprefix(".").split(".")
    holder: Any = obj
    for at, step in enumerate(path[:-1]):
        holder = holder.setdefault(step, {})
        if not isinstance(holder, dict):
            place = ".".join(["", *path[: at + 1]])
            raise ApiError(
                500, "", f"value cannot be set because {place} is not a map[string]interface{{}}"
            )
    holder[path[-1]] = replicas


def scale_operation(
    get: Callable[[Request, Kind], One], registry: Registry, admission: Admission
) -> Operation:
    """Answer all verbs of ``scale``."""

    def operation(request: Request, kind: Kind) -> One:
        if request.info.verb != "get":
            return write_scale(registry, admission, request, kind)
        found = get(request, kind).object
        if isinstance(kind, CustomKind):
            check_replicas(kind, found)
        return One(kind, scale_view(kind, found))

    return operation


def write_scale(registry: Registry, admission: Admission, request: Request, kind: Kind) -> One:
    """PUT or PATCH of a workload's scale; 404, 409 or 422."""
    name = name_in_path(request)
    patching = request.method == "PATCH"
    form = patch_type(request, kind) if patching else ""
    options = write_options(
        request, "PatchOptions" if patching else "UpdateOptions", apply=form == APPLY_PATCH
    )
    namespace = request.info.namespace
    sent = None if patching else decode_object(request, kind, gvk=SUBRESOURCE_KINDS["scale"])
    workload = from_stored(kind, registry.get(kind, namespace, name))
    current = scale_view(kind, workload)
    owners: Managed | None = None
    struct, now, manager = (
        schemas()["autoscaling.v1.Scale"],
        timestamp(registry.clock()),
        options.manager,
    )
    if form == APPLY_PATCH:
        config = applied_configuration(request, struct, SCALE)
        scale = applied_object(partial(Decoder().decode, struct), config, config, SCALE)
        part: Object = {
            "apiVersion": kind.group_version,
            "kind": kind.kind,
            "metadata": {"name": name},
        }
        if "replicas" in (config.get("spec") or {}):
            set_replicas(kind, part, scale["spec"].get("replicas", 0))
        merged, owners = apply(
            registry.struct(kind),
            workload,
            part,
            manager,
            kind.group_version,
            "scale",
            options.force,
            now,
        )
        sent = scale_view(kind, workload if merged is None else merged)
        sent["metadata"].update(scale["metadata"])
    elif patching:
        sent = patched(request, form, current, struct, SCALE)
    assert sent is not None
    metadata = sent["metadata"]
    check_name(metadata, name)
    check_namespace(metadata, namespace)
    replicas = sent["spec"].get("replicas", 0)
    errors = FieldErrors()
    if isinstance(kind, CustomKind):
        check_sent_replicas(kind, workload, sent, patching)
    elif replicas < 0:
        errors.invalid("spec.replicas", replicas, "must be greater than or equal to 0")
        raise invalid_object("Scale", "autoscaling", name, errors)
    version = metadata.get("resourceVersion", "")
    if version and version != workload["metadata"]["resourceVersion"]:
        raise conflict(kind.plural, kind.group, name, MODIFIED)
    uid = metadata.get("uid", "")
    if uid and uid != workload["metadata"]["uid"]:
        raise wrong_uid(kind, namespace, name, uid, workload["metadata"]["uid"], options.dry_run)
    admission.admit(request, kind, "UPDATE", sent, current, options.dry_run)
    new = copy.deepcopy(workload)
    set_replicas(kind, new, replicas)
    changed = new != workload
    if changed and not isinstance(kind, CustomKind):
        new["metadata"]["generation"] = new["metadata"].get("generation", 0) + 1
    if owners is None and changed:
        update_managed_fields(
            registry.struct(kind), workload, new, manager, kind.group_version, "scale", now
        )
        owners = managers_of(new)
    if owners is not None:
        owners.times = managers_of(
            workload
        ).times  # so a new manager has no time, as with the real server
        set_managed(new, owners)
        changed = new != workload
    if changed and isinstance(kind, CustomKind):
        new, _ = registry.update(kind, namespace, name, lambda old: new, dry_run=options.dry_run)
        new = from_stored(kind, new)
    elif changed and not options.dry_run:
        new = registry.write(kind, new)
    return One(kind, scale_view(kind, new))
