"""Stateful sets: numbered pods, created in order and deleted in reverse order.

Source: k8s.io/kubernetes ``pkg/controller/statefulset``.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from labkit.embedded.apiserver.registry.registry import Registry
from labkit.embedded.controllers import MANAGER, identities
from labkit.embedded.controllers.controller_ref import set_owners
from labkit.embedded.controllers.daemonplan import HASH
from labkit.embedded.controllers.history import History, template_of
from labkit.embedded.controllers.rolling import desired_replicas
from labkit.embedded.controllers.workload import Create, Messages, WorkloadController
from labkit.embedded.controllers.workload_pods import max_pods
from labkit.embedded.machinery.kinds import BY_KIND
from labkit.embedded.machinery.objects import (
    is_deleted,
    labels_of,
    name_of,
    namespace_of,
    owners_of,
)
from labkit.embedded.machinery.pods.state import has_ended, is_available, ready_since
from labkit.embedded.machinery.request import Object

CLAIMS = BY_KIND["", "PersistentVolumeClaim"]


class StatefulSets(WorkloadController):
    """Creates and deletes the pods of stateful sets, and creates their claims."""

    kind = identities.STATEFUL_SETS
    component = "statefulset-controller"
    messages = Messages(
        "create Pod {name} in StatefulSet {owner} successful",
        "create Pod {name} in StatefulSet {owner} failed error: {error}",
        "delete Pod {name} in StatefulSet {owner} successful",
    )

    def __init__(self, registry: Registry, create: Create) -> None:
        super().__init__(registry, create)
        self._history = History(registry, identities.STATEFUL_SETS, "controller.kubernetes.io/hash")

    def _selects(self, one: Object, pod: Object) -> bool:
        return identities.ordinal_of(one, pod) is not None

    def _is_due(self, one: Object) -> bool:
        """Whether a refused pod may be tried again, or pods may have become available."""
        status = one["status"]
        late = status.get("readyReplicas", 0) != status.get("availableReplicas", 0)
        if one["spec"].get("minReadySeconds") and late:
            return True
        return status.get("replicas", 0) < _size(one) and self._backoff.may_try(one)

    def _sync(self, one: Object) -> None:
        if is_deleted(one):
            return
        revisions = self._history.revisions(one)
        update = revisions[-1]
        before = one["status"].get("currentRevision")
        current = next(
            (each for each in revisions if name_of(each) == before and template_of(each)),
            update,
        )
        self._act(one, self._pods(one), current, update)
        pods = self._pods(one)
        names = name_of(current), name_of(update)
        self._write_status(self.kind, one, self._status(one, list(pods.values()), *names))
        self._history.trim(
            one, revisions[:-1], {_revision(pod) for pod in pods.values()} | {names[0]}
        )

    def _pods(self, one: Object) -> dict[int, Object]:
        """The set's pods by their ordinals."""
        pods = self._claim(one, partial(self._selects, one))
        return {
            number: pod for pod in pods if (number := identities.ordinal_of(one, pod)) is not None
        }

    def _act(self, one: Object, pods: dict[int, Object], current: Object, update: Object) -> None:
        """Take the next step."""
        ordered = one["spec"].get("podManagementPolicy") != "Parallel"
        first = identities.first_ordinal(one)
        members = range(first, first + _size(one))
        for number in members:
            if number not in pods:
                if self._make(one, number, current, update) or ordered:
                    return
            elif self._blocks(one, number, pods[number]) and ordered:
                return
        condemned = [number for number in sorted(pods, reverse=True) if number not in members]
        weakest = next(
            (number for number in reversed(condemned) if not _is_healthy(pods[number])), None
        )
        for number in condemned:
            pod = pods[number]
            waits = _is_ending(pod) or (not self._is_available(one, pod) and number != weakest)
            if ordered and waits:
                return
            if not _is_ending(pod):
                self._update_claims(one, number, pod, leaving=True)
                self._delete(one, pod)
                if ordered:
                    return
        self._renew(one, [pods.get(number) for number in members], update)

    def _renew(self, one: Object, pods: list[Object | None], update: Object) -> None:
        """Delete the last pod of a former template, if those after it are healthy."""
        strategy = one["spec"]["updateStrategy"]
        if strategy.get("type") == "OnDelete":
            return
        partition = (strategy.get("rollingUpdate") or {}).get("partition", 0)
        for pod in reversed(pods[partition:]):
            if pod is None:
                return
            if _revision(pod) != name_of(update) and not _is_ending(pod):
                self._delete(one, pod)
                return
            if not _is_healthy(pod):
                return

    def _blocks(self, one: Object, number: int, pod: Object) -> bool:
        """Look after an existing pod, and return whether the pods after it have to wait for it."""
        if has_ended(pod):
            if not _is_ending(pod):
                self._delete(one, pod)
            return True
        if pod["status"].get("phase") == "Pending" and not self._make_claims(one, number):
            return True
        self._update_claims(one, number, pod, leaving=False)
        return _is_ending(pod) or not self._is_available(one, pod)

    def _status(self, one: Object, pods: list[Object], current: str, update: str) -> dict[str, Any]:
        lasting = [pod for pod in pods if not _is_ending(pod)]
        ready = [pod for pod in pods if _is_running_and_ready(pod)]
        counts = {
            "readyReplicas": len(ready),
            "currentReplicas": sum(_revision(pod) == current for pod in lasting),
            "updatedReplicas": sum(_revision(pod) == update for pod in lasting),
        }
        done = counts["updatedReplicas"] == counts["readyReplicas"] == len(pods)
        if done and one["spec"]["updateStrategy"].get("type") == "RollingUpdate":
            current, counts["currentReplicas"] = update, counts["updatedReplicas"]
        status: dict[str, Any] = {
            "observedGeneration": one["metadata"].get("generation", 1),
            "replicas": len(pods),
            "currentRevision": current,
            "updateRevision": update,
            "collisionCount": 0,
            "availableReplicas": sum(self._is_available(one, pod) for pod in pods),
        }
        return status | {name: count for name, count in counts.items() if count}

    def _is_available(self, one: Object, pod: Object) -> bool:
        now = self._registry.clock()
        return _is_running_and_ready(pod) and is_available(
            pod, one["spec"].get("minReadySeconds", 0), now
        )

    # Pods and claims

    def _make(self, one: Object, number: int, current: Object, update: Object) -> bool:
        """Create a pod and its claims, and return whether both were created."""
        if not self._backoff.may_try(one):
            return False
        rolling = one["spec"]["updateStrategy"].get("rollingUpdate")
        kept = (
            rolling.get("partition", 0)
            if rolling is not None
            else one["status"].get("currentReplicas", 0)
        )
        if one["spec"]["updateStrategy"].get("type") == "OnDelete":
            kept = 0
        revision = current if number < identities.first_ordinal(one) + kept else update
        pod = identities.identified(
            one,
            template_of(revision) or one["spec"]["template"],
            name_of(revision),
            number,
        )
        if not self._make_claims(one, number) or self._create_dependent(one, pod) is not None:
            return False
        self._update_claims(one, number, pod, leaving=False)
        return True

    def _make_claims(self, one: Object, number: int) -> bool:
        """Create the missing claims of a pod, and return whether all are there."""
        pod = f"Pod {{owner}}-{number} in StatefulSet {{owner}}"
        refused = f"create Claim {{name}} for {pod} failed error: {{error}}"
        messages = Messages(f"create Claim {{name}} {pod} success", refused, "")
        return not any(
            self._create_for(one, claim, CLAIMS, messages) is not None
            for claim in identities.claims_of(one, number)
            if self._registry.find(CLAIMS, namespace_of(claim), name_of(claim)) is None
        )

    def _update_claims(self, one: Object, number: int, pod: Object, *, leaving: bool) -> None:
        """Set the owners of a pod's claims by the retention policy."""
        owner = identities.claim_owner(one, pod, leaving=leaving)
        ours = {("StatefulSet", name_of(one)), ("Pod", name_of(pod))}
        for name in identities.claim_names(one, number).values():
            claim = self._registry.find(CLAIMS, namespace_of(one), name)
            if claim is None:
                continue
            present = owners_of(claim)
            references = [
                item for item in present if (item.get("kind"), item.get("name")) not in ours
            ]
            references += [owner] if owner else []
            if references != present:
                self._registry.edit(
                    CLAIMS, claim, MANAGER, partial(set_owners, references=references)
                )


def _size(one: Object) -> int:
    """The number of pods of a set; their claims count towards the limit."""
    written = {name: one["spec"].get(name) for name in ("template", "volumeClaimTemplates")}
    return min(desired_replicas(one), max_pods(written))


def _revision(pod: Object) -> str:
    return str(labels_of(pod).get(HASH, ""))


def _is_ending(pod: Object) -> bool:
    return is_deleted(pod)


def _is_running_and_ready(pod: Object) -> bool:
    return pod["status"].get("phase") == "Running" and ready_since(pod) is not None


def _is_healthy(pod: Object) -> bool:
    return _is_running_and_ready(pod) and not _is_ending(pod)
