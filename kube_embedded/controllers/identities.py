"""The identity of a stateful set's pods: their ordinals, names and claims.

Source: k8s.io/kubernetes ``pkg/controller/statefulset/stateful_set_utils.go``.
"""

import copy
import re

from ..machinery.kinds import BY_KIND
from ..machinery.objects import annotations_of, labels_of, name_of, namespace_of
from ..machinery.request import Object
from .daemonplan import HASH
from .workload_pods import pod_from

STATEFUL_SETS = BY_KIND["apps", "StatefulSet"]
POD_NAME = "statefulset.kubernetes.io/pod-name"
POD_INDEX = "apps.kubernetes.io/pod-index"


def ordinal_of(stateful_set: Object, pod: Object) -> int | None:
    """Return the ordinal in a pod's name, None if the name is not of the set."""
    match = re.fullmatch(r"(.*)-([0-9]{1,10})", name_of(pod))
    if match is None or match[1] != name_of(stateful_set):
        return None
    return int(match[2])


def first_ordinal(stateful_set: Object) -> int:
    """Return the lowest ordinal of the set."""
    return int((stateful_set["spec"].get("ordinals") or {}).get("start", 0))


def identified(stateful_set: Object, template: Object, revision: str, ordinal: int) -> Object:
    """Return a pod with the identity of an ordinal, from the template of one of the set's revisions."""
    name = f"{name_of(stateful_set)}-{ordinal}"
    pod = pod_from(template, STATEFUL_SETS, stateful_set)
    pod["metadata"]["name"] = name
    identity = {POD_NAME: name, POD_INDEX: str(ordinal), HASH: revision}
    pod["metadata"]["labels"] = {**labels_of(pod), **identity}
    spec = pod["spec"] = copy.deepcopy(dict(pod["spec"]))
    # With the headless service these two make the pod's DNS name, which outlives the pod.
    spec["hostname"] = name
    if stateful_set["spec"].get("serviceName"):
        spec["subdomain"] = stateful_set["spec"]["serviceName"]
    volumes = {
        claim["metadata"]["name"].removesuffix(f"-{name}"): {"claimName": name_of(claim)}
        for claim in claims_of(stateful_set, ordinal)
    }
    # A claim's template hides a volume of the same name in the pod's.
    others = [item for item in spec.get("volumes") or () if item.get("name") not in volumes]
    if volumes or others:
        spec["volumes"] = [
            *({"name": key, "persistentVolumeClaim": value} for key, value in volumes.items()),
            *others,
        ]
    return pod


def claims_of(stateful_set: Object, ordinal: int) -> list[Object]:
    """Return the claims of a pod, to be created."""
    claims: list[Object] = []
    for template in stateful_set["spec"].get("volumeClaimTemplates") or ():
        selected = stateful_set["spec"]["selector"].get("matchLabels") or {}
        metadata: Object = {
            "name": f"{template['metadata'].get('name', '')}-{name_of(stateful_set)}-{ordinal}",
            "namespace": namespace_of(stateful_set),
            "labels": {**labels_of(template), **selected},
        }
        if annotations_of(template):
            metadata["annotations"] = annotations_of(template)
        claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata}
        claims.append({**claim, "spec": dict(template["spec"])})
    return claims
