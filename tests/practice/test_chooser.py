"""Findings from simulated learners' answers, and sessions from the first question to the finding."""

from __future__ import annotations

import statistics
from random import Random

import pytest

from labkit.practice import keeping
from labkit.practice.asking import Session
from labkit.practice.chooser import SURE, Answered, finding, weights_after
from labkit.practice.pool import pool
from tests.practice.simulate import IDEAS, Drill, believing, run
from tests.practice.unlisted import UNLISTED, UNSEEN
from tools.drill.__main__ import candidates

NOW = 1_800_000_000.0


@pytest.mark.slow
def test_some_learners_are_seen_through() -> None:
    drill = Drill(pool()["questions"], 5)
    r = Random(6)
    sessions = [
        (number, drill.session(believing(number), 0.05, r))
        for number in range(IDEAS)
        for _ in range(6)
    ]
    assert sum(each.found.idea == number for number, each in sessions) / len(sessions) >= 0.95
    assert statistics.median(each.asked for _, each in sessions) <= 7
    right = [drill.session(believing(), 0.05, r) for _ in range(30)]
    assert [each.found.kind for each in right].count("idea") <= 2


@pytest.mark.soak
@pytest.mark.parametrize("slip", [0.05, 0.1])
def test_learners_are_seen_through(slip: float) -> None:
    """The thresholds that docs/teaching.md names; what tools print for other seeds is not looked at."""
    figures = run(Drill(candidates(), 31), slip, 400, 31)
    assert {name: share for name, share in figures.rightly.items() if share < 0.95} == {}
    assert figures.median <= 7
    assert figures.nothing_named <= 0.05
    assert {name: share for name, share in figures.unlisted_named.items() if share > 0.1} == {}
    assert len(figures.unlisted_named) == len(UNLISTED) + len(UNSEEN)


def test_no_idea_is_named_on_thin_evidence() -> None:
    others = [number for number in range(IDEAS) if number != 3]
    answers = [Answered((3,), False, True)] * 2
    answers += [Answered((number,), number % 2 == 0, False) for number in others]
    assert max(range(IDEAS), key=weights_after(IDEAS, answers).__getitem__) == 3
    assert finding(IDEAS, answers) is None
    named = finding(IDEAS, [*answers, Answered((3,), False, True)])
    assert named
    assert named[:2] == ("idea", 3)


def test_mistakes_that_an_idea_does_not_explain_are_no_evidence_for_it() -> None:
    others = [number for number in range(IDEAS) if number != 3]
    answers = [Answered((3,), False, True)] * 2
    answers += [Answered((number,), number % 2 == 0, False) for number in others]
    slip = Answered((5,), True, True)
    assert weights_after(IDEAS, [*answers, slip])[3] > SURE
    assert finding(IDEAS, [*answers, slip]) is None
    named = finding(IDEAS, [*answers, slip, Answered((3,), False, True)])
    assert named
    assert named[:2] == ("idea", 3)


def answer_as(session: Session, idea: int) -> int:
    """Answer according to an idea; -1 for no idea. Return the number of questions."""
    count = 0
    while question := session.next():
        session.answer(question, question["allowed"] != (idea in question["wrong"]))
        count += 1
    return count


def begin(kept: keeping.Kept, now: float = NOW, seed: int = 1) -> Session:
    asked = pool()["questions"]
    return Session(pool()["beliefs"], Random(seed).sample(asked, len(asked)), kept, now)


def test_what_was_found_comes_back_after_1_7_and_30_days_and_is_gone() -> None:
    session = begin(keeping.new())
    answer_as(session, 4)
    idea = pool()["beliefs"][4]["id"]
    assert session.finding
    assert session.finding[:2] == ("idea", 4)
    kept, now = session.kept, NOW
    for number, days in enumerate((1, 7, 30)):
        assert keeping.due(kept, now + days * keeping.DAY - 1) == []
        now += days * keeping.DAY
        session = begin(kept, now)
        assert session.coming_back == idea
        for _ in range(2):
            question = session.next()
            assert question
            assert 4 in question["wrong"]
            assert session.answer(question, question["allowed"])
        kept = session.kept
        assert kept["ideas"][idea]["back"] == number + 1
    assert keeping.gone(kept) == [idea]
    assert keeping.due(kept, now + 1000 * keeping.DAY) == []


def test_a_mistake_begins_the_days_anew() -> None:
    idea = pool()["beliefs"][4]["id"]
    kept: keeping.Kept = {**keeping.new(), "ideas": {idea: {"found": NOW, "at": NOW, "back": 2}}}
    session = begin(kept, NOW + 31 * keeping.DAY)
    question = session.next()
    assert question
    session.answer(question, not question["allowed"])
    assert session.coming_back == ""
    assert session.kept["ideas"][idea] == {"found": NOW, "at": session.now, "back": 0}


def test_an_idea_without_questions_left_waits_for_another_day() -> None:
    idea, other = pool()["beliefs"][4]["id"], pool()["beliefs"][7]["id"]
    asked = {each["id"]: NOW for each in pool()["questions"] if 4 in each["wrong"]}
    state: keeping.Idea = {"found": NOW - 100 * keeping.DAY, "at": NOW - 2 * keeping.DAY, "back": 0}
    kept: keeping.Kept = {**keeping.new(), "ideas": {idea: state}, "asked": asked}
    session = begin(kept)
    assert session.coming_back == idea
    question = session.next()
    assert question
    assert 4 not in question["wrong"]
    assert session.coming_back == ""
    session = begin({**kept, "ideas": {idea: state, other: state}})
    question = session.next()
    assert question
    assert 7 in question["wrong"]
    assert session.coming_back == other


def test_an_idea_that_is_known_is_left_aside_until_it_is_gone() -> None:
    idea = pool()["beliefs"][4]["id"]
    kept: keeping.Kept = {**keeping.new(), "ideas": {idea: {"found": NOW, "at": NOW, "back": 0}}}
    session = begin(kept)
    while question := session.next():
        assert 4 not in question["wrong"]
        session.answer(question, question["allowed"])
    assert session.finding
    assert session.finding.kind == "nothing"


@pytest.mark.slow
def test_no_question_comes_twice_in_30_days() -> None:
    kept, asked = keeping.new(), list[str]()
    for day in range(30):
        now = NOW + day * keeping.DAY
        for number in range(2):
            session = begin(kept, now, day * 10 + number)
            while (question := session.next()) and len(asked) < 30 * (day + 1):
                asked.append(question["id"])
                session.answer(question, question["allowed"])
            kept = session.kept
    assert len(asked) > 600
    assert len(set(asked)) == len(asked)
    sets = {each["id"] for each in pool()["questions"] if "set" in each}
    assert not sets & set(asked)
