"""An exercise as the learner has it in a notebook: read, try, check, as often as one likes.

What is checked here is for the learner alone. A grader runs the same probes afterwards,
in another process, on the cluster that was left behind.
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Self

from labkit.client import auditlog
from labkit.core.display import Card, Row, Shown
from labkit.core.errors import UsageError, near
from labkit.grading.excess import untouched
from labkit.grading.probes import Ground
from labkit.grading.score import Score, TaskScore, score, score_task
from labkit.grading.seed import Draw, learner_name
from labkit.grading.task import Exercise, Object, Task
from labkit.grading.tasks import EXERCISES
from labkit.rbac.explain import review
from labkit.rbac.policy import Policy, read_policy

if TYPE_CHECKING:
    from labkit.client.client import Client
    from labkit.lab.lab import Lab


class Paper(Shown):
    """One exercise for one learner.

    Args:
        lab: The cluster to work on.
        exercise: Such as ``ex4-roles``.
        learner: Whose; ``LABKIT_LEARNER`` or the user's name when left out.
    """

    def __init__(self, lab: Lab, exercise: str, learner: str = "") -> None:
        self.lab = lab
        self.exercise = find_exercise(exercise)
        self.learner = learner_name(learner or os.environ.get("LABKIT_LEARNER", "") or getpass.getuser())

    def start(self, task: str = "") -> Self:
        """Put what stands there first into the cluster; what is there already stays.

        Args:
            task: Only this task's; all when left out.
        """
        for entry in self._tasks(task):
            setup = entry.brief(Draw(self.learner)).setup
            if setup:
                self.lab.apply(setup)
        return self

    def show(self, task: str) -> Shown:
        """What a task asks, with this learner's own names."""
        entry = self._tasks(task)[0]
        return _Text(Card(f"Task {entry.id}: {entry.title}", "plain", body=entry.brief(Draw(self.learner)).text))

    def check(self, task: str) -> Shown:
        """How the cluster stands against a task now."""
        entry = self._tasks(task)[0]
        return _Text(task_card(score_task(self.exercise, entry, self.learner, self._ground())))

    def score(self) -> Score:
        """The score of all tasks now."""
        return score(self.exercise, self.learner, self._ground())

    def card(self) -> Card:
        """The exercise and its tasks."""
        rows = [Row(entry.id, entry.title) for entry in self.exercise.tasks]
        return Card(f"{self.exercise.title} — for {self.learner}", "plain", rows, self.exercise.about)

    def _ground(self) -> Ground:
        """What probes need. Nobody kept what stood here first, so it is put together."""

        def before() -> Policy:
            return untouched(read_policy(self.lab.admin.without_observers()), setup(self.exercise, self.learner))

        return ground_of(self.lab, before)

    def _tasks(self, task: str) -> list[Task]:
        found = [entry for entry in self.exercise.tasks if task in ("", entry.id)]
        if not found:
            ids = [entry.id for entry in self.exercise.tasks]
            raise UsageError(f'There is no task "{task}" here.', todo=near(task, ids))
        return found


class _Text(Shown):
    def __init__(self, card: Card) -> None:
        self._card = card

    def card(self) -> Card:
        return self._card


def find_exercise(name: str) -> Exercise:
    """The exercise of that id.

    Raises:
        UsageError: There is none.
    """
    for exercise in EXERCISES:
        if exercise.id == name:
            return exercise
    raise UsageError(f'There is no exercise "{name}".', todo=near(name, [exercise.id for exercise in EXERCISES]))


def setup(exercise: Exercise, learner: str) -> list[Object]:
    """What stands in a learner's cluster before they begin."""
    return [dict(obj) for task in exercise.tasks for obj in task.brief(Draw(learner)).setup]


def ground_of(lab: Lab, before: Callable[[], Policy]) -> Ground:
    """What probes need, from a lab. Its requests are recorded for no step.

    Args:
        lab: The cluster.
        before: Its roles and bindings before the learner began.
    """
    quiet = lab.admin.without_observers()
    log = lab.home / "audit.log"
    # Only the embedded cluster's log lies where it can be read from end to end.
    audited = lab.backend.name == "embedded"
    return Ground(
        quiet,
        lab.as_anonymous().without_observers(),
        partial(review, quiet),
        lambda: read_policy(quiet),
        before,
        lambda: auditlog.events(log) if audited else (),
        audited=audited,
        pods=pods_run(quiet),
    )


def pods_run(admin: Client) -> bool:
    """Whether pods run on a cluster: one of its nodes is ready, or we may not know."""
    answer = admin.get("/api/v1/nodes")
    conditions = (
        condition for node in answer.items for condition in (node.get("status") or {}).get("conditions") or ()
    )
    return not answer.ok or any(entry.get("type") == "Ready" and entry.get("status") == "True" for entry in conditions)


def task_card(result: TaskScore) -> Card:
    """A task's result: what was seen, what was expected, one hint for what is not so."""
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
