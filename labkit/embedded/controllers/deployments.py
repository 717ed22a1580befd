"""Deployments: a replica set for each template, and the rollout from one to the next.

Source: k8s.io/kubernetes ``pkg/controller/deployment``.
"""

from __future__ import annotations

from labkit.embedded.apiserver.registry.registry import Change, Registry, timestamp
from labkit.embedded.controllers import MANAGER
from labkit.embedded.controllers import deploymentrevisions as revisions
from labkit.embedded.controllers.controller import BaseController
from labkit.embedded.controllers.controller_ref import claim, controller_of, controls
from labkit.embedded.controllers.event_recorder import EventRecorder
from labkit.embedded.controllers.replicas import REPLICA_SETS
from labkit.embedded.controllers.rolling import (
    COLLISIONS,
    by_age,
    desired_replicas,
    new_size,
    set_condition,
    shrunk,
    template_hash,
    without_hash,
)
from labkit.embedded.controllers.rolloutstatus import complete, has_deadline, observed
from labkit.embedded.controllers.workload_pods import PODS
from labkit.embedded.machinery.objects import annotations_of, is_deleted, name_of, namespace_of
from labkit.embedded.machinery.pods.state import is_active
from labkit.embedded.machinery.request import Object


class Deployments(BaseController):
    """Creates and scales the replica sets of deployments."""

    def __init__(self, registry: Registry) -> None:
        super().__init__(registry)
        self._events = EventRecorder(registry, "deployment-controller", revisions.DEPLOYMENTS)

    def __call__(self, change: Change) -> None:
        """React to deployments, to their replica sets, and to the end of pods."""
        if change.kind is revisions.DEPLOYMENTS:
            if change.new is not None:
                self._reconcile(namespace_of(change.new), name_of(change.new))
        elif change.kind is REPLICA_SETS:
            self._reconcile_owner(change.new if change.new is not None else change.old)
        elif change.kind is PODS and change.new is None and change.old is not None:
            # With the strategy Recreate, a deployment waits until its old pods are gone.
            name = (controller_of(change.old) or {}).get("name", "")
            self._reconcile_owner(self._registry.find(REPLICA_SETS, namespace_of(change.old), name))

    def _reconcile_owner(self, replica_set: Object | None) -> None:
        owner = controller_of(replica_set)
        if replica_set is not None and owner is not None and owner.get("kind") == "Deployment":
            self._reconcile(namespace_of(replica_set), owner.get("name", ""))

    def _reconcile(self, namespace: str, name: str) -> None:
        deployment = self._registry.find(revisions.DEPLOYMENTS, namespace, name)
        if deployment is None:
            return
        sets = self._claimed(deployment)
        new, old = self._split(deployment, sets)
        if is_deleted(deployment):
            self._update_status(deployment, new, old, progress=False)
            return
        size = str(desired_replicas(deployment))
        scaled = any(
            desired_replicas(one) and _annotation(one, revisions.DESIRED, size) != size
            for one in sets
        )
        if deployment["spec"].get("paused") or scaled:
            self._scale_all(deployment, new, old)
        elif deployment["spec"]["strategy"].get("type") == "Recreate":
            self._recreate(deployment, new, old)
        else:
            self._roll(deployment, new, old)
        deployment = self._registry.find(revisions.DEPLOYMENTS, namespace, name)
        if deployment is not None:
            new, old = self._split(deployment, self._claimed(deployment))
            self._update_status(
                deployment, new, old, progress=not (scaled or deployment["spec"].get("paused"))
            )
            self._clean_up(deployment, old)

    def _claimed(self, deployment: Object) -> list[Object]:
        """Its replica sets, the oldest first."""
        selector = deployment["spec"].get("selector") or {}
        sets = claim(
            self._registry, revisions.DEPLOYMENTS, deployment, selector, REPLICA_SETS, _lives
        )
        return sorted(sets, key=by_age)

    def _split(self, deployment: Object, sets: list[Object]) -> tuple[Object | None, list[Object]]:
        """The replica set of the present template, and the others."""
        template = without_hash(deployment["spec"]["template"])
        new = next((one for one in sets if without_hash(one["spec"]["template"]) == template), None)
        return new, [one for one in sets if one is not new]

    # Rollouts

    def _roll(self, deployment: Object, new: Object | None, old: list[Object]) -> None:
        new = self._renew(deployment, new, old)
        if new is None:
            return
        replicas = desired_replicas(deployment)
        if desired_replicas(new) != replicas:
            size = (
                replicas
                if desired_replicas(new) > replicas
                else new_size(deployment, [*old, new], new)
            )
            if self._scale(deployment, new, size):
                return
        active = [one for one in old if desired_replicas(one)]
        sizes = shrunk(deployment, active, new)
        self._scale_each(deployment, active, sizes)

    def _recreate(self, deployment: Object, new: Object | None, old: list[Object]) -> None:
        active = [one for one in old if desired_replicas(one)]
        if active:
            self._scale_each(deployment, active, {name_of(one): 0 for one in active})
            return
        pods = list(self._registry.list(PODS, namespace_of(deployment)))
        running = [pod for pod in pods if is_active(pod) or is_deleted(pod)]
        if any(controls(one, pod) for pod in running for one in old):
            return
        new = self._renew(deployment, new, old)
        if new is not None:
            self._scale(deployment, new, desired_replicas(deployment))

    def _scale_all(self, deployment: Object, new: Object | None, old: list[Object]) -> None:
        """Scale the newest replica set after a change of ``spec.replicas``, and others if that does not do."""
        if new is not None:
            new = self._renew(deployment, new, old)
        active = [
            one for one in [*old, *([new] if new is not None else [])] if desired_replicas(one)
        ]
        everyone = active or [one for one in (*old, new) if one is not None]
        left = desired_replicas(deployment)
        for one in everyone[:-1] if active else ():
            size = min(desired_replicas(one), left)
            left -= size
            self._scale(deployment, one, size)
        for one in everyone[-1:]:
            self._scale(deployment, one, left)

    def _scale_each(self, deployment: Object, sets: list[Object], sizes: dict[str, int]) -> None:
        """Scale replica sets to the sizes that are given by their names."""
        for one in sets:
            if name_of(one) in sizes:
                self._scale(deployment, one, sizes[name_of(one)])

    def _scale(self, deployment: Object, one: Object, size: int) -> bool:
        before = desired_replicas(one)
        notes = revisions.size_annotations(deployment)
        present = annotations_of(one)
        if size == before and all(present.get(name) == value for name, value in notes.items()):
            return False

        def change(obj: Object) -> None:
            obj["spec"]["replicas"] = size
            obj["metadata"]["annotations"] = {**annotations_of(obj), **notes}
            if size != before:
                obj["metadata"]["generation"] = obj["metadata"].get("generation", 1) + 1

        self._registry.edit(REPLICA_SETS, one, MANAGER, change)
        if size != before:
            self._record_scaling(deployment, name_of(one), before, size)
        return size != before

    def _record_scaling(self, deployment: Object, name: str, before: int, size: int) -> None:
        way = "up" if size > before else "down"
        message = f"Scaled {way} replica set {name} from {before} to {size}"
        self._events.normal(deployment, "ScalingReplicaSet", message)

    # Replica sets

    def _renew(self, deployment: Object, new: Object | None, old: list[Object]) -> Object | None:
        """Update the replica set of the present template, or create it, as the newest revision."""
        revision = max([revisions.revision_of(one) for one in old], default=0) + 1
        if new is None:
            return self._create(deployment, old, revision)
        annotations = revisions.renewed_annotations(deployment, new, revision)
        ready = deployment["spec"].get("minReadySeconds", 0)

        def change(obj: Object) -> None:
            obj["metadata"]["annotations"] = annotations
            if ready != obj["spec"].get("minReadySeconds", 0):
                obj["spec"]["minReadySeconds"] = ready
                obj["metadata"]["generation"] = obj["metadata"].get("generation", 1) + 1

        return self._registry.edit(REPLICA_SETS, new, MANAGER, change)

    def _create(self, deployment: Object, old: list[Object], revision: int) -> Object | None:
        metadata = deployment["metadata"]
        for collisions in range(deployment["status"].get("collisionCount", 0), COLLISIONS):
            suffix = template_hash(deployment["spec"]["template"], collisions)
            name = f"{metadata['name'][: 253 - len(suffix) - 1]}-{suffix}"
            if self._registry.find(REPLICA_SETS, metadata["namespace"], name) is None:
                break
        else:
            return None
        made = revisions.new_replica_set(deployment, name, suffix, revision)
        size = made["spec"]["replicas"] = new_size(deployment, [*old, made], made)
        created = self._registry.create(REPLICA_SETS, made, manager=MANAGER)
        if size:
            self._record_scaling(deployment, name, 0, size)
        status = dict(deployment["status"])
        if has_deadline(deployment):
            status["conditions"] = list(status.get("conditions") or ())
            message, now = f'Created new replica set "{name}"', timestamp(self._registry.clock())
            set_condition(
                status["conditions"], "Progressing", "True", "NewReplicaSetCreated", message, now
            )
        self._write(deployment, status, str(revision))
        return created

    def _clean_up(self, deployment: Object, old: list[Object]) -> None:
        """Delete the oldest replica sets beyond the history limit."""
        keep = deployment["spec"].get("revisionHistoryLimit", 10)
        if not (complete(deployment, deployment["status"]) or deployment["spec"].get("paused")):
            return
        alive = sorted(filter(_lives, old), key=revisions.revision_of)
        for one in alive[: max(len(alive) - keep, 0)]:
            if not desired_replicas(one) and not one["status"].get("replicas"):
                self._delete_object(REPLICA_SETS, one, "Background")

    def _update_status(
        self, deployment: Object, new: Object | None, old: list[Object], *, progress: bool
    ) -> None:
        """Update the status, and the annotation with the revision."""
        status = observed(
            deployment, new, old, timestamp(self._registry.clock()), progress=progress
        )
        revision = (new or {}).get("metadata", {}).get("annotations", {}).get(revisions.REVISION)
        self._write(deployment, status, revision)

    def _write(self, deployment: Object, status: Object, revision: str | None) -> None:
        def change(obj: Object) -> None:
            obj["status"] = status
            if revision:
                obj["metadata"]["annotations"] = {
                    **annotations_of(obj),
                    revisions.REVISION: revision,
                }

        self._registry.edit(revisions.DEPLOYMENTS, deployment, MANAGER, change, "status")


def _annotation(one: Object, name: str, default: str = "") -> str:
    return str(annotations_of(one).get(name, default))


def _lives(obj: Object) -> bool:
    return not is_deleted(obj)
