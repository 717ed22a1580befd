"""The keys and the screen of ``labkit demo --step``, in a real terminal."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kube_embedded.tests.support.until import SECONDS
from labkit.core.redact import TOKEN
from labkit.core.sharing import ROOM, shared
from labkit.lab.lab import Lab
from labkit.presenter.screen import DATA, large_letters
from tests.presenter.test_room import ASKED, CLOSED
from tests.support.course import ALL_PASSED, MISSING, NO_STEP, STEPS_ARE, place
from tests.support.terminal import ROOT, Terminal

START = "Each step begins with a question."
RIGHT, LEFT, UP, DOWN, ESCAPE = "\x1b[C", "\x1b[D", "\x1b[A", "\x1b[B", "\x1b"
Open = Callable[..., Terminal]


@pytest.fixture
def labkit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Start programs, and end those that still run."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.delenv("JPY_PARENT_PID", raising=False)
    opened: list[Terminal] = []

    def start(*words: str, **options: object) -> Terminal:
        opened.append(Terminal(*words, **options))  # type: ignore[arg-type]  # the options are passed on
        return opened[-1]

    yield start
    for terminal in opened:
        terminal.close()


@pytest.fixture
def demo(labkit: Open) -> Terminal:
    """Provide a demo at its first page."""
    terminal = labkit("demo", "--step")
    terminal.wait(START)
    return terminal


def heading(screen: str) -> str:
    return screen.splitlines()[0].strip()


def test_a_question_comes_first_and_a_key_runs_it(demo: Terminal) -> None:
    assert "W24 See every pod" in demo.screen
    assert "T6  The least role" in demo.screen
    question = demo.press(" ", "Where does a client learn")
    assert heading(question) == f"W1  Find the API server   {place('W1')}"
    assert "██" in question
    assert "namespaces" not in question
    assert "space runs it" in question
    code = demo.press(" ", "space sends it")
    assert 'lab.admin.get("/api/v1/namespaces")' in code
    assert "200 default" not in code
    assert "Where does a client learn" in demo.press(LEFT, "space runs it")
    ran = demo.press(f" {RIGHT}", "200 default")
    assert 'lab.admin.get("/api/v1/namespaces")' in ran
    assert "space goes on" in ran
    assert "Where does a client learn" in demo.press(LEFT, "space runs it")
    assert START in demo.press("\x7f", START)
    assert demo.end("q") == 0


@pytest.mark.slow
def test_a_jump_goes_to_any_step_forward_and_back(demo: Terminal) -> None:
    assert "Jump to step: /W1" in demo.press("/W1", "Jump to step: /W1█")
    assert "May the pod" not in demo.screen
    demo.press("7\r", "The role has get and list.")
    assert heading(demo.screen).endswith(place("W17"))
    assert heading(demo.press("/2\r", "One call has no token")).endswith(place("W2"))
    assert demo.end("\x04") == 0


NONSENSE = {
    MISSING: NO_STEP,
    "../../etc": f'There is no step "../../etc". {STEPS_ARE}',
    "[red]": f'There is no step "[red]". {STEPS_ARE}',
    "한국" * 20: 'There is no step "한국',
}


@pytest.mark.slow
def test_nonsense_after_the_slash_is_said_and_nothing_moves(demo: Terminal) -> None:
    demo.press(" ", "Where does a client learn")
    for typed, said in NONSENSE.items():
        screen = demo.press(f"/{typed}\r", said)
        assert "Where does a client learn" in screen
    os.write(demo.terminal, b"\x1b[15~")  # F5 has no action, but any key removes the message
    deadline = time.monotonic() + SECONDS
    while "There is no step" in demo.screen:
        assert time.monotonic() < deadline
        demo.read(0.2)


@pytest.mark.slow
def test_a_jump_can_be_left(demo: Terminal) -> None:
    for leave in (ESCAPE, "1\x7f\x7f", "\r", "\x04"):
        demo.press("/", "Jump to step: /█")
        os.write(demo.terminal, leave.encode())
        deadline = time.monotonic() + SECONDS
        while "Jump to step" in demo.screen:
            assert time.monotonic() < deadline
            demo.read(0.2)
        assert START in demo.screen


@pytest.mark.slow
def test_the_overview_the_keys_and_the_pictures_lie_above_the_step(demo: Terminal) -> None:
    demo.press("/15\r", "Why is it refused all the same?")
    overview = demo.press("o", "▶ W15")
    assert overview.count("✔") == 14
    assert "W24 See every pod" in overview
    assert all(len(line) <= 80 for line in overview.splitlines())
    assert "Why is it refused" in demo.press("o", "Why is it refused")
    keys = demo.press("?", "these keys")
    assert all(names in keys for names, *_ in DATA["keys"])
    assert "Ctrl and + makes them larger" in keys
    assert "No request of a caller was answered" in demo.press("x", "No request")
    assert "Why is it refused" in demo.press(" ", "Why is it refused")
    demo.press("  ", "403 services is forbidden")
    xray = demo.press("x", "│Authorization│")
    assert "✕ Authorization   verb: list" in xray
    assert "user: system:serviceaccount:kikai:default" in xray
    graph = demo.press("g", "kikai/default: list services in kikai")
    assert "No binding names anybody here." in graph
    assert "✕ nothing grants it" in graph
    demo.press("/17\r", "The role has get and list.")
    demo.press("    ", "200 an empty list")
    refused = demo.press("g", "✕ nothing grants it")
    assert "kikai/default: delete services web in kikai" in refused, (
        "the graph is the last request's"
    )
    assert "near miss (verb)" in demo.press(f"x{DOWN * 30}", "it would allow nothing else")
    demo.press("  ", "W17 passed")
    granted = demo.press(" ", "✓ granted by the marked path")
    assert re.search(r"┃kikai/default +┃→┃kikai/test +┃→┃service-reader +┃→┃get, list ·", granted)


@pytest.mark.slow
def test_anything_can_be_asked_and_the_cluster_is_then_as_before(demo: Terminal) -> None:
    question = "An account is bound to a role"
    demo.press("/16\r", question)
    demo.press(":me.get('/api/v1/namespaces/kikai/services')\r", "│Authorization│")
    demo.press(DOWN * 40, "✕ nothing grants it")
    demo.press(ESCAPE, question)
    demo.press(
        ":lab.apply('apiVersion: v1\\nkind: Namespace\\nmetadata: {name: asked}')\r", "asked"
    )
    demo.press(" ", "space runs it")
    demo.press(":lab.admin.get('/api/v1/namespaces/asked').status\r", "404")
    for nonsense, said in {
        "1 +": "SyntaxError",
        "exit()": "q ends the demo",
        "한국": "NameError",
        "kubectl": "kubectl",
    }.items():
        demo.press(f" :{nonsense}\r", said)
    demo.press(ESCAPE, question)
    assert demo.end("q") == 0


@pytest.mark.slow
@pytest.mark.skipif(
    not shutil.which("kubectl"), reason="needs kubectl; the test above asks without it"
)
def test_what_kubectl_asked_has_its_pictures_too(demo: Terminal) -> None:
    demo.press("/16\r", "An account is bound to a role")
    demo.press(
        ":kubectl get services -n kikai --as system:serviceaccount:kikai:default\r",
        "│Authorization│",
    )
    demo.press(DOWN * 40, "✕ nothing grants it")
    assert demo.end("q") == 0


@pytest.mark.slow
def test_code_comes_a_line_at_a_key_and_the_overview_takes_arrows(demo: Terminal) -> None:
    assert heading(demo.press(f"o{DOWN * 15}\r", "An account is bound to a role")).startswith("W16")
    demo.press("c", "a line at a key")
    assert "kind: Role" not in demo.press(" ", "space: the next line")
    demo.press(" " * 8, "space sends it")
    demo.press("/17\r", "The role has get and list.")
    for _ in range(40):
        demo.press(" ", "space")
        if "▸" in demo.screen:
            break
    marked = [line for line in demo.screen.splitlines() if "▸" in line]
    assert "darbo" in marked[0]
    assert len(marked) == 2, "the line, and what the mark means"


@pytest.mark.slow
def test_the_room_s_bars_come_with_the_step_that_it_was_asked(
    labkit: Open, labkit_home: Path
) -> None:
    with shared(ROOM) as share:
        assert share is not None
        demo = labkit("demo", "--step")
        demo.wait(START)
        assert "No class is on here" in demo.press("b", "No class is on here")
        share(ASKED)
        assert "The bars come when the board shows them." in demo.wait(
            "The room: first round, 3 answered"
        )
        assert "█" not in demo.screen
        assert "The room" not in demo.press("/16\r", "An account is bound to a role")
        assert "What do you expect?" in demo.screen
        demo.press("/17\r", "The room: first round, 3 answered")
        assert "The role has get and list." in demo.screen
        share(CLOSED)
        closed = demo.wait("The idea behind it: “Who may list objects may also change them.”")
        assert "403, forbidden ✓" in closed
        assert "█" in closed.partition("The room: closed, 3 answered, then 4")[2]
        assert demo.end("q") == 0


@pytest.mark.slow
def test_large_type_shows_a_status_in_large_numbers(demo: Terminal) -> None:
    demo.press("/15\r", "Why is it refused all the same?")
    demo.press("  ", "403 services is forbidden")
    large = demo.press("l", "services is forbidden")
    assert all(line.rstrip() in large for line in large_letters("403").splitlines())
    assert "403 services" not in large
    assert "403 services" in demo.press("l", "403 services")


@pytest.mark.slow
def test_a_long_page_is_scrolled_before_it_goes_on(labkit: Open) -> None:
    demo = labkit("demo", "--step", columns=40, rows=10)
    demo.wait("Each step begins")
    demo.press("cc", "not before it runs")
    demo.press("/15\r", "refused all the same?")
    demo.press(" ", "more lines")
    first = demo.screen
    assert "more lines" in demo.press(DOWN, "more lines")
    assert demo.press(UP, "more lines") == first
    assert "forbidden" in demo.press(" ", "is forbidden")
    assert all(len(line) <= 40 for line in demo.screen.splitlines())
    assert len(demo.screen.splitlines()) <= 10


@pytest.mark.slow
def test_another_size_of_the_window_is_taken(demo: Terminal) -> None:
    demo.press("/15\r", "Why is it refused all the same?")
    demo.press("  ", "403 services is forbidden")
    for columns, rows in ((120, 40), (40, 12), (24, 5), (80, 24)):
        demo.resize(columns, rows)
        demo.wait("W15")
        assert len(demo.screen.splitlines()) <= rows
        assert max(map(len, demo.screen.splitlines())) <= columns
    assert "403 services is forbidden" in demo.screen


@pytest.mark.slow
def test_a_pace_goes_on_by_itself_and_can_be_stopped(labkit: Open) -> None:
    demo = labkit("demo", "--pace", "1")
    demo.wait(START)
    assert "goes on by itself every 1 s, t stops that" in demo.screen
    demo.wait("Where does a client learn")
    demo.wait("api/v1/namespaces")
    stopped = demo.press("t", "t goes on by itself")
    time.sleep(2.5)
    while demo.read(0.1):
        pass
    assert demo.screen == stopped
    demo.press("t", "t stops that")
    demo.wait("kubectl cluster-info")
    demo.press("/T6\r", "What keeps it so")
    demo.wait(ALL_PASSED)
    assert demo.end() == 0


@pytest.mark.slow
def test_the_end_says_how_many_passed_and_stays(demo: Terminal) -> None:
    demo.press("/T6\r", "What keeps it so")
    for _ in range(40):
        os.write(demo.terminal, b" ")
    end = demo.wait(ALL_PASSED)
    assert "Who could do harm" in end
    assert "✓ granted by the marked path" in demo.press(LEFT, "✓ granted by the marked path")
    assert demo.end("q") == 0


@pytest.mark.slow
def test_ctrl_c_ends_it_with_130_and_gives_the_terminal_back(demo: Terminal) -> None:
    demo.press(" ", "Where does a client learn")
    assert demo.end("\x03") == 130
    assert "\x1b[?1049l" in demo.raw
    assert "\x1b[?25h" in demo.raw
    assert "Stopped." in demo.screen


@pytest.mark.slow
def test_ctrl_z_does_nothing(demo: Terminal) -> None:
    os.write(demo.terminal, b"\x1a")
    assert "Where does a client learn" in demo.press(" ", "Where does a client learn")


@pytest.mark.slow
def test_without_colours_it_says_the_same(labkit: Open) -> None:
    demo = labkit("demo", "--step", environment={"NO_COLOR": "1"})
    demo.wait(START)
    demo.press("/15\r", "Why is it refused all the same?")
    demo.press("   ", "✔ W15 passed")
    assert not re.search(r"\x1b\[[\d;]*(?:3[0-7]|38;)[\d;]*m", demo.raw)


def test_a_dumb_terminal_is_told_so(labkit: Open) -> None:
    demo = labkit("demo", "--step", environment={"TERM": "dumb"})
    assert demo.end() == 2
    assert "--step draws pages, and TERM=dumb cannot; leave it out." in " ".join(
        demo.screen.split()
    )


@pytest.mark.parametrize("option", [["--step"], ["--pace", "5"]])
def test_without_a_terminal_it_says_so(option: list[str]) -> None:
    command = [sys.executable, "-m", "labkit", "demo", *option]
    done = subprocess.run(
        command, cwd=ROOT, input="", capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 2
    assert f"{option[0]} waits for a key, and there is no terminal to press one on" in done.stderr


def test_a_notebooks_terminal_is_none(labkit: Open) -> None:
    demo = labkit("demo", "--step", environment={"JPY_PARENT_PID": "1"})
    assert demo.end() == 2
    assert "there is no terminal to press one on" in demo.screen


@pytest.mark.slow
def test_no_whole_token_is_drawn(demo: Terminal) -> None:
    demo.press("/9\r", "names no account")
    for _ in range(30):
        os.write(demo.terminal, b" ")
    demo.press("/13\r", "Which user does the server see?")
    assert "<signature>" in demo.raw or "signature" in demo.raw
    assert not TOKEN.search(demo.raw)


@pytest.mark.slow
def test_on_the_chosen_cluster_it_begins_and_ends_with_a_reset(
    labkit: Open, labkit_home: Path
) -> None:
    lab = Lab("embedded", say=lambda _line: None)
    try:
        lab.apply("04-roles")
        lab.progress.predict("W15", "forbidden")
        kept = lab.progress.path.read_bytes()
        demo = labkit("demo", "--step", "--here", "--yes")
        demo.wait(START)
        assert lab.admin.get("/api/v1/namespaces/kikai").status == 404
        demo.press("/15\r", "refused all the same?")
        assert lab.admin.get("/api/v1/namespaces/kikai").status == 200
        assert demo.end("q") == 0
        assert lab.admin.get("/api/v1/namespaces/kikai").status == 404
        assert lab.progress.path.read_bytes() == kept
        assert not (labkit_home / "demo").exists()
    finally:
        lab.stop()


@pytest.mark.slow
def test_ctrl_c_ends_a_long_jump(demo: Terminal) -> None:
    os.write(demo.terminal, b"/24\r")
    demo.wait("going to W24")
    assert demo.end("\x03") == 130


def test_a_closed_terminal_ends_it(labkit: Open, tmp_path: Path) -> None:
    demo = labkit("demo", "--step")
    demo.wait(START)
    os.kill(demo.pid, signal.SIGHUP)
    assert demo.end() == 130
    assert not list(tmp_path.glob("labkit-demo-*"))


@pytest.mark.slow
def test_a_closed_terminal_ends_it_where_hangups_come_ignored(labkit: Open, tmp_path: Path) -> None:
    """Ignore SIGHUP, as ``nohup`` does: the end of its input is then the only sign of a closed terminal."""
    demo = labkit("demo", "--step", ignored=[signal.SIGHUP])
    demo.wait(START)
    demo.hang_up()
    os.waitpid(demo.pid, 0)
    assert not list(tmp_path.glob("labkit-demo-*"))
