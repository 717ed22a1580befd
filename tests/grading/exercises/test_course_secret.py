"""A course's secret: names that nobody can compute without a learner's code, and a secret that stays one."""

from __future__ import annotations

import asyncio
import csv
import json
import os
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from labkit import Lab, exercise
from labkit.cli import run as run_labkit
from labkit.core.errors import UsageError
from labkit.grading.exercises.course_secret import (
    FILE,
    CourseSecret,
    make_secret,
    read_secret,
    seed_name,
)
from labkit.grading.graders.grader import Grader
from labkit.grading.intake.intake import Intake
from labkit.grading.intake.submissions import find
from labkit.grading.nbgrader import course as nbgrader_course
from labkit.grading.nbgrader.checker import Checker
from labkit.grading.session import GradingSession, SessionOptions
from labkit.grading.tasks import find_exercise
from labkit.grading.tasks.seed import Seed
from tests.grading.independent_solutions import independent
from tests.grading.support import solved_cells, submit

SECRET = CourseSecret(bytes(range(32)))
OTHER = CourseSecret(bytes(32))
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def test_a_code_is_short_and_belongs_to_one_learner_and_course() -> None:
    codes = {SECRET.code(f"s{number}") for number in range(500)} | {
        OTHER.code(f"s{number}") for number in range(500)
    }
    assert len(codes) == 1000
    assert {len(code) for code in codes} == {12}
    assert set("".join(codes)) <= {*ALPHABET, "-"}
    assert SECRET.code("Zoë Müller") == SECRET.code("Zoe\u0308_Mu\u0308ller")


def test_names_depend_on_the_code() -> None:
    names = {
        Seed(name).name("hall")
        for name in ("ann", *(seed_name("ann", each.code("ann")) for each in (SECRET, OTHER)))
    }
    assert len(names) == 3
    assert seed_name("ann") == seed_name("ann", " ") == "ann"


def test_a_code_may_be_typed_carelessly() -> None:
    code = SECRET.code("ann")
    careless = code.lower().replace("-", " ").replace("o", "0").replace("i", "1").replace("b", "8")
    assert seed_name("ann", careless) == seed_name("ann", code)


def test_a_mistyped_code_and_anothers_are_told_at_once() -> None:
    code = SECRET.code("ann")
    wrong = [
        code[:place] + each + code[place + 1 :]
        for place in range(len(code))
        for each in ALPHABET
        if code[place] not in (each, "-")
    ]
    wrong += [SECRET.code(f"s{number}") for number in range(200)]
    wrong += [code[:-1], code[:4], f"{code}A", "no code"]
    assert sum(is_refused("ann", each) for each in wrong) >= len(wrong) - 3
    with pytest.raises(UsageError, match="This is not the code of ann") as caught:
        seed_name("ann", SECRET.code("bob"))
    assert SECRET.code("bob") not in str(caught.value)


def is_refused(learner: str, code: str) -> bool:
    """Whether a code is told to be wrong."""
    try:
        seed_name(learner, code)
    except UsageError:
        return True
    return False


def test_the_secret_is_made_once_and_is_its_owners(tmp_path: Path) -> None:
    assert read_secret(tmp_path) is None
    assert make_secret(tmp_path)[1]
    before = (tmp_path / FILE).read_text()
    assert oct((tmp_path / FILE).stat().st_mode & 0o777) == "0o600"
    assert not make_secret(tmp_path)[1]
    assert (tmp_path / FILE).read_text() == before
    secret = read_secret(tmp_path)
    assert secret
    assert before.strip() not in f"{secret!r}{secret.fingerprint}{secret.code('ann')}"
    assert before[:8] not in f"{secret!r}{secret.fingerprint}"


@pytest.mark.skipif(
    os.name != "posix", reason="modes are POSIX'; the next test covers damaged files everywhere"
)
def test_a_secret_that_others_may_read_is_refused(tmp_path: Path) -> None:
    make_secret(tmp_path)
    (tmp_path / FILE).chmod(0o640)
    with pytest.raises(UsageError, match="Others may read") as caught:
        read_secret(tmp_path)
    assert caught.value.todo == f"chmod 600 {tmp_path / FILE}"


@pytest.mark.parametrize("text", ["", "f00d", "z" * 65, "한글"])
def test_a_damaged_secret_is_no_other_secret(tmp_path: Path, text: str) -> None:
    make_secret(tmp_path)
    (tmp_path / FILE).write_text(text)
    with pytest.raises(UsageError, match="holds no secret"):
        read_secret(tmp_path)


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A course with a secret; ann solved her tasks, bob those that he computed without his code."""
    make_secret(tmp_path)
    secret = read_secret(tmp_path)
    assert secret
    seeded = seed_name("ann", secret.code("ann"))
    submit(tmp_path / "submitted", "ann", "ex4-roles", solved_cells("ex4-roles", seeded))
    submit(
        tmp_path / "submitted",
        "bob",
        "ex4-roles",
        [*solved_cells("ex4-roles", "bob"), independent(10, seeded)],
    )
    return tmp_path


def grade(course: Path, *words: str) -> dict[str, str]:
    """Grade it; points by learner."""
    out = course / "results"
    assert (
        run_labkit(["grade", str(course / "submitted"), "--out", str(out), "--places", "1", *words])
        == 0
    )
    return {
        row["learner"]: row["points"]
        for row in csv.DictReader((out / "scores.csv").read_text().splitlines())
    }


@pytest.mark.slow
def test_who_lacks_their_code_has_no_points(
    course: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    points = grade(course)
    most = sum(task.variant(Seed("ann")).max_points for task in find_exercise("ex4-roles").tasks)
    assert points == {"ann": f"{most:g}", "bob": "0"}
    said = capfd.readouterr()
    assert "Names depend on the course's secret." in said.err
    secret = read_secret(course)
    assert secret
    written = b"".join(
        path.read_bytes() for path in (course / "results").rglob("*") if path.is_file()
    ).decode()
    for hidden in (
        (course / FILE).read_text().strip(),
        secret.code("ann"),
        secret.code("ann").replace("-", "")[:8],
    ):
        assert hidden not in written + said.out + said.err
    assert secret.fingerprint in written
    (foreign,) = json.loads((course / "results" / "overview.json").read_text())["foreign"]
    assert (foreign["learner"], foreign["other"]) == ("bob", "ann")


@pytest.fixture
def at_hand(grader: Grader, monkeypatch: pytest.MonkeyPatch) -> None:
    """Grade with the grader of all tests, which is there already."""
    monkeypatch.setattr("labkit.grading.pools.pool.pool_for", lambda *_, **__: nullcontext(grader))


@pytest.mark.slow
@pytest.mark.usefixtures("at_hand")
def test_a_new_secret_has_everything_graded_again(
    course: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    grade(course)
    grade(course)
    assert "2 of 2 are graded already" in capfd.readouterr().err
    (course / FILE).unlink()
    points = grade(course)
    assert points["ann"] == "0"
    assert points["bob"] != "0"
    assert "the course has another secret" in capfd.readouterr().err


@pytest.mark.usefixtures("at_hand")
def test_a_secret_that_is_handed_in_is_none(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    submit(tmp_path / "submitted", "eve", "ex4-roles", solved_cells("ex4-roles", "eve"))
    make_secret(tmp_path / "submitted" / "eve")
    make_secret(tmp_path / "submitted")
    assert grade(tmp_path)["eve"] != "0"
    notebook = str(tmp_path / "submitted" / "eve" / "ex4-roles.ipynb")
    assert run_labkit(["grade", notebook, "--out", str(tmp_path / "o"), "--places", "1"]) == 0
    assert "secret" not in capfd.readouterr().err


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ('CODE = "{ann}"', ""),
        ('exercise(lab, "ex4-roles", ME, code="{small}")', ""),
        ('CODE = "{bob}"', "ann with another code"),
        ('status_code = "{bob}"; CODE = ""; code = "x"', ""),
    ],
)
def test_another_code_in_a_notebook_is_said(cell: str, said: str, tmp_path: Path) -> None:
    secret, _ = make_secret(tmp_path)
    ann, bob = secret.code("ann"), secret.code("bob")
    cells = [cell.format(ann=ann, bob=bob, small=ann.lower().replace("-", " "))]
    (entry,) = find(submit(tmp_path / "s", "ann", "ex4-roles", cells).parent.parent)
    options = SessionOptions(course=secret.fingerprint)
    session = GradingSession(Intake([replace(entry, code=ann)]), tmp_path / "o", options)
    assert session.inspections[entry.key].declared == said


@pytest.mark.usefixtures("at_hand")
def test_a_notebook_that_is_named_alone_is_not_graded_without_the_secret(
    course: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    grade(course)
    before = (course / "results" / "scores.csv").read_text()
    notebook = str(course / "submitted" / "ann" / "ex4-roles.ipynb")
    assert run_labkit(["grade", notebook, "--out", str(course / "results"), "--places", "1"]) == 2
    assert "--only LEARNER" in capfd.readouterr().err
    assert (course / "results" / "scores.csv").read_text() == before


def test_the_commands_make_it_and_print_codes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    roster = tmp_path / "roster.csv"
    roster.write_text("id;name;mail\nann;Ann A;ann@x.org\nb1;=Bob;\n", encoding="utf-8-sig")
    assert run_labkit(["course", "secret", str(tmp_path)]) == 0
    assert run_labkit(["course", "secret", str(tmp_path)]) == 0
    said = capsys.readouterr()
    secret = read_secret(tmp_path)
    assert secret
    assert said.out == ""
    assert said.err == f"{tmp_path / FILE}: made.\n{tmp_path / FILE}: was there, and stays.\n"
    assert run_labkit(["course", "secret", str(tmp_path), "--roster", str(roster)]) == 0
    assert list(csv.reader(capsys.readouterr().out.splitlines())) == [
        ["id", "name", "mail", "code"],
        ["ann", "Ann A", "ann@x.org", secret.code("ann")],
        ["b1", "'=Bob", "", secret.code("b1")],
    ]


def test_a_course_with_a_secret_asks_for_the_code(tmp_path: Path) -> None:
    make_secret(tmp_path)
    path = nbgrader_course.build(tmp_path)[0]
    sources = [cell["source"] for cell in json.loads(path.read_text())["cells"]]
    assert sources[1] == nbgrader_course.CODE
    assert 'open_paper("ex1-api-server", CODE)' in sources[2]
    assert "CODE" not in nbgrader_course.build(tmp_path / "without")[0].read_text()


def test_the_checker_derives_the_code(tmp_path: Path) -> None:
    async def ask() -> tuple[str, dict[str, object]]:
        checker = Checker(tmp_path / "ledger.jsonl", SECRET)
        opened = await checker.open("ann", "ex4-roles", tmp_path)
        checker.points(opened["ticket"], "4.1")
        await checker._close_all(checker.application())
        return opened["texts"]["4.1"], json.loads((tmp_path / "ledger.jsonl").read_text())

    text, line = asyncio.run(ask())
    assert Seed(seed_name("ann", SECRET.code("ann"))).name("hall") in text
    assert line["learner"] == "ann"


def test_a_learners_exercise_has_the_codes_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = SECRET.code("ann")
    lab = Lab("embedded", home=tmp_path / "home", say=lambda _line: None)
    try:
        with pytest.raises(UsageError, match="not the code of ann"):
            exercise(lab, "ex4-roles", "ann", SECRET.code("bob"))
        paper = exercise(lab, "ex4-roles", "ann", code=code).start()
        name = Seed(seed_name("ann", code)).name("hall")
        assert name in repr(paper.show("4.1"))
        assert lab.admin.get(f"/api/v1/namespaces/{name}").status == 200
        assert "for ann" in repr(paper)
        monkeypatch.setenv("LABKIT_COURSE_CODE", code)
        assert name in repr(exercise(lab, "ex4-roles", "ann").start().show("4.1"))
        monkeypatch.delenv("LABKIT_COURSE_CODE")
        with pytest.raises(UsageError, match="begun with another code, or without one"):
            exercise(lab, "ex4-roles", "ann").start()
        with pytest.raises(UsageError, match="begun by ann, not by bob"):
            exercise(lab, "ex4-roles", "bob").start()
    finally:
        lab.stop()
