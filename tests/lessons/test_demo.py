"""The walkthrough in the terminal: who asked what, the answer, the verdict."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from labkit import demo, lessons
from labkit.demo import Demo
from labkit.lab import Lab
from labkit.redact import TOKEN


def console() -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    return Console(file=out, width=200, highlight=False, soft_wrap=True), out


def test_every_step_is_shown_with_its_verdict(lab: Lab) -> None:
    screen, out = console()
    assert Demo(lab, screen).run() == 0
    text = out.getvalue()
    for step, found in lessons.STEPS.items():
        assert f"✔ {step} passed: {found.title}" in text
    assert "system:serviceaccount:kikai:default: GET /api/v1/namespaces/kikai/services" in text
    assert 'cannot list resource "services" in API group ""' in text
    assert "24 of 24 checkpoints passed" in text
    assert "<signature>" in text
    assert not TOKEN.search(text)


def test_the_instructor_may_end_it_at_any_step(lab: Lab) -> None:
    screen, out = console()
    keys = iter([True, False])
    assert Demo(lab, screen, lambda: next(keys)).run() == 0
    assert "W1 passed" in out.getvalue()
    assert "W2 passed" not in out.getvalue()


def test_a_step_that_fails_makes_the_exit_code_1(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {"notebook": "", "solution": "", "cells": ['lab.record("W1", "https://nowhere")', 'check("W1")']}
    monkeypatch.setattr(lessons, "worked", lambda: dict.fromkeys(lessons.STEPS, wrong))
    screen, out = console()
    assert Demo(lab, screen).run() == 1
    assert "✘ W1 not yet" in out.getvalue()


def test_the_learners_own_cluster_is_not_touched(
    labkit_home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "wait", lambda: False)
    assert demo.run(by_step=True) == 0
    assert "A cluster for this demo is starting" in capsys.readouterr().out
    assert list(labkit_home.iterdir()) == []
