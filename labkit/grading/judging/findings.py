"""Run the checks of an exercise on the cluster that a learner left behind.

Besides its checks each task has two limits: no permission is granted beyond the exercise's, and the
objects that the task began with still exist. A permission that was granted beyond the need is charged to the
tasks that it concerns: those whose accounts got it, in whose namespaces it holds, or whose permission it is. One
that concerns no task, such as a stranger's permission in the whole cluster, is charged to all.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from kube_embedded.rbac.objects import name_of, namespace_of, role_key, title
from labkit.core.language import text
from labkit.lessons.mistakes import excess_text, of_excess
from labkit.rbac.difference import MAX_EXCESSES, Allowance, Excess, PolicyDifference
from labkit.rbac.policy import Policy

from ..tasks.checks import Check, Finding, GradedCluster
from ..tasks.seed import SEEDED, Seed
from ..tasks.task import ExerciseSpec, Task, Variant
from .weights import EVERYTHING, GROUP, SERVED, WHOLE_CLUSTER, becomes_anybody, has, weigh

MAX_EVALUATED = 500_000
"""How many words of rules the server has to read at most for one question: it goes through all bindings."""


class TooManyGrants(Exception):
    """A cluster whose grants would take the server minutes to evaluate."""


@dataclass(slots=True)
class TaskFindings:
    """The findings of one task.

    Args:
        task: The task.
        findings: Each check with its finding.
        needed: The number of permissions that the task requires.
        excess: Permissions that were granted beyond them, in words.
        gone: Objects that the task began with and needs, but that do not exist any more, in words.
        weight: The weight of the excess; see ``weights``.
        kinds: The kinds of mistakes of the excesses.
        advice: How to correct the first one; empty without one.
        powers: The excesses with which their holder can become any user.
        untouched: True if the audit log has no write of the learner's that names something of the task.
    """

    task: Task
    findings: Sequence[tuple[Check, Finding]] = ()
    needed: int = 0
    excess: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    weight: int = 0
    kinds: list[str] = field(default_factory=list)
    advice: str = ""
    powers: list[Excess] = field(default_factory=list)
    untouched: bool = False

    def charge(self, excess: Excess | None, allowances: Sequence[Allowance]) -> None:
        """Add a permission that is too much; None is a rest that is too large to be examined."""
        line: str = MORE
        if excess is None:
            self.weight += EVERYTHING * WHOLE_CLUSTER * GROUP
        else:
            self.weight += weigh(excess)
            if becomes_anybody(excess):
                self.powers.append(excess)
            if len(self.excess) < MAX_EXCESSES:
                line = str(excess)
                kind = of_excess(excess, allowances)
                if kind not in self.kinds:
                    self.kinds.append(kind)
                self.advice = self.advice or excess_text(excess, kind)
        if line not in self.excess:
            self.excess.append(line)


def check_exercise(
    exercise: ExerciseSpec,
    learner: str,
    context: GradedCluster,
    others: Sequence[ExerciseSpec] = (),
) -> list[TaskFindings]:
    """Run all checks of an exercise, for the names of this learner.

    Args:
        exercise: The exercise.
        learner: The name that the learner's seed is derived from.
        context: The cluster.
        others: Other exercises on the same cluster: their permissions are allowed, and their excesses are not counted.

    Raises:
        TooManyGrants: The cluster has more grants than can be judged.
    """
    context = _with_one_policy(context)
    policy = context.policy()
    words = _evaluated(policy)
    # Before any question is asked, since each would take that long.
    if words > MAX_EVALUATED:
        raise TooManyGrants(
            text(
                "{bindings} bindings to rules of {words} words in all", len(policy.bindings), words
            )
        )
    return _judge(exercise.tasks, exercise, learner, context, others)


def check_task(
    exercise: ExerciseSpec,
    task: Task,
    learner: str,
    context: GradedCluster,
    others: Sequence[ExerciseSpec] = (),
) -> TaskFindings:
    """Ask the checks of one task; the permissions of the exercise's other tasks are allowed."""
    return _judge([task], exercise, learner, _with_one_policy(context), others)[0]


def _with_one_policy(context: GradedCluster) -> GradedCluster:
    # Read once: each check would otherwise list all roles and bindings again.
    policy = context.policy()
    return replace(context, policy=lambda: policy)


def _judge(
    tasks: Sequence[Task],
    exercise: ExerciseSpec,
    learner: str,
    context: GradedCluster,
    others: Sequence[ExerciseSpec],
) -> list[TaskFindings]:
    seed = Seed(learner)
    charged = [TaskFindings(task) for spec in (exercise, *others) for task in spec.tasks]
    variants = {findings.task.id: findings.task.variant(seed) for findings in charged}
    allowances = list(context.allowances)
    for variant in variants.values():
        allowances += variant.allowances
    difference = PolicyDifference(context.policy(), context.before(), SERVED)
    for excess in difference.beyond(allowances, roles=True):
        concerned = [
            findings
            for findings in charged
            if excess is not None and variants[findings.task.id].is_concerned(excess)
        ]
        for findings in concerned or charged:
            findings.charge(excess, allowances)
    names = {
        task: {match[0] for match in SEEDED.finditer(f"{variant.text} {variant.setup}")}
        for task, variant in variants.items()
    }
    judged = [findings for findings in charged if findings.task in tasks]
    for findings in judged:
        variant = variants[findings.task.id]
        findings.needed = len(variant.needs)
        findings.gone = list(_gone(variant, context))
        findings.findings = [(check, _ask(check, context, findings)) for check in variant.checks]
        begun = any(finding.ok for check, finding in findings.findings if not check.limit)
        tried = begun or findings.excess or findings.gone
        rest = {name for task, each in names.items() if task != findings.task.id for name in each}
        mine = names[findings.task.id] - rest
        findings.untouched = context.audited and not tried and not _writes(variant, mine, context)
    return judged


def _writes(variant: Variant, names: set[str], context: GradedCluster) -> bool:
    """Return whether the audit log has a write with one of the names, or a command in one of the task's pods.

    The notebook applies the objects that a task begins with once more, which is no write of the learner's.
    """
    begun = set(map(name_of, variant.setup))
    for event in context.events():
        about = event.get("objectRef") or {}
        user = str(event["user"].get("username"))
        by_lab = str(event.get("userAgent")).startswith("labkit/") and about.get("name") in begun
        is_set_up = by_lab and (
            event["verb"] == "patch" or (event.get("responseStatus") or {}).get("code") == 409
        )
        is_read = event["verb"] in ("get", "list", "watch") and about.get("subresource") != "exec"
        of_pods = user.startswith("system:serviceaccount:")
        told = f"{event['requestURI']} {about.get('name')} {user if of_pods else ''}"
        if not is_set_up and (of_pods or not is_read) and any(name in told for name in names):
            return True
    return False


def _ask(check: Check, context: GradedCluster, task: TaskFindings) -> Finding:
    lacking = context.lacks(check.needs)
    if lacking:
        return Finding(False, lacking, judged=False)
    account = f"ServiceAccount {check.need.who.label}" if check.need else ""
    if account in task.gone:
        # RBAC grants by name, so the server would still allow requests of an account that does not exist.
        return Finding(False, text("There is no {object} any more.", account))
    try:
        finding = check.look(context)
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        # What a learner left behind can have any form. One check cannot read it; the others can.
        return Finding(False, text("The check cannot read what is there: {error}.", repr(error)))
    forbids = check.forbids
    if forbids and finding.ok and any(has(power, forbids.who) for power in task.powers):
        return Finding(
            False,
            text("{who} may impersonate who is allowed to, so it may as well.", forbids.who.label),
        )
    return finding


REQUIRED_KINDS = {
    "Namespace": "namespaces",
    "ServiceAccount": "serviceaccounts",
    "Secret": "secrets",
}
"""The kinds of objects that a task's set-up creates and that must stay, with their plurals."""

MORE = text("and more")
"""The last line of a list that was cut off."""


def _gone(variant: Variant, context: GradedCluster) -> Iterator[str]:
    """List the objects that a task began with and that do not exist any more.

    A namespace that contains other such objects is not listed, since they go with it.
    """
    required = [obj for obj in variant.setup if obj["kind"] in REQUIRED_KINDS]
    spaces = {namespace_of(obj) for obj in required}
    for obj in required:
        kind = obj["kind"]
        space = namespace_of(obj)
        name = name_of(obj)
        path = f"/api/v1/{f'namespaces/{space}/' if space else ''}{REQUIRED_KINDS[kind]}/{name}"
        if (space or name not in spaces) and context.find(path) is None:
            yield title(kind, space, name)


def _evaluated(policy: Policy) -> int:
    """Count the words in the rules that bindings refer to; a role that is bound twice counts twice."""
    count = len(policy.bindings)
    for key, times in Counter(map(role_key, policy.bindings)).items():
        for rule in policy.roles.get(key, {}).get("rules") or ():
            count += times * sum(len(words or ()) for words in rule.values())
    return count
