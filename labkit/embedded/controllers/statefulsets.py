"""Stateful sets: numbered pods, one after another, and the last one first where they go or are replaced.

They create no claims: a volume of a claim's template is an empty directory. There is no history of their templates.

Source: k8s.io/kubernetes ``pkg/controller/statefulset``.
"""

from __future__ import annotations

import copy
import re
from functools import partial
from typing import Any

from labkit.embedded.controllers.daemonplan import HASH
from labkit.embedded.controllers.rolling import desired_replicas, template_hash
from labkit.embedded.controllers.workload import Messages, WorkloadController
from labkit.embedded.controllers.workload_pods import max_pods, pod_from
from labkit.embedded.machinery.kinds import BY_KIND
from labkit.embedded.machinery.pods.state import is_available, ready_since
from labkit.embedded.machinery.request import Object

STATEFUL_SETS = BY_KIND["apps", "StatefulSet"]
POD_NAME, POD_INDEX = "statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index"


class StatefulSets(WorkloadController):
    """Creates and deletes the pods of stateful sets."""

    kind = STATEFUL_SETS
    component = "statefulset-controller"
    messages = Messages(
        "create Pod {name} in StatefulSet {owner} successful",
        "create Pod {name} in StatefulSet {owner} failed error: {error}",
        "delete Pod {name} in StatefulSet {owner} successful",
    )

    def _selects(self, one: Object, pod: Object) -> bool:
        return _ordinal(one, pod) is not None

    def _is_due(self, one: Object) -> bool:
        """Whether a refused pod may be tried again, or pods may have become available."""
        status = one["status"]
        late = status.get("readyReplicas", 0) != status.get("availableReplicas", 0)
        if one["spec"].get("minReadySeconds") and late:
            return True
        return status.get("replicas", 0) < _size(one) and self._backoff.may_try(one)

    def _sync(self, one: Object) -> None:
        if one["metadata"].get("deletionTimestamp"):
            return
        revision = f"{one['metadata']['name'][:223]}-{template_hash(one['spec']['template'])}"
        self._act(one, self._pods(one), revision)
        self._write_status(self.kind, one, self._status(one, list(self._pods(one).values()), revision))

    def _pods(self, one: Object) -> dict[int, Object]:
        """The set's pods by their ordinals."""
        pods = self._claim(one, partial(self._selects, one))
        return {number: pod for pod in pods if (number := _ordinal(one, pod)) is not None}

    def _act(self, one: Object, pods: dict[int, Object], revision: str) -> None:
        """Take the next step; each waits until the pods before it are available."""
        first = int((one["spec"].get("ordinals") or {}).get("start", 0))
        members = range(first, first + _size(one))
        for number in members:
            pod = pods.get(number)
            if pod is None:
                if self._backoff.may_try(one):
                    self._create_dependent(one, _identified(one, revision, number))
                return
            if pod["status"].get("phase") in ("Failed", "Succeeded"):
                self._delete_last(one, [pod])
                return
            if pod["metadata"].get("deletionTimestamp") or not self._is_available(one, pod):
                break
        else:
            outdated = [pods[number] for number in members if _revision(pods[number]) != revision]
            replaced = outdated if one["spec"]["updateStrategy"].get("type") == "RollingUpdate" else []
            condemned = [pods[number] for number in sorted(pods) if number not in members]
            self._delete_last(one, condemned or replaced)

    def _delete_last(self, one: Object, pods: list[Object]) -> None:
        """Delete the last of some pods, unless it is going already."""
        for pod in pods[-1:]:
            if not pod["metadata"].get("deletionTimestamp"):
                self._delete(one, pod)

    def _status(self, one: Object, pods: list[Object], revision: str) -> dict[str, Any]:
        lasting = [pod for pod in pods if not pod["metadata"].get("deletionTimestamp")]
        updated = sum(_revision(pod) == revision for pod in lasting)
        before = one["status"].get("currentRevision") or revision
        current = revision if updated == len(pods) else before
        counts = {
            "readyReplicas": sum(_is_running_and_ready(pod) for pod in pods),
            "currentReplicas": sum(_revision(pod) == current for pod in lasting),
            "updatedReplicas": updated,
        }
        status: dict[str, Any] = {
            "observedGeneration": one["metadata"].get("generation", 1),
            "replicas": len(pods),
            "currentRevision": current,
            "updateRevision": revision,
            "collisionCount": 0,
            "availableReplicas": sum(self._is_available(one, pod) for pod in pods),
        }
        return status | {name: count for name, count in counts.items() if count}

    def _is_available(self, one: Object, pod: Object) -> bool:
        now = self._registry.clock()
        return _is_running_and_ready(pod) and is_available(pod, one["spec"].get("minReadySeconds", 0), now)


def _size(one: Object) -> int:
    """The number of pods of a set; their volumes count towards the limit."""
    written = {name: one["spec"].get(name) for name in ("template", "volumeClaimTemplates")}
    return min(desired_replicas(one), max_pods(written))


def _ordinal(one: Object, pod: Object) -> int | None:
    """The ordinal in a pod's name, None if the name is not of the set."""
    match = re.fullmatch(r"(.*)-([0-9]{1,10})", pod["metadata"]["name"])
    return int(match[2]) if match is not None and match[1] == one["metadata"]["name"] else None


def _identified(one: Object, revision: str, number: int) -> Object:
    """A pod with the identity of an ordinal."""
    name = f"{one['metadata']['name']}-{number}"
    pod = pod_from(one["spec"]["template"], STATEFUL_SETS, one)
    pod["metadata"]["name"] = name
    own = {POD_NAME: name, POD_INDEX: str(number), HASH: revision}
    pod["metadata"]["labels"] = {**(pod["metadata"].get("labels") or {}), **own}
    spec = pod["spec"] = copy.deepcopy(dict(pod["spec"]))
    spec["hostname"] = name
    if one["spec"].get("serviceName"):
        spec["subdomain"] = one["spec"]["serviceName"]
    claims = [claim["metadata"].get("name", "") for claim in one["spec"].get("volumeClaimTemplates") or ()]
    volumes = [{"name": claim, "emptyDir": {}} for claim in claims]
    volumes += [volume for volume in spec.get("volumes") or () if volume.get("name") not in claims]
    if volumes:
        spec["volumes"] = volumes
    return pod


def _revision(pod: Object) -> str:
    return str((pod["metadata"].get("labels") or {}).get(HASH, ""))


def _is_running_and_ready(pod: Object) -> bool:
    return pod["status"].get("phase") == "Running" and ready_since(pod) is not None
