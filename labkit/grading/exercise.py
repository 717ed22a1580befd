"""An exercise in a learner's notebook: show a task, check it, see the score.

Its checks are for the learner alone. The grader asks the same probes again, in another process,
when the notebook has ended.
"""

from __future__ import annotations

import getpass
import os
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Self

from labkit.client import auditlog
from labkit.client.pods import is_ready
from labkit.core.arguments import LINE, shown, takes
from labkit.core.display import Card, Row, Shown
from labkit.core.errors import UsageError, near
from labkit.grading.findings import probe_exercise, probe_task
from labkit.grading.notes import Notes
from labkit.grading.probes import ProbeContext
from labkit.grading.score import Score, TaskScore, score, score_task
from labkit.grading.seed import Seed, learner_name
from labkit.grading.task import Task
from labkit.grading.tasks import find_exercise, setup
from labkit.rbac.difference import policy_at_start, with_objects
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
        UsageError: There is no such exercise, or the name is empty.
    """

    def __init__(self, lab: Lab, exercise: str, learner: str | None = None) -> None:
        self.lab = lab
        self.spec = find_exercise(exercise)
        named = os.environ.get("LABKIT_LEARNER") or getpass.getuser() if learner is None else learner_name(learner)
        if not named:
            raise UsageError(
                "Whose exercise is this?",
                why="the names in the tasks are drawn from the name that you hand in under",
                todo=f'Write yours between the quotes: ME = "…", or exercise(lab, "{self.spec.id}", "ann").',
            )
        self.learner = learner_name(named)
        self._notes = Notes(lab, self.spec.id)

    @takes('paper.start("4.1")', task=LINE)
    def start(self, task: str = "") -> Self:
        """Create the objects that the exercise starts with.

        Args:
            task: Only this task's; all when left out.

        Raises:
            UsageError: There is no such task, or the exercise was begun under another name.
        """
        tasks = self._tasks(task)
        self._notes.begin(self.learner)
        for entry in tasks:
            objects = entry.variant(Seed(self.learner)).setup
            if objects:
                self.lab.apply(objects)
        return self

    @takes('paper.show("4.1")', task=LINE)
    def show(self, task: str) -> TaskText:
        """Show what a task asks, with this learner's names.

        Args:
            task: The task's id, such as ``4.1``.

        Raises:
            UsageError: There is no such task.
        """
        entry = self._tasks(task)[0]
        variant = entry.variant(Seed(self.learner))
        return TaskText(entry.id, entry.title, variant.text, variant.max_points)

    @takes('paper.check("4.1")', task=LINE)
    def check(self, task: str) -> Card:
        """Check a task against the cluster as it is now.

        The first check says what does not hold; from the second on it also names what was granted beyond.

        Args:
            task: The task's id, such as ``4.1``.

        Raises:
            UsageError: There is no such task.
        """
        result = self._scored(task)
        again = self._notes.checked(result.id, result.points)
        earned = self._notes.earned()
        most = sum(entry.variant(Seed(self.learner)).max_points for entry in self.spec.tasks)
        shown = task_card(result, named=again)
        return replace(shown, rows=[*shown.rows, Row("in all", f"{earned:g} of {most:g} points so far")])

    @takes('paper.hint("4.1")', task=LINE)
    def hint(self, task: str) -> Card:
        """A hint for what does not hold in a task; the next call gives the next one.

        Args:
            task: The task's id, such as ``4.1``.

        Raises:
            UsageError: There is no such task.
        """
        result = self._scored(task)
        wrong = [item.hint for item in result.items if item.judged and not item.ok and item.hint]
        hints = list(dict.fromkeys([*wrong, *(f"too much: {line}" for line in result.excess)]))
        if not hints:
            return Card(f"Task {result.id}: nothing is left to be mended", "good")
        number = self._notes.hinted(result.id, len(hints))
        return Card(f"Task {result.id}: hint {number} of {len(hints)}", "plain", [Row("hint", hints[number - 1])])

    def _scored(self, task: str) -> TaskScore:
        return score_task(probe_task(self.spec, self._tasks(task)[0], self.learner, self._context()))

    @takes("paper.score()")
    def score(self) -> Score:
        """Score all tasks as the cluster is now."""
        return score(self.spec, self.learner, probe_exercise(self.spec, self.learner, self._context()))

    def card(self) -> Card:
        """List the exercise's tasks."""
        rows = [Row(entry.id, entry.title) for entry in self.spec.tasks]
        return Card(f"{self.spec.title} — for {self.learner}", "plain", rows, self.spec.about)

    def _context(self) -> ProbeContext:
        """Make the probes' context, with the policy as it was when the exercise began."""

        def before() -> Policy:
            given = setup(self.spec, self.learner)
            kept = self._notes.policy()
            if kept is not None:
                return with_objects(kept, given)
            return policy_at_start(read_policy(self.lab.admin.without_observers()), given)

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


@dataclass(frozen=True, slots=True)
class TaskText:
    """What a task asks: Markdown in a notebook, plain text elsewhere.

    Args:
        id: Such as ``4.1``.
        title: In a few words.
        text: What to do, as Markdown.
        points: What it can earn.
    """

    id: str
    title: str
    text: str
    points: float

    def _repr_markdown_(self) -> str:
        return f"**Task {self.id}: {self.title}** ({self.points:g} points)\n\n{self.text}"

    def __repr__(self) -> str:
        """The text without Markdown's marks, wrapped for a terminal."""
        plain = self.text.replace("`", "").replace("**", "")
        return f"Task {self.id}: {self.title} ({self.points:g} points)\n{textwrap.fill(plain, 100)}"


def task_card(result: TaskScore, *, named: bool = True) -> Card:
    """Show a task's result: what was expected and seen, and a hint where they differ.

    Args:
        result: The result.
        named: Whether it names the cause: hints, the bindings that allow something, and grants beyond the need.
    """
    rows = []
    for item in result.items:
        if not item.judged:
            rows.append(Row("–", f"{item.expected}\n{item.seen}"))
            continue
        if item.ok and not item.most:
            continue
        mark = "✔" if item.ok else "✘"
        text = item.expected
        if not item.ok:
            reason = f"\nhint: {item.hint}" if named else ""
            text += f"\nseen: {item.seen if named else item.seen.partition(' (')[0]}{reason}"
        rows.append(Row(mark, text))
    if named:
        rows += [Row("!", f"too much: {line}") for line in result.excess]
    elif result.excess:
        count = len(result.excess)
        rows.append(Row("!", f"{count} permission{'s' * (count > 1)} too much"))
    if not named and not result.full:
        rows.append(Row("then", f'look again; paper.hint("{result.id}") helps; the next check names the cause'))
    title = f"Task {result.id}: {result.points:g} of {result.most:g} points"
    return Card(title if result.most else f"Task {result.id}: not judged on this cluster", _tone(result), rows)


def _tone(result: TaskScore) -> str:
    if result.full:
        return "good"
    return "bad" if result.most else "plain"
