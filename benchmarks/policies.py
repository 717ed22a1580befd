"""Testing policies: wrong ones, many bindings, and the judging of exercise 7; processor times, without a server."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from kube_embedded.tests.support.cluster import keys
from labkit.grading.clusters.embedded_cluster import EmbeddedCluster
from labkit.grading.tasks import find_exercise
from labkit.grading.tasks.policy_tests import Judged, judge, scene, wrong_policies
from labkit.grading.tasks.seed import Seed
from labkit.grading.tasks.task import binding, role
from labkit.lessons.part6_test_the_policy import services_policy
from labkit.rbac.testing.mutants import mutants, survivors
from labkit.rbac.testing.policies import policy_of
from labkit.rbac.testing.questions import ask
from labkit.rbac.testing.verdicts import allows

QUESTIONS = """
questions:
- {who: kikai/default, may: [get services in kikai, list services in kikai], may not: delete services in kikai}
- {who: darbo/default, may: list services in kikai, may not: list services in darbo}
"""
TASKS = ("7.1", "7.2", "7.3")


def spent(work: Callable[[], object]) -> float:
    """The milliseconds of processor time that some work takes."""
    begun = time.process_time()
    work()
    return (time.process_time() - begun) * 1000


def rows() -> Iterator[tuple[str, str, str]]:
    """What is measured, as rows of the table."""
    found = services_policy()
    every = mutants(found.policy, found.vocabulary)
    each = spent(lambda: mutants(found.policy, found.vocabulary))
    yield f"the {len(every)} wrong policies next to W18's", f"{each:.0f} ms", ""
    asked = found.questions(QUESTIONS)
    yield f"ask them {len(asked)} questions", f"{spent(lambda: survivors(every, asked)):.1f} ms", ""
    yield from bindings(10_000)
    yield from judging(50)


def bindings(count: int) -> Iterator[tuple[str, str, str]]:
    """A policy of many bindings, read once, indexed, and asked 1,000 questions."""
    objects = [role("kikai", "reader", ("get,list", "", "services"))]
    objects += [
        binding("kikai", f"b-{number}", "Role/reader", f"kikai/bot-{number}")
        for number in range(count)
    ]
    policy = policy_of(objects)
    words = services_policy().vocabulary.of(policy)
    asked = [
        ask(f"kikai/bot-{number}", "list services in kikai", words)
        for number in range(0, count, count // 1000)
    ]
    took = spent(lambda: [allows(policy, each.attributes) for each in asked])
    yield f"{count:,} bindings: index them, 1,000 questions", f"{took / 1000:.2f} s", "2 s"


def judging(learners: int) -> Iterator[tuple[str, str, str]]:
    """The solved exercise 7 of many learners, beside all checks of a cluster that has it."""
    yield (
        "exercise 7: its wrong policies, once",
        f"{spent(lambda: [wrong_policies(task) for task in TASKS]):.0f} ms",
        "",
    )

    seeds = [Seed(f"learner {number}") for number in range(learners)]
    answers = {seed: {task: scene(task, seed).answer for task in TASKS} for seed in seeds}

    def judged(some: list[Seed]) -> list[Judged]:
        return [judge(task, seed, text) for seed in some for task, text in answers[seed].items()]

    first = spent(lambda: judged(seeds[:1]))
    later = spent(lambda: judged(seeds[1:])) / (learners - 1)
    yield "the questions of the first submission", f"{first:.0f} ms", ""
    yield "the questions of each later one", f"{later:.1f} ms", "5 ms"
    for name in ("ex4-roles", "ex7-test-the-policy"):
        cluster = EmbeddedCluster(keys(), find_exercise(name), "ann")
        cluster.set_up()
        cluster.check()
        yield f"all checks of an untouched {name}", f"{spent(cluster.check):.0f} ms", ""
