from __future__ import annotations

import json
import threading
from pathlib import Path

from labkit.lessons.progress import MAX_RECORDS, Progress


def made(tmp_path: Path) -> Progress:
    return Progress(tmp_path / "progress.json", clock=lambda: 1000.0)


def test_the_first_guess_is_kept_beside_later_ones(tmp_path: Path) -> None:
    progress = made(tmp_path)
    progress.predict("w15", "allowed")
    progress.predict("W15", "forbidden")
    again = made(tmp_path)
    assert again.prediction("W15") == "forbidden"
    assert again.entry("W15")["first_guess"] == {"value": "allowed", "at": 1000.0}


def test_only_the_last_answers_are_kept(tmp_path: Path) -> None:
    progress = made(tmp_path)
    for number in range(MAX_RECORDS + 5):
        progress.record("W1", {"n": number})
    assert [record["n"] for record in progress.records("W1")] == list(range(5, MAX_RECORDS + 5))


def test_a_pass_is_never_taken_back(tmp_path: Path) -> None:
    progress = made(tmp_path)
    progress.mark("W15", "failed", seen="x")
    assert progress.state("W15") == "failed"
    progress.mark("W15", "passed", seen="y")
    progress.mark("W15", "failed", seen="z")
    entry = progress.entry("W15")
    assert (entry["state"], entry["seen"], entry["passed_at"], entry["attempts"]) == (
        "passed",
        "y",
        1000.0,
        3,
    )
    assert progress.passed("W15")
    assert progress.state("W1") == "not attempted"


def test_forgetting_one_step_or_all(tmp_path: Path) -> None:
    progress = made(tmp_path)
    progress.note("W1", hints=1)
    progress.note("W2", hints=2)
    progress.forget("w1")
    assert list(progress.all()) == ["W2"]
    progress.forget()
    assert progress.all() == {}


def test_two_notebooks_lose_nothing_of_each_other(tmp_path: Path) -> None:
    def write(name: str) -> None:
        own = made(tmp_path)
        for number in range(25):
            own.note(f"{name}{number}", hints=1)

    threads = [threading.Thread(target=write, args=(name,)) for name in ("A", "B")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made(tmp_path).all()) == 50


def test_a_damaged_file_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "progress.json").write_text('{"steps": [')
    progress = made(tmp_path)
    progress.predict("W1", "한국어")
    assert progress.prediction("W1") == "한국어"
    assert json.loads((tmp_path / "progress.json").read_text())["version"] == 1
