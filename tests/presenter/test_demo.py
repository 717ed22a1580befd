"""The walkthrough in the terminal: who asked what, the answer, the verdict."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from kube_embedded.tests.support.some import some
from labkit import lessons
from labkit.core.redact import TOKEN
from labkit.lab import words
from labkit.lab.lab import Lab
from labkit.lessons import variants
from labkit.presenter import demo
from labkit.presenter.demo import Demo
from tests.presenter.stub import stub_lab
from tests.support.course import ALL_PASSED


def console() -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    return Console(file=out, width=200, highlight=False, soft_wrap=True), out


@pytest.mark.slow
def test_every_step_is_shown_with_its_verdict(lab: Lab) -> None:
    screen, out = console()
    assert Demo(lab, screen).run() == 0
    text = out.getvalue()
    for step, found in lessons.STEPS.items():
        assert f"✔ {step} passed: {found.title}" in text
    assert "system:serviceaccount:kikai:default: GET /api/v1/namespaces/kikai/services" in text
    assert 'cannot list resource "services" in API group ""' in text
    assert ALL_PASSED in text
    assert "<signature>" in text
    assert not TOKEN.search(text)


@pytest.mark.slow
def test_in_the_write_ups_time_its_own_answers_are_shown_and_pass(tmp_path: Path) -> None:
    """A real cluster of v1.20 behaves like this as well; see the contract suite."""
    old = Lab("embedded", home=tmp_path / "home", era="1.20", say=lambda _line: None)
    screen, out = console()
    try:
        assert Demo(old, screen).run() == 0, out.getvalue()
    finally:
        old.stop()
    assert 'predict("W10", "yes")' in out.getvalue()
    assert 'predict("W12", "identical")' in out.getvalue()


def test_the_worked_cells_are_those_of_the_notebooks_where_nothing_differs(lab: Lab) -> None:
    for step, worked in some(lessons.worked().items()):
        assert variants.cells(step, worked["cells"], words.context(lab)) == worked["cells"]
        for old in variants.CHANGES.get(step, (None, {}))[1]:
            assert any(old in cell for cell in worked["cells"]), f"{step} has no {old} any more"


def test_where_strangers_are_turned_away_that_is_predicted(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = lab.as_token("no-one", "anonymous")
    monkeypatch.setattr(Lab, "as_anonymous", lambda _lab: nobody)
    context = words.context(lab)
    cells = {
        step: variants.cells(step, lessons.worked()[step]["cells"], context)
        for step in ("W2", "W7")
    }
    assert 'predict("W2", {"no token": "unauthorized", "bad token": "unauthorized"})' in cells["W2"]
    assert 'predict("W7", "unauthorized")' in cells["W7"]


def test_a_step_that_fails_makes_the_exit_code_1(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {
        "notebook": "",
        "solution": "",
        "cells": ['lab.record("W1", "https://nowhere")', 'check("W1")'],
    }
    monkeypatch.setattr(lessons, "worked", lambda: dict.fromkeys(lessons.STEPS, wrong))
    screen, out = console()
    assert Demo(lab, screen).run() == 1
    assert "✘ W1 not yet" in out.getvalue()


@pytest.mark.slow
def test_the_learners_own_cluster_is_not_touched(
    labkit_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert demo.run() == 0
    assert "A cluster for this demo is starting" in capsys.readouterr().out
    assert list(labkit_home.iterdir()) == []


def test_in_a_terminal_lines_are_broken_between_words_and_in_a_pipe_not_at_all(lab: Lab) -> None:
    text = "  cannot list resource services in API group of the namespace kube-node-lease at the cluster scope, not so"
    printed = {}
    for terminal in (True, False):
        out = io.StringIO()
        screen = Console(
            file=out, width=80, force_terminal=terminal, color_system=None, soft_wrap=not terminal
        )
        Demo(lab, screen)._line("bad", text)
        printed[terminal] = out.getvalue().splitlines()
    assert printed[True] == [
        "      cannot list resource services in API group of the namespace",
        "      kube-node-lease at the cluster scope, not so",
    ]
    assert printed[False] == [f"    {text}"]


def test_what_a_word_prints_stands_among_the_answers(lab: Lab) -> None:
    screen, out = console()
    cells = Demo(lab, screen).cells
    cells.begin()
    cells.run('with expect_forbidden():\n    lab.as_anonymous().get("/api/v1/secrets")')
    cells.end()
    assert out.getvalue().splitlines()[-1].startswith("    ✔ forbidden, as expected: anonymous: ")


def test_without_cluster_roles_two_parts_are_left_out_and_not_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stub = stub_lab(monkeypatch, {step: ["1"] for step in lessons.STEPS})
    left_out = "Left out: you may not create cluster roles on this cluster.\n"
    for grants, count, total in ((True, 0, 30), (False, 2, 19)):
        stub.admin.grants = grants
        screen, out = console()
        assert Demo(stub, screen).run() == 1
        text = out.getvalue()
        assert text.count(left_out) == count
        assert f"0 of {total} checkpoints passed in " in text
        headings = [f"{lesson.id[:2]}  {lesson.title}  " for lesson in lessons.LESSONS]
        assert [heading in text for heading in headings] == [True] * 6
        assert ("W20  " in text) is grants


def test_an_empty_line_of_code_stays_one(monkeypatch: pytest.MonkeyPatch) -> None:
    screen, out = console()
    cells = Demo(stub_lab(monkeypatch), screen).cells
    cells.run("if True:\n\n    a = 1")
    assert [line.rstrip() for line in out.getvalue().splitlines()] == [
        "  if True:",
        "",
        "      a = 1",
    ]


@pytest.mark.parametrize("performed", [False, True])
def test_on_the_chosen_cluster_progress_is_printed_unless_it_is_performed(
    labkit_home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    performed: bool,
) -> None:
    stub = stub_lab(monkeypatch)
    own = stub.progress

    def chosen(*words: str, say: Callable[[str], None], **more: Path) -> Any:
        assert (words, more) == ((), {})
        say("Starting …")
        return stub

    ran: list[Any] = []

    def perform(lab: Any, *_words: object) -> int:
        ran.append(lab)
        return 0

    monkeypatch.setattr(demo, "Lab", chosen)
    monkeypatch.setattr(Demo, "run", lambda made: perform(made.cells.lab))
    monkeypatch.setattr("labkit.presenter.stage.perform", perform)
    terminal: Any = object() if performed else None
    assert demo.run(terminal, here=True) == 0
    assert ran == [stub]
    shown = capsys.readouterr()
    assert ("Starting …" in shown.out + shown.err) is not performed
    assert stub.progress is not own
    assert (stub.resets, stub.stops) == (2, 0)


def test_ctrl_c_stops_a_demo_and_its_cluster(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stub = stub_lab(monkeypatch)
    named: list[Any] = []

    def made(*words: str, **more: Any) -> Any:
        named.extend([words, more["home"].name.startswith("labkit-demo-")])
        more["say"]("not shown")
        return stub

    def interrupted(_demo: Demo) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, "Lab", made)
    monkeypatch.setattr(Demo, "run", interrupted)
    assert demo.run() == 130
    assert named == [("embedded",), True]
    assert (stub.resets, stub.stops) == (0, 1)
    assert capsys.readouterr().out == (
        "A cluster for this demo is starting; your own is not touched.\n\nStopped.\n"
    )
    assert tempfile.tempdir is None
