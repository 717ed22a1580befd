"""The identity of a stateful set's pods: their ordinals, names and claims.

Source: k8s.io/kubernetes ``pkg/controller/statefulset/stateful_set_utils.go``.
"""

from __future__ import annotations

import copy
import re

from labkit.embedded.controllers.controller_ref import reference_to
from labkit.embedded.controllers.daemonplan import HASH
from labkit.embedded.controllers.workload_pods import pod_from
from labkit.embedded.machinery.kinds import BY_KIND
from labkit.embedded.machinery.objects import labels_of, name_of, namespace_of
from labkit.embedded.machinery.request import Object

STATEFUL_SETS = BY_KIND["apps", "StatefulSet"]
POD_NAME, POD_INDEX = "statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index"


def ordinal_of(stateful_set: Object, pod: Object) -> int | None:
    """The ordinal in a pod's name, None if the name is not of the set."""
    match = re.fullmatch(r"(.*)-([0-9]{1,10})", name_of(pod))
    return int(match[2]) if match is not None and match[1] == name_of(stateful_set) else None


def first_ordinal(stateful_set: Object) -> int:
    """The lowest ordinal of the set."""
    return int((stateful_set["spec"].get("ordinals") or {}).get("start", 0))


def claim_names(stateful_set: Object, ordinal: int) -> dict[str, str]:
    """The volumes of a pod with claims of their own: volume to claim."""
    names = [
        claim["metadata"].get("name", "")
        for claim in stateful_set["spec"].get("volumeClaimTemplates") or ()
    ]
    return {name: f"{name}-{name_of(stateful_set)}-{ordinal}" for name in names}


def identified(stateful_set: Object, template: Object, revision: str, ordinal: int) -> Object:
    """A pod with the identity of an ordinal, from the template of one of the set's revisions."""
    name = f"{name_of(stateful_set)}-{ordinal}"
    pod = pod_from(template, STATEFUL_SETS, stateful_set)
    pod["metadata"]["name"] = name
    own = {POD_NAME: name, POD_INDEX: str(ordinal), HASH: revision}
    pod["metadata"]["labels"] = {**labels_of(pod), **own}
    spec = pod["spec"] = copy.deepcopy(dict(pod["spec"]))
    spec["hostname"] = name
    if stateful_set["spec"].get("serviceName"):
        spec["subdomain"] = stateful_set["spec"]["serviceName"]
    claims = claim_names(stateful_set, ordinal)
    volumes = [
        {"name": one, "persistentVolumeClaim": {"claimName": claim}}
        for one, claim in claims.items()
    ]
    volumes += [volume for volume in spec.get("volumes") or () if volume.get("name") not in claims]
    if volumes:
        spec["volumes"] = volumes
    return pod


def claims_of(stateful_set: Object, ordinal: int) -> list[Object]:
    """The claims of a pod, to be created."""
    made = []
    for template in stateful_set["spec"].get("volumeClaimTemplates") or ():
        metadata = template["metadata"]
        labels = {
            **(metadata.get("labels") or {}),
            **(stateful_set["spec"]["selector"].get("matchLabels") or {}),
        }
        new: Object = {
            "name": claim_names(stateful_set, ordinal)[metadata.get("name", "")],
            "namespace": namespace_of(stateful_set),
            "labels": labels,
        }
        if metadata.get("annotations"):
            new["annotations"] = metadata["annotations"]
        made.append(
            {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": new,
                "spec": dict(template["spec"]),
            }
        )
    return made


def claim_owner(stateful_set: Object, pod: Object, *, leaving: bool) -> Object | None:
    """The owner of a pod's claims by the retention policy: the set, the pod, or none.

    A pod is ``leaving`` if the set is being scaled down below it.
    """
    policy = stateful_set["spec"].get("persistentVolumeClaimRetentionPolicy") or {}
    if leaving and policy.get("whenScaled") == "Delete":
        return reference_to(BY_KIND["", "Pod"], pod)
    return (
        reference_to(STATEFUL_SETS, stateful_set) if policy.get("whenDeleted") == "Delete" else None
    )
