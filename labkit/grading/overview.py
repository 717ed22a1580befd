"""What a teacher wants to know of a whole class, as ``overview.html``, ``overview.json`` and ``overview.csv``.

All three are made of the same tables. What learners wrote is text in them and nothing else.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
import statistics
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from labkit.core.html import TEMPLATES, render, stylesheet
from labkit.grading.reports import FORMULAS
from labkit.grading.result import FAILED, Result
from labkit.grading.score import plain
from labkit.grading.seed import SEEDED
from labkit.grading.similarity import Similarity, compare
from labkit.grading.submissions import Submission, Unreadable, code_cells
from labkit.grading.tasks import find_exercise

FEWEST = 10
"""How many results a task must have before its discrimination says anything."""

BANDS = 10
"""Into how many bands the shares of points are put."""

MAX_ROWS = 200
"""Rows of a table on the page; the files have all."""

UNGRADED = (FAILED, "unreadable")
"""How results ended that say nothing of the tasks."""

Cell = str | float | tuple[str, ...] | None
"""A text, a number, several learners or lines, or nothing to say."""


@dataclass(frozen=True, slots=True)
class Table:
    """One table.

    Args:
        name: Its name in the files.
        title: Its heading.
        about: What the figures mean.
        columns: The headings. ``learner``, ``other`` and ``learners`` hold names; ``share`` numbers from 0 to 1.
        rows: The rows, the most important first.
        none: What is said instead of an empty table.
    """

    name: str
    title: str
    about: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[Cell, ...]]
    none: str


def write_overview(results: Sequence[Result], submissions: Iterable[Submission], folder: Path) -> None:
    """Write the overview of a class into the folder of its results.

    Args:
        results: All results, sorted by exercise and learner.
        submissions: What they are results of; their code is compared.
        folder: The folder of results.
    """
    tables = overview(results, similarities(submissions))
    document = {table.name: [dict(zip(table.columns, row, strict=True)) for row in table.rows] for table in tables}
    (folder / "overview.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    with (folder / "overview.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(_csv_rows(tables))
    (folder / "overview.html").write_text(page(tables), encoding="utf-8")


def similarities(submissions: Iterable[Submission]) -> list[Similarity]:
    """Compare the code of the submissions of each exercise that can be read."""
    codes: dict[str, dict[str, list[str]]] = {}
    for submission in submissions:
        try:
            codes.setdefault(submission.exercise, {})[submission.learner] = code_cells(submission.path)
        except Unreadable:
            continue
    return [compare(find_exercise(exercise), of_one) for exercise, of_one in sorted(codes.items())]


def page(tables: Sequence[Table]) -> str:
    """Make the page, which needs no network and runs no script but its own."""
    style, script = stylesheet(), (TEMPLATES / "overview.js").read_text(encoding="utf-8")
    policy = f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; base-uri 'none'"
    return render(
        "overview.html",
        tables={table.name: table for table in tables},
        most=MAX_ROWS,
        policy=policy,
        style=style,
        script=script,
    )


def _digest(text: str) -> str:
    return f"sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def overview(results: Sequence[Result], similar: Sequence[Similarity]) -> list[Table]:
    """Make the tables, in the order in which they are read."""
    judged = [result for result in results if result.ended not in UNGRADED]
    by_exercise: dict[str, list[Result]] = {}
    for result in judged:
        by_exercise.setdefault(result.exercise, []).append(result)
    return [
        Table(
            "exercises",
            "Exercises",
            "Share: the points earned, of those that could be, in the mean and in the median.",
            ("exercise", "graded", "full marks", "mean share", "median share"),
            [_exercise(name, of_one) for name, of_one in by_exercise.items()],
            "Nothing was graded.",
        ),
        Table(
            "distribution",
            "Distribution of points",
            "How many submissions earned what share of the points.",
            ("exercise", "from share", "to share", "submissions"),
            [row for name, of_one in by_exercise.items() for row in _bands(name, of_one)],
            "Nothing was graded.",
        ),
        Table(
            "tasks",
            "Tasks",
            "Share: the points earned, of those that could be; a low one is a difficult task. Discrimination: the "
            "correlation (Pearson's, which for right or wrong is the point-biserial one) of a task's points with those "
            f"of the exercise's other tasks, from -1 to 1, with {FEWEST} results or more. Below about 0.2 the task "
            "does not tell those who can do the rest from those who cannot.",
            ("exercise", "task", "title", "share", "full marks", "judged", "discrimination"),
            [row for name, of_one in by_exercise.items() for row in _tasks(name, of_one)],
            "Nothing was graded.",
        ),
        Table(
            "errors",
            "First errors",
            "The first exception in what each notebook printed, without names and numbers.",
            ("error", "count", "learners"),
            _counted((first_error(result.output), result.learner) for result in judged),
            "No notebook printed an exception.",
        ),
        Table(
            "ideas",
            "Wrong ideas",
            "What the cluster said that was not expected. Names from the learners' seeds are shortened.",
            ("exercise", "task", "expected", "seen", "count", "learners"),
            _counted(_wrong_ideas(judged)),
            "Every task is solved.",
        ),
        Table(
            "excess",
            "Granted too much",
            "What was granted beyond what a task asks for.",
            ("exercise", "task", "grant", "count", "learners"),
            _counted(
                ((result.exercise, task.id, _generic(grant)), result.learner)
                for result in judged
                for task in result.score.tasks
                for grant in task.excess
            ),
            "Nobody granted too much.",
        ),
        Table(
            "ungraded",
            "Not graded, or not whole",
            "What was not graded or not judged, or did not end by itself, and why.",
            ("exercise", "learner", "ended", "why"),
            [row for result in results if any(row := _ungraded(result))],
            "All was graded, and every notebook ended by itself.",
        ),
        Table(
            "similar",
            "Similar code",
            "Pairs worth a look; no points depend on them. Share: the passages that both have, of the shorter "
            "one's, without what the assignment gives and what more than a quarter of the class has.",
            ("exercise", "learner", "other", "share", "lines"),
            [
                (pair.exercise, pair.learner, pair.other, round(pair.score, 3), tuple(map("\n⟷ ".join, pair.lines)))
                for found in similar
                for pair in found.pairs
            ],
            "No two are alike.",
        ),
        Table(
            "foreign",
            "Names of others",
            "Who uses the names of another learner's tasks, or names of nobody here.",
            ("exercise", "learner", "other", "names"),
            [(each.exercise, each.learner, each.owner, each.names) for found in similar for each in found.foreign],
            "Nobody uses another's names.",
        ),
    ]


def _share(points: float, most: float) -> float:
    return points / most if most else 0.0


def _exercise(name: str, results: Sequence[Result]) -> tuple[Cell, ...]:
    shares = [_share(result.score.points, result.score.most) for result in results]
    full = sum(result.full for result in results)
    return name, len(results), full, round(statistics.mean(shares), 3), round(statistics.median(shares), 3)


def _bands(name: str, results: Sequence[Result]) -> Iterator[tuple[Cell, ...]]:
    """Count the results in each band of shares; the last one has those with all points as well."""
    counts = [0] * BANDS
    for result in results:
        counts[min(BANDS - 1, int(BANDS * _share(result.score.points, result.score.most)))] += 1
    for band, count in enumerate(counts):
        yield name, band / BANDS, (band + 1) / BANDS, count


def _tasks(name: str, results: Sequence[Result]) -> Iterator[tuple[Cell, ...]]:
    """Say how difficult each task is, and how well it tells learners apart."""
    for number, first in enumerate(results[0].score.tasks):
        of_all = [(result.score.tasks[number], result.score) for result in results]
        judged = [(task, score) for task, score in of_all if task.most]
        share = _share(sum(task.points for task, _ in judged), sum(task.most for task, _ in judged))
        full = sum(task.full for task, _ in judged)
        rest = [
            (_share(task.points, task.most), _share(score.points - task.points, score.most - task.most))
            for task, score in judged
        ]
        shown = round(share, 3) if judged else None
        yield name, first.id, first.title, shown, full, len(judged), _correlation(rest)


def _correlation(pairs: Sequence[tuple[float, float]]) -> float | None:
    """Pearson's correlation; None for few pairs, or where one side is always the same."""
    if len(pairs) < FEWEST:
        return None
    try:
        return round(statistics.correlation(*zip(*pairs, strict=True)), 2)
    except statistics.StatisticsError:
        return None


def _counted(found: Iterable[tuple[tuple[str, ...], str]]) -> list[tuple[Cell, ...]]:
    """Put together who has the same, the commonest first; what is empty is left out."""
    having: dict[tuple[str, ...], dict[str, None]] = {}
    for what, learner in found:
        if any(what):
            having.setdefault(what, {})[learner] = None
    most_first = sorted(having.items(), key=lambda entry: (-len(entry[1]), entry[0]))
    return [(*what, len(who), tuple(who)) for what, who in most_first]


_ERROR = re.compile(
    r"^((?:\w+\.)*[A-Z]\w*(?:Error|Exception|Interrupt|Exit)|(?:\w+\.)+[A-Z]\w*)(?:: (.*))?$", re.MULTILINE
)
_TRACEBACK = re.compile(r"^.*Traceback \(most recent call last\).*$", re.MULTILINE)
_ANY_ERROR = re.compile(r"^((?:\w+\.)*[A-Z]\w*)(?:: (.*))?$", re.MULTILINE)
_NAMES = re.compile(r"""'[^'\n]*'|"[^"\n]*"|/[\w./-]+|\b\d[\w.:]*""")


def first_error(output: str) -> tuple[str, ...]:
    """Find the first exception in what a notebook printed: its type and message, without names; or nothing."""
    traced = _TRACEBACK.search(output)
    found = [match for match in (_ERROR.search(output), traced and _ANY_ERROR.search(output, traced.end())) if match]
    if not found:
        return ("",)
    kind, message = min(found, key=lambda match: match.start()).groups(default="")
    message = _NAMES.sub("…", _generic(message))
    return (plain(f"{kind.rpartition('.')[2]}: {message}".rstrip(": "), 200),)


def _generic(text: str) -> str:
    """Shorten the names that seeds make, so that what several learners saw is the same."""
    return plain(SEEDED.sub(r"\1-…", text))


def _wrong_ideas(results: Iterable[Result]) -> Iterator[tuple[tuple[str, ...], str]]:
    """What was seen instead of what was expected."""
    for result in results:
        for task in result.score.tasks:
            for item in task.items:
                if item.judged and not item.ok:
                    yield (result.exercise, task.id, _generic(item.expected), _generic(item.seen)), result.learner


def _ungraded(result: Result) -> tuple[Cell, ...]:
    """A row for what was not graded, not judged, or did not end by itself; else nothing."""
    outcome = "" if result.complete else result.outcome
    note = "" if result.ended in UNGRADED else result.note  # the outcome has it
    why = " ".join(filter(None, (outcome, note, result.omissions)))
    return (result.exercise, result.learner, result.ended, why) if why else ()


def _csv_rows(tables: Sequence[Table]) -> Iterator[list[str]]:
    """All tables below each other; the first column names the table, and each begins with its headings."""
    for table in tables:
        yield ["table", *table.columns]
        for row in table.rows:
            yield [table.name, *(_csv_cell(cell) for cell in row)]


def _csv_cell(cell: Cell) -> str:
    text = "" if cell is None else "\n".join(cell) if isinstance(cell, tuple) else f"{cell}"
    return f"'{text}" if isinstance(cell, str | tuple) and text.startswith(FORMULAS) else text
