"""An exercise in a learner's notebook: show a task, check it, see the score.

Its checks are for the learner alone. The grader asks the same probes again, in another process,
when the notebook has ended.
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Self

from labkit.client import auditlog
from labkit.client.pods import is_ready
from labkit.core.arguments import LINE, shown, takes
from labkit.core.display import Card, Row, Shown
from labkit.core.errors import UsageError, near
from labkit.grading.findings import probe_exercise, probe_task
from labkit.grading.probes import ProbeContext
from labkit.grading.score import Score, TaskScore, score, score_task
from labkit.grading.seed import Seed, learner_name
from labkit.grading.task import Task
from labkit.grading.tasks import find_exercise, setup
from labkit.rbac.difference import policy_at_start
from labkit.rbac.policy import Policy, read_policy
from labkit.rbac.reviews import review

if TYPE_CHECKING:
    from labkit.client.client import Client
    from labkit.lab.lab import Lab


class Exercise(Shown):
    """One exercise for one learner.

    Args:
        lab: The cluster to work on.
        exercise: The exercise's id, such as ``ex4-roles``.
        learner: The learner's name; ``LABKIT_LEARNER`` or the user's name when left out.

    Raises:
        UsageError: There is no such exercise.
    """

    def __init__(self, lab: Lab, exercise: str, learner: str = "") -> None:
        self.lab = lab
        self.spec = find_exercise(exercise)
        self.learner = learner_name(learner or os.environ.get("LABKIT_LEARNER", "") or getpass.getuser())

    @takes('paper.start("4.1")', task=LINE)
    def start(self, task: str = "") -> Self:
        """Create the objects that the exercise starts with.

        Args:
            task: Only this task's; all when left out.

        Raises:
            UsageError: There is no such task.
        """
        for entry in self._tasks(task):
            objects = entry.variant(Seed(self.learner)).setup
            if objects:
                self.lab.apply(objects)
        return self

    @takes('paper.show("4.1")', task=LINE)
    def show(self, task: str) -> Card:
        """Show what a task asks, with this learner's names.

        Args:
            task: The task's id, such as ``4.1``.

        Raises:
            UsageError: There is no such task.
        """
        entry = self._tasks(task)[0]
        return Card(f"Task {entry.id}: {entry.title}", "plain", body=entry.variant(Seed(self.learner)).text)

    @takes('paper.check("4.1")', task=LINE)
    def check(self, task: str) -> Card:
        """Check a task against the cluster as it is now.

        Args:
            task: The task's id, such as ``4.1``.

        Raises:
            UsageError: There is no such task.
        """
        entry = self._tasks(task)[0]
        return task_card(score_task(probe_task(self.spec, entry, self.learner, self._context())))

    @takes("paper.score()")
    def score(self) -> Score:
        """Score all tasks as the cluster is now."""
        return score(self.spec, self.learner, probe_exercise(self.spec, self.learner, self._context()))

    def card(self) -> Card:
        """List the exercise's tasks."""
        rows = [Row(entry.id, entry.title) for entry in self.spec.tasks]
        return Card(f"{self.spec.title} — for {self.learner}", "plain", rows, self.spec.about)

    def _context(self) -> ProbeContext:
        """Make the probes' context; how the cluster began is not stored, so it is reconstructed."""

        def before() -> Policy:
            return policy_at_start(read_policy(self.lab.admin.without_observers()), setup(self.spec, self.learner))

        return lab_context(self.lab, before)

    def _tasks(self, task: str) -> list[Task]:
        found = [entry for entry in self.spec.tasks if task in ("", entry.id)]
        if not found:
            ids = [entry.id for entry in self.spec.tasks]
            raise UsageError(f"There is no task {shown(task)} here.", todo=near(task, ids))
        return found


def lab_context(lab: Lab, before: Callable[[], Policy]) -> ProbeContext:
    """Make the probes' context for a lab. Observers see none of its requests.

    Args:
        lab: The lab.
        before: Reads the roles and bindings from before the learner began.
    """
    admin = lab.admin.without_observers()
    log = lab.home / "audit.log"
    # Only the embedded cluster's audit log can be read from end to end.
    audited = lab.backend.name == "embedded"
    return ProbeContext(
        admin,
        lab.as_anonymous().without_observers(),
        partial(review, admin),
        lambda: read_policy(admin),
        before,
        lambda: auditlog.events(log) if audited else (),
        audited=audited,
        pods=pods_run(admin),
    )


def pods_run(admin: Client) -> bool:
    """Return whether pods run on a cluster: whether a node is ready, or nodes may not be listed."""
    answer = admin.get("/api/v1/nodes")
    return not answer.ok or any(map(is_ready, answer.items))


def task_card(result: TaskScore) -> Card:
    """Show a task's result: what was expected and seen, and a hint where they differ."""
    rows = []
    for item in result.items:
        if not item.judged:
            rows.append(Row("–", f"{item.expected}\n{item.seen}"))
            continue
        if item.ok and not item.most:
            continue
        mark = "✔" if item.ok else "✘"
        rows.append(Row(mark, item.expected if item.ok else f"{item.expected}\nseen: {item.seen}\nhint: {item.hint}"))
    rows += [Row("!", f"too much: {line}") for line in result.excess]
    title = f"Task {result.id}: {result.points:g} of {result.most:g} points"
    return Card(title if result.most else f"Task {result.id}: not judged on this cluster", _tone(result), rows)


def _tone(result: TaskScore) -> str:
    if result.full:
        return "good"
    return "bad" if result.most else "plain"
