"""A prediction by buttons: what is stored, and when; the page's side is in tests/browser."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit import lessons, predict
from labkit.lab import words
from labkit.lessons.predictions import Noted, is_open
from labkit.lessons.progress import Progress
from labkit.ui import Taps


@pytest.fixture
def progress(tmp_path: Path) -> Progress:
    return Progress(tmp_path / "progress.json")


def taps(step: str, progress: Progress, given: object = None) -> Taps:
    widget: Taps = Taps(lessons.find(step), progress, given)
    return widget


@pytest.mark.parametrize(
    ("value", "left_open"),
    [
        ("…", True),
        ("...", True),
        ("", True),
        (None, True),
        ("system:serviceaccount:…", True),
        ({"kikai": "allowed", "darbo": "…"}, True),
        ("forbidden", False),
        ({"kikai": "allowed", "darbo": "forbidden"}, False),
        (403, False),
        (False, False),
    ],
)
def test_a_placeholder_is_no_prediction(value: object, left_open: bool) -> None:
    assert is_open(value) is left_open


def test_the_word_shows_buttons_for_a_placeholder_and_stores_an_answer(
    progress: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(words, "progress", lambda: progress)
    assert isinstance(predict("W16", "…"), Taps)
    assert isinstance(predict("W16"), Taps)
    assert progress.prediction("W16") is None
    assert isinstance(predict("W16", "no"), Noted)
    assert progress.prediction("W16") == "forbidden"


def test_a_press_predicts_and_gives_the_line_for_the_cell(progress: Progress) -> None:
    widget = taps("W15", progress)
    assert widget.data["answers"] == ["allowed", "forbidden", "unauthorized"]
    assert widget.data["code"] == ""
    widget.act("choose", label="", answer="forbidden")
    assert progress.prediction("W15") == "forbidden"
    assert widget.data["code"] == 'predict("W15", "forbidden")'
    assert widget.data["questions"] == [{"label": "", "chosen": "forbidden"}]


def test_several_questions_are_one_prediction_and_count_when_all_are_answered(
    progress: Progress,
) -> None:
    widget = taps("W19", progress)
    widget.act("choose", label="darbo", answer="forbidden")
    assert progress.prediction("W19") is None
    assert widget.data["code"] == ""
    widget.act("choose", label="kikai", answer="allowed")
    assert progress.prediction("W19") == {"kikai": "allowed", "darbo": "forbidden"}
    assert widget.data["code"] == 'predict("W19", {"kikai": "allowed", "darbo": "forbidden"})'


def test_the_first_choice_is_the_first_guess_and_running_the_cell_again_is_none(
    progress: Progress,
) -> None:
    widget = taps("W15", progress)
    widget.act("choose", label="", answer="allowed")
    first = progress.entry("W15")["first_guess"]
    widget.act("choose", label="", answer="forbidden")
    lessons.predict("W15", "forbidden", progress)
    lessons.predict("W15", "forbidden", progress)
    assert progress.entry("W15")["first_guess"] == first
    assert first["value"] == "allowed"
    assert progress.prediction("W15") == "forbidden"


def test_a_choice_is_there_again_after_the_kernel_was_restarted(progress: Progress) -> None:
    taps("W15", progress).act("choose", label="", answer="forbidden")
    again = taps("W15", Progress(progress.path))
    assert again.data["questions"] == [{"label": "", "chosen": "forbidden"}]


def test_answers_that_the_cell_has_are_chosen(progress: Progress) -> None:
    widget = taps("W19", progress, {"kikai": "yes", "darbo": "…"})
    assert widget.data["questions"] == [
        {"label": "kikai", "chosen": "allowed"},
        {"label": "darbo", "chosen": ""},
    ]


def test_a_free_answer_is_read_as_the_cell_would_be(progress: Progress) -> None:
    widget = taps("W8", progress, "system:serviceaccount:…")
    assert widget.data["answers"] == []
    widget.act("choose", label="", answer="not a user, really")
    assert "W8" in widget.notice
    assert progress.prediction("W8") is None
    widget.act("choose", label="", answer="system:serviceaccount:default:default")
    assert progress.prediction("W8") == "system:serviceaccount:default:default"


def test_an_answer_or_a_question_that_does_not_exist_is_named(progress: Progress) -> None:
    widget = taps("W19", progress)
    widget.act("choose", label="kikai", answer="perhaps")
    assert "perhaps" in widget.notice
    widget.act("choose", label="lunar", answer="allowed")
    assert "lunar" in widget.notice
    assert progress.prediction("W19") is None


def test_the_text_has_the_answers_and_the_line_to_write(progress: Progress) -> None:
    said = taps("W19", progress).as_text()
    assert "kikai: allowed / forbidden / unauthorized" in said
    assert 'predict("W19", {"kikai": "…", "darbo": "…"})' in said


def test_the_prediction_stands_beside_the_verdict(progress: Progress) -> None:
    lessons.predict("W15", "forbidden", progress)
    from labkit.lessons.base import Outcome

    card = Outcome("passed", "403", step="W15", predicted="forbidden").card()
    assert [row.value for row in card.rows if row.label == "predicted"] == ["forbidden"]
