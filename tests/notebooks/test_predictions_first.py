"""No prediction comes after its answer, in the order of reading."""

from __future__ import annotations

import pytest

from labkit import lessons
from tools import predictions

CELLS = predictions.places()
ASKED = predictions.predictions(CELLS)
ANSWERED = predictions.first_answers(CELLS)


def test_the_table_is_up_to_date() -> None:
    page = predictions.PAGE.read_text(encoding="utf-8")
    written = page.split(predictions.BEGIN)[1].split(predictions.END)[0].strip()
    assert written == predictions.table(), "run `python -m tools.predictions`"


def test_every_prediction_has_its_answer_in_the_list() -> None:
    predicting = {
        step.id
        for lesson in lessons.LESSONS
        for step in (*lesson.steps, *lesson.asides)
        if step.prediction is not None
    }
    assert set(ANSWERED) == set(ASKED) == predicting


@pytest.mark.parametrize("step", list(ANSWERED))
def test_a_prediction_comes_before_its_answer(step: str) -> None:
    asked, answered = ASKED[step], ANSWERED[step]
    assert answered is not None, f"no cell gives the answer of {step}: see {predictions.LIST.name}"
    assert asked.number < answered.number, f"{answered} answers {step}, which {asked} asks"


def test_an_answer_that_comes_too_early_is_seen() -> None:
    asked = ASKED["W17"]
    early = predictions.Place(0, "00-start", "start-1", "What no rule allows: what no rule allows.")
    found = predictions.first_answers([early, *CELLS])["W17"]
    assert found is early
    assert found.number < asked.number
