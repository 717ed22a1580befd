"""The keys of a performance and its pages, without a cluster or a terminal."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable, Iterable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console
from rich.segment import Segment

from labkit import lessons
from labkit.client.answer import Answer, Identity
from labkit.core.sharing import DEMO, ROOM, read_shared, shared
from labkit.lessons.talk import talks
from labkit.presenter import screen, stage
from labkit.presenter.play import Play
from labkit.presenter.screen import large_letters
from labkit.presenter.stage import perform
from tests.presenter.stub import stub_lab
from tests.presenter.test_room import ASKED, CLOSED
from tests.support.course import place

FIRST = "Where does a client learn"
Key = str | None | Callable[[], None]


class Screen(Console):
    """A console of a given size that keeps its last page, and what was reported on it."""

    def __init__(self, columns: int = 80, rows: int = 24) -> None:
        super().__init__(
            file=io.StringIO(), width=columns, height=rows, force_terminal=True, color_system=None
        )
        self.page = ""
        self.drawn = 0
        self.reported: list[str] = []
        self.styles: dict[str, str] = {}

    def update_screen_lines(self, lines: list[list[Segment]], x: int = 0, y: int = 0) -> None:
        """Keep a page, or a line that is written on one."""
        text = "\n".join("".join(segment.text for segment in line).rstrip() for line in lines)
        if y:
            self.reported.append(text.strip())
        else:
            assert len(lines) == self.height
            assert all(len(line) <= self.width for line in text.splitlines())
            self.page = text
            self.drawn += 1
            segments = [segment for line in lines for segment in line if segment.text.strip()]
            self.styles = {segment.text.strip(): str(segment.style) for segment in segments}


class Keys:
    """Keys that are pressed one after the other; the page before each is kept. None is a time without a key."""

    def __init__(self, screen: Screen, keys: Iterable[Key]) -> None:
        self.screen, self.keys = screen, list(keys)
        self.pages: list[str] = []
        self.over = False

    def key(self, _timeout_seconds: float) -> str | None:
        if not self.over:
            self.pages.append(self.screen.page)
        self.over = not self.keys
        key = self.keys.pop(0) if self.keys else "c-d"  # leaves a prompt, then the demo
        if callable(key):
            key()
            return None
        return key


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> Any:
    return stub_lab(monkeypatch)


def pages(
    lab: Any, *keys: Key | Sequence[str], on: Screen | None = None, pace: float | None = None
) -> list[str]:
    """Return the pages before each key and after the last one."""
    console = on or Screen()
    flat: list[Key] = []
    for key in keys:
        flat += [key] if key is None or isinstance(key, str) or callable(key) else list(key)
    pressed = Keys(console, flat)
    pressed_keys: Any = pressed
    perform(lab, console, pressed_keys, pace)
    return pressed.pages


def last(lab: Any, *keys: Key | Sequence[str], **more: Any) -> str:
    return pages(lab, *keys, **more)[-1]


def test_a_key_asks_shows_the_code_runs_it_and_goes_on(lab: Any) -> None:
    start, question, code, ran, more, second, then = pages(lab, *[" "] * 6)
    assert "Each step begins with a question." in start
    assert FIRST in question
    assert "space runs it" in question
    assert "a = 1" in code
    assert "space sends it" in code
    assert "What do you expect?" in question
    assert "print('one')" not in ran  # the first cell prints nothing
    assert "a = 1" in ran
    assert "space goes on" in ran
    assert "print('one')" in more
    assert "one\n" in second
    assert "print('two')" in then
    assert "predict(" not in then, "the class predicts"


def test_questions_code_and_refusals_have_colours_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lab = stub_lab(monkeypatch, {"W1": ["lab.ask()"]})
    refused = Answer("me", "GET", "/x", "https://s", 403, {}, {"kind": "Status", "message": "no"})
    lab.ask = lambda: [observer(refused) for observer in lab.admin.observers]

    def style(text: str, *keys: Key | Sequence[str]) -> str:
        console = Screen(120)
        last(lab, *keys, on=console)
        (found,) = (style for shown, style in console.styles.items() if shown.startswith(text))
        return found

    assert style(FIRST, " ") == "bold yellow"
    assert style("lab.ask()", " ", " ") == "cyan"
    assert style("lab.ask()", " ", " ", " ") == "cyan"
    assert style("403 no", " ", " ", " ") == "bold red"
    assert style("W1  ", " ") == "bold"
    assert style("space runs it", " ") == "dim"
    assert style("There is no step", "/", "9", "9", "c-m") == "yellow"


def test_a_beat_is_a_cell_with_output_and_those_before_it_that_have_none(lab: Any) -> None:
    play = Play(lab, lessons.LESSONS)
    play.go(1)
    assert [beat.cells for beat in play.played[-1].beats] == [
        ["a = 1"],
        ["print('one')"],
        ["predict('W1', 1)\n", "print('two')\nprint('three')"],
    ]
    play.go(2)
    assert [list(beat.cells) for beat in play.played[-1].beats] == [["print('W2')"], []]
    play.go(3)
    assert [list(beat.cells) for beat in play.played[-1].beats] == [
        ["a = 1\nlab.record('W3', a)", "a"]
    ]


def test_back_goes_a_beat_at_a_time_and_resets_only_what_has_run(lab: Any) -> None:
    shown = pages(lab, [" "] * 5, "left", "left", "left")
    assert "one\n" in shown[5]
    assert "one\n" not in shown[6]
    assert "a = 1" in shown[6]
    assert FIRST in shown[7]
    assert "Each step begins" in shown[8]
    assert lab.resets == 2


@pytest.mark.parametrize("leave", ["left", " ", "escape", "o"])
def test_a_page_above_the_step_is_left_by_these_keys(lab: Any, leave: str) -> None:
    shown = pages(lab, " ", "o", leave)
    assert "▶ W1" in shown[2]
    assert FIRST in shown[3]
    assert lab.resets == 0


def test_the_pictures_and_the_keys_are_pages_above_the_step(lab: Any) -> None:
    assert "No request of a caller was answered" in last(lab, " ", "x")
    assert "nobody may read roles" in last(lab, " ", "g")
    keys = last(lab, " ", "?")
    assert all(names in keys for names, *_ in screen.DATA["keys"])
    assert "labkit demo --notes, in another terminal" in keys
    with shared(DEMO):
        assert "The notes are not shared here." in last(lab, "h")
    for key in "xg?bo":
        assert FIRST not in last(lab, " ", key)
        assert FIRST in last(lab, " ", key, key)


def test_the_overview_begins_at_the_step_that_is_shown_and_wraps_around(lab: Any) -> None:
    def title(page: str) -> str:
        return page.split()[0]

    assert title(last(lab, " ", "/", "W", "3", "c-m", "o", "c-m")) == "W3"
    assert title(last(lab, "o", "c-m")) == "W1"
    assert title(last(lab, "/", "3", "c-m", "o", "down", "c-j")) == "W4"
    assert title(last(lab, "/", "3", "c-m", "o", "up", "c-j")) == "W2"
    assert title(last(lab, "o", "up", "c-m")) == "T6"
    assert title(last(lab, "/", "T", "6", "c-m", "o", "down", "c-m")) == "W1"
    overview = last(lab, "/", "3", "c-m", "o")
    assert re.findall(r"([✔▶]) (\w+)", overview) == [("✔", "W1"), ("✔", "W2"), ("▶", "W3")]


def test_a_jump_takes_what_is_typed_and_can_be_left(lab: Any) -> None:
    typed = last(lab, "/", "W", "1").splitlines()[-2].strip()
    assert typed == "Jump to step: /W1█  (Enter goes, Escape leaves)"
    for leave in (["escape"], ["c-d"], ["c-h", "c-h", "c-h"], ["c-h", "c-h", "c-m"]):
        page = last(lab, "/", "W", "1", leave)
        assert "Jump to step" not in page
        assert "Each step begins" in page
    unknown = last(lab, "/", "W", "9", "9", "c-m")
    assert 'There is no step "W99".' in unknown
    assert 'There is no step "W99".' not in last(lab, "/", "W", "9", "9", "c-m", "f5")
    assert "/" + "x" * 20 + "█" in last(lab, "/", ["x"] * 30)


def test_a_step_that_is_left_out_is_said(lab: Any) -> None:
    lab.admin.grants = False
    page = last(lab, "/", "2", "0", "c-m", on=Screen(120))
    assert "W20 is left out: you may not create cluster roles here." in page


def test_code_comes_all_at_once_a_line_at_a_key_or_not_at_all(lab: Any) -> None:
    jump = ["/", "1", "c-m", *[" "] * 4]
    assert "Code is shown a line at a key." in last(lab, "c")
    assert "Code is shown not before it runs." in last(lab, "c", "c")
    assert "Code is shown all at once." in last(lab, "c", "c", "c")
    whole = last(lab, jump, " ")
    assert ("print('two')" in whole, "print('three')" in whole) == (True, True)
    line = pages(lab, jump, "c", " ", " ", " ")
    assert "print('two')" in line[-3]
    assert "print('three')" not in line[-3]
    assert "space: the next line" in line[-3]
    assert "print('three')" in line[-2]
    assert "space sends it" in line[-2]
    assert "three\n" in line[-1]
    assert "three\n" in last(lab, jump, "c", "c", " ")


def test_a_long_page_is_scrolled_to_its_end_before_it_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lab = stub_lab(monkeypatch, {"W1": ["for i in range(30): print(f'line {i}')"]})
    console = Screen(80, 14)  # ten lines between header and footer

    def part(page: str) -> tuple[int, int, int]:
        """Return the first and the last line that is shown, and how many the footer says are beneath."""
        lines = [int(number) for number in re.findall(r"^ +line (\d+)$", page, re.MULTILINE)]
        beneath = re.search(r"space: (\d+) more lines", page)
        return lines[0], lines[-1], int(beneath[1]) if beneath else 0

    jump = ["c", "c", "/", "1", "c-m"]
    moves = [" ", " ", " ", "left", "down", "up", "up", "left", "up", *[" "] * 5]
    shown = pages(lab, jump, moves, on=console)[len(jump) + 1 :]
    assert "print(f'line {i}')" in shown[0]
    assert "print(f'line {i}')" not in shown[1]
    assert [part(page) for page in shown[:-2]] == [
        (0, 7, 22),
        (7, 16, 13),
        (16, 25, 4),
        (7, 16, 13),
        (8, 17, 12),
        (7, 16, 13),
        (6, 15, 14),
        (0, 7, 22),
        (0, 7, 22),
        (7, 16, 13),
        (16, 25, 4),
        (20, 29, 0),
    ]
    assert "W2" in shown[-2].splitlines()[0]


def test_a_question_has_large_letters_where_there_is_room_for_them(lab: Any) -> None:
    for rows, large in ((18, False), (19, True), (30, True)):
        assert ("██" in last(lab, "/", "1", "c-m", on=Screen(80, rows))) is large


@pytest.mark.parametrize("large", [False, True])
def test_only_large_type_has_a_status_in_large_numbers(
    monkeypatch: pytest.MonkeyPatch, large: bool
) -> None:
    lab = stub_lab(monkeypatch, {"W1": ["lab.ask()"]})
    refused = Answer("me", "GET", "/x", "https://s", 403, {}, {"kind": "Status", "message": "no"})
    lab.ask = lambda: [
        observer(refused) for observer in (*lab.admin.observers, *lab.admin.observers)
    ]
    page = last(lab, [" "] * 3, ["l"] * large, on=Screen(80, 40))
    letters = [line.strip() for line in large_letters("403").splitlines()]
    assert page.count(letters[0]) == (2 if large else 0)
    assert ("403 no" in page) is not large
    # A blank line stands between code and answers, and in large type before each request.
    gap = re.search(r"\n\n +nobody: GET /x\n(?:.*\n)*?(\n*) *nobody: GET /x\n", page)
    assert gap is not None
    assert bool(gap[1]) is large


def test_the_page_is_drawn_again_when_the_window_or_the_room_changes(lab: Any) -> None:
    console = Screen()
    drawn: list[int] = []

    def count() -> None:
        drawn.append(console.drawn)

    def smaller() -> None:
        console.size = (40, 12)

    with shared(ROOM) as share:
        assert share is not None
        shown = pages(
            lab, " ", count, count, smaller, count, count, lambda: share({**ASKED, "source": "W1"}),
            count, count, on=console,
        )  # fmt: skip
    assert drawn == [2, 2, 3, 3, 4, 4]
    assert max(map(len, shown[-1].splitlines())) <= 40
    assert "3 answered" in shown[-1]
    assert "What do you expect?" not in shown[-1]


def test_the_bars_are_those_of_the_step_that_was_asked(lab: Any) -> None:
    with shared(ROOM) as share:
        assert share is not None
        share({**CLOSED, "source": "W2"})
        assert "The room" not in last(lab, "/", "1", "c-m")
        assert "The room: closed" in last(lab, "/", "2", "c-m")
        assert "The room: closed" in last(lab, "b")
    assert "No class is on here" in last(lab, "b")


def test_a_pace_presses_the_keys_until_it_is_stopped(
    lab: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(stage, "time", SimpleNamespace(monotonic=lambda: now[0], time=time.time))

    def later() -> None:
        now[0] += 2.5

    stopped = "t goes on by itself"
    shown = pages(lab, later, later, "t", later, later, later, "t", later, later, pace=5)
    assert "goes on by itself every 5 s, t stops that" in shown[0]
    assert "Each step begins" in shown[1]
    assert FIRST in shown[2]
    assert all(stopped in page and FIRST in page for page in shown[3:7])
    assert "a = 1" in shown[-1]
    assert "by itself" not in last(lab)
    said = last(lab, "c", pace=5)
    assert "Code is shown a line at a key." in said
    assert "by itself" not in said


def test_with_a_pace_the_last_page_ends_it(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(stage, "time", SimpleNamespace(monotonic=lambda: now[0], time=time.time))

    def later() -> None:
        now[0] += 10

    console = Screen()
    steps = ["/", "T", "6", "c-m", "c", "c"]
    pressed: Any = Keys(console, [*steps, *[later] * 20])
    assert perform(lab, console, pressed, 5.0) == 1, "no checkpoint has passed"
    assert "0 of 30 checkpoints passed" in console.page
    assert len(pressed.keys) > 10
    assert perform(lab, Screen(), Keys(Screen(), ["q"])) == 0  # type: ignore[arg-type]  # it has keys


def test_the_place_is_shared_in_words_with_the_seconds_of_each_step(
    lab: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr(
        stage, "time", SimpleNamespace(monotonic=time.monotonic, time=lambda: now[0])
    )
    found: list[dict[str, Any]] = []

    def look() -> None:
        found.append(read_shared(DEMO) or {})
        now[0] += 10

    pages(lab, look, " ", look, [" "] * 2, look, [" "] * 2, look, "/", "T", "6", "c-m", look)
    assert [(each["step"], each["next"], each["place"]) for each in found] == [
        ("", "W1", "the question"),
        ("W1", "W2", "the question"),
        ("W1", "W2", "1 of 3"),
        ("W1", "W2", "2 of 3"),
        ("T6", "", "the question"),
    ]
    assert [each["since"] for each in found] == [1000, 1010, 1010, 1010, 1040]
    assert found[0]["taken"] == {}
    assert found[-1]["taken"] == {"": 10, "W1": 30}
    assert {each["begun"] for each in found} == {1000}
    assert read_shared(DEMO) is None


def test_the_heading_has_the_step_and_its_number(lab: Any) -> None:
    assert last(lab).splitlines()[0].strip() == "labkit   (0 of 30)"
    heading = last(lab, " ").splitlines()[0].strip()
    assert heading == f"W1  {lessons.STEPS['W1'].title}   {place('W1')}"


def test_what_goes_on_is_said_at_the_bottom(lab: Any) -> None:
    console = Screen()
    pages(lab, " ", " ", " ", "left", "/", "2", "c-m", ":", "1", "c-m", on=console)
    assert list(dict.fromkeys(console.reported)) == [
        "… running",
        "… going back",
        "… resetting the cluster",
        "… going to W1: W1",
        "… going to W2",
        "… going to W2: W1",
        "… asking",
    ]


def test_a_line_from_the_audience_is_answered_and_undone(lab: Any) -> None:
    typed = last(lab, " ", ":", [*"1 + 1"], on=Screen(120)).splitlines()[-2].strip()
    assert typed == "kubectl … or Python: 1 + 1█  (Enter asks)"
    page = last(lab, " ", ":", "1", "+", "1", "c-m")
    assert "1+1" in page
    assert re.search(r"^ +2$", page, re.MULTILINE)
    assert FIRST in last(lab, " ", ":", "1", "c-m", "escape")
    assert lab.resets == 0

    def change() -> str:
        lab.admin.version += 1
        return "changed"

    lab.change = change
    assert FIRST in last(lab, " ", ":", [*"lab.change()"], "c-m", " ")
    assert lab.resets == 1
    assert FIRST in last(lab, " ", ":", [*"'exec'"], "c-m", "left")
    assert lab.resets == 2, "a command in a pod can change its files"


def test_the_picture_of_a_question_is_the_steps_and_of_a_request_that_requests(
    lab: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []  # an answer or a question
    monkeypatch.setattr(screen, "graph", lambda _api, question, _width: asked.append(question))
    monkeypatch.setattr(screen, "xray", lambda answer, _width, _api: asked.append(answer))
    play = Play(lab, lessons.LESSONS)
    screen.picture(play, "graph", 80)
    screen.picture(play, "xray", 80)
    assert asked == [None, None], "before the first step"
    play.go(18)
    screen.picture(play, "graph", 80)
    assert (asked[-1].user.name, asked[-1].verb) == ("system:serviceaccount:darbo:default", "list")
    answer = Answer(
        "me", "GET", "/api/v1/nodes", "https://s", 200, {}, {}, identify=lambda: Identity("me")
    )
    play.played[-1].answer = answer
    screen.picture(play, "xray", 80)
    assert asked.pop() is answer
    screen.picture(play, "graph", 80)
    assert (asked[-1].user.name, asked[-1].resource) == ("me", "nodes")
    while len(play.played[-1].shown) < len(play.played[-1].beats):
        play.forward()
    assert play.played[-1].beats[-1].picture == "graph"
    screen.picture(play, "graph", 80)
    assert asked[-1].user.name == "system:serviceaccount:darbo:default"


def test_a_step_ends_with_the_pictures_that_it_talks_about(lab: Any) -> None:
    play = Play(lab, lessons.LESSONS)
    for number, (step, talk) in enumerate(talks().items(), 1):
        play.go(number)
        pictures = [beat.picture for beat in play.played[-1].beats if beat.picture]
        wanted = [name for name in ("xray", "graph") if getattr(talk, name)]
        assert pictures == wanted, step


def test_code_is_marked_where_it_differs_from_the_last_manifest_like_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    manifests = [
        f"x = '''\nkind: {kind}\nmetadata:\n  name: {name}\n'''\nprint({number})"
        for number, (kind, name) in enumerate([("Role", "a"), ("Service", "s"), ("Role", "b")])
    ]
    play = Play(stub_lab(monkeypatch, {"W1": manifests}), lessons.LESSONS)
    play.go(1)
    marked = []
    while coming := play.coming:
        marked.append([line for line, other in coming if other])
        play.forward()
    assert marked == [[], [], ["  name: b", "print(2)"]]


def test_the_end_has_how_many_passed_and_a_last_question(lab: Any) -> None:
    console = Screen()
    shown = pages(lab, "/", "T", "6", "c-m", "c", "c", [" "] * 3, "left", on=console)
    assert "0 of 30 checkpoints passed" in shown[-2]
    assert "Who could do harm" in shown[-2]
    assert "Who could do harm" not in shown[-1]
    assert "nobody may read roles" in shown[-1], "the graph comes before the end"
