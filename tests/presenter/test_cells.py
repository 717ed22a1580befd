"""Cells share their names, and a question of the class in between leaves them as they were."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from labkit.core.errors import UsageError
from labkit.presenter.cells import Cells


@pytest.fixture
def shown() -> list[str]:
    return []


@pytest.fixture
def cells(shown: list[str]) -> Cells:
    lab: Any = SimpleNamespace(
        admin=SimpleNamespace(observers=[], server="https://127.0.0.1:1"),
        backend=SimpleNamespace(audit_log=None),
        kubectl=lambda arguments: f"kubectl was given {arguments}",
    )
    cells = Cells(lab, lambda _kind, line: shown.append(line))
    cells.begin()
    return cells


def test_a_questions_names_are_gone_in_the_next_cell(cells: Cells) -> None:
    cells.run("mine = 1")
    cells.ask("mine = 2; theirs = 3")
    cells.run("assert mine == 1")
    with pytest.raises(NameError):
        cells.run("theirs")


def test_a_question_that_fails_leaves_the_names_too(cells: Cells) -> None:
    with pytest.raises(ZeroDivisionError):
        cells.ask("theirs = 1 / 0")
    with pytest.raises(NameError):
        cells.run("theirs")


@pytest.mark.parametrize("word", ["exit", "quit", "input"])
def test_the_terminals_words_are_refused_in_questions_only(cells: Cells, word: str) -> None:
    with pytest.raises(UsageError, match="has the terminal's keys"):
        cells.ask(f"{word}()")
    cells.run(f"assert {word} is not None")  # Python's own again
    assert word not in cells._names


def test_the_last_answer_of_the_cells_survives_a_question(cells: Cells) -> None:
    answer: Any = object()
    cells.answer = answer
    cells.ask("1 + 1")
    assert cells.answer is answer
    assert cells.asked is None


def test_a_line_of_kubectl_is_run_by_the_lab(cells: Cells, shown: list[str]) -> None:
    cells.ask("kubectl get pods -n kikai")
    assert "'kubectl was given get pods -n kikai'" in shown


def test_a_name_that_begins_like_kubectl_is_python(cells: Cells, shown: list[str]) -> None:
    cells.run("kubectl_version = 'v1'")
    cells.ask("kubectl_version")
    assert shown[-1] == "'v1'"
