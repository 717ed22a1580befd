"""Scores in the formats that teachers' systems read, and a page for each learner.

Sources: https://gradescope-autograders.readthedocs.io/en/latest/specs/,
https://prairielearn.readthedocs.io/en/latest/externalGrading/
"""

import csv
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from labkit.core.html import digest, render, stylesheet
from labkit.core.language import said

from ..judging.result import FAILED, Result
from ..judging.score import Item

SCORES = "scores.csv"

POLICY = "default-src 'none'; base-uri 'none'"
"""The content security policy of pages, which load no other files."""

# https://owasp.org/www-community/attacks/CSV_Injection
FORMULAS = ("=", "+", "-", "@", "\t", "\r")
"""The first characters of a cell that a spreadsheet takes for a formula."""

QUOTE = "'"
"""Makes a spreadsheet take a cell for text, if it comes first."""


def write_all(results: Sequence[Result], folder: Path) -> None:
    """Write every format into a folder, which is made if it is not there."""
    rows = ([content(result) for content in COLUMNS.values()] for result in results)
    write_csv(folder / SCORES, [COLUMNS, *rows])
    # A suite for each submission, with a test case for each task.
    junit = render("junit.xml", results=results, clean=_xml_text, not_as_expected=_not_as_expected)
    (folder / "junit.xml").write_text(junit, encoding="utf-8")
    _write_json(results, folder / "gradescope", _gradescope)
    _write_json(results, folder / "prairielearn", _prairielearn)
    _write_pages(results, folder / "feedback")


def safe_cell(text: str) -> str:
    """Keep a spreadsheet from taking a cell's text for a formula."""
    return f"{QUOTE}{text}" if text.startswith(FORMULAS) else text


def write_csv(path: Path, rows: Iterable[Iterable[object]], mode: str = "w") -> None:
    """Write a table, in a folder that is made if it is not there; texts become safe cells."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Excel reads UTF-8 only after a byte order mark, but other programs take the mark for a part of the first heading.
    encoding = "utf-8-sig" if mode == "x" else "utf-8"
    with path.open(mode, newline="", encoding=encoding) as file:
        csv.writer(file).writerows(
            [safe_cell(cell) if isinstance(cell, str) else cell for cell in row] for row in rows
        )


def _least_privilege(result: Result) -> str:
    shares = [
        task.least_privilege for task in result.score.tasks if task.least_privilege is not None
    ]
    return f"{sum(shares) / len(shares):.2f}" if shares else ""


COLUMNS: dict[str, Callable[[Result], str]] = {
    "learner": lambda result: result.learner,
    "name": lambda result: result.name,
    "exercise": lambda result: result.exercise,
    "points": lambda result: f"{result.score.points:g}",
    "most": lambda result: f"{result.score.most:g}",
    "passed": lambda result: "yes" if result.passed else "no",
    "ended": lambda result: result.ended,
    "claimed_cells": lambda result: str(result.claimed_cells),
    "total_cells": lambda result: str(result.total_cells),
    "least_privilege": _least_privilege,
    "rule": lambda result: str(result.rule),
    "isolation": lambda result: result.isolation,
    "cluster": lambda result: result.cluster,
    "not_judged": lambda result: " ".join(result.score.unjudged),
    "corrected": lambda result: " ".join(task.id for task in result.score.tasks if task.corrected),
    "note": lambda result: (
        " ".join(map(said, result.notices)) or ("" if result.complete else said(result.outcome))
    ),
}
"""The columns of ``scores.csv``: heading and content."""


def _xml_text(text: str) -> str:
    """Remove the characters that XML cannot carry."""
    # XML 1.0 has no form for them, not even an escaped one: https://www.w3.org/TR/xml/#charsets
    return "".join(
        char
        for char in text
        if char in "\t\n\r" or (ord(char) >= 32 and ord(char) not in (0xFFFE, 0xFFFF))
    )


def _not_as_expected(items: Sequence[Item]) -> str:
    return "\n".join(
        f"{said(item.expected).rstrip('.')}: {said(item.seen)}" for item in items if not item.ok
    )


def _write_json(
    results: Sequence[Result], folder: Path, document: Callable[[Result], dict[str, Any]]
) -> None:
    """Write ``LEARNER/EXERCISE.json`` for each submission, unless the grader itself failed."""
    for result in results:
        path = folder / result.learner / f"{result.exercise}.json"
        if result.ended == FAILED:
            # A score of zero would be taken for the learner's.
            path.unlink(missing_ok=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document(result), indent=1) + "\n")


def _message(result: Result) -> str:
    return " ".join(map(said, filter(None, (*result.notices, result.outcome, result.omissions))))


def _gradescope(result: Result) -> dict[str, Any]:
    """Make a Gradescope autograder's ``results.json``."""
    return {
        "score": result.score.points,
        "output": _message(result),
        "visibility": "visible",
        "tests": [
            {
                "name": f"{task.id} {said(task.title)}",
                "score": task.points,
                "max_score": task.most,
                **({"status": "passed" if task.full else "failed"} if task.most else {}),
                "output": "\n".join(
                    (*map(said, filter(None, [task.corrected])), *map(_gradescope_line, task.items))
                ),
            }
            for task in result.score.tasks
        ],
    }


def _gradescope_line(item: Item) -> str:
    expected = said(item.expected)
    seen = said(item.seen)
    if not item.judged:
        return f"– {expected} — {seen}"
    return (
        f"✓ {expected}" if item.ok else f"✗ {expected} — {seen} {said('Hint')}: {said(item.hint)}"
    )


def _prairielearn(result: Result) -> dict[str, Any]:
    """Make an external grader's results for PrairieLearn, whose score is a fraction."""
    most = result.score.most
    unreadable = result.ended == "unreadable"
    return {
        "gradable": not unreadable,
        **({"format_errors": [said(result.note)]} if unreadable else {}),
        "score": result.score.points / most if most else 0.0,
        "message": _message(result),
        "tests": [
            {
                "name": f"{task.id} {said(task.title)}",
                "points": task.points,
                "max_points": task.most,
                "message": "\n".join(
                    filter(None, (said(task.corrected), _not_as_expected(task.items)))
                ),
            }
            for task in result.score.tasks
        ],
    }


def _write_pages(results: Sequence[Result], folder: Path) -> None:
    """Write a page for each learner, with all their exercises: findings, expectations, and one hint each."""
    folder.mkdir(parents=True, exist_ok=True)
    learners: dict[str, list[Result]] = {}
    for result in results:
        learners.setdefault(result.learner, []).append(result)
    style = stylesheet()
    policy = f"{POLICY}; style-src '{digest(style)}'"
    for learner, own in learners.items():
        text = render(
            "feedback.html", person=own[0].person, results=own, policy=policy, style=style
        )
        (folder / f"{learner}.html").write_text(text, encoding="utf-8")
