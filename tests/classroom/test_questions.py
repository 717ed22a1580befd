"""Questions have the answers of their source data, and name the wrong idea."""

from __future__ import annotations

import pytest

from kube_embedded.tests.support.some import some
from labkit import lessons
from labkit.classroom.limits import Refusal
from labkit.classroom.questions import catalogue, find, own
from labkit.lessons.mistakes import mistakes
from labkit.practice.pool import pool
from tests.support.languages import speaking

SOURCES = [source for group in catalogue().values() for source in group]


@pytest.mark.parametrize("source", SOURCES)
def test_every_question_has_one_right_answer_and_an_idea_behind_each_other(source: str) -> None:
    question = find(source)
    assert question["source"] == source
    assert len(set(question["options"])) == len(question["options"]) >= 2
    assert question["because"]
    others = {str(place) for place in range(len(question["options"]))} - {str(question["right"])}
    assert len(others) == len(question["options"]) - 1
    for place in others:
        for idea in some(question["ideas"][place]):
            assert idea["say"]
            assert "{" not in idea["say"]


def test_every_step_with_a_prediction_can_be_asked() -> None:
    steps = {step.id for step in lessons.STEPS.values() if step.prediction}
    assert steps == set(catalogue()["Before a step"])


def test_the_answers_are_those_of_the_lessons() -> None:
    def right(source: str) -> str:
        question = find(source)
        return str(question["options"][question["right"]])

    assert right("W2") == "403, forbidden"
    assert right("W3") == "200, allowed"
    assert right("W8") == "system:serviceaccount:default:default"
    assert right("W10") == "no"
    assert right("W19") == "403, forbidden"
    assert right("T1") == "200, allowed"
    assert right("T5") == "unused"
    assert right("three-files-in-a-pod") == "`ca.crt`, `token`, `namespace`"


def test_the_right_answer_of_a_step_is_what_its_prediction_takes() -> None:
    for source in some(catalogue()["Before a step"]):
        question, prediction = find(source), lessons.STEPS[source].prediction
        assert prediction is not None
        word = question["options"][question["right"]].removeprefix("200, ").removeprefix("403, ")
        assert prediction.read(source, word)


def test_a_wrong_idea_has_its_name() -> None:
    assert find("W17")["ideas"]["0"][0]["idea"] == mistakes()["reading-means-writing"].idea
    assert find("W17")["ideas"]["2"][0]["idea"] == mistakes()["one-refusal-for-all"].idea
    for idea in some(pool()["beliefs"]):
        question = find(idea["examples"][0])
        assert question["ideas"][str(1 - question["right"])][0]["idea"] == idea["name"]


def test_a_teacher_s_own_question() -> None:
    question = own(" Tabs or spaces? ", ["tabs", "", " spaces ", "tabs"])
    assert (question["ask"], question["options"], question["right"]) == (
        "Tabs or spaces?",
        ["tabs", "spaces"],
        None,
    )
    assert own("1 + 1?", ["2", "3"], 0)["right"] == 0


@pytest.mark.parametrize(
    ("arguments", "refusal"),
    [
        (("", ["a", "b"]), "own-question"),
        (("x" * 601, ["a", "b"]), "own-question"),
        (("?", ["a"]), "own-options"),
        (("?", "ab"), "own-options"),
        (("?", list("abcdefg")), "own-options"),
        (("?", ["a", "b" * 121]), "own-options"),
        (("?", ["a", "b"], 2), "own-right"),
        (("?", ["a", "b"], "b"), "own-right"),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused(
    arguments: tuple[object, ...], refusal: str
) -> None:
    with pytest.raises(Refusal, match=refusal):
        own(*arguments)


def test_a_question_that_is_not_there_is_refused() -> None:
    with pytest.raises(Refusal, match="no-question"):
        find("W5")


def test_a_fact_is_asked_in_the_class_s_language() -> None:
    with speaking():
        question = find("three-files-in-a-pod")
    english = find("three-files-in-a-pod")
    assert question["ask"] != english["ask"]
    assert not {*question["options"]} & {*english["options"]}
