"""Probes to points.

A task's must-allow probes and facts earn points. Its limits earn nothing, since an
untouched cluster keeps them all; breaking one costs what it says, down to zero. The
least-privilege score names every permission that was granted and no task needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from labkit.access.graph import rule_text
from labkit.access.policy import Policy, namespace_of, read_policy
from labkit.apiserver.authorization.rules import Rule, rule_allows
from labkit.grading.draw import Draw
from labkit.grading.probes import Ground, Need, Probe
from labkit.grading.task import Exercise, Task


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


MOST_EVALUATED = 200_000
"""Rules that the bindings of a cluster may make the server look at for one question."""

MOST_EXCESS = 200
"""Superfluous permissions that are named; what comes after them is counted as one."""

MOST_PARTS = 2_000
"""Single permissions that rules are taken apart into."""

MOST_SEEN = 500
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
    policy = read_policy(ground.admin, defaults=False)
    evaluated = sum(1 + len((policy.role_of(binding) or {}).get("rules") or ()) for binding in policy.bindings)
    if evaluated > MOST_EVALUATED:
        raise TooMuch(f"{len(policy.bindings)} bindings with {evaluated} rules in all")
    return Score(exercise.id, learner, tuple(score_task(task, learner, ground, policy) for task in exercise.tasks))


def score_task(task: Task, learner: str, ground: Ground, policy: Policy | None = None) -> TaskScore:
    """Judge one task."""
    policy = policy or read_policy(ground.admin, defaults=False)
    brief = task.brief(Draw(learner))
    items = tuple(_look(probe, ground) for probe in brief.probes)
    points = max(0.0, sum(item.points for item in items))
    most = sum(item.most for item in items)
    needs = [probe.need for probe in brief.probes if probe.need is not None and not probe.limit]
    return TaskScore(
        task.id, task.title, round(points, 2), most, items, tuple(_excess(policy, needs, brief.given)), len(needs)
    )


def _look(probe: Probe, ground: Ground) -> Item:
    lacking = ground.lacks(probe.needs)
    if lacking:
        return Item(probe.expected, lacking, False, 0.0, 0.0, "", judged=False)
    finding = probe.look(ground)
    seen = _plain(finding.seen)
    if probe.limit:
        return Item(probe.expected, seen, finding.ok, 0.0 if finding.ok else -probe.points, 0.0, probe.hint)
    return Item(probe.expected, seen, finding.ok, probe.points if finding.ok else 0.0, probe.points, probe.hint)


def _plain(text: str) -> str:
    """A text that a learner had a hand in, short and without what files and terminals choke on."""
    text = text if len(text) <= MOST_SEEN else f"{text[:MOST_SEEN]}…"
    return "".join(char if char.isprintable() or char == "\n" else "\ufffd" for char in text)


def _excess(policy: Policy, needs: Sequence[Need], given: Sequence[str]) -> Iterable[str]:
    """Single permissions that the needs' subjects were given and that no need asks for.

    Only bindings that are not every cluster's own count; a rule is taken apart into its
    verbs and resources.
    """
    found: dict[str, None] = {}
    looked = 0
    for who in dict.fromkeys(need.who for need in needs):
        own = [need for need in needs if need.who == who]
        for binding in policy.bindings_of(who):
            ref = binding["roleRef"]
            if _default(binding) or f"{ref['kind']}/{ref['name']}" in given:
                continue
            place = namespace_of(binding)
            for rule in (policy.role_of(binding) or {}).get("rules") or ():
                looked += 1
                for part in _parts(rule):
                    looked += 1
                    if len(found) >= MOST_EXCESS or looked > MOST_PARTS:
                        return [*found, f"{who.label}: and more"]
                    if not any(_serves(part, place, need) for need in own):
                        where = f"in {place}" if place else "in the whole cluster"
                        found[_plain(f"{who.label}: {rule_text(part)} {where}")] = None
    return found


def _parts(rule: Rule) -> Iterable[Rule]:
    """A rule as rules with one verb and one resource or path each."""
    for verb in rule.get("verbs") or ():
        for path in rule.get("nonResourceURLs") or ():
            yield {"verbs": [verb], "nonResourceURLs": [path]}
        for resource in rule.get("resources") or ():
            for group in rule.get("apiGroups") or ():
                part: Rule = {"verbs": [verb], "apiGroups": [group], "resources": [resource]}
                if rule.get("resourceNames"):
                    part["resourceNames"] = list(rule["resourceNames"])
                yield part


def _serves(part: Rule, place: str, need: Need) -> bool:
    """Whether a single permission is one that was asked for, and no wider."""
    if "*" in (*part["verbs"], *part.get("resources", ()), *part.get("apiGroups", ())):
        return False
    if place != need.namespace:
        return False
    return rule_allows(part, need.question())


def _default(binding: dict[str, object]) -> bool:
    metadata = binding["metadata"]
    labels = metadata.get("labels") or {} if isinstance(metadata, dict) else {}
    return "kubernetes.io/bootstrapping" in labels
