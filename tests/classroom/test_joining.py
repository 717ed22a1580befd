"""A lab sends its outcomes to the class that it has joined, and no other data, and loses none of them."""

from __future__ import annotations

import asyncio
import json
import socket
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from kube_embedded.tests.support.until import until
from labkit import lessons
from labkit.classroom import joining
from labkit.classroom.joining import join, leave, report
from labkit.core.errors import Unreachable, UsageError
from labkit.core.home import JOINED
from labkit.lessons.base import Outcome
from labkit.lessons.progress import Progress
from tests.classroom.room import Room

FAILED = Outcome(
    "failed", "seen: pod kikai/test at https://10.0.0.1", "", "", "W17", kind="verb-added"
)
PASSED = Outcome("passed", "seen", "", "", "W17")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A learner's state directory, with a step passed and two guesses."""
    home = tmp_path / "learner"
    progress = Progress(home / "progress.json", clock=lambda: 1000.0)
    lessons.predict("W15", "yes", progress)
    lessons.predict("W8", "system:serviceaccount:default:secret-name", progress)
    progress.mark("W15", "passed", seen="an answer")
    progress.mark("W8", "failed", seen="an answer", kind="user-name-of-account")
    return home


def joined(home: Path, room: Room, name: str = "Ada") -> list[str]:
    """Join; the lines that are said."""
    said: list[str] = []
    progress = Progress(home / "progress.json")
    assert "In the class as" in repr(
        join(home, room.address, room.store.code, name, progress, said.append)
    )
    return said


def checked(home: Path, outcome: Outcome) -> None:
    report(home, outcome, Progress(home / "progress.json").entry(outcome.step))


def waiting(home: Path) -> list[dict[str, Any]]:
    return list(json.loads((home / JOINED).read_text())["waiting"])


def rows(room: Room) -> dict[str, dict[str, Any]]:
    return {row["step"]: row for row in room.teach("GET", "everything") if row["what"] == "outcome"}


def test_a_sentence_says_what_is_sent_before_it_is(home: Path, room: Room) -> None:
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        assert room.seen()["learners"] == []

    join(home, room.address, room.store.code, "Ada", Progress(home / "progress.json"), say)
    assert said == [joining.SENT]
    assert stat.S_IMODE((home / JOINED).stat().st_mode) == 0o600


def test_earlier_outcomes_are_sent_with_their_words_and_nothing_else(
    home: Path, room: Room
) -> None:
    joined(home, room)
    until(lambda: len(rows(room)) == 2)
    sent = rows(room)
    assert (sent["W15"]["state"], sent["W15"]["guess"]) == ("passed", "allowed")
    assert (sent["W8"]["state"], sent["W8"]["kind"]) == ("failed", "user-name-of-account")
    assert sent["W8"]["guess"] == ""  # a free text can have a name or an address
    text = json.dumps(room.teach("GET", "everything"))
    assert "secret-name" not in text
    assert "an answer" not in text


def test_an_outcome_has_the_time_of_its_check(
    home: Path, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joining, "send_soon", lambda _: None)
    monkeypatch.setattr("labkit.classroom.joining.time.time", lambda: 5000.0)
    joined(home, room)
    progress = Progress(home / "progress.json", clock=lambda: 3000.0)
    progress.mark("W17", "passed", seen="an answer")
    checked(home, PASSED)
    checked(home, FAILED)
    # A step was passed when it was first passed; a failure has no such time, and is of now.
    assert [(each["step"], each["state"], each["at"]) for each in waiting(home)] == [
        ("W15", "passed", 1000.0),
        ("W8", "failed", 5000.0),
        ("W17", "passed", 3000.0),
        ("W17", "failed", 5000.0),
    ]


def test_an_outcome_is_on_the_board_soon(home: Path, room: Room) -> None:
    joined(home, room)
    checked(home, FAILED)
    until(lambda: rows(room).get("W17", {}).get("kind") == "verb-added")
    checked(home, PASSED)
    until(lambda: rows(room)["W17"]["state"] == "passed")
    text = json.dumps(room.teach("GET", "everything"))
    assert "10.0.0.1" not in text
    assert "kikai/test" not in text
    until(lambda: not waiting(home))


def test_who_has_not_joined_sends_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joining, "_request", lambda *_: pytest.fail("something was sent"))
    checked(home, FAILED)
    assert not (home / JOINED).exists()


def test_asides_are_not_sent(home: Path, room: Room) -> None:
    joined(home, room)
    until(lambda: not joining._sending)
    checked(home, Outcome("passed", "", step="A1"))
    assert waiting(home) == []


def test_a_broken_network_loses_nothing(home: Path, labkit_home: Path) -> None:
    path = labkit_home / "class" / "class.db"
    with Room(path) as room:
        joined(home, room)
        until(lambda: not waiting(home))
    checked(home, FAILED)  # returns at once: the class is gone
    checked(home, PASSED)
    assert [each["state"] for each in waiting(home)] == ["failed", "passed"]
    with Room(path, room.port) as again:
        until(lambda: rows(again).get("W17", {}).get("state") == "passed")
        assert [
            row["kind"] for row in again.teach("GET", "everything") if row["what"] == "mistake"
        ][-1] == "verb-added"
        until(lambda: not waiting(home))


def test_what_waits_is_bounded(home: Path, room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    joined(home, room)
    until(lambda: not joining._sending)
    monkeypatch.setattr(joining, "send_soon", lambda _: None)
    monkeypatch.setattr(joining, "MAX_WAITING", 3)
    for _ in range(5):
        checked(home, FAILED)
    numbers = [each["number"] for each in waiting(home)]
    assert len(numbers) == 3
    assert numbers == sorted(numbers)


def test_leaving_deletes_the_row_and_ends_the_sending(home: Path, room: Room) -> None:
    joined(home, room)
    until(lambda: len(rows(room)) == 2)
    assert "all that this lab had sent" in repr(leave(home))
    assert room.teach("GET", "everything") == []
    checked(home, FAILED)
    assert not (home / JOINED).exists()
    with pytest.raises(UsageError) as caught:
        leave(home)
    assert str(caught.value) == (
        "This lab is in no class.\n  try: lab.join(ADDRESS, CODE) joins one."
    )


def test_leaving_a_class_that_does_not_answer_says_what_stays(
    home: Path, labkit_home: Path
) -> None:
    with Room(labkit_home / "class" / "class.db") as room:
        joined(home, room)
        until(lambda: not waiting(home))
    assert "The class does not answer. Ask your teacher to remove your row" in repr(leave(home))
    assert not (home / JOINED).exists()


def test_a_deleted_row_ends_the_sending(home: Path, room: Room) -> None:
    joined(home, room)
    until(lambda: len(rows(room)) == 2)
    (row,) = room.seen()["learners"]
    room.teach("DELETE", f"learners/{row['id']}")
    checked(home, FAILED)
    until(lambda: not (home / JOINED).exists())
    assert room.teach("GET", "everything") == []


def test_joining_again_keeps_the_row_and_changes_the_name(home: Path, room: Room) -> None:
    joined(home, room)
    joined(home, room, "Grace")
    assert [row["name"] for row in room.seen()["learners"]] == ["Grace"]


def test_a_lab_moves_to_the_next_class_and_sends_what_there_is(
    home: Path, room: Room, tmp_path: Path
) -> None:
    joined(home, room)
    until(lambda: not waiting(home))
    with Room(tmp_path / "next" / "class.db") as following:
        joined(home, following)
        until(lambda: len(rows(following)) == 2)
    assert len(rows(room)) == 2, "the earlier class keeps its row"


def test_a_class_that_does_not_take_the_lab_changes_nothing(home: Path, room: Room) -> None:
    joined(home, room)
    until(lambda: not waiting(home))
    before = (home / JOINED).read_bytes()
    with pytest.raises(Unreachable):
        join(home, "http://127.0.0.1:1", "CODE", "", Progress(home / "progress.json"), print)
    assert (home / JOINED).read_bytes() == before


def test_a_class_at_another_address_is_the_same_class(home: Path, labkit_home: Path) -> None:
    path = labkit_home / "class" / "class.db"
    with Room(path) as room:
        joined(home, room)
        until(lambda: not waiting(home))
        first = room.address
    with Room(path) as room:
        kept = json.loads((home / JOINED).read_text())
        (home / JOINED).write_text(json.dumps({**kept, "address": f"{first}0"}))
        joined(home, room)
        checked(home, FAILED)
        until(lambda: rows(room).get("W17", {}).get("state") == "failed")
        assert len(room.seen()["learners"]) == 1


@pytest.mark.parametrize("form", ["{0}", "http://{0}/vote", "http://{0}/vote#CODE", "  {0}/ "])
def test_an_address_is_taken_as_it_is_copied(home: Path, room: Room, form: str) -> None:
    text = form.format(f"127.0.0.1:{room.port}")
    join(home, text, room.store.code, "", Progress(home / "progress.json"), print)
    assert json.loads((home / JOINED).read_text())["address"] == room.address


@pytest.mark.parametrize(
    "address", ["", "ftp://x y", "127.0.0.1:99999", "http://[::1", "127.0.0.1:1"]
)
def test_an_address_without_a_class_is_said(home: Path, address: str) -> None:
    with pytest.raises(Unreachable, match="No class answers at"):
        join(home, address, "CODE", "", Progress(home / "progress.json"), print)
    assert not (home / JOINED).exists()


def test_a_wrong_code_is_said(home: Path, room: Room) -> None:
    with pytest.raises(UsageError, match=r"This is not the code of this class\."):
        join(home, room.address, "WRONG", "", Progress(home / "progress.json"), print)
    assert not (home / JOINED).exists()


def test_a_proxy_of_the_environment_is_not_asked(
    home: Path, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    joined(home, room)


def test_what_answers_otherwise_is_no_class(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkey = f"127.0.0.1:{server.getsockname()[1]}"
        server.settimeout(300)

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(10_000)
                connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n[1]")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(Unreachable):
            join(home, monkey, "CODE", "", Progress(home / "progress.json"), print)
        thread.join()


def test_the_class_is_told_how_long_ago_an_outcome_was(
    home: Path, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    joined(home, room)
    # The thread of the joining lab would send the outcomes below, too.
    until(lambda: not joining._sending)
    bodies: list[dict[str, Any]] = []
    monkeypatch.setattr(joining, "_sending", {home})
    for outcome in (FAILED, PASSED):
        checked(home, outcome)
    entries = waiting(home)
    moments = iter((entries[0]["at"] + 5.0,))
    monkeypatch.setattr(
        "labkit.classroom.joining.time.time", lambda: next(moments, entries[0]["at"] - 5.0)
    )

    def request(_address: str, _method: str, _path: str, body: Any, _key: str) -> tuple[int, Any]:
        bodies.append(body)
        return 200, {}

    monkeypatch.setattr(joining, "_request", request)
    asyncio.run(joining._send(home))
    assert [round(entry["ago"]) for entry in bodies[0]["outcomes"]] == [5, 5]
    assert waiting(home) == []
