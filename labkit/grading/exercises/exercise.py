"""An exercise in a learner's notebook: show a task, check it, see the score.

Its checks are for the learner alone. The grader runs the same checks again, in another process, when the notebook
has ended.
"""

from __future__ import annotations

import ast
import getpass
import os
import re
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import yaml

from labkit.client.pods import pods_run
from labkit.core.arguments import LINE, describe, takes
from labkit.core.display import Card, Displayable, Row
from labkit.core.errors import UsageError, near
from labkit.core.language import listed, said, shown, text, width
from labkit.lab import words
from labkit.lessons.bindings import walkthrough_allowances
from labkit.rbac.difference import policy_at_start, with_objects
from labkit.rbac.policy import Policy, read_policy
from labkit.rbac.reviews import reviews

from ..judging.findings import check_exercise, check_task
from ..judging.score import Item, Score, TaskScore, score, score_task
from ..tasks import EXERCISES, find_exercise, setup
from ..tasks.checks import GradedCluster
from ..tasks.seed import Seed, learner_name
from ..tasks.task import ExerciseSpec, Task, texts
from .course_secret import seed_name
from .notes import Notes

if TYPE_CHECKING:
    from labkit.lab.lab import Lab


class Exercise(Displayable):
    """One exercise for one learner.

    Args:
        lab: The cluster to work on.
        exercise: The exercise's id, such as ``ex4-roles``.
        learner: The learner's name; ``LABKIT_LEARNER`` or the user's name when left out.
        code: Their code, if the course has a secret; ``LABKIT_COURSE_CODE`` when left out.

    Raises:
        UsageError: There is no such exercise, the name is empty, or the code is another's.
    """

    def __init__(self, lab: Lab, exercise: str, learner: str | None = None, code: str = "") -> None:
        self.lab = lab
        self.spec = find_exercise(exercise)
        # The grader sets LABKIT_LEARNER; a notebook that names nobody is then its sender's.
        named = (
            os.environ.get("LABKIT_LEARNER") or getpass.getuser()
            if learner is None
            else learner_name(learner)
        )
        if not named:
            raise UsageError(
                text("Whose exercise is this?"),
                why=text("the names in the tasks are drawn from the name that you hand in under"),
                todo=text(
                    'Write yours between the quotes: ME = "…", or exercise(lab, "{id}", "ann").',
                    self.spec.id,
                ),
            )
        self.learner = learner_name(named)
        self._seed_name = seed_name(self.learner, code or os.environ.get("LABKIT_COURSE_CODE", ""))
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
        # Before the objects are created: the policy of this moment was not granted by the learner.
        self._notes.begin(self._seed_name)
        for entry in tasks:
            objects = entry.variant(Seed(self._seed_name)).setup
            if objects:
                self.lab.apply(objects)
        return self

    @takes('paper.show("4.1")', task=LINE)
    def show(self, task: str) -> TaskText:
        """Show a task's text, with this learner's names.

        Args:
            task: The task's id, such as ``4.1``.

        Raises:
            UsageError: There is no such task.
        """
        entry = self._tasks(task)[0]
        variant = entry.variant(Seed(self._seed_name))
        return TaskText(entry.id, entry.title, entry.text(self._seed_name), variant.max_points)

    @takes('paper.check("4.1")', task=LINE)
    def check(self, task: str) -> Card:
        """Check a task against the cluster as it is now.

        The first check shows which expectations are not met; later ones also name the cause, and excess permissions.
        The check of a solved task also shows what the task demonstrates, and a solution to compare.

        Args:
            task: The task's id, such as ``4.1``.

        Raises:
            UsageError: There is no such task.
        """
        result = self._scored(task)
        # A first check that named the cause would take the learner's own search for it away.
        again = self._notes.checked(result.id, result.points, result.most)
        card = task_card(result, named=again)
        rows = [*card.rows, Row("in all", self._so_far())]
        if not result.full:
            return replace(card, rows=rows)
        entry = self._tasks(result.id)[0]
        rows += [
            Row("to see", text(entry.texts["seen"])),
            Row("read on", listed(map(text, entry.texts["read"]), "\n")),
        ]
        solution = readable(entry.variant(Seed(self._seed_name)).answer)
        body = text("One solution, to compare:\n\n{solution}", solution)
        return replace(card, rows=rows, body=body)

    @takes('paper.hint("4.1")', task=LINE)
    def hint(self, task: str) -> Card:
        """Return the next hint for a task.

        The hints contain the place to look, the text to write, all but the last word, and then the excess
        permissions.
        The parts of a task that are done need none.

        Args:
            task: The task's id, such as ``4.1``.

        Raises:
            UsageError: There is no such task.
        """
        result = self._scored(task)
        wrong = [item for item in result.items if item.judged and not item.ok]
        hints: list[str] = []
        if any(item.most for item in wrong):
            hints += self._tasks(result.id)[0].texts["hints"]
        hints += [item.hint for item in wrong if not item.most]
        hints += [text("too much: {excess}", line) for line in result.excess]
        # Two broken limits can have the same hint.
        hints = list(dict.fromkeys(hints))
        if not hints:
            return Card(text("Task {id}: nothing is left to be mended", result.id), "good")
        number = self._notes.hinted(result.id, len(hints))
        title = text("Task {id}: hint {number} of {count}", result.id, number, len(hints))
        return Card(title, "plain", [Row("hint", text(hints[number - 1]))])

    @takes("paper.board()")
    def board(self) -> Card:
        """Show the points of each task, as of its last check."""
        checks = self._notes.checks()
        rows = []
        solved = 0
        for entry in self.spec.tasks:
            points, most = checks.get(entry.id, (0.0, 0.0))
            full = 0 < most == points
            solved += full
            line = text("not checked yet")
            if entry.id in checks:
                line = text("{points} of {most} points", f"{points:g}", f"{most:g}")
            mark = "✔ " if full else ""
            rows.append(
                Row(entry.id, text("{mark}{title}: {points}", mark, text(entry.title), line))
            )
        done = solved == len(rows)
        if done:
            rows.append(Row("to see", text(texts()[self.spec.id]["end"])))
        title = listed((text(self.spec.title), self._so_far()), ": ")
        return Card(title, "good" if done else "plain", rows)

    def _so_far(self) -> str:
        most = sum(entry.variant(Seed(self._seed_name)).max_points for entry in self.spec.tasks)
        points = sum(points for points, _most in self._notes.checks().values())
        return text("{points} of {most} points so far", f"{points:g}", f"{most:g}")

    def _scored(self, task: str) -> TaskScore:
        entry = self._tasks(task)[0]
        return score_task(check_task(self.spec, entry, self._seed_name, *self._judged()))

    @takes("paper.score()")
    def score(self) -> Score:
        """Score all tasks as the cluster is now."""
        return score(
            self.spec, self.learner, check_exercise(self.spec, self._seed_name, *self._judged())
        )

    def card(self) -> Card:
        """List the exercise's tasks."""
        rows = [Row(entry.id, text(entry.title)) for entry in self.spec.tasks]
        title = text("{title} — for {learner}", text(self.spec.title), self.learner)
        return Card(title, "plain", rows, text(self.spec.about))

    def _judged(self) -> tuple[GradedCluster, Sequence[ExerciseSpec]]:
        """Return the checks' context, with the policy from when the exercise began, and the other exercises.

        A learner works on all exercises and the walkthrough in one cluster, so the permissions of those are not excess.
        """
        others = [spec for spec in EXERCISES if spec is not self.spec]
        specs = [*others, self.spec]
        objects = [obj for spec in specs for obj in setup(spec, self._seed_name)]
        noted = self._notes.policy()
        now = read_policy(self.lab.admin.without_observers())
        before = policy_at_start(now, objects) if noted is None else with_objects(noted, objects)
        allowances = walkthrough_allowances(words.context(self.lab), before)
        context = replace(lab_context(self.lab, lambda: before), allowances=allowances)
        return context, others

    def _tasks(self, task: str) -> list[Task]:
        tasks = [entry for entry in self.spec.tasks if task in ("", entry.id)]
        if not tasks:
            ids = [entry.id for entry in self.spec.tasks]
            raise UsageError(
                text("There is no task {name} here.", describe(task)), todo=near(task, ids)
            )
        return tasks


def lab_context(lab: Lab, before: Callable[[], Policy]) -> GradedCluster:
    """Make the checks' context for a lab.

    Args:
        lab: The lab.
        before: Reads the roles and bindings from before the learner began.
    """
    # Observers record the learner's requests, and these are the checks'.
    admin = lab.admin.without_observers()
    log = lab.backend.audit_log if lab.traits.whole_log else None
    return GradedCluster(
        admin,
        lab.as_anonymous().without_observers(),
        lambda question: reviews(admin, [question])[0],
        lambda: read_policy(admin),
        before,
        log.events if log else tuple,
        audited=log is not None,
        pods=pods_run(admin),
    )


@dataclass(frozen=True, slots=True)
class TaskText:
    """A task's text: Markdown in a notebook, plain text elsewhere.

    Args:
        id: Such as ``4.1``.
        title: In a few words.
        text: The task, as Markdown.
        points: The points possible.
    """

    id: str
    title: str
    text: str
    points: float

    def _repr_markdown_(self) -> str:
        heading = said(
            "**Task {id}: {title}** ({points} points)",
            self.id,
            text(self.title),
            f"{self.points:g}",
        )
        return f"{heading}\n\n{shown(self.text)}"

    def __repr__(self) -> str:
        """The text without Markdown's marks, wrapped for a terminal."""
        heading, *more = self._repr_markdown_().replace("`", "").replace("**", "").split("\n\n")
        # Korean characters take two columns each, and textwrap counts characters.
        wrapped = (
            textwrap.fill(paragraph, 100 * len(paragraph) // width(paragraph)) for paragraph in more
        )
        return "\n".join([heading, *wrapped])


class _Dumper(yaml.SafeDumper):
    """Writes a text of several lines as a block."""

    def represent_str(self, data: str) -> yaml.ScalarNode:
        return self.represent_scalar("tag:yaml.org,2002:str", data, "|" if "\n" in data else None)


_Dumper.add_representer(str, _Dumper.represent_str)


def readable(answer: str) -> str:
    """Return a task's solution to read: manifests as YAML, other lines as they are."""
    heading = said("# kubectl apply -f - with this manifest:")
    lines = []
    for line in answer.splitlines():
        manifests = re.fullmatch(r"lab\.apply\((.*)\)", line)
        if manifests is None:
            lines.append(line)
            continue
        objects = ast.literal_eval(manifests[1])
        documents = objects if isinstance(objects, list) else [objects]
        manifest = yaml.dump_all(documents, Dumper=_Dumper, sort_keys=False)
        lines.append(f"{heading}\n{manifest}")
    return "\n".join(lines)


def task_card(result: TaskScore, *, named: bool = True) -> Card:
    """Show a task's result: expectations and findings, and a hint where they differ.

    Args:
        result: The result.
        named: If true, it names the cause: hints, the bindings that allow something, and grants beyond the need.
    """
    rows = []
    for item in result.items:
        # An unbroken limit is not an achievement: an untouched cluster breaks none.
        if item.ok and not item.most:
            continue
        lines = [text(item.expected)]
        if not item.ok:
            lines.append(text("seen: {seen}", text(_seen(item, result, named=named))))
            if named and item.judged:
                lines.append(text("hint: {hint}", text(item.hint)))
        mark = "✔" if item.ok else "✘"
        rows.append(Row(mark if item.judged else "–", listed(lines, "\n")))
    if named:
        rows += [Row("!", text("too much: {excess}", line)) for line in result.excess[:MAX_NAMED]]
        more = len(result.excess) - MAX_NAMED
        if more > 0:
            rows.append(Row("!", text("and {number} more", more)))
    elif not result.full:
        then = text(
            'look again; paper.hint("{id}") helps; the next check names the cause', result.id
        )
        rows.append(Row("then", then))
    title = text(
        "Task {id}: {points} of {most} points", result.id, f"{result.points:g}", f"{result.most:g}"
    )
    unjudged = text("Task {id}: not judged on this cluster", result.id)
    return Card(title if result.most else unjudged, _tone(result), rows)


MAX_NAMED = 10
"""How many excess permissions a card names."""


def _seen(item: Item, result: TaskScore, *, named: bool) -> str:
    """Return the finding; without ``named``, not the binding that allows it."""
    count = len(result.excess)
    # The excess permissions have rows of their own.
    if item.is_excess:
        return text(
            "{number} permissions too much" if count > 1 else "{number} permission too much", count
        )
    return item.seen if named or not item.judged else said(item.seen).partition(" (")[0]


def _tone(result: TaskScore) -> str:
    if result.full:
        return "good"
    return "bad" if result.most else "plain"
