"""Bindings: a pod is put on a node.

Source: k8s.io/kubernetes ``pkg/registry/core/pod/storage``.
"""

from __future__ import annotations

from labkit.embedded.apiserver.handlers.admission import Admission
from labkit.embedded.apiserver.handlers.decode.bodies import decode_object
from labkit.embedded.apiserver.handlers.decode.object_meta import check_namespace
from labkit.embedded.apiserver.handlers.decode.write_options import write_options
from labkit.embedded.apiserver.handlers.represent.results import One, success
from labkit.embedded.apiserver.registry.errors import FieldErrors, listed
from labkit.embedded.apiserver.registry.registry import Registry, timestamp
from labkit.embedded.machinery.golang.quote import go_quote
from labkit.embedded.machinery.kinds import BY_KIND, SUBRESOURCE_KINDS, Kind
from labkit.embedded.machinery.request import Object, Request
from labkit.embedded.machinery.status import ApiError, bad_request, conflict

PODS = BY_KIND["", "Pod"]


def bind(registry: Registry, admission: Admission, request: Request, kind: Kind) -> One:
    """Put a pod on a node: POST to ``pods/NAME/binding`` or to ``bindings``.

    404; 409 if the pod is on a node; 422.
    """
    options = write_options(request, "CreateOptions")
    binding = decode_object(request, PODS, gvk=SUBRESOURCE_KINDS["binding"])
    namespace = request.info.namespace
    metadata = binding["metadata"]
    name = request.info.name or metadata.get("name", "")
    check_namespace(metadata, namespace)
    admission.admit(request, kind, "CREATE", binding, None, options.dry_run)
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
        raise conflict(
            "pods/binding", "", name, f"pod {name} is being deleted, cannot be assigned to a host"
        )
    if current:
        raise conflict(
            "pods/binding", "", name, f"pod {name} is already assigned to node {go_quote(current)}"
        )
    if pod["spec"].get("schedulingGates"):
        raise conflict("pods/binding", "", name, f"pod {name} has non-empty .spec.schedulingGates")
    now = timestamp(registry.clock())

    def assign(obj: Object) -> None:
        obj["spec"]["nodeName"] = target["name"]
        notes = metadata.get("annotations")
        if notes:
            obj["metadata"]["annotations"] = {**(obj["metadata"].get("annotations") or {}), **notes}
        conditions = [
            item
            for item in obj["status"].get("conditions", ())
            if item.get("type") != "PodScheduled"
        ]
        scheduled = {
            "type": "PodScheduled",
            "status": "True",
            "lastProbeTime": None,
            "lastTransitionTime": now,
        }
        obj["status"]["conditions"] = [*conditions, scheduled]

    if not options.dry_run:
        registry.edit(PODS, pod, options.manager or "unknown", assign, "binding")
    return success(kind)
