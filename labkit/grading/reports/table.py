"""``scores.csv``: a row for each submission."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from labkit.grading.result import Result

HEAD = (
    "learner",
    "exercise",
    "points",
    "most",
    "passed",
    "ended",
    "cells",
    "total_cells",
    "least_privilege",
    "isolation",
    "cluster",
    "not_judged",
)


def write(results: Sequence[Result], folder: Path) -> None:
    """Write ``scores.csv``. A cell that a spreadsheet would take for a formula is quoted."""
    with (folder / "scores.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEAD)
        for result in results:
            writer.writerow([_safe(cell) for cell in row(result)])


def row(result: Result) -> list[str]:
    """A result as cells."""
    least = [task.least_privilege for task in result.score.tasks if task.least_privilege is not None]
    return [
        result.learner,
        result.exercise,
        f"{result.score.points:g}",
        f"{result.score.most:g}",
        "yes" if result.passed else "no",
        result.ended,
        str(result.cells),
        str(result.total_cells),
        f"{sum(least) / len(least):.2f}" if least else "",
        result.isolation,
        result.cluster,
        " ".join(result.score.unjudged),
    ]


def _safe(cell: str) -> str:
    return f"'{cell}" if cell[:1] in "=+-@\t\r" and cell[:1] else cell
