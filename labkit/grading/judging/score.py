"""Turn findings into points.

A task's must-allow checks and facts earn points. Its limits earn nothing, since an
untouched cluster keeps them all; breaking one costs points, down to zero. Every task has two limits
more: nothing beyond it is granted to anybody, and what it began with is still there. What is granted
beyond it is named, and lowers a second figure, the least-privilege score.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from labkit.core.language import Text, text
from labkit.grading.judging.findings import TaskFindings
from labkit.grading.judging.weights import least_privilege
from labkit.grading.tasks.checks import Check, Finding
from labkit.grading.tasks.task import ExerciseSpec


@dataclass(frozen=True, slots=True)
class Item:
    """One check's result.

    Args:
        expected: What should be.
        seen: What the cluster said.
        ok: Whether they agree.
        points: What it earned, or minus what it cost.
        most: What it could earn; 0 for a limit.
        hint: One hint, for when it is not so.
        judged: False where the cluster does not let it be judged; then it is worth nothing.
        kinds: What kinds of mistakes it shows, as ids of ``mistakes.yaml`` of the lessons; none if it is ok.
    """

    expected: str
    seen: str
    ok: bool
    points: float
    most: float
    hint: str
    judged: bool = True
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TaskScore:
    """One task's result.

    Args:
        id: Such as ``4.1``.
        title: In a few words.
        points: What was earned, never below zero.
        most: What could be.
        items: Check by check.
        excess: Permissions that were granted and not needed.
        needed: How many permissions the task needs.
        weight: What the excess weighs; None if it was judged by version 1 of the rule (``weights.RULE``).
        corrected: How a teacher corrected its points, as a sentence; never stored.
    """

    id: str
    title: str
    points: float
    most: float
    items: tuple[Item, ...]
    excess: tuple[str, ...]
    needed: int
    weight: int | None = None
    corrected: str = ""

    @property
    def full(self) -> bool:
        """Whether all was earned of what could be judged. Where nothing could be, it was not."""
        return self.most > 0 and self.points == self.most

    @property
    def judged(self) -> bool:
        """Whether every check could be judged on this cluster."""
        return all(item.judged for item in self.items)

    @property
    def least_privilege(self) -> float | None:
        """1.0 when nothing was granted beyond the need; None where nothing is to be granted.

        It falls with the weight of the excess, and is 0 while the need itself is not met.
        """
        if not self.needed:
            return None
        if any(not item.ok for item in self.items if item.most):
            return 0.0
        if self.weight is None:
            return self.needed / (self.needed + len(self.excess))
        return least_privilege(self.needed, self.weight)


@dataclass(frozen=True, slots=True)
class Score:
    """An exercise's result for one learner."""

    exercise: str
    learner: str
    tasks: tuple[TaskScore, ...]

    @property
    def points(self) -> float:
        """The points of all tasks."""
        return round(sum(task.points for task in self.tasks), 2)

    @property
    def most(self) -> float:
        """The most that they could earn."""
        return sum(task.most for task in self.tasks)

    @property
    def unjudged(self) -> list[str]:
        """The tasks of which something could not be judged on this cluster."""
        return [task.id for task in self.tasks if not task.judged]


LIMIT_COST = 0.25
"""The cost of granting too much, and of deleting too much, as a fraction of the task's points."""

NOTHING_MORE = text("Nothing more is granted than the task asks for.")

MAX_SEEN = 500
"""Characters of what was seen; a learner may have written it."""


def score(exercise: ExerciseSpec, learner: str, findings: Sequence[TaskFindings]) -> Score:
    """Score an exercise."""
    return Score(exercise.id, learner, tuple(score_task(entry) for entry in findings))


def score_task(findings: TaskFindings) -> TaskScore:
    """Score one task."""
    items = [
        _item(check, finding, findings.task.texts["hints"][0])
        for check, finding in findings.findings
    ]
    most = sum(item.most for item in items)
    excess = tuple(plain(line) for line in findings.excess)
    items += [
        _limit(
            NOTHING_MORE,
            "Granted too: {what}.",
            excess,
            most,
            plain(findings.advice)
            or "Look at who has it and by which binding: only whom the task names may have it, and only what it names.",
            findings.kinds,
        ),
        _limit(
            "What the task began with is still there.",
            "Gone: {what}.",
            findings.gone,
            most,
            "Create it again under its name, or start the task again.",
            ("began-with-gone",),
        ),
    ]
    points = max(0.0, sum(item.points for item in items))
    task = findings.task
    points = round(points, 2)
    return TaskScore(
        task.id, task.title, points, most, tuple(items), excess, findings.needed, findings.weight
    )


def _limit(
    expected: str,
    seen: str,
    breaches: Sequence[str],
    most: float,
    hint: str,
    kinds: tuple[str, ...],
) -> Item:
    """Make the item of a limit that every task has; it is kept if there are no ``breaches``."""
    if not breaches:
        return Item(expected, "Nothing of the kind was seen.", True, 0.0, 0.0, hint)
    first, more = breaches[0], len(breaches) - 1
    what = text("{first}, and {number} more", first, more) if more else first
    return Item(expected, text(seen, what), False, -LIMIT_COST * most, 0.0, hint, kinds=kinds)


def _item(check: Check, finding: Finding, hint: str) -> Item:
    if not finding.judged:
        return Item(check.expected, finding.seen, False, 0.0, 0.0, "", judged=False)
    seen, hint = plain(finding.seen), check.hint or hint
    kinds = () if finding.ok else (check.kind,)
    if check.limit:
        return Item(
            check.expected,
            seen,
            finding.ok,
            0.0 if finding.ok else -check.points,
            0.0,
            hint,
            kinds=kinds,
        )
    return Item(
        check.expected,
        seen,
        finding.ok,
        check.points if finding.ok else 0.0,
        check.points,
        hint,
        kinds=kinds,
    )


LAYOUT = str.maketrans("", "", "\n\t")
"""Removes the control characters that may stay."""


def plain(said: str, most: int = MAX_SEEN) -> str:
    """Shorten a text that a learner may have written, and replace its control characters; of ours, its values."""
    if len(said) <= most and said.translate(LAYOUT).isprintable():
        return said
    if isinstance(said, Text) and said.values:
        share = most // len(said.values)
        values = {
            name: plain(each, share) if isinstance(each, str) else each
            for name, each in said.values.items()
        }
        return text(said.template, **values)
    said = said if len(said) <= most else f"{said[:most]}…"
    return "".join(char if char.isprintable() or char in "\n\t" else "\ufffd" for char in said)
