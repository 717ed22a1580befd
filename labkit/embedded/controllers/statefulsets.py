"""Stateful sets: numbered pods that come one after another and go the other way round.

Source: k8s.io/kubernetes ``pkg/controller/statefulset``.
"""

from __future__ import annotations

from typing import Any

from labkit.embedded.apiserver.registry.registry import Change, Registry
from labkit.embedded.apiserver.registry.strategy import DeleteOptions
from labkit.embedded.controllers.daemonplan import HASH
from labkit.embedded.controllers.happenings import MANAGER, Happenings
from labkit.embedded.controllers.history import History, template_of
from labkit.embedded.controllers.identities import (
    STATEFUL_SETS,
    claim_names,
    claim_owner,
    claims_of,
    first_ordinal,
    identified,
    ordinal_of,
)
from labkit.embedded.controllers.owned import PODS, REASONS, Create, claimed, controller_of, most_pods, only_status
from labkit.embedded.controllers.refusals import Refusals
from labkit.embedded.controllers.rolling import wanted
from labkit.embedded.machinery.kinds import BY_KIND
from labkit.embedded.machinery.pods.state import is_available, ready_since
from labkit.embedded.machinery.request import Object
from labkit.embedded.machinery.status import ApiError

CLAIMS = BY_KIND["", "PersistentVolumeClaim"]
COMPONENT = "statefulset-controller"
REVISION_HASH = "controller.kubernetes.io/hash"


class StatefulSets:
    """Keeps the pods of stateful sets, and makes their claims.

    Args:
        registry: Where objects are.
        create: See ``Create``.
    """

    def __init__(self, registry: Registry, create: Create) -> None:
        self._registry = registry
        self._create = create
        self._happenings = Happenings(registry, COMPONENT)
        self._history = History(registry, STATEFUL_SETS, REVISION_HASH)
        self._refusals = Refusals(registry.steady)

    def __call__(self, change: Change) -> None:
        """React to stateful sets, to pods of theirs, and to what may have forbidden a pod."""
        some = change.new if change.new is not None else change.old
        if some is None:
            return
        if change.kind is STATEFUL_SETS:
            if change.new is None:
                self._refusals.forget(some)
            elif not only_status(change):
                self._sync(some["metadata"]["namespace"], some["metadata"]["name"])
        elif change.kind is PODS:
            self._after_pod(change)
        elif change.kind in REASONS:
            namespace = some["metadata"].get("namespace") or some["metadata"]["name"]
            for one in list(self._registry.list(STATEFUL_SETS, namespace)):
                if self._refusals.forget(one):
                    self._sync(namespace, one["metadata"]["name"])

    def advance(self) -> None:
        """Try again what was refused, and go on where pods have now been ready for long enough."""
        for one in list(self._registry.list(STATEFUL_SETS)):
            status = one["status"]
            late = one["spec"].get("minReadySeconds") and status.get("readyReplicas", 0) != status.get(
                "availableReplicas", 0
            )
            short = status.get("replicas", 0) < _size(one)
            if late or (short and self._refusals.may_try(one)):
                with self._registry.transaction():
                    self._sync(one["metadata"]["namespace"], one["metadata"]["name"])

    def _after_pod(self, change: Change) -> None:
        for side in {id(side): side for side in (change.old, change.new) if side is not None}.values():
            owner, namespace = controller_of(side), side["metadata"]["namespace"]
            if owner is not None:
                if (owner.get("kind"), owner.get("apiVersion")) == (STATEFUL_SETS.kind, STATEFUL_SETS.group_version):
                    self._sync(namespace, owner.get("name", ""))
            elif side is change.new:
                for one in list(self._registry.list(STATEFUL_SETS, namespace)):
                    if ordinal_of(one, side) is not None:
                        self._sync(namespace, one["metadata"]["name"])

    # One set

    def _sync(self, namespace: str, name: str) -> None:
        one = self._registry.find(STATEFUL_SETS, namespace, name)
        if one is None or one["metadata"].get("deletionTimestamp"):
            return
        revisions = self._history.revisions(one)
        update = revisions[-1]
        before = one["status"].get("currentRevision")
        current = next((each for each in revisions if each["metadata"]["name"] == before and template_of(each)), update)
        self._act(one, self._pods(one), current, update)
        pods = self._pods(one)
        status = self._status(one, list(pods.values()), current["metadata"]["name"], update["metadata"]["name"])
        if one["status"] != status:
            self._registry.edit(STATEFUL_SETS, one, MANAGER, lambda obj: obj.update(status=status), "status")
        live = {_revision(pod) for pod in pods.values()} | {current["metadata"]["name"]}
        self._history.trim(one, revisions[:-1], live)

    def _pods(self, one: Object) -> dict[int, Object]:
        """The set's pods by their ordinals."""
        selector = one["spec"]["selector"]
        pods = claimed(self._registry, STATEFUL_SETS, one, selector, lambda pod: ordinal_of(one, pod) is not None)
        return {number: pod for pod in pods if (number := ordinal_of(one, pod)) is not None}

    def _act(self, one: Object, pods: dict[int, Object], current: Object, update: Object) -> None:
        """Do what is next: its change comes here again."""
        ordered = one["spec"].get("podManagementPolicy") != "Parallel"
        first = first_ordinal(one)
        members = range(first, first + _size(one))
        for number in members:
            if number not in pods:
                if self._make(one, number, current, update) or ordered:
                    return
            elif self._holds_up(one, number, pods[number]) and ordered:
                return
        condemned = [number for number in sorted(pods, reverse=True) if number not in members]
        weakest = next((number for number in reversed(condemned) if not _is_healthy(pods[number])), None)
        for number in condemned:
            pod = pods[number]
            waits = _is_ending(pod) or (not self._is_available(one, pod) and number != weakest)
            if ordered and waits:
                return
            if not _is_ending(pod):
                self._hand_over(one, number, pod, leaving=True)
                self._delete(one, pod)
                if ordered:
                    return
        self._renew(one, [pods.get(number) for number in members], update)

    def _renew(self, one: Object, pods: list[Object | None], update: Object) -> None:
        """Delete the last pod of a former template, if those behind it are well."""
        strategy = one["spec"]["updateStrategy"]
        if strategy.get("type") == "OnDelete":
            return
        partition = (strategy.get("rollingUpdate") or {}).get("partition", 0)
        for pod in reversed(pods[partition:]):
            if pod is None:
                return
            if _revision(pod) != update["metadata"]["name"] and not _is_ending(pod):
                self._delete(one, pod)
                return
            if not _is_healthy(pod):
                return

    def _holds_up(self, one: Object, number: int, pod: Object) -> bool:
        """See to a pod that is there, and tell whether those behind it have to wait."""
        if pod["status"].get("phase") in ("Failed", "Succeeded"):
            if not _is_ending(pod):
                self._delete(one, pod)
            return True
        if pod["status"].get("phase") == "Pending" and not self._make_claims(one, number):
            return True
        self._hand_over(one, number, pod, leaving=False)
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
        return _is_running_and_ready(pod) and is_available(pod, one["spec"].get("minReadySeconds", 0), now)

    # Pods and claims

    def _make(self, one: Object, number: int, current: Object, update: Object) -> bool:
        """Make a pod and its claims, and tell whether that went well."""
        if not self._refusals.may_try(one):
            return False
        rolling = one["spec"]["updateStrategy"].get("rollingUpdate")
        kept = rolling.get("partition", 0) if rolling is not None else one["status"].get("currentReplicas", 0)
        if one["spec"]["updateStrategy"].get("type") == "OnDelete":
            kept = 0
        revision = current if number < first_ordinal(one) + kept else update
        pod = identified(one, template_of(revision) or one["spec"]["template"], revision["metadata"]["name"], number)
        set_name, name = one["metadata"]["name"], pod["metadata"]["name"]
        if not self._make_claims(one, number):
            return False
        try:
            made = self._create(COMPONENT, pod)
        except ApiError as error:
            self._refusals.note(one)
            message = f"create Pod {name} in StatefulSet {set_name} failed error: {error.message}"
            self._happenings.note(STATEFUL_SETS, one, "FailedCreate", message, type_="Warning")
            return False
        self._refusals.forget(one)
        message = f"create Pod {name} in StatefulSet {set_name} successful"
        self._happenings.note(STATEFUL_SETS, one, "SuccessfulCreate", message)
        self._hand_over(one, number, made, leaving=False)
        return True

    def _make_claims(self, one: Object, number: int) -> bool:
        """Make the claims of a pod that are not there, and tell whether that went well."""
        set_name = one["metadata"]["name"]
        for claim in claims_of(one, number):
            name = claim["metadata"]["name"]
            if self._registry.find(CLAIMS, claim["metadata"]["namespace"], name) is not None:
                continue
            told = f"Pod {set_name}-{number} in StatefulSet {set_name}"
            try:
                self._create(COMPONENT, claim, CLAIMS)
            except ApiError as error:
                message = f"create Claim {name} for {told} failed error: {error.message}"
                self._happenings.note(STATEFUL_SETS, one, "FailedCreate", message, type_="Warning")
                self._refusals.note(one)
                return False
            self._happenings.note(STATEFUL_SETS, one, "SuccessfulCreate", f"create Claim {name} {told} success")
        return True

    def _hand_over(self, one: Object, number: int, pod: Object, *, leaving: bool) -> None:
        """Let a pod's claims end with whom they should."""
        owner = claim_owner(one, pod, leaving=leaving)
        ours = {("StatefulSet", one["metadata"]["name"]), ("Pod", pod["metadata"]["name"])}
        for name in claim_names(one, number).values():
            claim = self._registry.find(CLAIMS, one["metadata"]["namespace"], name)
            if claim is None:
                continue
            present = claim["metadata"].get("ownerReferences") or []
            references = [item for item in present if (item.get("kind"), item.get("name")) not in ours]
            references += [owner] if owner else []
            if references != present:

                def change(obj: Object, references: list[Object] = references) -> None:
                    obj["metadata"]["ownerReferences"] = references
                    if not references:
                        del obj["metadata"]["ownerReferences"]

                self._registry.edit(CLAIMS, claim, MANAGER, change)

    def _delete(self, one: Object, pod: Object) -> None:
        metadata = pod["metadata"]
        self._registry.delete(PODS, metadata["namespace"], metadata["name"], DeleteOptions())
        message = f"delete Pod {metadata['name']} in StatefulSet {one['metadata']['name']} successful"
        self._happenings.note(STATEFUL_SETS, one, "SuccessfulDelete", message)


def _size(one: Object) -> int:
    """How many pods a set gets: a claim of each is written as well."""
    written = {name: one["spec"].get(name) for name in ("template", "volumeClaimTemplates")}
    return min(wanted(one), most_pods(written))


def _revision(pod: Object) -> str:
    return str((pod["metadata"].get("labels") or {}).get(HASH, ""))


def _is_ending(pod: Object) -> bool:
    return bool(pod["metadata"].get("deletionTimestamp"))


def _is_running_and_ready(pod: Object) -> bool:
    return pod["status"].get("phase") == "Running" and ready_since(pod) is not None


def _is_healthy(pod: Object) -> bool:
    return _is_running_and_ready(pod) and not _is_ending(pod)
