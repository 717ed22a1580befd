"""Run the checks of an exercise on the cluster that a learner left behind.

Beside its checks each task has two limits: nobody is granted more than the exercise asks for, and
what the task began with is still there. Whatever was granted beyond the need is charged to the tasks that it
concerns: those whose accounts got it, in whose namespaces it holds, or whose permission it is. What concerns no
task, such as a stranger's rights in the whole cluster, is charged to all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from labkit.core.language import text
from labkit.grading.judging.weights import (
    EVERYTHING,
    GROUP,
    SERVED,
    WHOLE_CLUSTER,
    becomes_anybody,
    has,
    weigh,
)
from labkit.grading.tasks.checks import Check, Finding, GradedCluster
from labkit.grading.tasks.seed import Seed
from labkit.grading.tasks.task import ExerciseSpec, Task, Variant
from labkit.lessons.mistakes import excess_text, of_excess
from labkit.rbac.difference import MAX_EXCESSES, Allowance, Excess, PolicyDifference
from labkit.rbac.objects import name_of, namespace_of, role_key, title
from labkit.rbac.policy import Policy

MAX_EVALUATED = 500_000
"""Words of rules that the bindings of a cluster may make the server read for one question."""


class TooManyGrants(Exception):
    """A cluster whose grants would take the server minutes to evaluate."""


@dataclass(frozen=True, slots=True)
class TaskFindings:
    """The findings of one task.

    Args:
        task: The task.
        findings: Each check with what it found.
        needed: How many permissions the task asks for.
        excess: Permissions that were granted beyond them, in words.
        gone: What the task began with and needs, and is no longer there, in words.
        weight: What the excess weighs; see ``weights``.
        kinds: What kinds of mistakes the excesses are.
        advice: How to mend the first one; empty without one.
    """

    task: Task
    findings: tuple[tuple[Check, Finding], ...]
    needed: int
    excess: tuple[str, ...]
    gone: tuple[str, ...] = ()
    weight: int = 0
    kinds: tuple[str, ...] = ()
    advice: str = ""


@dataclass(slots=True)
class _Excesses:
    """What was granted beyond a task: in words, its weight, its kinds, and the permissions to become anybody.

    ``advice`` says how to mend the first one.
    """

    words: dict[str, None] = field(default_factory=dict)
    weight: int = 0
    powers: list[Excess] = field(default_factory=list)
    kinds: dict[str, None] = field(default_factory=dict)
    advice: str = ""

    def add(self, excess: Excess | None, allowances: Sequence[Allowance]) -> None:
        """Add one; None stands for more than can be looked at."""
        full = excess is None or len(self.words) >= MAX_EXCESSES
        self.words[MORE if full else str(excess)] = None
        self.weight += EVERYTHING * WHOLE_CLUSTER * GROUP if excess is None else weigh(excess)
        if excess is not None and becomes_anybody(excess):
            self.powers.append(excess)
        if excess is not None and not full:
            kind = of_excess(excess, allowances)
            self.kinds[kind] = None
            self.advice = self.advice or excess_text(excess, kind)


def check_exercise(
    exercise: ExerciseSpec,
    learner: str,
    context: GradedCluster,
    beside: Sequence[ExerciseSpec] = (),
) -> list[TaskFindings]:
    """Ask all checks of an exercise, for the names of this learner.

    ``beside`` are other exercises on the same cluster: what they ask for may be granted, and their excesses are theirs.

    Raises:
        TooManyGrants: The cluster has more grants than can be judged.
    """
    policy = context.policy()
    context = replace(context, policy=lambda: policy)
    words = _evaluated(policy)
    if words > MAX_EVALUATED:
        raise TooManyGrants(
            text(
                "{bindings} bindings to rules of {words} words in all", len(policy.bindings), words
            )
        )
    excesses = _excesses(exercise, learner, context, policy, beside)
    return [_check(task, learner, context, excesses[task.id]) for task in exercise.tasks]


def check_task(
    exercise: ExerciseSpec,
    task: Task,
    learner: str,
    context: GradedCluster,
    beside: Sequence[ExerciseSpec] = (),
) -> TaskFindings:
    """Ask the checks of one task; what the exercise's other tasks ask for may be granted."""
    policy = context.policy()
    context = replace(context, policy=lambda: policy)
    return _check(
        task, learner, context, _excesses(exercise, learner, context, policy, beside)[task.id]
    )


def _check(task: Task, learner: str, context: GradedCluster, excess: _Excesses) -> TaskFindings:
    variant = task.variant(Seed(learner))
    gone = tuple(_gone(variant, context))
    findings = tuple((check, _ask(check, context, gone, excess.powers)) for check in variant.checks)
    return TaskFindings(
        task,
        findings,
        len(variant.needs),
        tuple(excess.words),
        gone,
        excess.weight,
        tuple(excess.kinds),
        excess.advice,
    )


def _ask(
    check: Check, context: GradedCluster, gone: Sequence[str], powers: Sequence[Excess]
) -> Finding:
    lacking = context.lacks(check.needs)
    if lacking:
        return Finding(False, lacking, judged=False)
    missing = f"ServiceAccount {check.need.who.label}" if check.need else ""
    if missing in gone:
        return Finding(False, text("There is no {object} any more.", missing))
    found, forbids = check.look(context), check.forbids
    if forbids and found.ok and any(has(power, forbids.who) for power in powers):
        return Finding(
            False,
            text("{who} may impersonate who is allowed to, so it may as well.", forbids.who.label),
        )
    return found


REQUIRED_KINDS = {
    "Namespace": "namespaces",
    "ServiceAccount": "serviceaccounts",
    "Secret": "secrets",
}
"""The kinds of objects that a task's set-up makes and that must stay, with their plurals."""

MORE = text("and more")
"""Stands last in a list that was cut off."""


def _gone(variant: Variant, context: GradedCluster) -> Iterator[str]:
    """List the objects that a task began with and that are gone.

    A namespace that holds others of them is not listed: whoever deletes it loses those.
    """
    required = [obj for obj in variant.setup if obj["kind"] in REQUIRED_KINDS]
    spaces = {namespace_of(obj) for obj in required}
    for kind, space, name in ((obj["kind"], namespace_of(obj), name_of(obj)) for obj in required):
        path = f"/api/v1/{f'namespaces/{space}/' if space else ''}{REQUIRED_KINDS[kind]}/{name}"
        if (space or name not in spaces) and context.find(path) is None:
            yield title(kind, space, name)


def _excesses(
    exercise: ExerciseSpec,
    learner: str,
    context: GradedCluster,
    policy: Policy,
    beside: Sequence[ExerciseSpec],
) -> Mapping[str, _Excesses]:
    """Collect the permissions beyond the need, by the task that they concern."""
    seed = Seed(learner)
    tasks = {task.id: task.variant(seed) for spec in (exercise, *beside) for task in spec.tasks}
    allowances = [
        *context.allowances,
        *(each for variant in tasks.values() for each in variant.allowances),
    ]
    found = {task: _Excesses() for task in tasks}
    for excess in PolicyDifference(policy, context.before(), SERVED).beyond(allowances, roles=True):
        concerned = [
            task
            for task, variant in tasks.items()
            if excess is not None and variant.is_concerned(excess)
        ]
        for task in concerned or tasks:
            found[task].add(excess, allowances)
    return found


def _evaluated(policy: Policy) -> int:
    """Count the words in the rules that bindings refer to; a role that is bound twice counts twice."""
    bound = Counter(map(role_key, policy.bindings))
    words = (
        times * len(words or ())
        for key, times in bound.items()
        for rule in policy.roles.get(key, {}).get("rules") or ()
        for words in rule.values()
    )
    return len(policy.bindings) + sum(words)
