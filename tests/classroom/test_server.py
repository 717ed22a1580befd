"""The room votes twice, the board shows it, and everybody can only reach their own data."""

from __future__ import annotations

import json
from contextlib import suppress
from http.client import HTTPConnection

import pytest

from kube_embedded.tests.support.some import some
from labkit.classroom import limits, server
from labkit.classroom.limits import Limits, Rate, Refusal, read_text
from tests.classroom.room import Room, key, outcome
from tests.support.course import TOTAL


def test_a_question_is_asked_twice_and_closed(room: Room) -> None:
    room.ask(source="W17")
    assert room.vote(1, 0)[0] == room.vote(2, 0)[0] == room.vote(3, 1)[0] == 200
    seen = room.public()
    assert (seen["stage"], seen["answers"], seen["options"][0]) == ("first", [3, 0], "200, allowed")
    assert not {"rounds", "right", "because"} & set(
        seen
    )  # others' choices and the right answer stay hidden
    room.do("stop")
    assert room.vote(4, 1)[1]["what"] == "This question takes no answers now."
    room.do("show")
    assert room.public()["rounds"] == [[2, 1, 0], [0, 0, 0]]
    room.do("again")
    assert "rounds" not in room.public()
    assert room.vote(1, 1, 1)[1] == {
        "what": "This round is over.",
        "todo": "Answer again: the next one has begun.",
    }
    assert room.vote(1, 1, 2)[0] == room.vote(2, 1, 2)[0] == room.vote(3, 0, 2)[0] == 200
    room.do("close")
    closed = room.public()
    assert closed["rounds"] == [[2, 1, 0], [1, 2, 0]]
    assert closed["right"] == 1
    assert closed["because"] == "Each verb is a right of its own. Who may read may not change."
    assert closed["wrong"]["option"] == 0
    assert closed["wrong"]["ideas"][0]["idea"] == "Who may list objects may also change them."
    assert room.vote(1, 1, 2)[0] == 409


def test_one_browser_has_one_vote_and_may_change_it(room: Room) -> None:
    room.ask(ask="Yes?", options=["yes", "no"])
    for choice in (0, 1, 0, 1):
        assert room.vote(1, choice)[0] == 200
    room.do("show")
    assert room.public()["rounds"][0] == [0, 1]


@pytest.mark.parametrize("choice", [2, -1, True, "0", None, 0.5, [0]])
def test_an_answer_that_is_none_is_refused(room: Room, choice: object) -> None:
    room.ask(ask="Yes?", options=["yes", "no"])
    assert room.vote(1, choice)[1]["what"] == "This answer cannot be chosen."
    assert room.public()["answers"] == [0, 0]


def test_the_next_question_closes_the_one_before(room: Room) -> None:
    first = room.ask(source="W16")
    assert room.ask(source="W17") == first + 1
    assert room.vote(1, 1, question=first)[0] == 409
    status, answer = room.call(
        "POST", "/teacher/question", {"question": first, "do": "show"}, room.store.teacher_key
    )
    assert (status, answer["todo"]) == (409, "Look at the board again.")


def test_an_old_or_mistyped_code_is_refused(room: Room) -> None:
    room.ask(source="W17")
    for answer in (room.vote(1, 1, code="ABCDEFGH"), room.join(1, code=None)):
        assert answer[0] == 403
        assert answer[1]["what"] == "This is not the code of this class."
    spaced = f" {room.store.code[:4].lower()} {room.store.code[4:]}"
    assert room.vote(1, 1, code=spaced)[0] == 200


def test_codes_cannot_be_guessed_one_after_the_other(room: Room) -> None:
    answers = [room.join(1, code=f"{number:08}")[0] for number in range(200)]
    assert set(answers) == {403, 429}
    assert room.join(1)[0] == 200  # who has the code is let in all the same


def test_only_the_board_s_key_opens_the_teacher_s_side(room: Room) -> None:
    paths = [
        ("GET", "/teacher/events"),
        ("GET", "/teacher/questions"),
        ("POST", "/teacher/ask"),
        ("POST", "/teacher/question"),
        ("DELETE", "/teacher/learners/1"),
        ("GET", "/teacher/everything"),
    ]
    room.join(1, "Ada")
    for method, path in paths:
        for wrong in ("", room.store.code, key(1), "é"):
            status, answer = room.call(method, path, {"source": "W17"}, wrong)
            assert status == 401, path
            assert answer["todo"] == "Open the board's link that labkit class start printed."
    assert room.seen()["question"] == {"id": 0}
    assert len(room.seen()["learners"]) == 1


def test_the_board_has_a_row_for_each_learner(room: Room) -> None:
    room.join(1, "Ada")
    room.join(2)
    assert (
        room.send(1, outcome(1, "W1"), outcome(2, "W2", "failed", "one-refusal-for-all", ago=120))[
            0
        ]
        == 200
    )
    seen = room.seen()
    ada, other = seen["learners"]
    assert (ada["name"], other["name"]) == ("Ada", "Learner 2")
    assert (ada["cells"][:3], set(other["cells"])) == ("pt-", {"-"})
    assert len(ada["cells"]) == len(seen["steps"]) == TOTAL
    assert (ada["stuck"]["step"], ada["stuck"]["mistake"]) == ("W2", "401 and 403 taken for one")
    assert 115 < seen["now"] - ada["stuck"]["since"] < 125 + 300
    (mistake,) = seen["mistakes"]
    assert (mistake["count"], mistake["step"]) == (1, "W2")
    assert mistake["say"].startswith("401 means that the server has no name for the caller.")
    assert "key" not in ada


def test_the_board_is_told_of_each_change(room: Room) -> None:
    with room.following("/teacher/events", room.store.teacher_key) as messages:
        assert next(messages)["learners"] == []
        room.join(1, "Ada")
        assert [each["name"] for each in next(messages)["learners"]] == ["Ada"]
        room.ask(source="W17")
        assert next(message for message in messages if message["question"]["id"])["question"][
            "answers"
        ] == [0, 0]
        room.vote(1, 1)
        assert next(messages)["question"]["answers"] == [1, 0]


def test_only_a_learner_s_own_key_changes_their_row(room: Room) -> None:
    room.join(1, "Ada")
    room.join(2, "Mallory")
    assert room.send(3, outcome(1, "W1"))[1]["what"] == "The class has no learner with this key."
    assert room.call("DELETE", "/api/learner", None, key(3))[0] == 401
    assert (
        room.call("POST", "/api/outcomes", {"outcomes": [outcome(1, "W1", learner=1)]}, key(2))[0]
        == 200
    )
    assert room.call("DELETE", "/api/learner", None, key(2))[0] == 200
    (ada,) = room.seen()["learners"]
    assert (ada["name"], set(ada["cells"])) == ("Ada", {"-"})


def test_who_leaves_is_deleted_with_everything(room: Room) -> None:
    room.join(1, "Ada")
    room.send(1, outcome(1, "W2", "failed", "one-refusal-for-all"))
    assert room.call("DELETE", "/api/learner", None, key(1)) == (200, {})
    assert room.teach("GET", "everything") == []
    assert room.call("DELETE", "/api/learner", None, key(1))[0] == 401


def test_the_teacher_removes_a_row(room: Room) -> None:
    room.join(1, "Mallory")
    (row,) = room.seen()["learners"]
    room.teach("DELETE", f"learners/{row['id']}")
    assert room.seen()["learners"] == []


@pytest.mark.parametrize(
    "sent",
    [
        outcome(1, "W99"),
        outcome(1, "A1"),
        outcome(1, "W1", "perfect"),
        outcome(1, "W1", "failed", "no-such-kind"),
        outcome(0, "W1"),
        outcome(2**60, "W1"),
        outcome(1, "W1", ago="soon"),
        outcome(1, "W1", ago=None),
        {"step": "W1"},
        "W1",
        None,
    ],
)
def test_what_is_no_outcome_is_refused(room: Room, sent: object) -> None:
    room.join(1)
    assert room.send(1, sent)[1]["what"] == "This is no outcome that this labkit knows."
    assert set(room.seen()["learners"][0]["cells"]) == {"-"}


def test_a_learner_s_clock_may_be_wrong(room: Room) -> None:
    room.join(1)
    fail = ("failed", "one-refusal-for-all")
    sent = [
        outcome(1, "W2", *fail, ago=-1e9),
        outcome(2, "W3", *fail, ago=1e18),
        outcome(3, "W4", *fail, ago=float("nan")),
    ]
    assert room.send(1, *sent)[0] == 200
    seen = room.seen()
    for row in some(row for row in room.teach("GET", "everything") if row["what"] == "outcome"):
        assert seen["now"] - server.MAX_AGO_SECONDS - 300 < row["at"] <= seen["now"]


def test_ten_thousand_joins_by_one_client_leave_places_for_others(room: Room) -> None:
    used = Limits()
    used.newcomers = room.classroom._limits.newcomers = Rate(1000, 1)
    taken = 0
    for number in range(10_000):
        with suppress(Refusal):
            used.check_newcomer("10.0.0.1", "labs", key(number))
            taken += 1
    assert taken == limits.MAX_PER_ADDRESS
    used.check_newcomer("10.0.0.2", "labs", key(1))
    used.check_newcomer("10.0.0.1", "labs", key(5))  # learners who have joined can join again
    statuses = [room.join(number)[0] for number in range(limits.MAX_PER_ADDRESS + 20)]
    assert (statuses.count(200), statuses.count(429)) == (limits.MAX_PER_ADDRESS, 20)
    assert room.join(5, "Ada")[1] == {"name": "Ada", "class": room.store.id}


def test_newcomers_of_one_address_are_slowed_down_and_others_are_not() -> None:
    used = Limits()
    for number in range(120):
        used.check_newcomer("10.0.0.1", "votes", key(number))
    with pytest.raises(Refusal):
        used.check_newcomer("10.0.0.1", "votes", key(121))
    used.check_newcomer("10.0.0.1", "votes", key(5))
    used.check_newcomer("10.0.0.2", "votes", key(121))


def test_many_answers_of_one_address_are_shown_and_can_be_left_out(room: Room) -> None:
    room.ask(ask="Yes?", options=["yes", "no"])
    for voter in range(60):
        room.vote(voter, 0)
    assert room.seen()["crowd"] == 0
    room.vote(60, 1)
    room.vote(61, 1)
    assert room.seen()["crowd"] == 62
    room.do("leave")
    assert (room.seen()["crowd"], room.public()["answers"]) == (0, [0, 0])
    room.vote(1, 1)
    room.do("stop")
    room.do("redo")
    assert (room.public()["stage"], room.public()["answers"]) == ("first", [0, 0])
    room.vote(1, 1)
    room.do("again")
    room.vote(1, 0, 2)
    room.do("redo")
    assert (room.public()["stage"], room.public()["answers"]) == ("second", [1, 0])
    room.do("close")
    room.do("leave")
    assert room.call("POST", "/teacher/question", {}, "x")[0] == 401


def test_equal_and_invisible_names_are_told_apart(room: Room) -> None:
    names = ["Ann", "Ann", "ann ", "Ａｎｎ", "\u115f\u3164", "Learner 5", "Learner 1"]
    given = [room.join(number, name)[1]["name"] for number, name in enumerate(names)]
    assert given == [
        "Ann",
        "Ann (2)",
        "ann (3)",
        "Ａｎｎ (4)",
        "Learner 5",
        "Learner 5 (2)",
        "Learner 1",
    ]
    assert room.join(0, "Ann")[1]["name"] == "Ann"
    assert room.join(1, "Bob")[1]["name"] == "Bob"


def test_the_board_is_no_guest(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_STREAMS", 2)
    with room.following("/api/events") as first, room.following("/api/events") as second:
        next(first)
        next(second)
        assert room.call("GET", "/api/events")[0] == 503
        assert room.seen()["question"] == {"id": 0}


def test_a_rate_is_a_burst_and_then_so_many_a_second() -> None:
    now = [0.0]
    rate = Rate(3, 2, clock=lambda: now[0])

    def granted() -> int:
        count = 0
        while True:
            try:
                rate.check("one", "too-fast")
            except Refusal:
                return count
            count += 1

    assert granted() == 3
    now[0] = 1.0
    assert granted() == 2
    now[0] = 1000.0
    assert granted() == 3
    rate.check("another", "too-fast")


def test_a_flood_of_one_lab_is_slowed_and_loses_nothing(room: Room) -> None:
    room.join(1)
    statuses = [room.send(1, outcome(number, "W1"))[0] for number in range(1, 200)]
    assert set(statuses) == {200, 429}


def test_a_long_name_is_refused_and_markup_is_text(room: Room) -> None:
    status, answer = room.join(1, "x" * 10_000)
    assert (status, answer["what"]) == (400, "The name is longer than 40 letters.")
    assert room.join(1, "<img src=x onerror=alert(1)>")[0] == 200
    assert room.seen()["learners"][0]["name"] == "<img src=x onerror=alert(1)>"
    assert read_text("  Ada\n\u202eLovelace\x00 ") == "Ada Lovelace"
    assert room.join(1, "y" * 40_000)[0] == 413
    assert room.join(1, "Ada \ud800")[1]["name"] == "Ada"
    assert room.send(1, outcome(1, "W1", guess="\ud800\u202e"))[0] == 200


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"[" * 10_000, b"\xff", b"1"])
def test_a_body_that_is_no_object_is_refused(room: Room, body: bytes) -> None:
    status, answer = room.call("PUT", "/api/vote", body)
    assert (status, answer["what"]) == (400, "The request has no JSON object.")


@pytest.mark.parametrize("wrong", ["", "abc", key(1).upper() + "G", "0" * 65, 7, None, ["0" * 32]])
def test_a_key_that_is_none_is_refused(room: Room, wrong: object) -> None:
    room.ask(source="W17")
    assert room.vote(1, 1, token=wrong)[1]["what"] == "The key is no key of a class."
    assert room.join(1, key=wrong)[1]["what"] == "The key is no key of a class."


def test_a_full_disk_is_said_to_the_room_and_on_the_board(room: Room) -> None:
    room.ask(source="W17")
    room.classroom._limits.newcomers = Rate(1000, 1)
    done = room.loop.call_soon_threadsafe

    def pages(most: str) -> None:
        room.store._database.execute(f"PRAGMA max_page_count={most}")

    done(pages, "1")
    answers = [room.join(number, "x" * 40) for number in range(1, 240)]
    refused = [answer for status, answer in answers if status == 507]
    assert (
        refused[0]["what"] == "The class cannot be written to the disk of the teacher's computer."
    )
    assert "Free some space" in room.seen()["trouble"]
    done(pages, "100000")
    assert room.join(999, "Ada")[0] == 200
    seen = room.seen()
    assert seen["trouble"] == ""
    assert len(seen["learners"]) == len(answers) - len(refused) + 1


def test_pages_need_nothing_of_another_origin(room: Room) -> None:
    for path in ("/", "/vote", "/board", "/class.css", "/class.js", "/vote.js", "/board.js"):
        status, text = room.call("GET", path)
        assert status == 200
        assert "://" not in text
        assert room.store.teacher_key not in text
        assert room.store.code not in text
    for path in ("/server.py", "/vote/../store.py", "/static/vote.js", "/site/index.html", "/x"):
        status, answer = room.call("GET", path)
        assert (status, answer["what"]) == (404, "There is nothing at this address.")


def test_the_headers_let_nothing_else_run(room: Room) -> None:
    with room.following("/api/events") as messages:
        next(messages)
    for path in ("/board", "/teacher/questions"):
        connection = HTTPConnection("127.0.0.1", room.port)
        connection.request("GET", path)
        answer = connection.getresponse()
        policy = str(answer.getheader("Content-Security-Policy"))
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
        assert "unsafe" not in policy
        assert answer.getheader("Cache-Control") == "no-store"
        connection.close()


def test_too_many_pages_of_one_client_are_refused(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_STREAMS_PER_ADDRESS", 1)
    with room.following("/api/events") as messages:
        next(messages)
        assert room.call("GET", "/api/events")[1]["what"] == "Too many pages follow the class."


def test_the_class_is_exported_as_it_is(room: Room) -> None:
    room.join(1, "=cmd()")
    room.send(1, outcome(1, "W2", "failed", "one-refusal-for-all", guess="forbidden"))
    room.ask(source="W17")
    room.vote(1, 0)
    rows = room.teach("GET", "everything")
    assert [row["what"] for row in rows] == ["outcome", "mistake", "question"]
    assert (rows[0]["name"], rows[0]["guess"], rows[2]["rounds"][0]) == (
        "=cmd()",
        "forbidden",
        [1, 0, 0],
    )
    assert key(1) not in json.dumps(rows)


def test_clients_of_the_last_minute_are_remembered_when_there_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "MAX_CLIENTS", 1)
    now = [0.0]
    rate = Rate(1, 0.0, clock=lambda: now[0])
    for moment, client in ((0.0, "old"), (50.0, "ann"), (70.0, "bob")):
        now[0] = moment
        rate.check(client, "too-fast")
    rate.check("old", "too-fast")
    with pytest.raises(limits.Refusal):
        rate.check("ann", "too-fast")
