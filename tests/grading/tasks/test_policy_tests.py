"""Exercise 7: the wrong policies that judge questions, and what some questions are worth."""

from __future__ import annotations

import time
from typing import Any

import pytest
import yaml

from kube_embedded.tests.support.some import some
from labkit.grading.tasks import policy_tests
from labkit.grading.tasks.policy_tests import (
    MAX_QUESTIONS,
    ONE_SET,
    judge,
    rejects,
    scene,
    wrong_policies,
)
from labkit.grading.tasks.seed import Seed
from labkit.rbac.testing.changes import same_answers
from labkit.rbac.testing.questions import read_questions
from labkit.rbac.testing.verdicts import wrong

TASKS = ("7.1", "7.2", "7.3")
ANN = Seed("ann")
EVERY = {"7.1": 74, "7.2": 70, "7.3": 66}


def document(task: str, seed: Seed = ANN) -> Any:
    """The model solution, as YAML gives it."""
    return yaml.safe_load(scene(task, seed).answer)


def worth(task: str, what: Any, seed: Seed = ANN) -> policy_tests.Judged:
    """What some questions are worth."""
    return judge(task, seed, what if isinstance(what, str) else yaml.safe_dump(what))


@pytest.mark.parametrize("task", TASKS)
def test_there_are_many_wrong_policies_and_each_answers_something_else(task: str) -> None:
    found = scene(task, ONE_SET)
    assert len(wrong_policies(task)) == EVERY[task] >= 60
    for each in some(wrong_policies(task)):
        assert not same_answers(found.policy, each.policy, found.vocabulary), each.what


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("learner", ["ann", "김철수"])
def test_the_model_solution_rejects_them_all_under_any_name(task: str, learner: str) -> None:
    judged = worth(task, scene(task, Seed(learner)).answer, Seed(learner))
    assert (judged.error, judged.failing) == ("", ())
    assert judged.count <= MAX_QUESTIONS
    assert len(judged.rejected) == EVERY[task]


@pytest.mark.parametrize("task", TASKS)
def test_no_question_of_a_model_solution_is_idle(task: str) -> None:
    """Taking the negative questions away, one after the other, lets something pass for most of them."""
    found = scene(task, ANN)
    asked = read_questions(yaml.safe_load(found.answer), found.vocabulary)
    by = [policy_tests._ask(task, found, each) or frozenset() for each in asked]
    needed = [
        str(each)
        for at, each in enumerate(asked)
        if len(frozenset().union(*by[:at], *by[at + 1 :])) < EVERY[task]
    ]
    assert len(needed) >= len(asked) / 2, needed


@pytest.mark.parametrize("task", TASKS)
def test_two_positive_questions_reject_less_than_half(task: str) -> None:
    found = scene(task, ANN)
    positive = [
        each for each in read_questions(yaml.safe_load(found.answer), found.vocabulary) if each.may
    ]
    for at, one in enumerate(positive):
        for other in positive[at + 1 :]:
            rejected = frozenset().union(
                *(policy_tests._ask(task, found, each) or () for each in (one, other))
            )
            assert 0 < len(rejected) < EVERY[task] / 2


@pytest.mark.parametrize("task", TASKS)
def test_what_is_worked_out_once_is_what_the_questions_say(task: str) -> None:
    found = scene(task, ONE_SET)
    asked = read_questions(yaml.safe_load(found.answer), found.vocabulary)
    assert wrong(found.policy, asked) is None
    for question in asked[:4]:
        direct = {
            at
            for at, each in enumerate(wrong_policies(task))
            if wrong(each.policy, [question]) is not None
        }
        assert set(policy_tests._ask(task, found, question) or ()) == direct


def test_only_the_first_twenty_are_asked() -> None:
    asked = document("7.1")["questions"]
    idle = {
        "who": asked[0]["who"],
        "may not": [
            f"delete {each} in {scene('7.1', ANN).home}"
            for each in ("pods", "services", "endpoints", "events", "secrets") * 4
        ],
    }
    last = worth("7.1", {"questions": [*asked, idle]})
    assert last.count == 36
    assert len(last.rejected) == EVERY["7.1"]
    first = worth("7.1", {"questions": [idle, *asked]})
    assert first.count == 36
    assert len(first.rejected) < EVERY["7.1"] / 2


def test_a_question_that_the_right_policy_fails_rejects_nothing_and_is_named() -> None:
    found = scene("7.1", ANN)
    who = document("7.1")["questions"][0]["who"]
    judged = worth(
        "7.1", {"questions": [{"who": who, "may": f"delete configmaps in {found.home}"}]}
    )
    assert judged.failing == (f"{who} may: delete configmaps in {found.home}",)
    assert not judged.rejected
    both = {
        "who": who,
        "may": f"watch configmaps in {found.home}",
        "may not": f"watch configmaps in {found.home}",
    }
    assert len(worth("7.1", {"questions": [both]}).failing) == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "There is no config map tests"),
        ("questions: [", "not YAML"),
        ("[" * 5000, "not YAML"),
        ("just words", "holds no questions"),
        ("questions: &a [*a]", "an anchor"),
        ("a: &a [x]\nquestions: [*a]", "an anchor"),
        ("questions:\n- &a {who: x}\n- *a", "an anchor"),
        ("questions: [&a {who: x}]", "an anchor"),
        ("{questions:\n&a [x]}", "an anchor"),
        ("x" * 20_001, "more than 20000 characters"),
        (
            "questions: [{who: kikai/default, may not: list configmaps in kikai}]",
            "There is no namespace kikai",
        ),
        ("questions: [{who: [], may: x}]", "who is a list"),
        ("2026-13-45T00:00:00: 1", "The"),
        (
            "users:\n- jane: [team-a]\nquestions: [{who: jane, may: x}]",
            "neither a text nor a list of texts",
        ),
        ("users: [[a]]\nquestions: [{who: jane, may: x}]", "neither a text nor a list of texts"),
        ("questions: !!bool maybe", "not YAML"),
        ("questions: !!timestamp x", "not YAML"),
        ("{[a]: b}: c", "not YAML"),
    ],
)
def test_what_is_no_test_earns_nothing(text: str, says: str) -> None:
    judged = worth("7.1", text)
    assert says in judged.error
    assert not judged.rejected


def test_somebody_elses_questions_and_the_names_of_the_wrong_policies_are_misspellings() -> None:
    for other in (Seed("bob"), ONE_SET):
        judged = worth("7.1", scene("7.1", other).answer)
        assert "There is no" in judged.error
        assert not judged.rejected


def test_an_ampersand_that_is_no_anchor_does_no_harm() -> None:
    text = "# clerks & auditors\n" + scene("7.1", ANN).answer
    assert len(worth("7.1", text).rejected) == EVERY["7.1"]


def test_a_misspelt_resource_is_no_pass() -> None:
    judged = worth("7.1", scene("7.1", ANN).answer.replace("list secrets", "list secret"))
    assert judged.error == "Question 1: There is no resource secret."


def test_a_second_learners_questions_cost_a_part_of_the_first_ones() -> None:
    """Processor times of one run, compared: what was asked once is not asked of every policy again."""
    rejects.cache_clear()
    wrong_policies("7.2")
    spent = []
    for learner in ("one", "two", "three", "four"):
        seed = Seed(learner)
        text = scene("7.2", seed).answer
        begun = time.process_time()
        assert len(judge("7.2", seed, text).rejected) == EVERY["7.2"]
        spent.append(time.process_time() - begun)
    assert rejects.cache_info().misses == 15
    assert rejects.cache_info().hits == 45
    assert min(spent[1:]) < spent[0]
