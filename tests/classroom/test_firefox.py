"""The board and the page for answers in Firefox, a second kind of browser."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.classroom.room import Room, outcome
from tests.support.firefox import Firefox

pytestmark = pytest.mark.soak

ROWS = "[...document.querySelectorAll('#board tbody th')].map((each) => each.firstChild.textContent).join()"


def text(selector: str) -> str:
    """An expression of JavaScript: the text of the first element."""
    return f"(document.querySelector('{selector}')?.textContent ?? '')"


def test_a_question_is_asked_twice_and_the_board_follows(room: Room, tmp_path: Path) -> None:
    for number, name in enumerate(("Grace", "Ada", "Linus"), 1):
        room.join(number, name)
    room.send(1, outcome(1, "W1"))
    with Firefox(tmp_path) as board:
        board.goto(f"{room.address}/board#{room.store.teacher_key}")
        board.wait_for("document.querySelectorAll('#source option').length > 30")
        assert board.evaluate("() => location.href") == f"{room.address}/board"
        board.wait_for(f"{ROWS} === 'Grace,Ada,Linus'")
        room.send(2, outcome(1, "W2", "failed", "one-refusal-for-all", ago=600))
        board.wait_for(f"{ROWS} === 'Ada,Grace,Linus'")  # who is stuck longest is first
        board.wait_for(
            f"{text('#board tbody .stuck')}.startsWith('W2 for 10 min, 1 try: 401 and 403 taken for one')"
        )
        board.wait_for(f"{text('#mistakes')}.includes('Every refusal is the same refusal.')")
        board.evaluate("() => { document.getElementById('source').value = 'W17'; }")
        board.click("Ask the room")
        board.wait_for(f"{text('#question h3')} !== ''")
        for voter, choice in ((1, 0), (2, 0), (3, 1)):
            assert room.vote(voter, choice)[0] == 200
        board.wait_for(f"{text('#question')}.includes('3 answered')")
        assert board.evaluate("() => document.querySelectorAll('.bars').length") == 0
        board.click("Second round")
        board.wait_for(f"{text('#question')}.includes('Second round')")
        assert room.vote(1, 1, number=2)[0] == 200
        board.wait_for(f"{text('#question')}.includes('3 answered, then 1')")
        board.click("Close: show the answer")
        board.wait_for(f"{text('.answer')}.includes('✓ 403, forbidden')")
        widths = board.evaluate(
            "() => [...document.querySelectorAll('.bar i')].map((each) => each.clientWidth)"
        )
        assert widths[1] < widths[2] < widths[0], "both rounds of an option, then of the next"
        board.evaluate("() => document.getElementById('hide').click()")
        board.wait_for(f"{ROWS} === 'Learner 2,Learner 1,Learner 3'")
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert board.evaluate(f"() => {wide}") == 0


def test_the_board_is_there_again_after_the_class_was_gone(
    labkit_home: Path, tmp_path: Path
) -> None:
    path = labkit_home / "class" / "class.db"
    with Firefox(tmp_path) as board:
        with Room(path) as room:
            board.goto(f"{room.address}/board#{room.store.teacher_key}")
            board.wait_for(f"{text('#count')}.startsWith('0 joined')")
        board.wait_for(f"{text('#state')}.startsWith('The connection is lost.')")
        with Room(path, room.port) as again:
            again.join(1, "Ada")
            board.wait_for(f"{ROWS} === 'Ada' && {text('#state')} === ''")
            board.goto("about:blank")


def test_a_phone_answers_and_is_the_same_voter_after_a_reload(room: Room, tmp_path: Path) -> None:
    room.ask(source="W16")
    with Firefox(tmp_path) as phone:
        phone.goto(f"{room.address}/vote#{room.store.code}")
        phone.click("403, forbidden")
        phone.wait_for(f"{text('#done')}.startsWith('Your answer is kept.')")
        phone.goto("about:blank")
        phone.goto(f"{room.address}/vote")
        phone.wait_for(f"{text('button[aria-pressed=true]')} === '403, forbidden'")
        phone.click("200, allowed")
        phone.wait_for(f"{text('button[aria-pressed=true]')} === '200, allowed'")
        assert room.public()["answers"] == [1, 0]
