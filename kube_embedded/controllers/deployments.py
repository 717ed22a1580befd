"""Deployments: a replica set for each template, and the rollout from one to the next.

Source: k8s.io/kubernetes ``pkg/controller/deployment``.
"""

from typing_extensions import override

from ..apiserver.registry.registry import Change
from ..machinery.objects import annotations_of, is_deleted, name_of, namespace_of
from ..machinery.pods.state import is_active
from ..machinery.request import Object
from . import deploymentrevisions as revisions
from .conditions import condition, set_condition
from .controller_ref import controller_of, controls
from .replicas import REPLICA_SETS
from .rolling import by_age, desired_replicas, free_name, new_size, shrunk, without_hash
from .rolloutstatus import is_complete, rollout_status
from .workload import WorkloadController
from .workload_pods import PODS


class Deployments(WorkloadController):
    """Creates and scales the replica sets of deployments."""

    kind = revisions.DEPLOYMENTS
    component = "deployment-controller"
    dependents = REPLICA_SETS

    @override
    def __call__(self, change: Change) -> None:
        """React to the end of pods as well."""
        super().__call__(change)
        # With the strategy Recreate, a deployment waits until its old pods are gone.
        if change.kind is PODS and change.new is None and change.old is not None:
            name = (controller_of(change.old) or {}).get("name", "")
            replica_set = self._registry.find(REPLICA_SETS, namespace_of(change.old), name)
            self._dependent_changed(Change(REPLICA_SETS, None, replica_set))

    @override
    def _acted_on(self, owner: Object) -> object:
        # Replica sets inherit the annotations, and the status is part of the rollout's state.
        return owner

    @override
    def _adoptable(self, owner: Object, dependent: Object) -> bool:
        return not is_deleted(dependent)

    @override
    def _sync(self, owner: Object) -> None:
        new, old = self._split(owner)
        if is_deleted(owner):
            self._update_status(owner, new, old, progress=False)
            return
        size = str(desired_replicas(owner))
        scaled = any(
            desired_replicas(replica_set)
            and annotations_of(replica_set).get(revisions.DESIRED, size) != size
            for replica_set in (new, *old)
            if replica_set is not None
        )
        only_scaled = scaled or bool(owner["spec"].get("paused"))
        if only_scaled:
            self._scale_all(owner, new, old)
        elif owner["spec"]["strategy"].get("type") == "Recreate":
            self._recreate(owner, new, old)
        else:
            self._roll(owner, new, old)
        current = self._stored(self.kind, owner)
        if current is not None:
            new, old = self._split(current)
            self._update_status(current, new, old, progress=not only_scaled)
            self._clean_up(current, old)

    def _split(self, deployment: Object) -> tuple[Object | None, list[Object]]:
        """Return the replica set of the present template, and the others, the oldest first."""
        # Templates are compared, not hashes: other clients' replica sets have hashes that differ from ours.
        template = without_hash(deployment["spec"]["template"])
        new = None
        old = []
        for replica_set in sorted(self._claim(deployment), key=by_age):
            if new is None and without_hash(replica_set["spec"]["template"]) == template:
                new = replica_set
            else:
                old.append(replica_set)
        return new, old

    # Rollouts

    def _roll(self, deployment: Object, new: Object | None, old: list[Object]) -> None:
        new = self._renew(deployment, new, old)
        size = new_size(deployment, [*old, new], new)
        if size != desired_replicas(new):
            # The change of its replica set brings the deployment back here: only then are old pods removed.
            self._scale(deployment, new, size)
            return
        active = [replica_set for replica_set in old if desired_replicas(replica_set)]
        sizes = shrunk(deployment, active, new)
        for replica_set in active:
            size = sizes.get(name_of(replica_set), desired_replicas(replica_set))
            if size != desired_replicas(replica_set):
                self._scale(deployment, replica_set, size)

    def _recreate(self, deployment: Object, new: Object | None, old: list[Object]) -> None:
        active = [replica_set for replica_set in old if desired_replicas(replica_set)]
        if active:
            for replica_set in active:
                self._scale(deployment, replica_set, 0)
            return
        pods = list(self._registry.list(PODS, namespace_of(deployment)))
        running = [pod for pod in pods if is_active(pod) or is_deleted(pod)]
        if any(controls(replica_set, pod) for replica_set in old for pod in running):
            return
        self._scale(deployment, self._renew(deployment, new, old), desired_replicas(deployment))

    def _scale_all(self, deployment: Object, new: Object | None, old: list[Object]) -> None:
        """Scale the newest replica set after a change of ``spec.replicas``, and others if that does not do."""
        # The real controller scales all in proportion; see docs/limits.md.
        sets = list(old)
        if new is not None:
            sets.append(self._renew(deployment, new, old))
        active = [replica_set for replica_set in sets if desired_replicas(replica_set)]
        left = desired_replicas(deployment)
        for replica_set in active[:-1]:
            size = min(desired_replicas(replica_set), left)
            left -= size
            self._scale(deployment, replica_set, size)
        for replica_set in (active or sets)[-1:]:
            self._scale(deployment, replica_set, left)

    def _scale(self, deployment: Object, replica_set: Object, size: int) -> None:
        before = desired_replicas(replica_set)
        annotations = {**annotations_of(replica_set), **revisions.size_annotations(deployment)}
        if size == before and annotations == annotations_of(replica_set):
            return

        def change(obj: Object) -> None:
            obj["metadata"]["annotations"] = annotations
            if size != before:
                obj["spec"]["replicas"] = size
                _count_generation(obj)

        self._edit(REPLICA_SETS, replica_set, change)
        self._record_scaling(deployment, name_of(replica_set), before, size)

    def _record_scaling(self, deployment: Object, name: str, before: int, size: int) -> None:
        if size != before:
            direction = "up" if size > before else "down"
            message = f"Scaled {direction} replica set {name} from {before} to {size}"
            self._events.normal(deployment, "ScalingReplicaSet", message)

    # Replica sets

    def _renew(self, deployment: Object, new: Object | None, old: list[Object]) -> Object:
        """Update the replica set of the present template, or create it, as the newest revision."""
        revision = max(map(revisions.revision_of, old), default=0) + 1
        if new is None:
            return self._create_replica_set(deployment, old, revision)
        annotations = revisions.renewed_annotations(deployment, new, revision)
        ready = deployment["spec"].get("minReadySeconds", 0)

        def change(obj: Object) -> None:
            obj["metadata"]["annotations"] = annotations
            if ready != obj["spec"].get("minReadySeconds", 0):
                obj["spec"]["minReadySeconds"] = ready
                _count_generation(obj)

        return self._edit(REPLICA_SETS, new, change)

    def _create_replica_set(self, deployment: Object, old: list[Object], revision: int) -> Object:
        name, suffix = free_name(self._registry, REPLICA_SETS, deployment)
        replica_set = revisions.new_replica_set(deployment, name, suffix, revision)
        size = new_size(deployment, [*old, replica_set], replica_set)
        replica_set["spec"]["replicas"] = size
        created = self._create_object(REPLICA_SETS, replica_set)
        self._record_scaling(deployment, name, 0, size)
        status = dict(deployment["status"])
        status["conditions"] = list(status.get("conditions") or ())
        message = f'Created new replica set "{name}"'
        new = condition("Progressing", "True", "NewReplicaSetCreated", message)
        set_condition(status["conditions"], new, self._now())
        self._write(deployment, status, str(revision))
        return created

    def _clean_up(self, deployment: Object, old: list[Object]) -> None:
        """Delete the oldest replica sets beyond the history limit."""
        limit = deployment["spec"].get("revisionHistoryLimit", 10)
        if not (is_complete(deployment, deployment["status"]) or deployment["spec"].get("paused")):
            return
        remaining = [replica_set for replica_set in old if not is_deleted(replica_set)]
        remaining.sort(key=revisions.revision_of)
        for replica_set in remaining[: max(len(remaining) - limit, 0)]:
            if not desired_replicas(replica_set) and not replica_set["status"].get("replicas"):
                self._delete_object(REPLICA_SETS, replica_set, "Background")

    def _update_status(
        self, deployment: Object, new: Object | None, old: list[Object], *, progress: bool
    ) -> None:
        """Update the status, and the annotation with the revision."""
        status = rollout_status(deployment, new, old, self._now(), progress=progress)
        revision = annotations_of(new).get(revisions.REVISION) if new is not None else None
        self._write(deployment, status, revision)

    def _write(self, deployment: Object, status: Object, revision: str | None) -> None:
        def change(obj: Object) -> None:
            obj["status"] = status
            if revision:
                annotations = {**annotations_of(obj), revisions.REVISION: revision}
                obj["metadata"]["annotations"] = annotations

        self._edit(self.kind, deployment, change, "status")


def _count_generation(obj: Object) -> None:
    obj["metadata"]["generation"] = obj["metadata"].get("generation", 1) + 1
