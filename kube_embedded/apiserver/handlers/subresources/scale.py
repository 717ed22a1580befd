"""``scale``: how many pods are wanted, in a form shared by all that can be scaled.

Source: k8s.io/kubernetes ``pkg/registry/apps/*/storage``; k8s.io/apiextensions-apiserver
``pkg/registry/customresource/etcd.go``.
"""

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

from kube_embedded.machinery.golang.quote import go_quote
from kube_embedded.machinery.kinds import SUBRESOURCE_KINDS, CustomKind, Kind
from kube_embedded.machinery.request import Object, Request
from kube_embedded.machinery.schema import schemas
from kube_embedded.machinery.schema.decoding import Decoder
from kube_embedded.machinery.status import ApiError, bad_request, conflict

from ...registry.conversion import from_stored
from ...registry.custom.strategy import nested
from ...registry.errors import FieldErrors, invalid_object
from ...registry.managed.apply import apply
from ...registry.managed.manager import Managed, managers_of, set_managed, update_managed_fields
from ...registry.registry import Registry, WriteRules
from ...registry.resource_versions import MODIFIED, wrong_uid
from ..admission import Admission
from ..decode.bodies import decode_object
from ..decode.object_meta import check_name, check_namespace, name_in_path
from ..decode.patches.patch import (
    APPLY_PATCH,
    applied_configuration,
    applied_object,
    patch_type,
    patched,
)
from ..decode.write_options import write_options
from ..represent.responses import One, Operation
from ..represent.tables.text import NONE, labels, selector

SCALE = Kind("autoscaling", "v1", "Scale", "scales", True)
PATHS = {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}
"""The fields of built-in kinds, as a definition of a custom kind names its own."""
FIELDS = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


def _paths(kind: Kind) -> Object:
    own: Object = (
        kind.version_spec["subresources"]["scale"] if isinstance(kind, CustomKind) else PATHS
    )
    return own


def _value(obj: Object, path: str, type_: type) -> Any:
    value, problem = nested(obj, path, type_)
    if problem:
        raise ApiError(500, "", problem)
    return value


def scale_of(kind: Kind, obj: Object) -> Object:
    """The scale of an object of a kind."""
    paths = _paths(kind)
    replicas = _value(obj, paths["specReplicasPath"], int)
    status: Object = {"replicas": _value(obj, paths["statusReplicasPath"], int) or 0}
    if isinstance(kind, CustomKind):
        path = paths.get("labelSelectorPath")
        text = _value(obj, path, str) if path else ""
    else:
        chosen = (obj.get("spec") or {}).get("selector")
        # Only replication controllers are so old that their selectors are mere labels.
        text = labels(chosen) if kind.kind == "ReplicationController" else selector(chosen)
    if text and text != NONE:
        status["selector"] = text
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {name: obj["metadata"][name] for name in FIELDS if name in obj["metadata"]},
        "spec": {"replicas": replicas} if replicas else {},
        "status": status,
    }


def set_replicas(kind: Kind, obj: Object, replicas: int) -> None:
    """Set how many pods are wanted, in place."""
    *path, last = _paths(kind)["specReplicasPath"].removeprefix(".").split(".")
    holder: Any = obj
    reached = ""
    for step in path:
        holder = holder.setdefault(step, {})
        reached += f".{step}"
        if not isinstance(holder, dict):
            text = f"value cannot be set because {reached} is not a map[string]interface{{}}"
            raise ApiError(500, "", text)
    holder[last] = replicas


def scale_operation(
    get: Callable[[Request, Kind], One], registry: Registry, admission: Admission
) -> Operation:
    """Answer all verbs of ``scale``."""

    def operation(request: Request, kind: Kind) -> One:
        if request.info.verb != "get":
            return write_scale(registry, admission, request, kind)
        obj = get(request, kind).object
        path = _paths(kind)["specReplicasPath"]
        if isinstance(kind, CustomKind) and _value(obj, path, int) is None:
            problem = f"the spec replicas field {go_quote(path)} does not exist"
            details = {"causes": [{"message": problem}]}
            text = f"Internal error occurred: {problem}"
            raise ApiError(500, "InternalError", text, details)
        return One(kind, scale_of(kind, obj))

    return operation


def write_scale(registry: Registry, admission: Admission, request: Request, kind: Kind) -> One:
    """PUT or PATCH of a workload's scale; 404, 409 or 422."""
    name = name_in_path(request)
    patching = request.method == "PATCH"
    form = patch_type(request, kind) if patching else ""
    kind_of_options = "PatchOptions" if patching else "UpdateOptions"
    options = write_options(request, kind_of_options, apply=form == APPLY_PATCH)
    namespace = request.info.namespace
    sent = None if patching else decode_object(request, kind, gvk=SUBRESOURCE_KINDS["scale"])
    # Not registry.update: a scale has no rules of its kind beyond the number of pods.
    workload = from_stored(kind, registry.get(kind, namespace, name))
    current = scale_of(kind, workload)
    owners: Managed | None = None
    struct = schemas()["autoscaling.v1.Scale"]
    write = registry.ownership(kind, options.manager, "scale")
    if form == APPLY_PATCH:
        config = applied_configuration(request, struct, SCALE)
        scale = applied_object(partial(Decoder().decode, struct), config, config, SCALE)
        # Fields are owned in the workload, and so the scale is applied as the part of it that it shows.
        part: Object = {"apiVersion": kind.group_version, "kind": kind.kind}
        part["metadata"] = {"name": name}
        if "replicas" in (config.get("spec") or {}):
            set_replicas(kind, part, scale["spec"].get("replicas", 0))
        merged, owners = apply(write, workload, part, force=options.force)
        sent = scale_of(kind, workload if merged is None else merged)
        sent["metadata"].update(scale["metadata"])
    elif patching:
        sent = patched(request, form, current, struct, SCALE)
    assert sent is not None
    metadata = sent["metadata"]
    check_name(metadata, name)
    check_namespace(metadata, namespace)
    replicas = sent["spec"].get("replicas", 0)
    path = _paths(kind)["specReplicasPath"]
    if isinstance(kind, CustomKind):
        if patching and "replicas" not in sent["spec"] and _value(workload, path, int) is None:
            raise bad_request(f"the spec replicas field {go_quote(path)} cannot be empty")
    elif replicas < 0:
        errors = FieldErrors()
        errors.check_not_negative("spec.replicas", replicas)
        raise invalid_object("Scale", "autoscaling", name, errors)
    version = metadata.get("resourceVersion", "")
    uid = metadata.get("uid", "")
    if version and version != workload["metadata"]["resourceVersion"]:
        raise conflict(kind.plural, kind.group, name, MODIFIED)
    if uid and uid != workload["metadata"]["uid"]:
        raise wrong_uid(kind, namespace, name, uid, workload["metadata"]["uid"], options.dry_run)
    admission.admit(request, kind, "UPDATE", sent, current, options.dry_run)
    new = copy.deepcopy(workload)
    set_replicas(kind, new, replicas)
    changed = new != workload
    # The strategy of a custom kind counts generations itself, in registry.update.
    if changed and not isinstance(kind, CustomKind):
        new["metadata"]["generation"] = new["metadata"].get("generation", 0) + 1
    if owners is None and changed:
        update_managed_fields(write, workload, new)
        owners = managers_of(new)
    if owners is not None:
        # So a new manager has no time, as with the real server.
        before = managers_of(workload)
        for key, entry in owners.items():
            entry.time = before[key].time if key in before else ""
        set_managed(new, owners)
        changed = new != workload
    if changed and isinstance(kind, CustomKind):
        rules = WriteRules(dry_run=options.dry_run)
        new, _ = registry.update(kind, namespace, name, lambda old: new, rules)
        new = from_stored(kind, new)
    elif changed and not options.dry_run:
        new = registry.write(kind, new)
    return One(kind, scale_of(kind, new))
