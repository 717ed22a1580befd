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

import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from labkit.core.language import said

from ..intake.roster import Person
from ..intake.submissions import Key, Submission
from ..judging.result import FAILED, Result
from ..tasks import find_exercise
from .scores import write_csv

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
    submissions: Mapping[Key, Submission],
) -> None:
    """Write ``canvas.csv``, ``moodle/EXERCISE.csv``, and a zip of feedback for each exercise and system.

    A submission that the grader failed at has no score.
    """
    graded = {result.key: result for result in results if result.ended != FAILED}
    most = {result.exercise: f"{result.score.most:g}" for result in results}
    learners = {
        result.learner: people.get(result.learner, Person(result.learner)) for result in results
    }
    headings = {heading for person in people.values() for heading in person.row}
    rows = [
        [*CANVAS_COLUMNS, *(_column(exercise, headings) for exercise in most)],
        # Canvas recognizes this row by its first cell, with any white space before it.
        ["    Points Possible", "", "", "", "", *most.values()],
    ]
    for learner, person in learners.items():
        own = [graded.get((learner, exercise)) for exercise in most]
        rows.append([*_canvas(person), *(f"{one.score.points:g}" if one else "" for one in own)])
    write_csv(folder / "canvas.csv", rows)
    for exercise in most:
        rows = [[*MOODLE_COLUMNS, COMMENTS]]
        zips: dict[str, dict[str, Path]] = {"moodle": {}, "canvas": {}}
        for (learner, graded_exercise), result in graded.items():
            if graded_exercise != exercise:
                continue
            person = learners[learner]
            rows.append([*_moodle(person), f"{result.score.points:g}", "", _comment(result)])
            page = folder / "feedback" / f"{learner}.html"
            entry = submissions.get(result.key)
            if "moodle" in person.numbers:
                # Moodle splits the folder's name at its underscores.
                name = re.sub(r"[/_\\]", " ", person.name or learner)
                number = person.numbers["moodle"]
                zips["moodle"][f"{name}_{number}_assignfeedback_file_/feedback.html"] = page
            if entry and entry.version:
                zips["canvas"][_canvas_file(entry)] = page
        write_csv(folder / "moodle" / f"{exercise}.csv", rows)
        for system, pages in zips.items():
            _write_zip(folder / system / f"{exercise}-feedback.zip", pages)


def _column(exercise: str, headings: Iterable[str]) -> str:
    """Return Canvas's title of an exercise's assignment if its export was the roster; otherwise the exercise's id.

    An assignment is recognized if it is the only one that has the id, or the first words of the exercise's title.
    """
    title = f"{exercise}|{find_exercise(exercise).title.partition(':')[0]}"
    own = [
        heading
        for heading in headings
        if re.fullmatch(rf".*\b({title})\b.* \(\d+\)", heading, re.IGNORECASE)
    ]
    return own[0] if len(own) == 1 else exercise


def _comment(result: Result) -> str:
    """Return a learner's points in a few lines, for a system that shows no page."""
    notices = result.notices if result.complete else [*result.notices, result.outcome]
    lines = [said(notice) for notice in notices]
    for task in result.score.tasks:
        points = said("{points} of {most}", f"{task.points:g}", f"{task.most:g}")
        lines.append(f"{task.id} {said(task.title)}: {points}")
    return "\n".join(lines)


def _canvas_file(entry: Submission) -> str:
    """Return the name that Canvas gave a submission, or the folder of its archive, with another file name at its end."""
    prefix = re.match(r".+?_(?:LATE_)?(?:\d+|anon_[^_]+)_\d+_|LATE_.+?_\d+_", entry.origin)
    return f"{prefix[0] if prefix else ''}feedback.html"


def _write_zip(path: Path, files: Mapping[str, Path]) -> None:
    """Write the files that exist into an archive; without any, remove the archive."""
    files = {name: file for name, file in files.items() if file.exists()}
    # An archive of an earlier run can have feedback for learners who are not in this one.
    path.unlink(missing_ok=True)
    if not files:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as written:
        for name, file in files.items():
            written.write(file, name)


def _canvas(person: Person) -> list[str]:
    """Return the columns that identify the learner; Canvas's own columns if its export was the roster."""
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
    """Return the learner's id, unless it is only a name that a system wrote."""
    return person.id if person.row or not person.numbers else ""
