"""What the probes of an exercise find in the cluster that a learner left behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from labkit.embedded.machinery.kinds import KINDS
from labkit.grading.probes import Finding, Probe, ProbeContext
from labkit.grading.seed import Seed
from labkit.grading.task import ExerciseSpec, Task, Variant
from labkit.rbac.difference import PolicyDifference
from labkit.rbac.needs import Need
from labkit.rbac.policy import Policy

MAX_EVALUATED = 500_000
"""Words of rules that the bindings of a cluster may make the server read for one question."""

RULE_FIELDS = ("verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs")

SERVED = [(kind.group, kind.plural) for kind in KINDS]
"""The API group and plural of each resource that a permission can be about."""


class TooManyGrants(Exception):
    """A cluster whose grants would take the server minutes to evaluate."""


@dataclass(frozen=True, slots=True)
class TaskFindings:
    """What the probes of one task found.

    Args:
        task: The task.
        findings: Each probe with what it found.
        needed: How many permissions the task asks for.
        excess: Permissions that were granted beyond them, in words.
    """

    task: Task
    findings: tuple[tuple[Probe, Finding], ...]
    needed: int
    excess: tuple[str, ...]


def probe_exercise(exercise: ExerciseSpec, learner: str, context: ProbeContext) -> list[TaskFindings]:
    """Ask all probes of an exercise, for the names of this learner.

    Raises:
        TooManyGrants: The cluster has more grants than can be judged.
    """
    policy = context.policy()
    evaluated = _evaluated(policy)
    if evaluated > MAX_EVALUATED:
        raise TooManyGrants(f"{len(policy.bindings)} bindings to rules of {evaluated} words in all")
    difference = PolicyDifference(policy, context.before(), SERVED)
    variants = _variants(exercise, learner)
    return [_probe(task, variants, context, difference) for task in exercise.tasks]


def probe_task(exercise: ExerciseSpec, task: Task, learner: str, context: ProbeContext) -> TaskFindings:
    """Ask the probes of one task; what the exercise's other tasks ask for may be granted to groups."""
    difference = PolicyDifference(context.policy(), context.before(), SERVED)
    return _probe(task, _variants(exercise, learner), context, difference)


def _variants(exercise: ExerciseSpec, learner: str) -> dict[str, Variant]:
    return {task.id: task.variant(Seed(learner)) for task in exercise.tasks}


def _probe(
    task: Task, variants: Mapping[str, Variant], context: ProbeContext, difference: PolicyDifference
) -> TaskFindings:
    variant = variants[task.id]
    findings = tuple((probe, _ask(probe, context)) for probe in variant.probes)
    needs = _needs(variant)
    others = [need for entry in variants.values() for need in _needs(entry)]
    excess = tuple(str(grant) for grant in difference.beyond(needs, others, variant.given))
    return TaskFindings(task, findings, len(needs), excess)


def _ask(probe: Probe, context: ProbeContext) -> Finding:
    lacking = context.lacks(probe.needs)
    return Finding(False, lacking, judged=False) if lacking else probe.look(context)


def _needs(variant: Variant) -> list[Need]:
    return [probe.need for probe in variant.probes if probe.need is not None]


def _evaluated(policy: Policy) -> int:
    """Count the words in the rules that bindings refer to; a role that is bound twice counts twice."""
    words = {
        id(role): sum(len(rule.get(field) or ()) for rule in role.get("rules") or () for field in RULE_FIELDS)
        for role in policy.roles.values()
    }
    roles = (policy.role_of(binding) for binding in policy.bindings)
    return sum(1 if role is None else 1 + words[id(role)] for role in roles)
