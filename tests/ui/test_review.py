"""The questions of a part as a widget: answered, stored, and gone on with."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit import drill
from labkit.core import page
from labkit.core.errors import UsageError
from labkit.lab import words
from labkit.lessons.progress import Progress
from labkit.practice import keeping, review
from labkit.ui import Drill, Review


@pytest.fixture
def progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Progress:
    found = Progress(tmp_path / "progress.json")
    monkeypatch.setattr(words, "progress", lambda: found)
    return found


def right_place(widget: Review, question: review.Question) -> int:
    return int(widget.data["answers"].index(question.answers[0][0]))


def test_the_word_asks_three_before_a_part_and_five_after_it(progress: Progress) -> None:
    assert isinstance(drill(), Drill)
    before, after = drill(before=4), drill(part=4)
    assert before.data["title"] == "Question 1 of 3"
    assert after.data["title"] == "Question 1 of 5"
    assert isinstance(before, Review)


@pytest.mark.parametrize("part", [0, 7, "4", True, 4.0])
def test_another_part_is_named(progress: Progress, part: object) -> None:
    with pytest.raises(UsageError, match="part"):
        drill(part=part)  # type: ignore[arg-type]  # what learners write


def test_an_answer_is_stored_and_has_its_reply(progress: Progress) -> None:
    fact = review.facts()[0]
    widget = Review([fact, review.facts()[1]], progress)
    wrong = (right_place(widget, fact) + 1) % 3
    chosen = widget.data["answers"][wrong]
    widget.act("answer", place=wrong)
    assert widget.data["right"] is False
    assert widget.data["reply"] == dict(fact.answers)[chosen]
    kept, _ = keeping.read(progress.drill())
    assert kept["ideas"][fact.key]["back"] == 0
    # A second press changes nothing: the first answer counts.
    widget.act("answer", place=right_place(widget, fact))
    assert widget.data["right"] is False


def test_next_goes_on_and_the_end_says_how_many_were_right(progress: Progress) -> None:
    questions = review.facts()[:2]
    widget = Review(questions, progress)
    widget.act("next")
    assert widget.data["title"] == "Question 1 of 2"
    for question in questions:
        widget.act("answer", place=right_place(widget, question))
        widget.act("next")
    assert widget.data["title"].startswith("2 of 2 right. The next question comes back on 20")
    widget.act("answer", place=0)
    assert widget.data["ask"] == ""


def test_the_right_answer_is_not_always_the_first(progress: Progress) -> None:
    fact = review.facts()[0]
    assert len({right_place(Review([fact], progress), fact) for _ in range(60)}) == 3


def test_a_page_asks_facts_alone(progress: Progress, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "IN_PAGE", True)
    assert all(not question.drilled for question in drill(part=4)._questions)


def test_the_text_has_every_question_with_its_answers(progress: Progress) -> None:
    said = drill(before=1).as_text()
    assert said.count("?") >= 3
    assert "  - The server decided." in said
