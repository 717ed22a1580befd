"""A submission's own embedded cluster, in the grader's process."""

import socket
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from kube_embedded import ApiServer, Cluster, Keys, Store
from labkit.client.discovery import Resources
from labkit.client.manifests import apply
from labkit.core.home import CLUSTER
from labkit.core.language import text

from ..judging.findings import TaskFindings, check_exercise
from ..running.workers import ServedCluster
from ..tasks import setup
from ..tasks.checks import GradedCluster
from ..tasks.task import ExerciseSpec
from .budget import Budget, Quota
from .inprocess import admin_of, anonymous_of, decide_in, policy_of
from .lab_home import home_files
from .loop_watch import LoopWatch, Share


class ClusterTemplate:
    """The parts that clusters can share: keys, the token signer, and the objects of a new cluster.

    Clusters made from one template have the same CA, so a template is only for learners who cannot reach
    each other's clusters.
    """

    def __init__(self) -> None:
        self.keys = Keys.generate()
        cluster = Cluster(self.keys, name=CLUSTER)
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
        quota: Quota = Quota(),
        watch: LoopWatch | None = None,
        share: Share | None = None,
    ) -> None:
        self.exercise = exercise
        self.learner = learner
        self._events: list[dict[str, Any]] = []
        self._quota = quota
        self.cluster = Cluster(
            keys,
            Store(template.base) if template else None,
            # The same names and addresses each time that it is graded.
            random=Random(f"{learner}\0{exercise.id}"),
            audit_sink=self._events.append,
            signer=template.signer if template else None,
            name=CLUSTER,
        )
        self._watch = watch or LoopWatch()
        self._share = share or Share()
        self._budget = Budget(self.cluster, self._quota, self._share)
        self.context: GradedCluster

    def set_up(self) -> None:
        """Create the objects that the exercise starts with."""
        admin = admin_of(self.cluster)
        objects = setup(self.exercise, self.learner)
        apply(admin, Resources(admin), objects, lambda manifest: manifest)
        # The log is the learner's alone: checks must not take the set-up's requests for theirs.
        self._events.clear()
        before = policy_of(self.cluster)
        self.context = GradedCluster(
            admin,
            anonymous_of(self.cluster),
            partial(decide_in, self.cluster),
            partial(policy_of, self.cluster),
            lambda: before,
            lambda: list(self._events),
            audited=True,
        )

    def serve(self, listener: socket.socket, lab_home: Path) -> ServedCluster:
        """Serve the cluster within the learner's budget."""
        # The set-up before, and the checks afterwards, are not counted.
        self._budget.attach()
        self._watch.running.add(self._share)
        server = ApiServer(
            self._budget,
            listener,
            connections=self._quota.connections,
            line_bytes=self._quota.head_bytes,
            surround=self._budget.reading,
        )

        async def close() -> None:
            self._watch.look()
            self._watch.running.discard(self._share)
            # No farewell to clients: all processes that could be connected have been killed.
            await server.close(farewell=0)
            self._budget.detach()

        return ServedCluster(
            home_files(server.url, self.cluster.keys, lab_home),
            close,
            held_seconds=partial(self._watch.held_seconds, self._share),
            on_starved=self._share.block,
        )

    def check(self) -> list[TaskFindings]:
        """Ask all checks of the exercise."""
        return check_exercise(self.exercise, self.learner, self.context)

    @property
    def note(self) -> str:
        """The part of the quota that was used up, as a sentence; empty if none was."""
        exceeded = self._budget.exceeded
        used_up = text("It used up what it may ask of its cluster: {why}.", exceeded)
        return used_up if exceeded else ""

    def close(self) -> None:
        """Close the cluster."""
        self.cluster.close()
