from __future__ import annotations

from labkit.grading.judging.score import TaskScore, plain


def test_a_task_of_which_nothing_can_be_judged_is_not_full() -> None:
    assert not TaskScore("9.9", "", 0.0, 0.0, (), (), 0).full
    assert TaskScore("9.9", "", 2.0, 2.0, (), (), 0).full


def test_what_learners_write_is_shown_short_and_without_what_terminals_obey() -> None:
    assert plain("a\x1b[2J\nb\u202e", 500) == "a\ufffd[2J\nb\ufffd"
    assert plain("x" * 900, 500) == "x" * 500 + "…"
