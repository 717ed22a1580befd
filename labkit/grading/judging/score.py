"""Turn findings into points.

A task's must-allow checks and facts earn points. Its limits earn no points, since an untouched cluster
breaks none; breaking one costs points, down to zero. Every task has two more limits: no permission
beyond it is granted, and the objects that it began with still exist. Permissions beyond it are named, and lower a
second figure, the least-privilege score.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from labkit.core.language import Text, text

from ..tasks.checks import Check, Finding
from ..tasks.task import ExerciseSpec
from .findings import TaskFindings
from .weights import least_privilege


@dataclass(frozen=True, slots=True)
class Item:
    """One check's result.

    Args:
        expected: The expectation.
        seen: The cluster's answer.
        ok: True if they agree.
        points: The points that it earned, or minus what it cost.
        most: The points that it could earn; 0 for a limit.
        hint: One hint for when they do not agree.
        judged: False if the cluster does not let it be judged; then it is worth no points.
        kinds: The kinds of mistakes in it, as ids of ``mistakes.yaml`` of the lessons; none if it is ok.
        is_excess: True if it is the limit on superfluous permissions.
    """

    expected: str
    seen: str
    ok: bool
    points: float
    most: float
    hint: str
    judged: bool = True
    kinds: tuple[str, ...] = ()
    is_excess: bool = False


@dataclass(frozen=True, slots=True)
class TaskScore:
    """One task's result.

    Args:
        id: Such as ``4.1``.
        title: In a few words.
        points: The points earned, never below zero.
        most: The points possible.
        items: The results of its checks and limits.
        excess: Permissions that were granted and not needed.
        needed: How many permissions the task needs.
        weight: The weight of the excess; None if it was judged by version 1 of the rule (``weights.RULE``).
        corrected: How a teacher corrected its points, as a sentence; never stored.
        untouched: True if it was not attempted: nothing was written for it, in the notebook or on the cluster.
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
    untouched: bool = False

    @property
    def full(self) -> bool:
        """True if all possible points were earned; false if no check could be judged."""
        return self.most > 0 and self.points == self.most

    @property
    def judged(self) -> bool:
        """True if every check could be judged on this cluster."""
        return all(item.judged for item in self.items)

    @property
    def least_privilege(self) -> float | None:
        """The least-privilege score; None if the task requires no permission.

        It is 1.0 without superfluous permissions, falls with the weight of the excess, and is 0 while the need
        itself is not met.
        """
        if not self.needed:
            return None
        # No permissions at all would otherwise be the least privilege of all.
        if any(not item.ok for item in self.items if item.most):
            return 0.0
        # A result of an earlier labkit has the score that was reported then.
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


# A quarter: with one limit broken, most of a correct solution still counts.
LIMIT_COST = 0.25
"""The cost of granting too much, and of deleting too much, as a fraction of the task's points."""

NOTHING_MORE = text("Nothing more is granted than the task asks for.")

MAX_SEEN = 500
"""The length of a finding's text, in which a learner can have written names."""


def score(exercise: ExerciseSpec, learner: str, findings: Sequence[TaskFindings]) -> Score:
    """Score an exercise."""
    return Score(exercise.id, learner, tuple(score_task(entry) for entry in findings))


def score_task(findings: TaskFindings) -> TaskScore:
    """Score one task."""
    task = findings.task
    items = [_item(check, finding, task.texts["hints"][0]) for check, finding in findings.findings]
    most = sum(item.most for item in items)
    excess = tuple(plain(line) for line in findings.excess)
    nothing_more = _limit(
        NOTHING_MORE,
        "Granted too: {what}.",
        excess,
        most,
        plain(findings.advice)
        or "Look at who has it and by which binding: only whom the task names may have it, and only what it names.",
        findings.kinds,
    )
    still_there = _limit(
        "What the task began with is still there.",
        "Gone: {what}.",
        findings.gone,
        most,
        "Create it again under its name, or start the task again.",
        ("began-with-gone",),
    )
    items += [replace(nothing_more, is_excess=True), still_there]
    # Rounded: thirds of points would not add up to a full score.
    points = round(max(0.0, sum(item.points for item in items)), 2)
    return TaskScore(
        task.id,
        task.title,
        points,
        most,
        tuple(items),
        excess,
        findings.needed,
        findings.weight,
        untouched=findings.untouched,
    )


def _limit(
    expected: str, seen: str, breaches: Sequence[str], most: float, hint: str, kinds: Sequence[str]
) -> Item:
    """Make the item of a limit that every task has."""
    if not breaches:
        return Item(expected, "Nothing of the kind was seen.", True, 0.0, 0.0, hint)
    what = breaches[0]
    if len(breaches) > 1:
        what = text("{first}, and {number} more", what, len(breaches) - 1)
    cost = LIMIT_COST * most
    return Item(expected, text(seen, what), False, -cost, 0.0, hint, kinds=tuple(kinds))


def _item(check: Check, finding: Finding, hint: str) -> Item:
    if not finding.judged:
        return Item(check.expected, finding.seen, False, 0.0, 0.0, "", judged=False)
    most = 0.0 if check.limit else check.points
    return Item(
        check.expected,
        plain(finding.seen),
        finding.ok,
        most if finding.ok else most - check.points,
        most,
        check.hint or hint,
        kinds=() if finding.ok else (check.kind,),
    )


LAYOUT = str.maketrans("", "", "\n\t")
"""Removes the control characters that are allowed."""


def plain(line: str, most: int = MAX_SEEN) -> str:
    """Shorten a text that a learner can have written, and replace its control characters; of ours, only the values."""
    if len(line) <= most and line.translate(LAYOUT).isprintable():
        return line
    if isinstance(line, Text) and line.values:
        # Its template is ours, and must stay as it is to be found in the catalogue of translations.
        share = most // len(line.values)
        values = {
            name: plain(value, share) if isinstance(value, str) else value
            for name, value in line.values.items()
        }
        return text(line.template, **values)
    shortened = line if len(line) <= most else f"{line[:most]}…"
    # A terminal would obey escape sequences.
    return "".join(char if char.isprintable() or char in "\n\t" else "\ufffd" for char in shortened)
