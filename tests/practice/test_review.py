"""The questions at the beginning and the end of a part: which are chosen, and when they come back."""

from __future__ import annotations

from labkit import lessons
from labkit.practice import keeping, review
from labkit.practice.keeping import DAY
from labkit.practice.pool import pool

NOW = 1_800_000_000.0
PARTS = {
    step.id: number
    for number, lesson in enumerate(lessons.LESSONS, 1)
    for step in (*lesson.steps, *lesson.asides)
}


def test_a_part_begins_with_three_of_the_parts_before_and_the_last_part_comes_first() -> None:
    asked = review.before(4, keeping.new(), NOW, PARTS)
    assert [question.part for question in asked] == [3, 3, 3]
    assert all(not question.drilled for question in asked)
    assert [question.part for question in review.before(1, keeping.new(), NOW, PARTS)] == [0, 0, 0]


def test_a_part_ends_with_five_of_its_own_of_which_two_are_the_drill_s() -> None:
    asked = review.after(4, keeping.new(), NOW, PARTS)
    assert [question.part for question in asked] == [4] * 5
    assert [bool(question.drilled) for question in asked] == [False] * 3 + [True] * 2
    ideas = {idea["id"] for idea in pool()["beliefs"]}
    assert {question.key for question in asked[3:]} <= ideas


def test_without_the_drill_s_questions_facts_take_their_place() -> None:
    asked = review.after(4, keeping.new(), NOW, {})
    assert len(asked) == 5
    assert all(question.key.startswith(keeping.FACT) for question in asked)


def answer(kept: keeping.Kept, question: review.Question, right: bool, day: float) -> keeping.Kept:
    return review.answered(kept, question, right, NOW + day * DAY)


def test_a_fact_comes_back_after_1_7_and_30_days_and_is_then_gone() -> None:
    question = review.facts()[0]
    kept = answer(keeping.new(), question, True, 0)
    for day, back in ((1, 1), (8, 2), (38, 3)):
        assert question.key not in keeping.due(kept, NOW + (day - 0.1) * DAY)
        assert question.key in keeping.due(kept, NOW + day * DAY)
        kept = answer(kept, question, True, day)
        assert kept["ideas"][question.key]["back"] == back
    assert question.key not in keeping.due(kept, NOW + 1000 * DAY)


def test_a_wrong_answer_begins_again_and_a_right_one_before_its_day_changes_nothing() -> None:
    question = review.facts()[0]
    kept = answer(keeping.new(), question, True, 0)
    kept = answer(kept, question, True, 1)
    assert answer(kept, question, True, 2) == kept
    again = answer(kept, question, False, 2)
    assert again["ideas"][question.key]["back"] == 0
    assert question.key in keeping.due(again, NOW + 3 * DAY)


def test_a_wrong_idea_is_kept_when_it_shows_and_its_question_rests() -> None:
    question = review.after(4, keeping.new(), NOW, PARTS)[-1]
    right = answer(keeping.new(), question, True, 0)
    assert right["ideas"] == {}
    assert question.drilled in right["asked"]
    wrong = answer(keeping.new(), question, False, 0)
    assert question.key in keeping.due(wrong, NOW + DAY)
    first, *_ = review.before(5, wrong, NOW + DAY, PARTS)
    assert first.key == question.key
    assert first.drilled != question.drilled


def test_what_is_due_comes_first_the_longest_waiting_before_the_others() -> None:
    early, late = review.facts()[0], review.facts()[5]
    kept = answer(answer(keeping.new(), late, False, 0.5), early, False, 0)
    asked = review.before(6, kept, NOW + 2 * DAY, PARTS)
    assert [question.key for question in asked[:2]] == [early.key, late.key]
    assert len(asked) == 3


def test_another_answer_of_a_drill_question_is_wrong_and_has_the_idea_s_truth() -> None:
    for question in review.after(4, keeping.new(), NOW, PARTS)[3:]:
        (right, why), (wrong, reply) = question.answers
        assert {right, wrong} == {"Allowed", "Forbidden"}
        stored = next(each for each in pool()["questions"] if each["id"] == question.drilled)
        assert (right == "Allowed") is stored["allowed"]
        idea = next(each for each in pool()["beliefs"] if each["id"] == question.key)
        assert idea["says"] in reply
        assert idea["says"] not in why


def test_the_drill_itself_never_meets_a_fact() -> None:
    kept = answer(keeping.new(), review.facts()[0], False, 0)
    known = [idea["id"] for idea in pool()["beliefs"]]
    assert keeping.read(kept, known) == (keeping.ideas_of(kept), "")
    assert keeping.ideas_of(kept)["ideas"] == {}
    assert keeping.gone(keeping.ideas_of(kept)) == []


def test_the_reminder_counts_questions_and_says_when_the_next_one_comes() -> None:
    kept = answer(answer(keeping.new(), review.facts()[0], False, 0), review.facts()[1], True, 0)
    assert "2027-01-16" in keeping.reminder(kept, NOW)
    assert "2 questions come back today" in keeping.reminder(kept, NOW + DAY)
    assert keeping.reminder(keeping.new(), NOW) == ""
    off: keeping.Kept = {**kept, "off": {"value": True, "at": NOW}}
    assert keeping.reminder(off, NOW + DAY) == ""
