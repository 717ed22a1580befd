"""Exercise 7: questions that reject every wrong policy next to a right one.

The wrong policies are generated once, for one set of names. A learner's questions are read with the learner's
names, and then evaluated with that set, so that each question is evaluated once for a whole class.
"""

import re
from dataclasses import dataclass, replace
from functools import cache, cached_property, lru_cache, partial

import yaml

from kube_embedded.rbac.attributes import Attributes, User
from kube_embedded.rbac.objects import name_of
from labkit.core.errors import UsageError
from labkit.core.language import text
from labkit.core.yaml_file import LOADER, NOT_YAML
from labkit.rbac.policy import Policy
from labkit.rbac.testing.mutants import Added, Mutant, mutants
from labkit.rbac.testing.policies import policy_of
from labkit.rbac.testing.questions import Question, read_questions
from labkit.rbac.testing.verdicts import allows

from .checks import Check, Finding, GradedCluster
from .seed import Seed
from .task import Task, Variant, texts
from .task_file import Draft

MAX_QUESTIONS = 20
MAX_BYTES = 20_000
"""A longer text is not read."""

ANCHOR = re.compile(r"(?:^|[\s,\[{:-])&\S", re.MULTILINE)
"""An anchor, by which a short text can stand for a long one."""

CONFIG_MAP, KEY = "tests", "questions.yaml"
WHAT = ("verbs", "resources", "groups", "names")
PAIRED = ("subjects", "places")
PLACED = ("places", "references", "bindings", "pairs")
SORTS = {
    text("Every policy that is wrong in what it allows is rejected."): WHAT,
    text("Every policy that is wrong in whom it allows it is rejected."): ("subjects",),
    text("Every policy that is wrong in where, and in which role is rejected."): PLACED,
}
"""What is expected of the sorts of wrong policies, as the points are given."""

FEW = text("There are at most {most} questions.", MAX_QUESTIONS)

PASSES = "wrong-policy-passes"
ONE_SET = Seed("the names that wrong policies have")
"""No learner has these names, so questions with them are about what there is not."""


class Scene(Draft):
    """A task whose file has the policy, and whose learner writes the questions."""

    @cached_property
    def policy(self) -> Policy:
        """The right policy."""
        return policy_of(self.objects)

    @cached_property
    def answer(self) -> str:
        """The questions of the solution, as YAML."""
        return str(yaml.safe_dump({"questions": self.named(self.entry["solution"])}))

    @property
    def home(self) -> str:
        """The namespace of the learner's config map."""
        return name_of(self.objects[0])

    @property
    def added(self) -> Added:
        """What wrong policies have more than the right one."""
        write = self.named(self.entry["write"])
        return Added(write["verbs"], write["resources"], parts=False, another=write["another"])


@lru_cache(maxsize=256)
def scene(task: str, seed: Seed) -> Scene:
    """The scene of a task with the names of a seed."""
    return Scene(texts()[task], seed)


@cache
def wrong_policies(task: str) -> tuple[Mutant, ...]:
    """The wrong policies of a task: those with one thing wrong, and pairs of a wrong role and a wrong binding."""
    found = scene(task, ONE_SET)
    needed = [
        question
        for question in read_questions(yaml.load(found.answer, LOADER), found.vocabulary)
        if question.may
    ]
    single = mutants(found.policy, found.vocabulary, added=found.added)
    wider = [
        each
        for each in single
        if all(allows(each.policy, question.attributes) for question in needed)
    ]
    bindings = [
        question
        for question in wider
        if question.sort in PAIRED and question.policy.roles.keys() == found.policy.roles.keys()
    ]
    pairs = [
        Mutant(
            f"{role.what}, and {other.what}",
            "pairs",
            replace(other.policy, roles=role.policy.roles),
        )
        for number, role in enumerate(question for question in wider if question.sort in WHAT)
        for other in bindings[number % 2 :: 2]
    ]
    return (*single, *pairs)


@lru_cache(maxsize=8192)
def rejects(task: str, text: str, may: bool) -> frozenset[int] | None:
    """Return the wrong policies that a question of ``_ask`` rejects; None if the right policy disagrees."""
    verb, path, group, resource, subresource, space, name, who, *groups = text.split("\0")
    asked = Attributes(
        User(who, tuple(groups)), verb, group, "", resource, subresource, space, name, path
    )
    if allows(scene(task, ONE_SET).policy, asked) is not may:
        return None
    return frozenset(
        at
        for at, policy in enumerate(wrong_policies(task))
        if allows(policy.policy, asked) is not may
    )


@dataclass(frozen=True)
class Judged:
    """The value of some questions: their number, those that the right policy fails, the rejected policies."""

    count: int = 0
    failing: tuple[str, ...] = ()
    rejected: frozenset[int] = frozenset()
    error: str = ""


@lru_cache(maxsize=64)
def judge(task: str, seed: Seed, written: str) -> Judged:
    """Judge the questions in a text; only the first 20 are asked."""
    if not written:
        return Judged(
            error=text("There is no config map {name} with the key {key}.", CONFIG_MAP, KEY)
        )
    if len(written) > MAX_BYTES or ANCHOR.search(written):
        return Judged(
            error=text(
                "The questions have more than {number} characters, or an anchor (&).", MAX_BYTES
            )
        )
    found = scene(task, seed)
    try:
        questions = read_questions(yaml.load(written, LOADER), found.vocabulary)
    except (UsageError, *NOT_YAML) as error:
        return Judged(
            error=error.what
            if isinstance(error, UsageError)
            else text("The questions are not YAML.")
        )
    answers = [(question, _ask(task, found, question)) for question in questions[:MAX_QUESTIONS]]
    failing = tuple(str(question) for question, rejected in answers if rejected is None)
    return Judged(
        len(questions), failing, frozenset().union(*(rejected or () for _, rejected in answers))
    )


def _ask(task: str, found: Scene, question: Question) -> frozenset[int] | None:
    """Return the policies that a question rejects, evaluated with the names of the wrong policies."""
    asked = question.attributes
    what = (
        asked.verb,
        asked.path,
        asked.group,
        asked.resource,
        asked.subresource,
        asked.namespace,
        asked.name,
    )
    text = "\0".join((*what, asked.user.name, *asked.user.groups))
    theirs = scene(task, ONE_SET).drawn
    for name, mine in found.drawn.items():
        text = text.replace(mine, theirs[name])
    return rejects(task, text, question.may)


def _variant(task: str, seed: Seed) -> Variant:
    found = scene(task, seed)

    def read(context: GradedCluster) -> Judged:
        return judge(task, seed, context.config_map_value(found.home, CONFIG_MAP, KEY))

    def rejected(sorts: tuple[str, ...], context: GradedCluster) -> Finding:
        judged = read(context)
        every = {at for at, policy in enumerate(wrong_policies(task)) if policy.sort in sorts}
        passing = len(every - judged.rejected)
        seen = text("{passing} of {all} such wrong policies pass.", passing, len(every))
        return Finding(not passing, judged.error or seen)

    def few(context: GradedCluster) -> Finding:
        count = read(context).count
        seen = text("There are {count}; the first {most} are asked.", count, MAX_QUESTIONS)
        return Finding(count <= MAX_QUESTIONS, seen)

    def right(context: GradedCluster) -> Finding:
        failing = read(context).failing
        if failing:
            return Finding(
                False, text("The right policy answers otherwise: {question}.", failing[0])
            )
        return Finding(True, text("So it does."))

    metadata = {"name": CONFIG_MAP, "namespace": found.home}
    answer = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata,
        "data": {KEY: found.answer},
    }
    return Variant(
        found.text(found.entry["text"]),
        (
            *(
                Check(expected, partial(rejected, sorts), 2, kind=PASSES)
                for expected, sorts in SORTS.items()
            ),
            Check(FEW, few, 1, limit=True, kind="too-many-questions"),
            Check(
                text("The right policy answers each as expected."),
                right,
                1,
                limit=True,
                kind="wrong-question",
            ),
        ),
        found.objects,
        f"lab.apply({answer!r})",
    )


def questions_task(name: str) -> Task:
    """Return the task of a file whose learner writes the questions."""

    def make(seed: Seed) -> Variant:
        return _variant(name, seed)

    return Task(name, make)
