"""Evictions: deletions of pods, which a disruption budget never forbids here.

Source: k8s.io/kubernetes ``pkg/registry/core/pod/storage/eviction.go``;
https://kubernetes.io/docs/tasks/run-application/configure-pdb/#unhealthy-pod-eviction-policy
"""

from __future__ import annotations

from labkit.embedded.apiserver.handlers.admission import Admission
from labkit.embedded.apiserver.handlers.decode.bodies import decode_object
from labkit.embedded.apiserver.handlers.decode.object_meta import check_namespace
from labkit.embedded.apiserver.handlers.decode.write_options import (
    checked_delete_options,
    write_options,
)
from labkit.embedded.apiserver.handlers.represent.results import One, success
from labkit.embedded.apiserver.registry.registry import Registry
from labkit.embedded.apiserver.registry.strategies.fields.selectors import guards
from labkit.embedded.machinery.kinds import BY_KIND, SUBRESOURCE_KINDS, Kind
from labkit.embedded.machinery.request import Object, Request
from labkit.embedded.machinery.status import ApiError, bad_request

BUDGETS = BY_KIND["policy", "PodDisruptionBudget"]
SEVERAL = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."


def evict(registry: Registry, admission: Admission, request: Request, kind: Kind) -> One:
    """Delete a pod: POST to ``pods/NAME/eviction``.

    404; 500 if it has several disruption budgets.
    """
    options = write_options(request, "CreateOptions")
    eviction = decode_object(request, kind, gvk=SUBRESOURCE_KINDS["eviction"], older=("v1beta1",))
    namespace, name = request.info.namespace, request.info.name
    metadata = eviction["metadata"]
    check_namespace(metadata, namespace)
    if metadata.get("name") != name:
        raise bad_request("name in URL does not match name in Eviction object")
    pod = registry.get(kind, namespace, name)
    admission.admit(request, kind, "CREATE", eviction, None, options.dry_run)
    delete = checked_delete_options(eviction.get("deleteOptions") or {})
    delete.dry_run = delete.dry_run or options.dry_run
    budgets = sum(guards(budget, pod) for budget in registry.list(BUDGETS, namespace))
    if budgets > 1 and not _budget_ignored(pod):
        raise ApiError(500, "", SEVERAL)
    registry.delete(kind, namespace, name, delete, admission.check(request, kind, "DELETE", False))
    return success(kind)


def _budget_ignored(pod: Object) -> bool:
    phase = pod["status"].get("phase")
    return phase in ("Succeeded", "Failed", "Pending") or bool(
        pod["metadata"].get("deletionTimestamp")
    )
