"""The replica sets of a deployment as its revisions: how they are made, and their annotations.

Source: k8s.io/kubernetes ``pkg/controller/deployment/{sync.go,util/deployment_util.go}``.
"""

import copy

from ..machinery.kinds import BY_KIND
from ..machinery.objects import annotations_of, labels_of, namespace_of
from ..machinery.request import Object
from .controller_ref import reference_to
from .rolling import HASH, MAX_REPLICAS, PREFIX, desired_replicas, limits

DEPLOYMENTS = BY_KIND["apps", "Deployment"]
REVISION = PREFIX + "revision"
HISTORY = PREFIX + "revision-history"
DESIRED = PREFIX + "desired-replicas"
OWN = (REVISION, HISTORY, DESIRED, MAX_REPLICAS, "kubectl.kubernetes.io/last-applied-configuration")
"""Annotations that a replica set does not take from its deployment."""


def new_replica_set(deployment: Object, name: str, suffix: str, revision: int) -> Object:
    """The replica set of a deployment's present template, without pods; its pods have the suffix as a label."""
    spec = deployment["spec"]
    template = copy.deepcopy(dict(spec["template"]))
    labels = {**labels_of(template), HASH: suffix}
    template["metadata"] = {**template["metadata"], "labels": labels}
    selector = copy.deepcopy(dict(spec["selector"]))
    selector["matchLabels"] = {**(selector.get("matchLabels") or {}), HASH: suffix}
    replica_set: Object = {
        "metadata": {
            "name": name,
            "namespace": namespace_of(deployment),
            "labels": labels,
            "annotations": {
                **_inherited(deployment),
                **size_annotations(deployment),
                REVISION: str(revision),
            },
            "ownerReferences": [reference_to(DEPLOYMENTS, deployment)],
        },
        "spec": {"replicas": 0, "selector": selector, "template": template},
    }
    if spec.get("minReadySeconds"):
        replica_set["spec"]["minReadySeconds"] = spec["minReadySeconds"]
    return replica_set


def revision_of(replica_set: Object) -> int:
    """A replica set's revision, 0 if it has none."""
    text = annotations_of(replica_set).get(REVISION, "")
    return int(text) if text.isdecimal() else 0


def size_annotations(deployment: Object) -> dict[str, str]:
    """The annotations of a replica set with the size of its deployment."""
    replicas = desired_replicas(deployment)
    return {DESIRED: str(replicas), MAX_REPLICAS: str(replicas + limits(deployment)[0])}


def renewed_annotations(deployment: Object, replica_set: Object, revision: int) -> dict[str, str]:
    """The annotations of a replica set that becomes, or is, the newest revision."""
    annotations = {**annotations_of(replica_set), **_inherited(deployment)}
    known = revision_of(replica_set)
    if known < revision:
        if known:
            annotations[HISTORY] = ",".join(
                [*filter(None, annotations.get(HISTORY, "").split(",")), str(known)]
            )
        annotations[REVISION] = str(revision)
    return annotations


def _inherited(deployment: Object) -> dict[str, str]:
    annotations = annotations_of(deployment)
    return {name: value for name, value in annotations.items() if name not in OWN}
