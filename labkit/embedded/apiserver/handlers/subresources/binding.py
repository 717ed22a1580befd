"""Writes to a part of an object that is a kind of its own: binding, scale.

Source: k8s.io/kubernetes ``pkg/registry/core/pod/storage``, ``pkg/registry/apps/*/storage``.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from labkit.embedded.apiserver.handlers.decode.bodies import decode_object
from labkit.embedded.apiserver.handlers.decode.objectmeta import check_name, check_namespace
from labkit.embedded.apiserver.handlers.decode.patches.patch import APPLY_PATCH, patch_type, patched
from labkit.embedded.apiserver.handlers.decode.writeoptions import write_options
from labkit.embedded.apiserver.handlers.subresources.scale import scale_of
from labkit.embedded.apiserver.handlers.subresources.scaleowners import SCALE, applied_scale, owners_after
from labkit.embedded.apiserver.registry.errors import FieldErrors, invalid_object, listed
from labkit.embedded.apiserver.registry.registry import Registry, timestamp
from labkit.embedded.apiserver.registry.resource_versions import MODIFIED, wrong_uid
from labkit.embedded.machinery.kinds import BY_KIND, SUBRESOURCE_KINDS, Kind
from labkit.embedded.machinery.request import Object, Request
from labkit.embedded.machinery.schema import schemas
from labkit.embedded.machinery.status import ApiError, bad_request, conflict

PODS = BY_KIND["", "Pod"]
BINDINGS = BY_KIND["", "Binding"]

Admit = Callable[[Request, Kind, str, Object | None, Object | None, bool], None]
"""Mutating admission: (request, kind, operation, new, old, dry run)."""


def success(code: int = 201) -> Object:
    """The Status that says that something was done."""
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": code}


def bind(registry: Registry, request: Request, admit: Admit) -> Object:
    """POST a Binding: put a pod on a node.

    Raises:
        ApiError: 404, 409 if it is on one, 422.
    """
    options = write_options(request, "CreateOptions")
    binding = decode_object(request, PODS, gvk=SUBRESOURCE_KINDS["binding"])
    namespace = request.info.namespace
    metadata = binding["metadata"]
    name = request.info.name or metadata.get("name", "")
    check_namespace(metadata, namespace)
    admit(request, PODS if request.info.subresource else BINDINGS, "CREATE", binding, None, options.dry_run)
    if metadata.get("name") and metadata["name"] != name:
        raise bad_request("name in URL does not match name in Binding object")
    target = binding["target"]
    errors = FieldErrors()
    if target.get("kind", "") not in ("", "Node"):
        errors.not_supported("target.kind", target["kind"], ["Node", "<empty>"])
    if not target.get("name"):
        errors.required("target.name")
    if errors:
        raise ApiError(500, "", listed(errors))
    pod = registry.get(PODS, namespace, name)
    current = pod["spec"].get("nodeName")
    if metadata.get("uid") and metadata["uid"] != pod["metadata"]["uid"]:
        raise conflict("pods/binding", "", name, f"Precondition failed: UID in precondition: {metadata['uid']}, "
                       f"UID in object meta: {pod['metadata']['uid']}")  # fmt: skip
    if pod["metadata"].get("deletionTimestamp"):
        raise conflict("pods/binding", "", name, f"pod {name} is being deleted, cannot be assigned to a host")
    if current:
        raise conflict("pods/binding", "", name, f'pod {name} is already assigned to node "{current}"')
    if pod["spec"].get("schedulingGates"):
        raise conflict("pods/binding", "", name, f"pod {name} has non-empty .spec.schedulingGates")
    now = timestamp(registry.clock())

    def assign(obj: Object) -> None:
        obj["spec"]["nodeName"] = target["name"]
        notes = metadata.get("annotations")
        if notes:
            obj["metadata"]["annotations"] = {**(obj["metadata"].get("annotations") or {}), **notes}
        conditions = [item for item in obj["status"].get("conditions", ()) if item.get("type") != "PodScheduled"]
        scheduled = {"type": "PodScheduled", "status": "True", "lastProbeTime": None, "lastTransitionTime": now}
        obj["status"]["conditions"] = [*conditions, scheduled]

    if not options.dry_run:
        registry.edit(PODS, pod, options.manager or "unknown", assign, "binding")
    return success()


def write_scale(registry: Registry, request: Request, kind: Kind, admit: Admit) -> Object:
    """PUT or PATCH of a workload's scale.

    Raises:
        ApiError: 404, 409, 422.
    """
    patching = request.method == "PATCH"
    form = patch_type(request) if patching else ""
    options = write_options(request, "PatchOptions" if patching else "UpdateOptions", apply=form == APPLY_PATCH)
    namespace, name = request.info.namespace, request.info.name
    sent = None if patching else decode_object(request, kind, gvk=SUBRESOURCE_KINDS["scale"])
    workload = registry.get(kind, namespace, name)
    current = scale_of(workload)
    owners: Any = None
    now = timestamp(registry.clock())
    if form == APPLY_PATCH:
        sent, owners = applied_scale(request, current, workload, kind, options.manager, options.force, now)
    elif patching:
        sent = patched(request, form, current, schemas()["autoscaling.v1.Scale"], SCALE)
    assert sent is not None
    metadata = sent["metadata"]
    check_name(metadata, name)
    check_namespace(metadata, namespace)
    replicas = sent["spec"].get("replicas", 0)
    errors = FieldErrors()
    if replicas < 0:
        errors.invalid("spec.replicas", replicas, "must be greater than or equal to 0")
        raise invalid_object("Scale", "autoscaling", name, errors)
    version = metadata.get("resourceVersion", "")
    if version and version != workload["metadata"]["resourceVersion"]:
        raise conflict(kind.plural, kind.group, name, MODIFIED)
    uid = metadata.get("uid", "")
    if uid and uid != workload["metadata"]["uid"]:
        raise wrong_uid(kind, namespace, name, uid, workload["metadata"]["uid"], options.dry_run)
    admit(request, kind, "UPDATE", sent, current, options.dry_run)
    new = copy.deepcopy(workload)
    new["spec"]["replicas"] = replicas
    changed = new["spec"] != workload["spec"]
    if changed:
        new["metadata"]["generation"] = new["metadata"].get("generation", 0) + 1
    if form == APPLY_PATCH:
        changed = changed or owners != workload["metadata"].get("managedFields")
        new["metadata"]["managedFields"] = owners
    elif changed:
        new["metadata"]["managedFields"] = owners_after(current, scale_of(new), workload, kind, options.manager, now)
    if changed and not options.dry_run:
        new = registry.write(kind, new)
    return scale_of(new)
