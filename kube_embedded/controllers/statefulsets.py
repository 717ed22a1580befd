"""Stateful sets: numbered pods, created in order and deleted in reverse order.

Source: k8s.io/kubernetes ``pkg/controller/statefulset``.
"""

from typing_extensions import override

from ..machinery.kinds import BY_KIND
from ..machinery.objects import is_deleted, labels_of, name_of
from ..machinery.pods.state import has_ended, is_available, ready_since
from ..machinery.request import Object
from . import identities
from .daemonplan import HASH
from .history import RevisionedController, template_of
from .rolling import desired_replicas
from .workload import Messages
from .workload_pods import max_pods

CLAIMS = BY_KIND["", "PersistentVolumeClaim"]


class StatefulSets(RevisionedController):
    """Creates and deletes the pods of stateful sets, and creates their claims."""

    kind = identities.STATEFUL_SETS
    component = "statefulset-controller"
    hash_label = "controller.kubernetes.io/hash"
    messages = Messages(
        "create Pod {name} in StatefulSet {owner} successful",
        "create Pod {name} in StatefulSet {owner} failed error: {error}",
        "delete Pod {name} in StatefulSet {owner} successful",
    )

    @override
    def _adoptable(self, owner: Object, dependent: Object) -> bool:
        return identities.ordinal_of(owner, dependent) is not None

    @override
    def _lacks_dependents(self, owner: Object) -> bool:
        return bool(owner["status"].get("replicas", 0) < _size(owner))

    @override
    def _sync(self, owner: Object) -> None:
        if is_deleted(owner):
            return
        revisions = self._revisions(owner)
        update = revisions[-1]
        before = owner["status"].get("currentRevision")
        usable = (item for item in revisions if name_of(item) == before and template_of(item))
        current = next(usable, update)
        self._act(owner, self._pods(owner), current, update)
        pods = list(self._pods(owner).values())
        status = self._status(owner, pods, name_of(current), name_of(update))
        self._write_status(self.kind, owner, status)
        self._trim(owner, revisions[:-1], {name_of(current), *map(_revision, pods)})

    def _pods(self, owner: Object) -> dict[int, Object]:
        """Return the set's pods by their ordinals."""
        pods = {identities.ordinal_of(owner, pod): pod for pod in self._claim(owner)}
        return {ordinal: pod for ordinal, pod in pods.items() if ordinal is not None}

    def _act(self, owner: Object, pods: dict[int, Object], current: Object, update: Object) -> None:
        """Take the next step; with the policy OrderedReady a pod waits for those before it."""
        ordered = owner["spec"].get("podManagementPolicy") != "Parallel"
        first = identities.first_ordinal(owner)
        members = range(first, first + _size(owner))
        for ordinal in members:
            if ordinal not in pods:
                if self._create_pod(owner, ordinal, current, update) or ordered:
                    return
            elif self._blocks(owner, ordinal, pods[ordinal]) and ordered:
                return
        condemned = [ordinal for ordinal in sorted(pods, reverse=True) if ordinal not in members]
        # Scaling down stops at a pod that is not available, unless it is the first of the broken ones itself:
        # then nothing else would ever change.
        broken = [ordinal for ordinal in condemned if not _is_healthy(pods[ordinal])]
        for ordinal in condemned:
            pod = pods[ordinal]
            waits = not self._is_available(owner, pod) and ordinal != broken[-1]
            if ordered and (is_deleted(pod) or waits):
                return
            if not is_deleted(pod):
                self._delete(owner, pod)
                if ordered:
                    return
        self._renew(owner, [pods.get(ordinal) for ordinal in members], update)

    def _renew(self, owner: Object, pods: list[Object | None], update: Object) -> None:
        """Delete the last pod of a former template, if those after it are healthy."""
        strategy = owner["spec"]["updateStrategy"]
        if strategy.get("type") == "OnDelete":
            return
        partition = (strategy.get("rollingUpdate") or {}).get("partition", 0)
        for pod in reversed(pods[partition:]):
            if pod is None:
                return
            if _revision(pod) != name_of(update) and not is_deleted(pod):
                self._delete(owner, pod)
                return
            if not _is_healthy(pod):
                return

    def _blocks(self, owner: Object, ordinal: int, pod: Object) -> bool:
        """Look after an existing pod, and return whether the pods after it have to wait for it."""
        if has_ended(pod):
            # Unlike a replica set, the set deletes it first: its name has to become free.
            if not is_deleted(pod):
                self._delete(owner, pod)
            return True
        if pod["status"].get("phase") == "Pending" and not self._create_claims(owner, ordinal):
            return True
        return is_deleted(pod) or not self._is_available(owner, pod)

    def _status(self, owner: Object, pods: list[Object], current: str, update: str) -> Object:
        revisions = [_revision(pod) for pod in pods if not is_deleted(pod)]
        counts = {
            "readyReplicas": sum(map(_is_running_and_ready, pods)),
            "currentReplicas": revisions.count(current),
            "updatedReplicas": revisions.count(update),
        }
        done = counts["updatedReplicas"] == counts["readyReplicas"] == len(pods)
        if done and owner["spec"]["updateStrategy"].get("type") == "RollingUpdate":
            current = update
            counts["currentReplicas"] = counts["updatedReplicas"]
        return {
            "observedGeneration": owner["metadata"].get("generation", 1),
            "replicas": len(pods),
            "currentRevision": current,
            "updateRevision": update,
            "collisionCount": 0,
            "availableReplicas": sum(self._is_available(owner, pod) for pod in pods),
            **{name: count for name, count in counts.items() if count},
        }

    def _is_available(self, owner: Object, pod: Object) -> bool:
        seconds = owner["spec"].get("minReadySeconds", 0)
        return _is_running_and_ready(pod) and is_available(pod, seconds, self._registry.clock())

    # Pods and claims

    def _create_pod(self, owner: Object, ordinal: int, current: Object, update: Object) -> bool:
        """Create a pod and its claims, and return whether both were created."""
        if not self._backoff.may_try(owner):
            return False
        strategy = owner["spec"]["updateStrategy"]
        # Pods below the partition come again from the former template; without one those that the status counts.
        former = owner["status"].get("currentReplicas", 0)
        if strategy.get("rollingUpdate") is not None:
            former = strategy["rollingUpdate"].get("partition", 0)
        if strategy.get("type") == "OnDelete":
            former = 0
        revision = current if ordinal < identities.first_ordinal(owner) + former else update
        template = template_of(revision) or owner["spec"]["template"]
        pod = identities.identified(owner, template, name_of(revision), ordinal)
        # Claims first: a pod without its claim cannot be scheduled.
        if not self._create_claims(owner, ordinal):
            return False
        return self._create_dependent(owner, pod) is None

    def _create_claims(self, owner: Object, ordinal: int) -> bool:
        """Create the missing claims of a pod, and return whether all exist."""
        pod = f"Pod {{owner}}-{ordinal} in StatefulSet {{owner}}"
        refused = f"create Claim {{name}} for {pod} failed error: {{error}}"
        messages = Messages(f"create Claim {{name}} {pod} success", refused, "")
        for claim in identities.claims_of(owner, ordinal):
            missing = self._stored(CLAIMS, claim) is None
            if missing and self._create_for(owner, claim, CLAIMS, messages) is not None:
                return False
        return True


def _size(stateful_set: Object) -> int:
    """Return the number of pods of a set."""
    # Claims are written for each pod, too: they count towards the limit.
    spec = stateful_set["spec"]
    written = {name: spec.get(name) for name in ("template", "volumeClaimTemplates")}
    return min(desired_replicas(stateful_set), max_pods(written))


def _revision(pod: Object) -> str:
    return str(labels_of(pod).get(HASH, ""))


def _is_running_and_ready(pod: Object) -> bool:
    return pod["status"].get("phase") == "Running" and ready_since(pod) is not None


def _is_healthy(pod: Object) -> bool:
    return _is_running_and_ready(pod) and not is_deleted(pod)
