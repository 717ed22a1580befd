"""Bindings and evictions: a pod is put on a node, or deleted by another permission.

Source: k8s.io/kubernetes ``pkg/registry/core/pod/storage``;
https://kubernetes.io/docs/tasks/run-application/configure-pdb/#unhealthy-pod-eviction-policy
"""

from kube_embedded.machinery.golang.quote import go_quote
from kube_embedded.machinery.kinds import BY_KIND, SUBRESOURCE_KINDS, Kind
from kube_embedded.machinery.request import Object, Request
from kube_embedded.machinery.status import ApiError, bad_request, conflict

from ...registry.errors import FieldErrors, listed
from ...registry.registry import Registry, timestamp
from ...registry.strategies.fields.selectors import guards
from ..admission import Admission
from ..decode.bodies import decode_object
from ..decode.object_meta import check_namespace
from ..decode.write_options import checked_delete_options, write_options
from ..represent.responses import One, success

PODS = BY_KIND["", "Pod"]
BUDGETS = BY_KIND["policy", "PodDisruptionBudget"]
SEVERAL = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."


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
    errors.check_present("target.name", target.get("name"))
    if errors:
        # The real server returns these errors as they are, and so with no code of their own.
        raise ApiError(500, "", listed(errors))
    pod = registry.get(PODS, namespace, name)
    obstacle = _obstacle(pod, metadata.get("uid", ""))
    if obstacle:
        raise conflict("pods/binding", "", name, obstacle)
    now = timestamp(registry.clock())

    def assign(obj: Object) -> None:
        obj["spec"]["nodeName"] = target["name"]
        notes = metadata.get("annotations")
        if notes:
            obj["metadata"]["annotations"] = {**(obj["metadata"].get("annotations") or {}), **notes}
        conditions = [
            condition
            for condition in obj["status"].get("conditions", ())
            if condition.get("type") != "PodScheduled"
        ]
        scheduled = {"type": "PodScheduled", "status": "True", "lastProbeTime": None}
        obj["status"]["conditions"] = [*conditions, {**scheduled, "lastTransitionTime": now}]

    if not options.dry_run:
        registry.edit(PODS, pod, options.manager or "unknown", assign, "binding")
    return success(kind)


def _obstacle(pod: Object, uid: str) -> str:
    """Why a pod cannot be put on a node; empty if it can."""
    name = pod["metadata"]["name"]
    own = pod["metadata"]["uid"]
    current = pod["spec"].get("nodeName")
    if uid and uid != own:
        return f"Precondition failed: UID in precondition: {uid}, UID in object meta: {own}"
    if pod["metadata"].get("deletionTimestamp"):
        return f"pod {name} is being deleted, cannot be assigned to a host"
    if current:
        return f"pod {name} is already assigned to node {go_quote(current)}"
    if pod["spec"].get("schedulingGates"):
        return f"pod {name} has non-empty .spec.schedulingGates"
    return ""


def evict(registry: Registry, admission: Admission, request: Request, kind: Kind) -> One:
    """Delete a pod: POST to ``pods/NAME/eviction``, which a single disruption budget never forbids here.

    404; 500 if it has several disruption budgets.
    """
    options = write_options(request, "CreateOptions")
    eviction = decode_object(request, kind, gvk=SUBRESOURCE_KINDS["eviction"], older=("v1beta1",))
    namespace = request.info.namespace
    name = request.info.name
    metadata = eviction["metadata"]
    check_namespace(metadata, namespace)
    if metadata.get("name") != name:
        raise bad_request("name in URL does not match name in Eviction object")
    pod = registry.get(kind, namespace, name)
    admission.admit(request, kind, "CREATE", eviction, None, options.dry_run)
    delete = checked_delete_options(eviction.get("deleteOptions") or {})
    delete.dry_run = delete.dry_run or options.dry_run
    budgets = sum(guards(budget, pod) for budget in registry.list(BUDGETS, namespace))
    # A pod that does no work, or ends already, can go whatever its budgets say.
    idle = pod["status"].get("phase") in ("Succeeded", "Failed", "Pending")
    if budgets > 1 and not idle and not pod["metadata"].get("deletionTimestamp"):
        raise ApiError(500, "", SEVERAL)
    registry.delete(kind, namespace, name, delete, admission.check(request, kind, "DELETE", False))
    return success(kind)
