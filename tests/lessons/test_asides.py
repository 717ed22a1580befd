"""The asides: their verdicts, their own count on the board, and that a rewind ignores them."""

from __future__ import annotations

from pathlib import Path

import pytest

from kube_embedded.tests.support.some import some
from labkit import lessons
from labkit.core.errors import UsageError
from labkit.lessons.asides import ASIDES, ASKED, ENTRIES
from labkit.lessons.library import library
from labkit.lessons.steps import step_id
from tests.lessons.paper import Paper
from tests.support.course import ASIDES_TOTAL, TOTAL


@pytest.fixture
def paper(tmp_path: Path) -> Paper:
    return Paper(tmp_path)


def test_each_aside_passes_with_its_answers_and_with_no_others(paper: Paper) -> None:
    for name, aside in some(ASKED.items()):
        assert paper.check(name).state == "not attempted"
        assert aside.prediction is not None
        answers = dict(zip(aside.prediction.labels, ENTRIES[name]["answers"], strict=True))
        label, right = next(iter(answers.items()))
        other = next(word for word in aside.prediction.words if word != right)
        paper.predict(name, {**answers, label: other})
        wrong = paper.check(name)
        assert (wrong.state, wrong.seen) == ("failed", f"you predicted “{other}” for “{label}”")
        paper.predict(name, {label: right})
        assert paper.check(name).passed is (len(answers) == 1)
        paper.predict(name, answers)
        assert paper.check(name).passed
        assert aside.hints[-1] in lessons.solution(name, paper.progress).text
        assert lessons.hint(name, paper.progress).text


def test_the_board_counts_them_apart(paper: Paper) -> None:
    paper.progress.mark("W1", "passed")
    assert lessons.board(paper.progress).title == f"1 of {TOTAL} steps passed"
    paper.progress.mark("A1", "passed")
    assert lessons.board(paper.progress).title == (
        f"1 of {TOTAL} steps passed, 1 of {ASIDES_TOTAL} asides answered"
    )


def test_each_aside_is_in_one_lesson_and_at_most_eight_minutes_are_in_each() -> None:
    listed = [aside.id for lesson in lessons.LESSONS for aside in lesson.asides]
    assert sorted(listed) == sorted(ASIDES)
    for lesson in some(lessons.LESSONS):
        assert sum(aside.minutes for aside in lesson.asides) <= 8
        assert lesson.minutes <= 35


def test_a_rewind_knows_nothing_of_them() -> None:
    with pytest.raises(UsageError, match="There is no step"):
        step_id("A1")
    assert not [file for _, file in library().before(None) if "aside" in file.name]
