"""Try a task file before a learner sees it: is its own solution right, and is every wrong policy beside it refused?"""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from kube_embedded.rbac.attributes import Attributes, qualified
from kube_embedded.rbac.objects import Object
from kube_embedded.rbac.parts import covers
from labkit.client.client import Client
from labkit.client.discovery import Resources
from labkit.client.manifests import apply
from labkit.core.language import text
from labkit.rbac.policy import Policy
from labkit.rbac.testing.changes import Change, changes
from labkit.rbac.testing.mutants import Added, mutants
from labkit.rbac.testing.verdicts import allows

from ..clusters.embedded_cluster import ClusterTemplate, EmbeddedCluster
from ..clusters.inprocess import admin_of, anonymous_of
from ..judging.findings import check_task
from ..judging.score import TaskScore, score_task
from ..tasks.seed import Seed
from ..tasks.task import ExerciseSpec, Task, Variant, texts
from ..tasks.task_file import Draft

LEARNER = "somebody"

_NEEDS_POD = re.compile(r"\blab\.(exec|read_pod_token|pod_token|as_pod)\(")

ADDED = Added(("watch", "create", "delete"), ("secrets", "pods"), parts=True)
"""What wrong policies have more than the right one."""


class TaskTrial:
    """The trial of one task.

    Args:
        exercise: Its exercise.
        task: The task, from a file.
        template: What clusters share; made when left out.
    """

    def __init__(
        self, exercise: ExerciseSpec, task: Task, template: ClusterTemplate | None = None
    ) -> None:
        # Alone: another task's objects at the start are none of its questions.
        self.exercise = ExerciseSpec(exercise.id, (task,))
        self.task = task
        self.variant: Variant = task.variant(Seed(LEARNER))
        self._draft = Draft(texts()[task.id], Seed(LEARNER))
        made = template or ClusterTemplate()
        self._cluster = EmbeddedCluster(made.keys, self.exercise, LEARNER, template=made)
        self.wrong_policies = 0

    def problems(self) -> Iterator[str]:
        """Yield what is wrong with the task; nothing if learners can have it."""
        self._cluster.set_up()
        if self._score().points:
            yield text("An untouched cluster gets points.")
        if _NEEDS_POD.search(self.variant.answer):
            yield text(
                "The solution runs a program in a pod, so it can only be tried in a notebook."
            )
            return
        lab = _Lab(self._cluster)
        try:
            exec(self.variant.answer, {"lab": lab})
        except Exception as error:  # the solution is the author's code
            yield text("The solution ends with {error}.", repr(error))
            return
        solved = self._score()
        if not solved.full:
            for item in solved.items:
                if not item.ok:
                    yield text(
                        "The solution is not right: {expected}: {seen}", item.expected, item.seen
                    )
            return
        yield from self._accepted()

    def _accepted(self) -> Iterator[str]:
        """Yield each wrong policy that gets full points, with the question that is missing."""
        right = self._cluster.context.policy()
        vocabulary = self._draft.vocabulary
        wrong = mutants(right, vocabulary, added=ADDED)
        self.wrong_policies = len(wrong)
        asked: set[str] = set()
        for mutant in wrong:
            if not self._score(mutant.policy).full:
                continue
            differences = changes(right, mutant.policy, vocabulary)
            missing = [change for change in differences if not self._is_free(change)]
            question = self._question(missing[0]) if missing else ""
            if question and question not in asked:
                asked.add(question)
                yield text(
                    "A wrong policy is accepted: {policy}. Ask:\n{question}", mutant.what, question
                )

    def _score(self, policy: Policy | None = None) -> TaskScore:
        context = self._cluster.context
        if policy is not None:
            decide = partial(_decide, policy)
            context = replace(context, policy=lambda: policy, decide=decide)
        return score_task(check_task(self.exercise, self.task, LEARNER, context))

    def _is_free(self, change: Change) -> bool:
        """Return whether the file leaves a permission to the learner."""
        for allowance in self.variant.allowed:
            who = allowance.who
            theirs = who is None or change.who == f"ServiceAccount {who.label}"
            there = (
                who is None or not allowance.namespaces or change.namespace in allowance.namespaces
            )
            if theirs and there and any(covers(rule, change.part) for rule in allowance.rules):
                return True
        return False

    def _question(self, change: Change) -> str:
        """Write the question that tells two policies apart, with the names of the file."""
        part = change.part
        kind, _, who = change.who.partition(" ")
        line = f"{part.verb} {part.path or qualified(part.group, part.resource)}"
        if part.names:
            line += f" {part.names[0]}"
        if change.namespace:
            line += f" in {change.namespace}"
        shown = who if kind != "Group" else f"{{group: {who}}}"
        said = f"- {{who: {shown}, {'may not' if change.gained else 'keep'}: {line}}}"
        for name, value in self._draft.drawn.items():
            said = said.replace(value, f"<{name}>")
        return said


def _decide(policy: Policy, question: Attributes) -> Object:
    return {"allowed": allows(policy, question)}


class _Lab:
    """As much of ``lab`` as solutions need, on a cluster in this process."""

    def __init__(self, cluster: EmbeddedCluster) -> None:
        self.admin: Client = admin_of(cluster.cluster)
        self._cluster = cluster.cluster

    def apply(self, objects: Any) -> None:
        """Apply objects."""
        several = objects if isinstance(objects, list) else [objects]
        apply(self.admin, Resources(self.admin), several, lambda manifest: manifest)

    def as_anonymous(self) -> Client:
        """A caller without credentials."""
        return anonymous_of(self._cluster)

    def wait(self, pod: str) -> None:
        """Do nothing: pods of this cluster run at once."""
