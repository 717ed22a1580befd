"""Scores as Canvas' and Moodle's gradebooks import them.

Canvas reads a heading that begins with ``Student`` and ``ID``, a row ``Points Possible``, and finds a student by
``ID``, ``SIS User ID``, ``SIS Login ID`` or name; an assignment by its title; an empty cell changes nothing
(https://github.com/instructure/canvas-lms/blob/master/lib/gradebook_importer.rb). Moodle's grading worksheet needs
``Identifier`` ("Participant 123"), ``Grade`` and ``Last modified (grade)``
(https://github.com/moodle/moodle/blob/main/mod/assign/feedback/offline/importgradeslib.php); its gradebook imports
the same file by ``ID number`` or ``Email address``.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from labkit.grading.intake.roster import Person
from labkit.grading.judging.result import FAILED, Result
from labkit.grading.reports.scores import safe_cell

CANVAS_COLUMNS = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]

MOODLE_COLUMNS = ["Identifier", "Full name", "ID number", "Email address", "Grade", "Last modified (grade)"]


def write_gradebooks(results: Sequence[Result], people: Mapping[str, Person], folder: Path) -> None:
    """Write ``canvas.csv``, and ``moodle/EXERCISE.csv`` for each exercise; what the grader failed at has no score."""
    scores = {result.key: f"{result.score.points:g}" for result in results if result.ended != FAILED}
    most = {result.exercise: f"{result.score.most:g}" for result in results}
    learners = {result.learner: people.get(result.learner, Person(result.learner)) for result in results}
    rows = [[*CANVAS_COLUMNS, *most], ["    Points Possible", "", "", "", "", *most.values()]]
    for learner, person in learners.items():
        rows.append([*_canvas(person), *(scores.get((learner, exercise), "") for exercise in most)])
    _write(folder / "canvas.csv", rows)
    for exercise in most:
        graded = [person for learner, person in learners.items() if (learner, exercise) in scores]
        cells = [[*_moodle(person), scores[person.id, exercise], ""] for person in graded]
        _write(folder / "moodle" / f"{exercise}.csv", [MOODLE_COLUMNS, *cells])


def _canvas(person: Person) -> list[str]:
    """The cells that say who it is; those of Canvas' own export, where that was the roster."""
    row = person.row
    numbers = [person.numbers.get("canvas", ""), row.get("sis user id", _number(person)), row.get("sis login id", "")]
    return [person.name or person.id, *numbers, row.get("section", "")]


def _moodle(person: Person) -> list[str]:
    number = person.numbers.get("moodle", "")
    identifier = person.row.get("identifier") or (f"Participant {number}" if number else "")
    number = person.row.get("id number", _number(person))
    return [identifier, person.name or person.id, number, person.mail]


def _number(person: Person) -> str:
    """The id, unless it is only a name that a system wrote."""
    return person.id if person.row or not person.numbers else ""


def _write(path: Path, rows: Iterable[Iterable[str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([safe_cell(cell) for cell in row] for row in rows)
