"""A submission's own embedded cluster, in the grader's process."""

from __future__ import annotations

import socket
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from labkit.client.discovery import Resources
from labkit.client.manifests import apply
from labkit.core.language import text
from labkit.embedded import ApiServer, Cluster, Keys, Store
from labkit.grading.clusters.budget import Budget, Quota
from labkit.grading.clusters.inprocess import admin_of, anonymous_of, decide_in, policy_of
from labkit.grading.clusters.lab_home import home_files
from labkit.grading.clusters.loop_watch import LoopWatch, Share
from labkit.grading.judging.findings import TaskFindings, check_exercise
from labkit.grading.running.workers import ServedCluster
from labkit.grading.tasks import setup
from labkit.grading.tasks.checks import GradedCluster
from labkit.grading.tasks.task import ExerciseSpec


class ClusterTemplate:
    """What clusters can share: keys, the token signer, and the objects of a new cluster.

    Clusters made from one template have the same CA, so a template is only for learners that
    cannot reach each other's clusters.
    """

    def __init__(self) -> None:
        self.keys = Keys.generate()
        cluster = Cluster(self.keys)
        self.signer = cluster.signer
        self.base = cluster.store.snapshot()


class EmbeddedCluster:
    """The cluster of one submission; see ``LearnerCluster``.

    Its random choices are seeded with the learner's name. A template must have the same keys.
    """

    def __init__(
        self,
        keys: Keys,
        exercise: ExerciseSpec,
        learner: str,
        *,
        template: ClusterTemplate | None = None,
        quota: Quota | None = None,
        watch: LoopWatch | None = None,
        share: Share | None = None,
    ) -> None:
        self.exercise, self.learner = exercise, learner
        self._events: list[dict[str, Any]] = []
        self._quota = quota or Quota()
        self.cluster = Cluster(
            keys,
            Store(template.base) if template else None,
            random=Random(f"{learner}\0{exercise.id}"),
            audit_sink=self._events.append,
            signer=template.signer if template else None,
        )
        self._watch, self._share = watch or LoopWatch(), share or Share()
        self._budget = Budget(self.cluster, self._quota, self._share)
        self.context: GradedCluster

    def set_up(self) -> None:
        """Create the objects that the exercise starts with."""
        admin = admin_of(self.cluster)
        apply(
            admin, Resources(admin), setup(self.exercise, self.learner), lambda manifest: manifest
        )
        self._events.clear()
        self.context = _context(self.cluster, self._events)

    def serve(self, listener: socket.socket, lab_home: Path) -> ServedCluster:
        """Serve the cluster within the learner's budget."""
        self._budget.attach()
        self._watch.running.add(self._share)
        quota = self._quota
        server = ApiServer(
            self._budget,
            listener,
            connections=quota.connections,
            line_bytes=quota.head_bytes,
            surround=self._budget.reading,
        )

        async def close() -> None:
            self._watch.look()
            self._watch.running.discard(self._share)
            await server.close(farewell=0)  # nobody is connected any more
            self._budget.detach()

        files = home_files(server.url, self.cluster.keys, lab_home)
        held_seconds, on_starved = partial(self._watch.held_seconds, self._share), self._share.block
        return ServedCluster(files, close, held_seconds=held_seconds, on_starved=on_starved)

    def check(self) -> list[TaskFindings]:
        """Ask all checks of the exercise."""
        return check_exercise(self.exercise, self.learner, self.context)

    @property
    def note(self) -> str:
        """What was used up, if anything."""
        exceeded = self._budget.exceeded
        return (
            text("It used up what it may ask of its cluster: {why}.", exceeded) if exceeded else ""
        )

    def close(self) -> None:
        """Close the cluster."""
        self.cluster.close()


def _context(cluster: Cluster, events: list[dict[str, Any]]) -> GradedCluster:
    """Make the checks' context for a cluster that no learner has used yet."""
    before = policy_of(cluster)
    return GradedCluster(
        admin_of(cluster),
        anonymous_of(cluster),
        partial(decide_in, cluster),
        lambda: policy_of(cluster),
        lambda: before,
        lambda: list(events),
        audited=True,
    )
