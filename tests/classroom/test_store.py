"""A class's data survives a kill, and unusable data is refused with a message."""

from __future__ import annotations

import signal
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from labkit.classroom import store as stores
from labkit.classroom.limits import Refusal
from labkit.classroom.questions import find
from labkit.classroom.store import Store, delete
from labkit.core.errors import HomeError, NotRunning
from tests.classroom.room import key

KILLED = """
import os, pathlib, signal, sys
from labkit.classroom.questions import own
from labkit.classroom.store import Store
store = Store(pathlib.Path(sys.argv[1]))
store.join("a" * 32, "Ada")
outcome = {"number": 1, "step": "W1", "state": "passed", "kind": "", "guess": "", "at": 5.0}
store.add_outcomes(store.learner("a" * 32), [outcome])
store.vote(store.ask(own("Yes?", ["yes", "no"], 0)), 1, "b" * 32, 1)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "class" / "class.db"


def passed(number: int, step: str = "W1", **other: Any) -> dict[str, Any]:
    return {
        "number": number,
        "step": step,
        "state": "passed",
        "kind": "",
        "guess": "",
        "at": 5.0,
        **other,
    }


def test_a_killed_process_loses_nothing(path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    store = Store(path)
    assert [learner["name"] for learner in store.rows("learners", "id")] == ["Ada"]
    assert [row["step"] for row in store.rows("outcomes")] == ["W1"]
    assert [asked["rounds"] for asked in store.asked()] == [[[0, 1], [0, 0]]]
    store.close()


def test_a_second_process_is_refused_in_words(path: Path) -> None:
    store = Store(path)
    with pytest.raises(HomeError, match=r"The class in .* cannot be used") as refused:
        Store(path)
    assert refused.value.why == "another process has it open"
    with pytest.raises(HomeError):
        delete(path)
    store.close()
    again = Store(path)
    assert again.code == store.code
    again.close()


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("PRAGMA user_version=7", "another labkit made it (layout 7, this one reads 1)"),
        ("PRAGMA application_id=5", "it is not a class of labkit"),
    ],
)
def test_another_version_is_refused_in_words(path: Path, statement: str, why: str) -> None:
    Store(path).close()
    database = sqlite3.connect(path)
    database.execute(statement)
    database.close()
    with pytest.raises(HomeError) as refused:
        Store(path)
    assert refused.value.why == why


def test_a_damaged_file_is_refused_in_words(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(HomeError) as refused:
        Store(path)
    assert refused.value.why == "file is not a database"


def test_only_its_owner_reads_it_and_keys_are_hashes(path: Path) -> None:
    store = Store(path)
    store.join(key(77), "Ada")
    store.vote(store.ask(find("W17")), 1, key(78), 0)
    files = list(path.parent.iterdir())
    assert {file.name for file in files} >= {"class.db", "class.db-wal"}
    for file in files:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert key(77).encode() not in file.read_bytes()
        assert key(78).encode() not in file.read_bytes()
    store.close()


def test_a_full_disk_refuses_what_is_new_and_keeps_what_was(path: Path) -> None:
    store = Store(path)
    store.join(key(1), "Ada")
    pages = store._one("PRAGMA page_count")
    store._database.execute(f"PRAGMA max_page_count={pages}")

    def fill() -> None:
        for number in range(2, 2000):
            store.join(key(number), "x" * 40)

    with pytest.raises(Refusal, match="disk"):
        fill()
    kept = len(store.rows("learners", "id"))
    store._database.execute("PRAGMA max_page_count=100000")
    store.join(key(5000), "Grace")
    names = [learner["name"] for learner in store.rows("learners", "id")]
    assert (names[0], names[-1], len(names)) == ("Ada", "Grace", kept + 1)
    store.close()


def test_a_pass_stays_and_somebody_is_stuck_since_the_first_failure(path: Path) -> None:
    store = Store(path)
    store.join(key(1), "")
    learner = store.learner(key(1))
    assert learner is not None
    fail = {"state": "failed", "kind": "verb-added"}
    store.add_outcomes(
        learner, [passed(1, "W16", **fail, at=10.0), passed(2, "W16", **fail, at=20.0)]
    )
    (row,) = store.rows("outcomes")
    assert (row["state"], row["kind"], row["tries"], row["since"], row["at"]) == (
        "failed",
        "verb-added",
        2,
        10.0,
        20.0,
    )
    store.add_outcomes(learner, [passed(3, "W16", at=30.0), passed(4, "W16", **fail, at=40.0)])
    (row,) = store.rows("outcomes")
    assert (row["state"], row["kind"], row["since"]) == ("passed", "", 30.0)
    assert [slip["kind"] for slip in store.rows("slips")] == ["verb-added"]
    store.close()


def test_what_a_lab_sends_twice_counts_once(path: Path) -> None:
    store = Store(path)
    store.join(key(1), "")
    learner = store.learner(key(1))
    assert learner is not None
    for _ in range(2):
        store.add_outcomes(learner, [passed(2, "W2"), passed(1, "W1")])
    assert [(row["step"], row["tries"]) for row in store.rows("outcomes", "step")] == [
        ("W1", 1),
        ("W2", 1),
    ]
    store.close()


def test_the_class_is_bounded(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MAX_LEARNERS", "MAX_QUESTIONS", "MAX_VOTERS"):
        monkeypatch.setattr(stores, name, 2)
    store = Store(path)
    for number in (1, 2, 1):
        store.join(key(number), "")
    with pytest.raises(Refusal, match="full"):
        store.join(key(3), "")
    store.ask(find("W17"))
    question = store.ask(find("W16"))
    with pytest.raises(Refusal, match="full"):
        store.ask(find("W15"))
    for number in (1, 2, 1):
        store.vote(question, 1, key(number), number)
    with pytest.raises(Refusal, match="full"):
        store.vote(question, 1, key(3), 0)
    current = store.current()
    assert current is not None
    assert current["rounds"] == [[0, 1, 1], [0, 0, 0]]
    store.close()


def test_a_voter_cannot_be_followed_from_question_to_question(path: Path) -> None:
    store = Store(path)
    for source in ("W17", "W16"):
        question = store.ask(find(source))
        store.vote(question, 1, key(1), 0)
        store.vote(question, 2, key(1), 0)
    voters = [(row["question"], row["voter"]) for row in store.rows("votes")]
    assert len(voters) == 4
    assert len(set(voters)) == len({voter for _, voter in voters}) == 2
    store.close()


def test_a_deleted_class_is_gone(path: Path) -> None:
    store = Store(path)
    code = store.code
    store.close()
    delete(path)
    assert list(path.parent.iterdir()) == []
    with pytest.raises(NotRunning):
        delete(path)
    again = Store(path)
    assert again.code != code
    again.close()
