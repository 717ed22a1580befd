"""Exercise 7: questions that reject every wrong policy next to a right one.

The wrong policies are made once, for one set of names. A learner's questions are read with the learner's names, and
then asked with those, so that what one question says is worked out once for a whole class.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property, lru_cache, partial

import yaml

from labkit.core.errors import UsageError
from labkit.core.yaml_file import LOADER
from labkit.grading.tasks.checks import Check, Finding, GradedCluster
from labkit.grading.tasks.seed import Seed
from labkit.grading.tasks.task import ExerciseSpec, Object, Task, Variant, account, namespace, texts
from labkit.rbac.attributes import Attributes, User
from labkit.rbac.policy import Policy
from labkit.rbac.testing.mutants import Added, Mutant, mutants
from labkit.rbac.testing.policies import policy_of
from labkit.rbac.testing.questions import Question, read_questions
from labkit.rbac.testing.verdicts import allows
from labkit.rbac.testing.vocabulary import Vocabulary, standard

MAX_QUESTIONS = 20
MAX_BYTES = 20_000
"""A longer text is not read."""

ANCHOR = re.compile(r"(?:^|[\s,\[{:-])&\S", re.MULTILINE)
"""An anchor, by which a short text can stand for a long one."""

CONFIG_MAP, KEY = "tests", "questions.yaml"
WHAT, PAIRED = ("verbs", "resources", "groups", "names"), ("subjects", "places")
SORTS = {
    "what it allows": WHAT,
    "whom it allows it": ("subjects",),
    "where, and in which role": ("places", "references", "bindings", "pairs"),
}
"""The sorts of wrong policies, as the points are given."""

PASSES = "wrong-policy-passes"
ONE_SET = Seed("the names that wrong policies have")
"""No learner has these names, so questions with them are about what there is not."""


@dataclass(frozen=True)
class Scene:
    """What a task is about, as ``texts.yaml`` has it, with the names of a seed."""

    text: str
    home: str
    objects: Sequence[Object]
    answer: str
    vocabulary: Vocabulary
    added: Added
    names: Sequence[str]

    @cached_property
    def policy(self) -> Policy:
        """The right policy."""
        return policy_of(self.objects)


@lru_cache(maxsize=256)
def scene(task: str, seed: Seed) -> Scene:
    """The scene of a task with the names of a seed."""
    entry = texts()[task]
    names = [seed.name(label) for label in entry["names"]]

    def named(text: str) -> str:
        for label, name in zip(entry["names"], names, strict=True):
            text = text.replace(f"<{label}>", name)
        return text

    objects = [
        *(namespace(named(each)) for each in entry["namespaces"]),
        *(account(*named(each).split("/")) for each in entry["accounts"]),
        *yaml.load_all(named(entry["policy"]), LOADER),
    ]
    vocabulary = replace(standard(), namespaces=frozenset(map(named, entry["namespaces"])))
    vocabulary = vocabulary.declaring(
        accounts=map(named, entry["accounts"]), groups=map(named, entry.get("groups", ()))
    )
    added = Added(entry["verbs"], entry["resources"], parts=False, another=named(entry["another"]))
    home = named(entry["namespaces"][0])
    return Scene(named(entry["text"]), home, objects, named(entry["answer"]), vocabulary, added, names)


@cache
def wrong_policies(task: str) -> tuple[Mutant, ...]:
    """The wrong policies of a task: those with one thing wrong, and pairs of a wrong role and a wrong binding."""
    found = scene(task, ONE_SET)
    needed = [each for each in read_questions(yaml.load(found.answer, LOADER), found.vocabulary) if each.may]
    single = mutants(found.policy, found.vocabulary, added=found.added)
    wider = [each for each in single if all(allows(each.policy, question.attributes) for question in needed)]
    bindings = [each for each in wider if each.sort in PAIRED and each.policy.roles.keys() == found.policy.roles.keys()]
    pairs = [
        Mutant(f"{role.what}, and {other.what}", "pairs", replace(other.policy, roles=role.policy.roles))
        for number, role in enumerate(each for each in wider if each.sort in WHAT)
        for other in bindings[number % 2 :: 2]
    ]
    return (*single, *pairs)


@lru_cache(maxsize=8192)
def rejects(task: str, text: str, may: bool) -> frozenset[int] | None:
    """Which wrong policies a question, as ``_ask`` writes it, rejects; None if the right policy answers otherwise."""
    verb, path, group, resource, subresource, space, name, who, *groups = text.split("\0")
    asked = Attributes(User(who, tuple(groups)), verb, group, "", resource, subresource, space, name, path)
    if allows(scene(task, ONE_SET).policy, asked) is not may:
        return None
    return frozenset(at for at, each in enumerate(wrong_policies(task)) if allows(each.policy, asked) is not may)


@dataclass(frozen=True)
class Judged:
    """What some questions are worth: how many there are, those that the right policy fails, what is rejected."""

    count: int = 0
    failing: tuple[str, ...] = ()
    rejected: frozenset[int] = frozenset()
    error: str = ""


@lru_cache(maxsize=64)
def judge(task: str, seed: Seed, text: str) -> Judged:
    """Judge the questions in a text; only the first 20 are asked."""
    if not text:
        return Judged(error=f"There is no config map {CONFIG_MAP} with the key {KEY}.")
    if len(text) > MAX_BYTES or ANCHOR.search(text):
        return Judged(error=f"The questions have more than {MAX_BYTES} characters, or an anchor (&).")
    found = scene(task, seed)
    try:
        questions = read_questions(yaml.load(text, LOADER), found.vocabulary)
    except (UsageError, yaml.YAMLError, RecursionError, ValueError) as error:
        return Judged(error=error.what if isinstance(error, UsageError) else "The questions are not YAML.")
    answers = [(each, _ask(task, found, each)) for each in questions[:MAX_QUESTIONS]]
    failing = tuple(str(each) for each, rejected in answers if rejected is None)
    return Judged(len(questions), failing, frozenset().union(*(rejected or () for _, rejected in answers)))


def _ask(task: str, found: Scene, question: Question) -> frozenset[int] | None:
    """What a question rejects, asked with the names that the wrong policies have."""
    asked = question.attributes
    what = (asked.verb, asked.path, asked.group, asked.resource, asked.subresource, asked.namespace, asked.name)
    text = "\0".join((*what, asked.user.name, *asked.user.groups))
    for mine, theirs in zip(found.names, scene(task, ONE_SET).names, strict=True):
        text = text.replace(mine, theirs)
    return rejects(task, text, question.may)


def _variant(task: str, seed: Seed) -> Variant:
    found = scene(task, seed)

    def read(context: GradedCluster) -> Judged:
        return judge(task, seed, context.config_map_value(found.home, CONFIG_MAP, KEY))

    def rejected(sorts: tuple[str, ...], context: GradedCluster) -> Finding:
        judged = read(context)
        every = {at for at, each in enumerate(wrong_policies(task)) if each.sort in sorts}
        passing = len(every - judged.rejected)
        return Finding(not passing, judged.error or f"{passing} of {len(every)} such wrong policies pass.")

    def few(context: GradedCluster) -> Finding:
        count = read(context).count
        return Finding(count <= MAX_QUESTIONS, f"There are {count}; the first {MAX_QUESTIONS} are asked.")

    def right(context: GradedCluster) -> Finding:
        failing = read(context).failing
        return Finding(not failing, f"The right policy answers otherwise: {failing[0]}." if failing else "So it does.")

    metadata = {"name": CONFIG_MAP, "namespace": found.home}
    answer = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {KEY: found.answer}}
    return Variant(
        found.text,
        (
            *(
                Check(f"Every policy that is wrong in {what} is rejected.", partial(rejected, sorts), 2, kind=PASSES)
                for what, sorts in SORTS.items()
            ),
            Check(f"There are at most {MAX_QUESTIONS} questions.", few, 1, limit=True, kind="too-many-questions"),
            Check("The right policy answers each as expected.", right, 1, limit=True, kind="wrong-question"),
        ),
        found.objects,
        f"lab.apply({answer!r})",
    )


TEST_THE_POLICY = ExerciseSpec(
    "ex7-test-the-policy",
    "Exercise 7: test the policy",
    "Questions that tell a right policy from the wrong ones beside it.",
    (
        Task("7.1", "Two readers", lambda seed: _variant("7.1", seed)),
        Task("7.2", "One Secret", lambda seed: _variant("7.2", seed)),
        Task("7.3", "A team that deploys", lambda seed: _variant("7.3", seed)),
    ),
)
