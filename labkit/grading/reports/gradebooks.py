"""Scores as Canvas' and Moodle's gradebooks import them, and feedback as their assignments do.

Canvas reads a heading that begins with ``Student`` and ``ID``, a row ``Points Possible``, and finds a student by
``ID``, ``SIS User ID``, ``SIS Login ID`` or name; an assignment by its title; an empty cell changes nothing
(https://github.com/instructure/canvas-lms/blob/master/lib/gradebook_importer.rb). Moodle's grading worksheet needs
``Identifier`` ("Participant 123"), ``Grade`` and ``Last modified (grade)``
(https://github.com/moodle/moodle/blob/main/mod/assign/feedback/offline/importgradeslib.php); its gradebook imports
the same file by ``ID number`` or ``Email address``.

Feedback files go back in a zip. Moodle finds the participant in ``Name_NUMBER_assignfeedback_file_/``
(https://github.com/moodle/moodle/blob/main/mod/assign/feedback/file/importziplib.php), Canvas the student and the
attempt in ``name_USER_FILE_…``, as it named the submission (``generate_comments_from_files`` in
https://github.com/instructure/canvas-lms/blob/master/app/models/assignment.rb).
"""

from __future__ import annotations

import csv
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from labkit.core.language import said
from labkit.grading.intake.roster import Person
from labkit.grading.intake.submissions import Submission
from labkit.grading.judging.result import FAILED, Result
from labkit.grading.reports.scores import safe_cell
from labkit.grading.tasks import find_exercise

CANVAS_COLUMNS = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]

MOODLE_COLUMNS = [
    "Identifier",
    "Full name",
    "ID number",
    "Email address",
    "Grade",
    "Last modified (grade)",
]

COMMENTS = "Feedback comments"
"""Moodle's name of the column for comments, where the assignment has them."""


def write_gradebooks(
    results: Sequence[Result],
    people: Mapping[str, Person],
    folder: Path,
    submissions: Mapping[tuple[str, str], Submission] | None = None,
) -> None:
    """Write ``canvas.csv``, ``moodle/EXERCISE.csv``, and a zip of feedback for each exercise and system.

    What the grader failed at has no score.
    """
    graded = {result.key: result for result in results if result.ended != FAILED}
    most = {result.exercise: f"{result.score.most:g}" for result in results}
    learners = {
        result.learner: people.get(result.learner, Person(result.learner)) for result in results
    }
    headings = {heading for person in people.values() for heading in person.row}
    rows = [[*CANVAS_COLUMNS, *(_column(exercise, headings) for exercise in most)]]
    rows.append(["    Points Possible", "", "", "", "", *most.values()])
    for learner, person in learners.items():
        points = [
            f"{graded[key].score.points:g}" if (key := (learner, exercise)) in graded else ""
            for exercise in most
        ]
        rows.append([*_canvas(person), *points])
    _write(folder / "canvas.csv", rows)
    for exercise in most:
        ours = [
            (learners[result.learner], result)
            for result in graded.values()
            if result.exercise == exercise
        ]
        cells = [
            [*_moodle(person), f"{result.score.points:g}", "", _comment(result)]
            for person, result in ours
        ]
        _write(folder / "moodle" / f"{exercise}.csv", [[*MOODLE_COLUMNS, COMMENTS], *cells])
        files: dict[str, dict[str, Path]] = {"moodle": {}, "canvas": {}}
        for person, _ in ours:
            page, entry = (
                folder / "feedback" / f"{person.id}.html",
                (submissions or {}).get((person.id, exercise)),
            )
            if "moodle" in person.numbers:
                files["moodle"][f"{_moodle_folder(person)}/feedback.html"] = page
            if entry and entry.version:
                files["canvas"][_canvas_file(entry)] = page
        for system, pages in files.items():
            _write_zip(folder / system / f"{exercise}-feedback.zip", pages)


def _column(exercise: str, headings: Iterable[str]) -> str:
    """The name of Canvas' own assignment for an exercise, where its export was the roster; else the exercise's id."""
    title = f"{exercise}|{find_exercise(exercise).title.partition(':')[0]}"
    own = [
        heading
        for heading in headings
        if re.fullmatch(rf".*\b({title})\b.* \(\d+\)", heading, re.IGNORECASE)
    ]
    return own[0] if len(own) == 1 else exercise


def _comment(result: Result) -> str:
    """Say in a few lines what a learner got, for a system that shows no page."""
    points = [
        said("{points} of {most}", f"{task.points:g}", f"{task.most:g}")
        for task in result.score.tasks
    ]
    tasks = (
        f"{task.id} {said(task.title)}: {got}"
        for task, got in zip(result.score.tasks, points, strict=True)
    )
    notices = result.notices if result.complete else [*result.notices, result.outcome]
    return "\n".join([*map(said, notices), *tasks])


def _moodle_folder(person: Person) -> str:
    name = re.sub(r"[/_\\]", " ", person.name or person.id)
    return f"{name}_{person.numbers['moodle']}_assignfeedback_file_"


def _canvas_file(entry: Submission) -> str:
    """The name that Canvas gave a submission, with another name of the file; an archive's is that of its folder."""
    found = re.match(r".+?_(?:LATE_)?(?:\d+|anon_[^_]+)_\d+_|LATE_.+?_\d+_", entry.origin)
    return f"{found[0] if found else ''}feedback.html"


def _write_zip(path: Path, files: Mapping[str, Path]) -> None:
    """Write those files that are there into an archive; none without files."""
    files = {name: file for name, file in files.items() if file.exists()}
    path.unlink(missing_ok=True)
    if not files:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as written:
        for name, file in files.items():
            written.write(file, name)


def _canvas(person: Person) -> list[str]:
    """The cells that say who it is; those of Canvas' own export, where that was the roster."""
    row = person.row
    numbers = [
        person.numbers.get("canvas", ""),
        row.get("sis user id", _number(person)),
        row.get("sis login id", ""),
    ]
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
