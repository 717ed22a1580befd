"""Notebooks that write results for themselves, into the file from which an interrupted run resumes."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit.cli import run as run_labkit
from labkit.core.home import home_path
from labkit.grading.graders.grader import Grader
from labkit.grading.judging.result import Result
from labkit.grading.reports.result_store import KEY_FILE, STORED, ResultStore
from labkit.grading.session import GradingSession, SessionOptions
from labkit.grading.walls import isolation
from tests.grading.conftest import SHORT
from tests.grading.reports.test_overrides import FixedGrader
from tests.grading.support import solved_cells, submit, weaken

EXERCISE = "ex4-roles"
EMPTY = ["1"]


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> Iterator[Grader]:
    """An entered grader that builds no walls."""
    weaken(monkeypatch, "namespaces")
    with Grader(limits=SHORT, slots=1) as grader:
        assert grader.level == "plain"
        yield grader


def points(results: list[Result]) -> dict[str, float]:
    """What each learner has."""
    return {result.learner: result.score.points for result in results}


def not_yours(session: GradingSession) -> int:
    """How many results were stored by somebody else than this user's grader."""
    return session._store.unsigned


def lines(out: Path) -> list[dict[str, object]]:
    """The stored results."""
    return [json.loads(line) for line in (out / STORED).read_text().splitlines() if line]


def test_a_result_that_somebody_changed_is_not_used(grader: Grader, tmp_path: Path) -> None:
    folder, out = tmp_path / "s", tmp_path / "out"
    submit(folder, "eve", EXERCISE, EMPTY)
    submit(folder, "ann", EXERCISE, solved_cells(EXERCISE, "ann"))
    GradingSession(folder, out).run(grader, lambda _result: None)
    session = GradingSession(folder, out)
    assert (session.ungraded, not_yours(session)) == ([], 0)
    changed = [
        line.replace('"points": 0.0', '"points": 2.0') if '"eve"' in line else line
        for line in (out / STORED).read_text().splitlines()
    ]
    (out / STORED).write_text("\n".join(changed))
    session = GradingSession(folder, out)
    assert not_yours(session) == 1
    assert [entry.learner for entry in session.ungraded] == ["eve"]
    assert points(session.run(grader, lambda _result: None))["eve"] == 0


@pytest.mark.parametrize("signature", [None, "", "0" * 64, 7, ["x"], "ä"])
def test_a_line_without_its_signature_is_not_used(
    signature: object, grader: Grader, tmp_path: Path
) -> None:
    folder, out = tmp_path / "s", tmp_path / "out"
    submit(folder, "eve", EXERCISE, EMPTY)
    GradingSession(folder, out).run(grader, lambda _result: None)
    (line,) = lines(out)
    line.pop("signature")
    if signature is not None:
        line["signature"] = signature
    (out / STORED).write_text(json.dumps(line))
    assert not_yours(GradingSession(folder, out)) == 1


def test_anothers_signature_and_that_of_another_submission_are_not_good(
    grader: Grader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, out = tmp_path / "s", tmp_path / "out"
    submit(folder, "eve", EXERCISE, EMPTY)
    GradingSession(folder, out).run(grader, lambda _result: None)
    (line,) = lines(out)
    (out / STORED).write_text(json.dumps({**line, "digest": "0" * 64}))
    assert not_yours(GradingSession(folder, out)) == 1
    (out / STORED).write_text(json.dumps(line))
    monkeypatch.setenv("LABKIT_HOME", str(tmp_path / "other"))
    assert not_yours(GradingSession(folder, out)) == 1


def test_a_home_that_cannot_be_used_keeps_nobody_from_grading(
    grader: Grader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home").touch()
    monkeypatch.setenv("LABKIT_HOME", str(tmp_path / "home"))
    submit(tmp_path / "s", "ann", EXERCISE, solved_cells(EXERCISE, "ann"))
    assert (
        GradingSession(tmp_path / "s", tmp_path / "out").run(grader, lambda _result: None)[0].passed
    )
    assert GradingSession(tmp_path / "s", tmp_path / "out").ungraded


def test_a_store_without_results_can_be_cleared(tmp_path: Path) -> None:
    store = ResultStore(tmp_path)
    store.clear()
    assert list(store.read()) == []
    store.forget({("ann", "ex4-roles")})
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_key_is_replaced(tmp_path: Path) -> None:
    ResultStore(tmp_path)
    key = home_path() / KEY_FILE
    assert key.stat().st_mode & 0o777 == 0o600
    key.write_text("no key")
    ResultStore(tmp_path)
    assert len(key.read_text()) == 64


@pytest.mark.slow
def test_without_walls_a_notebook_can_write_results_and_nobody_believes_them(
    plain: Grader, grader: Grader, tmp_path: Path
) -> None:
    """It changes those of an earlier walled run, too; it can read all files of the grader's user, but no key."""
    key = home_path() / KEY_FILE
    earlier, now = tmp_path / "earlier", tmp_path / "now"
    submit(tmp_path / "walled", "eve", EXERCISE, EMPTY)
    submit(tmp_path / "walled", "ann", EXERCISE, solved_cells(EXERCISE, "ann"))
    GradingSession(tmp_path / "walled", earlier).run(grader, lambda _result: None)
    forge = f"""
import json, pathlib
print("key", pathlib.Path({str(key)!r}).exists())
for folder in ({str(earlier)!r}, {str(now)!r}):
    path = pathlib.Path(folder)
    line = json.loads(next(line for line in open({str(earlier / STORED)!r}) if '"eve"' in line))
    for task in line["result"]["score"]["tasks"]:
        task["points"] = task["most"]
    with open(path / {STORED!r}, "a") as file:
        file.write(json.dumps(line) + "\\n")
    (path / "scores.csv").write_text("learner,points\\neve,8\\n")
"""
    submit(tmp_path / "plain", "eve", EXERCISE, [forge])
    results = GradingSession(tmp_path / "plain", now).run(plain, lambda _result: None)
    assert "key False" in results[0].output, results[0].output
    assert points(results) == {"eve": 0}
    assert next(csv.DictReader((now / "scores.csv").read_text().splitlines()))["points"] == "0"
    again = GradingSession(tmp_path / "plain", now)
    assert len(again.ungraded) == 1
    assert not_yours(again) == 1
    resumed = GradingSession(tmp_path / "walled", earlier)
    assert not_yours(resumed) == 1
    assert points(resumed.finish()) == {"ann": 8, "eve": 0}


@pytest.mark.slow
def test_without_walls_results_stay_in_memory(plain: Grader, tmp_path: Path) -> None:
    """Nothing that ran without walls is taken up again."""
    submit(tmp_path / "s", "ann", EXERCISE, solved_cells(EXERCISE, "ann"))
    key = home_path() / KEY_FILE
    session = GradingSession(tmp_path / "s", tmp_path / "out")
    before = key.read_text()
    assert session.run(plain, lambda _result: None)[0].passed
    assert key.read_text() == before
    assert not (tmp_path / "out" / STORED).exists()
    assert GradingSession(tmp_path / "s", tmp_path / "out").ungraded


@pytest.mark.slow
def test_without_walls_others_code_is_refused_unless_one_trusts_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    weaken(monkeypatch, "namespaces")
    monkeypatch.setattr(isolation, "strongest_level", lambda: "plain")
    monkeypatch.setattr(
        "labkit.grading.pools.pool.pool_for", lambda *_, **__: Grader(slots=1, limits=SHORT)
    )
    submit(tmp_path / "s", "ann", EXERCISE, solved_cells(EXERCISE, "ann"))
    command = ["grade", str(tmp_path / "s"), "--out", str(tmp_path / "out")]
    assert run_labkit(command) == 2
    said = capsys.readouterr().err
    assert "There are no walls around a learner's code on this platform" in said
    assert "--trust" in said
    assert not (tmp_path / "out" / "scores.csv").exists()
    assert run_labkit([*command, "--trust"]) == 0
    assert "1 graded, 1 with full marks" in capsys.readouterr().out


@pytest.mark.slow
def test_results_that_are_not_ones_own_are_said(
    grader: Grader, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out = tmp_path / "s", tmp_path / "out"
    submit(folder, "eve", EXERCISE, EMPTY)
    GradingSession(folder, out).run(grader, lambda _result: None)
    (line,) = lines(out)
    (out / STORED).write_text(json.dumps({**line, "signature": ""}))
    assert run_labkit(["grade", str(folder), "--out", str(out), "--places", "1"]) == 0
    assert "Not yours: 1 stored results; they are graded again." in capsys.readouterr().err


class TestDamaged:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        """A class of two that is graded."""
        for learner in ("ann", "bob"):
            submit(tmp_path / "s", learner, "ex4-roles", ["1"])
        GradingSession(tmp_path / "s", tmp_path / "out").run(FixedGrader(), lambda _: None)
        return tmp_path

    @pytest.mark.parametrize(
        "line", ["[" * 100_000, "no JSON", "[1]", '{"digest": "x", "result": []}', "\x00\ufffd"]
    )
    def test_a_damaged_line_is_named_and_left_out(self, line: str, folder: Path) -> None:
        stored = folder / "out" / STORED
        stored.write_text(f"{line}\n{stored.read_text()}")
        again = GradingSession(folder / "s", folder / "out")
        assert not again.ungraded
        assert "Not used: 1 stored results that are damaged, or behind a link." in list(
            again.warnings()
        )

    def test_a_line_that_an_interruption_cut_off_is_not_named(self, folder: Path) -> None:
        stored = folder / "out" / STORED
        stored.write_text(stored.read_text()[:-20])
        again = GradingSession(folder / "s", folder / "out")
        assert len(again.ungraded) == 1
        assert "damaged" not in "".join(again.warnings())

    def test_a_link_is_not_followed(self, folder: Path) -> None:
        stored, other = folder / "out" / STORED, folder / "theirs"
        stored.rename(other)
        stored.symlink_to(other)
        before = other.read_bytes()
        again = GradingSession(folder / "s", folder / "out", SessionOptions(regrade=True))
        assert "Not used: 1 stored results" in "".join(again.warnings()) or again.ungraded
        again.run(FixedGrader(), lambda _: None)
        assert other.read_bytes() == before
        assert not stored.is_symlink()
