"""Commands for teachers: make an nbgrader course of the exercises."""

import sys
from pathlib import Path

import click

from .output import FOLDER, INPUT, echo, report


@click.group("course")
def course_command() -> None:
    """Make an nbgrader course of the exercises, and judge it."""


@course_command.command("build")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def build_command(folder: Path) -> None:
    """Write a course that nbgrader accepts into FOLDER."""
    from labkit.grading.nbgrader import course

    written = course.build(folder)
    echo(
        "{written} assignments in {source}. How to go on: {md}",
        len(written),
        folder / "source",
        folder / "README.md",
    )


@course_command.command("secret")
@click.argument("folder", type=FOLDER)
@click.option("--roster", type=INPUT, help="Print its codes as CSV.")
def secret_command(folder: Path, roster: Path | None) -> None:
    """Make the secret of the course in FOLDER; print learners' codes.

    With it, names in tasks depend on each learner's code. Keep the file, and give it to nobody.
    """
    import csv

    from labkit.grading.exercises.course_secret import FILE, make_secret
    from labkit.grading.intake.roster import Roster
    from labkit.grading.reports.scores import safe_cell

    secret, is_new = make_secret(folder)
    report("{file}: made." if is_new else "{file}: was there, and stays.", folder / FILE)
    # The sentence above goes to standard error, so that > codes.csv has the table only.
    rows = [("id", "name", "mail", "code")]
    for person in Roster(roster).people.values() if roster else ():
        rows.append((person.id, person.name, person.mail, secret.code(person.id)))
    # Names come from a roster of other people: a spreadsheet would run a cell that begins with
    # = as a formula.
    csv.writer(sys.stdout).writerows([safe_cell(cell) for cell in row] for row in rows if roster)


@course_command.command("checker")
@click.argument("folder", type=FOLDER)
def checker_command(folder: Path) -> None:
    """Judge a course's notebooks outside their kernels.

    It runs until Ctrl-C.
    """
    import asyncio

    from labkit.grading.exercises.course_secret import read_secret
    from labkit.grading.nbgrader import checker

    # Absolute, because nbgrader runs notebooks in other directories.
    path = (folder / "checker.sock").absolute()
    echo("The checker listens. In the shell of nbgrader: export LABKIT_CHECKER={path}", path)
    asyncio.run(checker.serve(path, folder / "ledger.jsonl", read_secret(folder)))
