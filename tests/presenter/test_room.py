"""The room's answers in a demo: counts at first, then the bars of both rounds and the answer."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console, RenderableType

from labkit.core.sharing import ROOM, shared
from labkit.presenter import room
from tests.support.korean import HANGUL

ASKED: dict[str, Any] = {
    "id": 1,
    "source": "W17",
    "stage": "first",
    "ask": "May it delete one?",
    "text": "",
    "answers": [3, 0],
    "options": ["200, allowed", "403, forbidden", "401, unauthorized"],
    "wrong": None,
}
CLOSED: dict[str, Any] = {
    **ASKED,
    "stage": "closed",
    "answers": [3, 4],
    "rounds": [[2, 1, 0], [1, 3, 0]],
    "right": 1,
    "because": "",
    "wrong": {
        "option": 0,
        "count": 1,
        "ideas": [{"idea": "Who may list objects may also change them."}],
    },
}


def text(page: RenderableType) -> str:
    console = Console(width=76, color_system=None)
    with console.capture() as captured:
        console.print(page)
    return captured.get()


def test_an_open_question_has_its_answers_and_no_bars() -> None:
    page = text(room.page(ASKED))
    assert "May it delete one?" in page
    assert "The room: first round, 3 answered" in page
    assert "The bars come when the board shows them." in page
    assert not re.search("█|✓|idea", page)


def test_the_second_round_is_counted_once_it_has_answers() -> None:
    assert room.state(ASKED) == "The room: first round, 3 answered"
    assert room.state({**CLOSED, "answers": [3, 1]}) == "The room: closed, 3 answered, then 1"


def test_a_closed_one_has_both_rounds_the_answer_and_the_commonest_wrong_idea() -> None:
    page = text(room.bars(CLOSED))
    assert "The room: closed, 3 answered, then 4" in page
    rows = re.findall(
        r"^(?:(\w.*\S) )? +(\d+)(?:  (█+).?)?\s*$", page.partition("then 4")[2], re.MULTILINE
    )
    assert [name for name, _, _ in rows] == [
        "200, allowed",
        "",
        "403, forbidden ✓",
        "",
        "401, unauthorized",
        "",
    ]
    assert [int(count) for _, count, _ in rows] == [2, 1, 1, 3, 0, 0]
    lengths = [len(bar) for _, _, bar in rows]
    assert lengths[3] > lengths[0] > lengths[2] > lengths[1] > lengths[4] == lengths[5] == 0
    assert "The commonest wrong answer: 200, allowed (1)" in page
    assert "The idea behind it: “Who may list objects may also change them.”" in page


def test_the_bars_of_one_round_stand_alone_and_a_policy_keeps_its_lines() -> None:
    one = {
        **CLOSED,
        "rounds": [[2, 1, 0], [0, 0, 0]],
        "answers": [3, 0],
        "wrong": None,
        "text": "rules:\n- verbs: []",
    }
    page = text(room.page(one))
    assert "rules:\n- verbs: []" in re.sub(" +\n", "\n", page)
    assert (
        len(re.findall(r" \d(?:  █+.?)?\s*$", page.partition("3 answered")[2], re.MULTILINE)) == 3
    )


def test_without_a_class_it_says_how_to_begin_one(labkit_home: Path) -> None:
    assert room.question() == {}
    assert "labkit class start" in text(room.page(room.question()))
    with shared(ROOM) as share:
        assert share is not None
        share({"id": 0, "source": ""})
        assert room.question() == {}, "a class that has asked nothing"
        share(ASKED)
        assert room.question() == ASKED
    assert room.question() == {}


def test_a_home_that_cannot_be_used_costs_the_bars_only(labkit_home: Path) -> None:
    (labkit_home / "class").parent.mkdir(parents=True, exist_ok=True)
    (labkit_home / "class").write_text("no folder", encoding="utf-8")
    assert room.question() == {}


def test_it_is_shown_in_korean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABKIT_LANG", "ko")
    assert "교실: 첫 번째 답, 답 3개" in text(room.page(ASKED))
    assert "가장 많이 나온 틀린 답: 200, allowed(1명)." in text(room.bars(CLOSED))
    assert HANGUL.search(text(room.page({})))
