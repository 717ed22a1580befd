"""Probes to points.

A task's must-allow probes and facts earn points. Its limits earn nothing, since an
untouched cluster keeps them all; breaking one costs what it says, down to zero. One limit
every task has that grants something: nothing more than that is granted. What was more is
named, and makes a second figure, the least-privilege score.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from labkit.grading.excess import Since
from labkit.grading.probes import Ground, Need, Probe
from labkit.grading.seed import Draw
from labkit.grading.task import Brief, Exercise, Task
from labkit.rbac.policy import Policy


@dataclass(frozen=True, slots=True)
class Item:
    """One probe's result.

    Args:
        expected: What should be.
        seen: What the cluster said.
        ok: Whether they agree.
        points: What it earned, or minus what it cost.
        most: What it could earn; 0 for a limit.
        hint: One hint, for when it is not so.
        judged: False where the cluster does not let it be judged; then it is worth nothing.
    """

    expected: str
    seen: str
    ok: bool
    points: float
    most: float
    hint: str
    judged: bool = True


@dataclass(frozen=True, slots=True)
class TaskScore:
    """One task's result.

    Args:
        id: Such as ``4.1``.
        title: In a few words.
        points: What was earned, never below zero.
        most: What could be.
        items: Probe by probe.
        excess: Permissions that were granted and not needed.
        needed: How many permissions the task needs.
    """

    id: str
    title: str
    points: float
    most: float
    items: tuple[Item, ...]
    excess: tuple[str, ...]
    needed: int

    @property
    def full(self) -> bool:
        """Whether all was earned of what could be judged. Where nothing could be, it was not."""
        return self.most > 0 and self.points == self.most

    @property
    def judged(self) -> bool:
        """Whether every probe could be judged on this cluster."""
        return all(item.judged for item in self.items)

    @property
    def least_privilege(self) -> float | None:
        """1.0 when nothing was granted beyond the need; None where nothing is to be granted.

        Needed over needed plus excess, and 0 while the need itself is not met.
        """
        if not self.needed:
            return None
        if any(not item.ok for item in self.items if item.most):
            return 0.0
        return self.needed / (self.needed + len(self.excess))


@dataclass(frozen=True, slots=True)
class Score:
    """An exercise's result for one learner.

    Args:
        exercise: The exercise's id.
        learner: Whose.
        tasks: Task by task.
    """

    exercise: str
    learner: str
    tasks: tuple[TaskScore, ...]

    @property
    def points(self) -> float:
        """What was earned."""
        return round(sum(task.points for task in self.tasks), 2)

    @property
    def most(self) -> float:
        """What could be."""
        return sum(task.most for task in self.tasks)

    @property
    def unjudged(self) -> list[str]:
        """The tasks of which something could not be judged on this cluster."""
        return [task.id for task in self.tasks if not task.judged]


MAX_EVALUATED = 500_000
"""Words of rules that the bindings of a cluster may make the server look at for one question."""

WORDS = ("verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs")

EXCESS_COST = 0.25
"""What a grant too many costs, as a part of what a task can earn."""

MAX_SEEN = 500
"""Characters of what was seen; a learner may have written it."""


class TooMuch(Exception):
    """A cluster whose grants would take the server minutes to evaluate."""


def score(exercise: Exercise, learner: str, ground: Ground) -> Score:
    """Judge the cluster that a learner left behind.

    Args:
        exercise: What was asked.
        learner: Who was asked, which decides the names.
        ground: The cluster.

    Raises:
        TooMuch: It has more grants than can be judged.
    """
    policy = ground.policy()
    evaluated = _evaluated(policy)
    if evaluated > MAX_EVALUATED:
        raise TooMuch(f"{len(policy.bindings)} bindings to rules of {evaluated} words in all")
    since = Since(policy, ground.before())
    briefs = {task.id: task.brief(Draw(learner)) for task in exercise.tasks}
    tasks = (_score_task(task, briefs, ground, since) for task in exercise.tasks)
    return Score(exercise.id, learner, tuple(tasks))


def _evaluated(policy: Policy) -> int:
    """How many words there are in the rules that bindings give; who is bound twice is looked at twice."""
    words = {
        id(role): sum(len(rule.get(field) or ()) for rule in role.get("rules") or () for field in WORDS)
        for role in policy.roles.values()
    }
    roles = (policy.role_of(binding) for binding in policy.bindings)
    return sum(1 if role is None else 1 + words[id(role)] for role in roles)


def score_task(exercise: Exercise, task: Task, learner: str, ground: Ground) -> TaskScore:
    """Judge one task of an exercise."""
    briefs = {entry.id: entry.brief(Draw(learner)) for entry in exercise.tasks}
    return _score_task(task, briefs, ground, Since(ground.policy(), ground.before()))


def _score_task(task: Task, briefs: Mapping[str, Brief], ground: Ground, since: Since) -> TaskScore:
    brief = briefs[task.id]
    items = [_look(probe, ground) for probe in brief.probes]
    most = sum(item.most for item in items)
    needs = _needs(brief)
    others = [need for entry in briefs.values() for need in _needs(entry)]
    excess = tuple(plain(line) for line in since.beyond(needs, others, brief.given))
    if needs:
        items.append(_nothing_more(excess, most))
    points = max(0.0, sum(item.points for item in items))
    return TaskScore(task.id, task.title, round(points, 2), most, tuple(items), excess, len(needs))


def _needs(brief: Brief) -> list[Need]:
    return [probe.need for probe in brief.probes if probe.need is not None]


def _nothing_more(excess: Sequence[str], most: float) -> Item:
    """The limit that every task has which grants something."""
    more = f", and {len(excess) - 1} more" if len(excess) > 1 else ""
    return Item(
        "Nothing more is granted than the task asks for.",
        f"Granted too: {excess[0]}{more}." if excess else "Nothing more is granted.",
        not excess,
        -EXCESS_COST * most if excess else 0.0,
        0.0,
        "Name each verb, resource and account that the task names, and no others.",
    )


def _look(probe: Probe, ground: Ground) -> Item:
    lacking = ground.lacks(probe.needs)
    if lacking:
        return Item(probe.expected, lacking, False, 0.0, 0.0, "", judged=False)
    finding = probe.look(ground)
    seen = plain(finding.seen)
    if probe.limit:
        return Item(probe.expected, seen, finding.ok, 0.0 if finding.ok else -probe.points, 0.0, probe.hint)
    return Item(probe.expected, seen, finding.ok, probe.points if finding.ok else 0.0, probe.points, probe.hint)


def plain(text: str, most: int = MAX_SEEN) -> str:
    """A text that a learner had a hand in, short and without what files and terminals choke on.

    Args:
        text: The text.
        most: Characters that are kept.
    """
    text = text if len(text) <= most else f"{text[:most]}…"
    return "".join(char if char.isprintable() or char in "\n\t" else "\ufffd" for char in text)
