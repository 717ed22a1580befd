"""Scores go back: each file as the system that imports it reads it, by the sources that the modules name."""

from __future__ import annotations

import csv
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from kube_embedded.tests.support.some import some
from labkit.grading.graders.stages import unreadable_result
from labkit.grading.intake.roster import Person, Roster
from labkit.grading.intake.submissions import Submission
from labkit.grading.judging.result import FAILED, Result
from labkit.grading.reports.gradebooks import write_gradebooks
from labkit.grading.reports.scores import write_all

EXERCISES = ("ex4-roles", "ex6-final")


def result(learner: str, exercise: str = "ex4-roles", points: float = 1.5) -> Result:
    """A result with these points in its first task."""
    made = unreadable_result(Submission(learner, exercise, Path("x")), "root", "")
    first = replace(made.score.tasks[0], points=points)
    return replace(
        made, ended="done", score=replace(made.score, tasks=(first, *made.score.tasks[1:]))
    )


def rows(path: Path) -> list[list[str]]:
    """The cells of a table."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def canvas_reads(path: Path, known: dict[str, str]) -> dict[str, dict[str, str]]:
    """What Canvas' importer understands: by student, the score of each assignment.

    Args:
        path: The file.
        known: Its students: the number or name by which each of them can be found, and who it is.
    """
    heading, *rest = rows(path)
    assert "Student" in heading[0]
    assert "ID" in heading[1]
    assert heading[2:4] == ["SIS User ID", "SIS Login ID"]
    assert "Section" in heading[4]  # the last column before the assignments
    students = [row for row in rest if "Points Possible" not in row[0]]
    assert len(rest) - len(students) == 1
    found = {}
    for row in students:
        who = next(known[cell] for cell in (row[1], row[2], row[3], row[0]) if cell in known)
        found[who] = dict(zip(heading[5:], row[5:], strict=True))
    return found


def test_canvas_finds_students_and_assignments(tmp_path: Path) -> None:
    people = {
        "s01": Person("s01", "Ann Lee", "ann@x.edu", {"canvas": "11"}, {"id": "s01"}),
        "s02": Person("s02", "Müller, Zoë", row={"id": "s02"}),
        "kimmin": Person("kimmin", "kimmin", numbers={"canvas": "13"}),
    }
    results = [
        result("s01"),
        result("s01", "ex6-final", 0.25),
        result("s02", points=0),
        result("kimmin"),
        result("dan"),
    ]
    write_gradebooks(results, people, tmp_path, {})
    known = {"11": "Ann", "s02": "Zoë", "13": "Kim", "dan": "Dan"}
    assert canvas_reads(tmp_path / "canvas.csv", known) == {
        "Ann": {"ex4-roles": "1.5", "ex6-final": "0.25"},
        "Zoë": {"ex4-roles": "0", "ex6-final": ""},
        "Kim": {"ex4-roles": "1.5", "ex6-final": ""},
        "Dan": {"ex4-roles": "1.5", "ex6-final": ""},
    }
    assert rows(tmp_path / "canvas.csv")[1][0].strip() == "Points Possible"
    assert rows(tmp_path / "canvas.csv")[1][5] == f"{result('x').score.most:g}"
    assert rows(tmp_path / "canvas.csv")[4][2] == ""  # a name that Canvas wrote is nobody's number


def test_canvas_own_export_comes_back_with_its_cells(tmp_path: Path) -> None:
    table = tmp_path / "roster.csv"
    table.write_text(
        'Student,ID,SIS User ID,SIS Login ID,Section\n    Points Possible,,,,\n"Lee, Ann",11,0017,ann17,Lab A\n'
    )
    write_gradebooks([result("ann17")], Roster(table).people, tmp_path, {})
    assert rows(tmp_path / "canvas.csv")[2] == ["Lee, Ann", "11", "0017", "ann17", "Lab A", "1.5"]


def test_moodles_worksheet_has_what_its_import_needs(tmp_path: Path) -> None:
    people = {"s01": Person("s01", "Ann Lee", "ann@x.edu", {"moodle": "101"}, {"id": "s01"})}
    write_gradebooks([result("s01"), result("s01", "ex6-final")], people, tmp_path, {})
    for exercise in EXERCISES:
        heading, row = rows(tmp_path / "moodle" / f"{exercise}.csv")
        cells = dict(zip(heading, row, strict=True))
        assert {"Identifier", "Grade", "Last modified (grade)"} <= set(cells)
        assert cells["Identifier"].removeprefix("Participant ") == "101"
        assert (cells["Grade"], cells["Email address"], cells["ID number"]) == (
            "1.5",
            "ann@x.edu",
            "s01",
        )


def test_a_participant_without_an_id_number_gets_none(tmp_path: Path) -> None:
    table = tmp_path / "roster.csv"
    table.write_text(
        "Identifier,Full name,ID number,Email address\nParticipant 7,Ann Lee,,ann@x.edu\n"
    )
    write_gradebooks([result("ann@x.edu")], Roster(table).people, tmp_path, {})
    assert rows(tmp_path / "moodle" / "ex4-roles.csv")[1][:4] == [
        "Participant 7",
        "Ann Lee",
        "",
        "ann@x.edu",
    ]


def test_what_the_grader_failed_at_changes_no_gradebook(tmp_path: Path) -> None:
    """An empty cell changes nothing; a zero would be a score."""
    failed = replace(result("ann"), ended=FAILED)
    write_gradebooks([failed, result("bob")], {}, tmp_path, {})
    assert [row[5] for row in rows(tmp_path / "canvas.csv")[2:]] == ["", "1.5"]
    assert [row[1] for row in rows(tmp_path / "moodle" / "ex4-roles.csv")[1:]] == ["bob"]
    write_all([result("ann")], tmp_path)
    assert (tmp_path / "gradescope" / "ann" / "ex4-roles.json").exists()
    write_all([failed], tmp_path)
    for system in ("gradescope", "prairielearn"):
        assert not (tmp_path / system / "ann" / "ex4-roles.json").exists()


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_name_is_no_formula(start: str, tmp_path: Path) -> None:
    name = f"{start}cmd|' /C calc'!A0"
    people = {
        "s01": Person(
            "s01", name, f"{start}m@x.edu", {"canvas": "1"}, {"section": name, "sis user id": name}
        )
    }
    write_gradebooks([result("s01")], people, tmp_path, {})
    cells = [cell for path in tmp_path.rglob("*.csv") for row in rows(path) for cell in row]
    assert sum(cell.startswith("'" + start) for cell in cells) == 5
    assert not [cell for cell in cells if cell.startswith(start)]


def test_gradescope_gets_what_its_specification_names(tmp_path: Path) -> None:
    """https://gradescope-autograders.readthedocs.io/en/latest/specs/"""
    write_all([result("ann")], tmp_path)
    document = json.loads((tmp_path / "gradescope" / "ann" / "ex4-roles.json").read_text())
    top = {
        "score",
        "execution_time",
        "output",
        "output_format",
        "visibility",
        "stdout_visibility",
        "extra_data",
        "tests",
    }
    assert set(document) <= top
    assert isinstance(document["score"], float)
    assert isinstance(document["output"], str)
    assert document["visibility"] in ("hidden", "after_due_date", "after_published", "visible")
    each = {
        "score",
        "max_score",
        "status",
        "name",
        "number",
        "output",
        "tags",
        "visibility",
        "extra_data",
    }
    for test in some(document["tests"]):
        assert set(test) <= each
        assert test.get("status", "passed") in ("passed", "failed")
        assert 0 <= test["score"] <= test["max_score"]
    assert sum(test["score"] for test in document["tests"]) == document["score"]


def test_prairielearn_gets_what_its_documentation_names(tmp_path: Path) -> None:
    """https://docs.prairielearn.com/externalGrading/#grading-results"""
    bad = unreadable_result(
        Submission("bob", "ex4-roles", Path("x")), "root", "it is no notebook (ValueError)"
    )
    write_all([result("ann"), bad], tmp_path)
    good, unreadable = (
        json.loads((tmp_path / "prairielearn" / who / "ex4-roles.json").read_text())
        for who in ("ann", "bob")
    )
    assert good["gradable"] is True
    assert "format_errors" not in good
    assert 0.0 <= good["score"] <= 1.0
    for test in some(good["tests"]):
        assert set(test) <= {
            "name",
            "description",
            "points",
            "max_points",
            "message",
            "output",
            "images",
        }
    assert unreadable["gradable"] is False
    assert unreadable["format_errors"] == ["it is no notebook (ValueError)"]
    path = tmp_path / "prairielearn" / "ann" / "ex4-roles.json"
    assert path.stat().st_size < 1 << 20


def test_feedback_goes_back_as_each_system_takes_it(tmp_path: Path) -> None:
    people = {
        "s01": Person("s01", "Ann_Lee/x", "ann@x.edu", {"moodle": "101", "canvas": "11"}),
        "s02": Person("s02", "Bob"),
    }
    entries = {
        ("s01", "ex4-roles"): Submission(
            "s01", "ex4-roles", Path("x"), "annlee_LATE_11_345_ex4-roles-1.ipynb", version=345
        )
    }
    results = [replace(result("s01"), note="It is late."), result("s02")]
    write_all(results, tmp_path)
    write_gradebooks(results, people, tmp_path, entries)
    with zipfile.ZipFile(tmp_path / "moodle" / "ex4-roles-feedback.zip") as archive:
        (name,) = archive.namelist()
        assert archive.read(name) == (tmp_path / "feedback" / "s01.html").read_bytes()
    parts = name.partition("/")[0].split("_")
    assert parts == ["Ann Lee x", "101", "assignfeedback", "file", ""]
    with zipfile.ZipFile(tmp_path / "canvas" / "ex4-roles-feedback.zip") as archive:
        assert archive.namelist() == ["annlee_LATE_11_345_feedback.html"]
    heading, row, _ = rows(tmp_path / "moodle" / "ex4-roles.csv")
    assert heading[-1] == "Feedback comments"
    assert row[-1].splitlines()[:2] == ["It is late.", "4.1 A reader: 1.5 of 2"]
    write_gradebooks(results, {}, tmp_path, {})
    assert not (tmp_path / "canvas" / "ex4-roles-feedback.zip").exists()


def test_a_comment_says_why_a_notebook_was_not_graded_to_its_end(tmp_path: Path) -> None:
    unreadable = unreadable_result(
        Submission("s01", "ex4-roles", Path("x")), "root", "It is no notebook."
    )
    write_gradebooks([unreadable, replace(result("s02"), ended="time limit")], {}, tmp_path, {})
    _, first, second = rows(tmp_path / "moodle" / "ex4-roles.csv")
    assert first[-1].splitlines()[0] == "It could not be graded: It is no notebook."
    assert second[-1].splitlines()[0].startswith("The notebook was ended: time limit.")


@pytest.mark.parametrize(
    ("headings", "column"),
    [
        ("Exercise 4 (8812),Exercise 14 (1),Exercise 5 (2)", "Exercise 4 (8812)"),
        ("ex4-roles (77)", "ex4-roles (77)"),
        ("Exercise 4,Exercise 40 (3)", "ex4-roles"),
        ("Exercise 4 (1),Exercise 4: roles (2)", "ex4-roles"),
    ],
)
def test_canvas_own_assignment_is_filled(headings: str, column: str, tmp_path: Path) -> None:
    """Canvas finds an assignment by the number in parentheses."""
    table = tmp_path / "roster.csv"
    table.write_text(
        f"Student,ID,SIS User ID,SIS Login ID,Section,{headings}\nAnn,11,s01,ann,A,,,\n"
    )
    write_gradebooks([result("ann")], Roster(table).people, tmp_path, {})
    assert rows(tmp_path / "canvas.csv")[0][5:] == [column]
