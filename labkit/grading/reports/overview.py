"""What a teacher wants to know of a whole class, as ``overview.html``, ``overview.json`` and ``overview.csv``.

All three are made of the same tables. What learners wrote is text in them and nothing else.
"""

from __future__ import annotations

import csv
import json
import re
import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from labkit.core.html import TEMPLATES, digest, render, stylesheet
from labkit.core.language import Text, fitted, listed, text
from labkit.grading.intake.declared import seed_of
from labkit.grading.intake.submissions import Submission, Unreadable, code_cells
from labkit.grading.judging.result import FAILED, FORGOTTEN_CODE, Result
from labkit.grading.judging.score import NOTHING_MORE, plain
from labkit.grading.reports.scores import POLICY, safe_cell
from labkit.grading.reports.similarity import Row, Similarity, compare
from labkit.grading.tasks import find_exercise
from labkit.grading.tasks.seed import SEEDED
from labkit.lessons.mistakes import mistakes

FEWEST = 10
"""How many results a task must have before its discrimination says anything."""

BANDS = 10
"""Into how many bands the shares of points are put."""

MAX_ROWS = 200
"""Rows of a table on the page; the files have all."""

MISSING = text("nothing handed in")
"""The state of a learner in the roster without a submission."""

MAX_BELIEFS = 12
"""Kinds of mistakes that are listed."""

SHORT_NAME = 5
"""Below so many letters, a name is removed from examples as a whole word only."""

BROKEN_LIMIT = "too-open"

ANYTHING = {
    "who": text("somebody else"),
    "what": text("What was granted"),
    "where": text("another namespace"),
    "binding": text("A binding"),
    "role": "edit",
}
"""Stands for what a learner granted in the sentence that a class is told."""


class Missing(NamedTuple):
    """A learner in the roster who handed nothing in for an exercise."""

    exercise: str
    learner: str
    name: str


UNGRADED = (FAILED, "unreadable")
"""How results ended that say nothing of the tasks."""


def write_overview(
    results: Sequence[Result],
    submissions: Iterable[Submission],
    folder: Path,
    left_out: Iterable[str] = (),
    missing: Iterable[Missing] = (),
    earlier: Iterable[Submission] = (),
) -> None:
    """Write the overview of a class into the folder of its results.

    Args:
        results: All results, sorted by exercise and learner.
        submissions: What they are results of; their code is compared.
        folder: The folder of results.
        left_out: What was not taken in, and why, as sentences.
        missing: The learners who handed nothing in.
        earlier: Submissions of earlier classes, with which the code is compared.
    """
    tables = overview(results, similarities(submissions, earlier), left_out, missing)
    (folder / "overview.json").write_text(json.dumps(tables, indent=1) + "\n", encoding="utf-8")
    with (folder / "overview.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(_csv_rows(tables))
    (folder / "overview.html").write_text(page(tables), encoding="utf-8")


def similarities(
    submissions: Iterable[Submission], earlier: Iterable[Submission] = ()
) -> list[Similarity]:
    """Compare the code of the submissions of each exercise that can be read, also with that of earlier classes."""
    before: dict[str, dict[str, list[str]]] = {}
    for submission in earlier:
        with suppress(Unreadable):
            before.setdefault(submission.exercise, {})[submission.learner] = code_cells(
                submission.path
            )
    codes: dict[str, dict[str, list[str]]] = {}
    seed_names: dict[str, str] = {}
    for submission in submissions:
        with suppress(Unreadable):
            cells = code_cells(submission.path)
            codes.setdefault(submission.exercise, {})[submission.learner] = cells
            seed_names[submission.learner], _ = seed_of(submission, cells)
    return [
        compare(find_exercise(exercise), of_one, seed_names, before.get(exercise, {}))
        for exercise, of_one in sorted(codes.items())
    ]


def page(tables: Mapping[str, Sequence[Row]]) -> str:
    """Make the page, which needs no network and runs no script but its own."""
    style, script = stylesheet(), (TEMPLATES / "overview.js").read_text(encoding="utf-8")
    policy = f"{POLICY}; style-src '{digest(style)}'; script-src '{digest(script)}'"
    people = {row["learner"]: row for row in tables["people"] if row["state"] != [MISSING]}
    return render(
        "overview.html",
        tables=tables,
        people=people,
        most=MAX_ROWS,
        fewest=FEWEST,
        fitted=fitted,
        policy=policy,
        style=style,
        script=script,
    )


def overview(
    results: Sequence[Result],
    similar: Sequence[Similarity],
    left_out: Iterable[str] = (),
    missing: Iterable[Missing] = (),
) -> dict[str, list[Row]]:
    """Make the tables, in the order in which they are read. What they mean stands in ``overview.html``."""
    judged = [result for result in results if result.ended not in UNGRADED]
    by_exercise: dict[str, list[Result]] = {}
    for result in judged:
        by_exercise.setdefault(result.exercise, []).append(result)
    alike = {found.exercise: found.count for found in similar}
    return {
        "exercises": [
            _exercise(name, of_one, alike.get(name, 0)) for name, of_one in by_exercise.items()
        ],
        "people": _people(results, missing),
        "beliefs": _beliefs(judged),
        "distribution": [
            row for name, of_one in by_exercise.items() for row in _bands(name, of_one)
        ],
        "tasks": [row for name, of_one in by_exercise.items() for row in _tasks(name, of_one)],
        "errors": _errors(judged),
        "ungraded": [
            *(row for result in results for row in _ungraded(result)),
            *(
                {"exercise": "", "learner": "", "ended": text("left out"), "why": line}
                for line in left_out
            ),
        ],
        "similar": [row for found in similar for row in found.pairs],
        "foreign": [row for found in similar for row in found.foreign],
    }


def _share(points: float, most: float) -> float:
    return points / most if most else 0.0


def _people(results: Iterable[Result], missing: Iterable[Missing]) -> list[Row]:
    """A row for each submission, and for each that is missing; those who need help come first."""
    rows = [
        {
            **row._asdict(),
            "share": None,
            "points": "",
            "tasks": [],
            "too much": 0,
            "state": [MISSING],
        }
        for row in missing
    ]
    for result in results:
        score, judged = result.score, result.ended not in UNGRADED
        got = [
            text("{points} of {most}", f"{one.points:g}", f"{one.most:g}")
            for one in score.tasks
            if judged
        ]
        whole = text("{points} of {most}", f"{score.points:g}", f"{score.most:g}")
        rows.append(
            {
                "exercise": result.exercise,
                "learner": result.learner,
                "name": plain(result.name, 200),
                "share": round(_share(score.points, score.most), 3)
                if result.ended != FAILED
                else None,
                "points": whole if result.ended != FAILED else "",
                "tasks": [
                    listed((one.id, of), ": ") for one, of in zip(score.tasks, got, strict=False)
                ],
                "too much": sum(len(task.excess) for task in score.tasks),
                "state": [plain(state, 200) for state in result.states],
            }
        )
    return sorted(
        rows,
        key=lambda row: (
            row["share"] or 0,
            row["share"] is not None,
            row["exercise"],
            row["learner"],
        ),
    )


def _exercise(name: str, results: Sequence[Result], alike: int) -> Row:
    shares = [_share(result.score.points, result.score.most) for result in results]
    return {
        "exercise": name,
        "graded": len(results),
        "full marks": sum(result.full for result in results),
        "mean share": round(statistics.mean(shares), 3),
        "median share": round(statistics.median(shares), 3),
        "similar pairs": alike,
    }


def _bands(name: str, results: Sequence[Result]) -> Iterator[Row]:
    """Count the results in each band of shares; the last one has those with all points as well."""
    shares = [_share(result.score.points, result.score.most) for result in results]
    counts = Counter(min(BANDS - 1, int(BANDS * share)) for share in shares)
    for band in range(BANDS):
        yield {
            "exercise": name,
            "from share": band / BANDS,
            "to share": (band + 1) / BANDS,
            "submissions": counts[band],
        }


def _tasks(name: str, results: Sequence[Result]) -> Iterator[Row]:
    """Say how difficult each task is, and how well it tells learners apart."""
    for number, first in enumerate(results[0].score.tasks):
        judged = [
            (task, score)
            for score in (result.score for result in results)
            if (task := score.tasks[number]).most
        ]
        rest = [
            (
                _share(task.points, task.most),
                _share(score.points - task.points, score.most - task.most),
            )
            for task, score in judged
        ]
        earned, most = sum(task.points for task, _ in judged), sum(task.most for task, _ in judged)
        yield {
            "exercise": name,
            "task": first.id,
            "title": text(first.title),
            "share": round(earned / most, 3) if most else None,
            "full marks": sum(task.full for task, _ in judged),
            "judged": len(judged),
            "discrimination": _correlation(rest),
        }


def _correlation(pairs: Sequence[tuple[float, float]]) -> float | None:
    """Pearson's correlation; None for few pairs, or where one side is always the same."""
    with suppress(statistics.StatisticsError):
        if len(pairs) >= FEWEST:
            return round(statistics.correlation(*zip(*pairs, strict=True)), 2)
    return None


def _errors(results: Iterable[Result]) -> list[Row]:
    """Put together which learners have the same first error, the commonest first."""
    having: dict[str, dict[str, None]] = {}
    for result in results:
        having.setdefault(without_names(result.first_error), {})[result.learner] = None
    having.pop("", None)
    most_first = sorted(having.items(), key=lambda entry: (-len(entry[1]), entry[0]))
    return [{"error": error, "count": len(who), "learners": list(who)} for error, who in most_first]


_OWN_NAMES = re.compile(r" \((?:by|RBAC:) [^\n]*?\)(?=[.,;]|$)")

_NAMES = re.compile(r"""'[^'\n]*'|"[^"\n]*"|/[\w./-]+|\b\d[\w.:]*""")


def without_names(error: str) -> str:
    """Remove from an error's line what differs between learners who made the same mistake."""
    kind, colon, message = error.partition(":")
    return plain(f"{kind.rpartition('.')[2]}{colon}{_NAMES.sub('…', _generic(message))}", 200)


def _generic(text: str) -> str:
    """Shorten the names that seeds make, so that what several learners saw is the same."""
    return plain(SEEDED.sub(r"\1-…", text))


def _beliefs(results: Iterable[Result]) -> list[Row]:
    """Put together who made the same kind of mistake, the commonest first, with what to tell the class."""
    having: dict[str, dict[str, str]] = {}
    tasks: dict[str, set[str]] = {}
    alone: dict[str, str] = {}
    for result in results:
        for task, item in (
            (each, item) for each in result.score.tasks for item in each.items if not item.ok
        ):
            # A broken limit is said more exactly by what was granted.
            kinds = [kind for kind in item.kinds if not (task.excess and kind == BROKEN_LIMIT)]
            end = "" if item.expected.endswith(".") else "."
            example = text(f"Expected: {{expected}}{end} Seen: {{seen}}", item.expected, item.seen)
            if task.excess and item.expected == NOTHING_MORE:
                example = getattr(task.excess[0], "values", {}).get(
                    "excess", task.excess[0]
                )  # without whose binding
            for kind in filter(mistakes().get, kinds):
                having.setdefault(kind, {}).setdefault(result.learner, _anonymous(example, result))
                tasks.setdefault(kind, set()).add(task.id)
            if len(kinds) == 1:
                alone.setdefault(kinds[0], _anonymous(example, result))
    return [
        {
            "mistake": text(mistakes()[kind].name),
            "count": len(who),
            "learners": list(who),
            "tell the class": text(mistakes()[kind].says, **ANYTHING),
            "they believe": mistakes()[kind].idea,
            "step": mistakes()[kind].step,
            "tasks": sorted(tasks[kind]),
            "example": alone.get(kind, next(iter(who.values()))),
        }
        for kind, who in sorted(having.items(), key=lambda entry: -len(entry[1]))[:MAX_BELIEFS]
    ]


def _anonymous(said: object, result: Result) -> str:
    """Remove from an example what tells whose it is: names of bindings and roles, and the learner's own."""
    if isinstance(said, Text) and said.values:
        return text(
            said.template, **{name: _anonymous(each, result) for name, each in said.values.items()}
        )
    clean = _OWN_NAMES.sub("", _generic(str(said)))
    words = sorted(
        {*re.findall(r"\w{3,}", f"{result.learner} {result.name}")}, key=len, reverse=True
    )
    # A short name is also part of other words: Hal is in "hall", which a task gives.
    patterns = (
        rf"\b{re.escape(word)}\b" if len(word) < SHORT_NAME else re.escape(word) for word in words
    )
    return text(re.sub("|".join(patterns) or "$^", "…", clean, flags=re.IGNORECASE))


def _ungraded(result: Result) -> Iterator[Row]:
    """A row for what was not graded, not judged, or did not end by itself; else nothing."""
    outcome = "" if result.complete else result.outcome
    note = "" if result.ended in UNGRADED else result.note  # the outcome has it
    code = FORGOTTEN_CODE if result.forgot_code else ""
    why = listed((outcome, note, code, result.omissions), " ")
    if why:
        yield {
            "exercise": result.exercise,
            "learner": result.learner,
            "ended": result.end,
            "why": why,
        }


def _csv_rows(tables: Mapping[str, Sequence[Row]]) -> Iterator[list[object]]:
    """All tables below each other; the first column names the table, and each begins with its headings."""
    for name, rows in tables.items():
        if rows:
            yield ["table", *rows[0]]
        yield from ([name, *map(_csv_cell, row.values())] for row in rows)


def _csv_cell(cell: object) -> object:
    text = "\n".join(cell) if isinstance(cell, list) else cell
    return safe_cell(text) if isinstance(text, str) else text
