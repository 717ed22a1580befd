"""``labkit demo --notes``: the instructor's notes in another terminal."""

from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kube_embedded.tests.support.until import SECONDS, until
from labkit import lessons
from labkit.cli import run
from labkit.core.home import is_locked
from labkit.core.sharing import DEMO, LOCK, NOW, ROOM, shared
from labkit.presenter.notes import notes
from tests.support.korean import HANGUL
from tests.support.terminal import ROOT, Terminal


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    terminal = Terminal("demo", "--step")
    terminal.wait("Each step begins")
    yield terminal
    terminal.close()


def piped(home: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LABKIT_HOME": str(home)}
    command = [sys.executable, "-m", "labkit", "demo", "--notes"]
    return subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


@pytest.mark.slow
def test_they_follow_the_demo_and_end_with_it(demo: Terminal, labkit_home: Path) -> None:
    follower = Terminal("demo", "--notes")
    try:
        follower.wait("Next, W1: Where does a client learn")
        demo.press("/15\r", "Why is it refused")
        page = follower.wait("W15 · Ask without permission (the question")
        assert "Answer: Authentication says who." in page
        assert "Read the message word by word." in page
        assert "They asked as the administrator" in page
        assert "Next, W16: An account is bound" in page
        demo.press("  ", "403 services is forbidden")
        follower.wait("(1 of 4")
        page, minutes = " ".join(follower.screen.split()), lessons.STEPS["W15"].minutes
        assert re.search(
            rf"Time: \d+:\d\d of {minutes}:00 planned for this step; \d+:\d\d of {minutes}:00 for all",
            page,
        )
        for file in (labkit_home / "demo", labkit_home / "demo" / NOW):
            assert not file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
        assert demo.end("q") == 0
        assert follower.end() == 0
        assert "The demo has ended." in follower.screen
        assert list(labkit_home.iterdir()) == []
    finally:
        follower.close()


@pytest.mark.slow
def test_a_key_ends_the_notes_and_not_the_demo(demo: Terminal) -> None:
    follower = Terminal("demo", "--notes")
    follower.wait("Next, W1")
    assert follower.end("q") == 0
    follower.close()
    assert "Where does a client learn" in demo.press(" ", "Where does a client learn")


@pytest.mark.slow
def test_in_a_pipe_they_are_printed_once(demo: Terminal, labkit_home: Path) -> None:
    demo.press("/17\r", "The role has get and list.")
    done = piped(labkit_home)
    assert done.returncode == 0
    assert "W17 · Bind it" in done.stdout
    assert "\x1b" not in done.stdout


def test_where_no_demo_runs_they_say_what_to_do(labkit_home: Path) -> None:
    done = piped(labkit_home)
    assert done.returncode == 3
    assert "No demo runs here." in done.stderr
    assert "Start labkit demo --step in another terminal, with the same LABKIT_HOME." in done.stderr
    assert list(labkit_home.iterdir()) == []


@pytest.mark.slow
def test_a_demo_that_was_killed_is_none(demo: Terminal, labkit_home: Path, tmp_path: Path) -> None:
    os.kill(demo.pid, signal.SIGKILL)
    os.waitpid(demo.pid, 0)
    assert (labkit_home / "demo" / NOW).exists()
    assert piped(labkit_home).returncode == 3
    until(lambda: not list(tmp_path.glob("labkit-demo-*")))


def test_a_second_demo_does_not_take_the_notes_of_the_first(labkit_home: Path) -> None:
    with shared(DEMO) as first, shared(DEMO) as second:
        assert first is not None
        assert second is None
        assert is_locked(labkit_home / "demo" / LOCK)
    assert not (labkit_home / "demo").exists()


def test_a_home_that_cannot_be_used_costs_the_notes_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.write_text("")
    monkeypatch.setenv("LABKIT_HOME", str(file))
    with shared(DEMO) as share:
        assert share is None


def test_a_damaged_file_gives_notes_without_a_step() -> None:
    assert "since the demo began" in notes({})
    assert "since the demo began" in notes({"step": "W99", "next": ""})


@pytest.mark.parametrize("step", lessons.STEPS)
def test_every_step_has_notes(step: str) -> None:
    text = notes({"step": step, "place": "the question", "begun": 0})
    assert lessons.STEPS[step].title in text
    assert "**Where learners get stuck**" in text


def test_the_notes_are_in_korean(monkeypatch: pytest.MonkeyPatch) -> None:
    stages = [{"step": step, "place": "1/3", "next": "W3", "begun": 0} for step in lessons.STEPS]
    monkeypatch.setenv("LABKIT_LANG", "ko")
    lines = {line for stage in stages for line in notes(stage).splitlines() if line.strip()}
    # A text that has changed is shown in English until somebody translates it.
    assert sum(not HANGUL.search(line) for line in lines) < len(lines) / 5


def test_time_is_compared_with_the_minutes_of_the_steps_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)
    place = {"step": "W2", "place": "the question", "begun": now - 1000, "since": now - 65}
    assert [lessons.STEPS[step].minutes for step in ("W1", "W2")] == [
        3,
        6,
    ]  # what is expected below
    text = notes(
        {**place, "taken": {"": 400, "W1": 120, "W2": 10}}
    )  # before the first step, at W1, at W2 before
    assert "*16:40 since the demo began*" in text
    assert (
        "**Time:** 1:15 of 6:00 planned for this step; 3:15 of 9:00 for all shown so far (2): **5:45 left**"
        in text
    )
    assert "11:10 of 9:00 for all shown so far (2): **2:10 over**" in notes(
        {**place, "taken": {"W1": 605}}
    )


def test_the_notes_have_how_many_of_the_room_have_answered(labkit_home: Path) -> None:
    place = {"step": "W17", "place": "the question"}
    assert "The room" not in notes(place)
    with shared(ROOM) as share:
        assert share is not None
        share({"id": 1, "stage": "talk", "answers": [23, 0]})
        assert "The room: talk, 23 answered" in notes(place)


@pytest.mark.parametrize("option", [["--step"], ["--pace", "3"], ["--here"]])
def test_notes_go_with_no_other_option(
    option: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["demo", "--notes", *option]) == 2
    assert "--notes follows a demo in another terminal" in capsys.readouterr().err
