"""The overview of a whole class, as ``overview.html``, ``overview.json`` and ``overview.csv``.

All three are made of the same tables. Learners' texts are escaped in each of them.
"""

import json
import re
import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from labkit.core.html import TEMPLATES, digest, render, stylesheet
from labkit.core.language import Text, listed, text
from labkit.lessons.mistakes import mistakes

from ..intake.declared import seed_of
from ..intake.submissions import Submission, Unreadable, code_cells
from ..judging.result import FAILED, FORGOTTEN_CODE, Result
from ..judging.score import Item, Score, TaskScore, plain
from ..tasks import find_exercise
from ..tasks.seed import SEEDED
from .rows import BandRow, BeliefRow, ErrorRow, ExerciseRow, PersonRow, Row, TaskRow, UngradedRow
from .scores import POLICY, write_csv
from .similarity import Similarity, compare

FEWEST = 10
"""How many results a task must have for its discrimination to be more than chance."""

BANDS = 10
"""The number of bands of the distribution of points."""

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
"""Replaces the names that a learner chose in the sentence for the class."""


class NoSubmission(NamedTuple):
    """A learner in the roster without a submission of an exercise."""

    exercise: str
    learner: str
    name: str


UNGRADED = (FAILED, "unreadable")
"""The ends of results without findings."""


def write_overview(
    results: Sequence[Result],
    submissions: Iterable[Submission],
    folder: Path,
    left_out: Iterable[str] = (),
    missing: Iterable[NoSubmission] = (),
    earlier: Iterable[Submission] = (),
) -> None:
    """Write the overview of a class into the folder of its results.

    Args:
        results: All results, sorted by exercise and learner.
        submissions: Their submissions, whose code is compared.
        folder: The folder of results.
        left_out: Submissions that were not graded, and the reasons, as sentences.
        missing: The learners without a submission.
        earlier: Submissions of earlier classes, with which the code is compared.
    """
    tables = overview(results, similarities(submissions, earlier), left_out, missing)
    (folder / "overview.json").write_text(json.dumps(tables, indent=1) + "\n", encoding="utf-8")
    write_csv(folder / "overview.csv", _csv_rows(tables))
    (folder / "overview.html").write_text(page(tables), encoding="utf-8")


def similarities(
    submissions: Iterable[Submission], earlier: Iterable[Submission] = ()
) -> list[Similarity]:
    """Compare the code of the submissions of each exercise that can be read, also with the code of earlier classes."""
    before: dict[str, dict[str, list[str]]] = {}
    classmates: dict[str, dict[str, list[str]]] = {}
    seed_names: dict[str, str] = {}
    for codes, entries in ((before, earlier), (classmates, submissions)):
        for entry in entries:
            with suppress(Unreadable):
                cells = code_cells(entry.path)
                codes.setdefault(entry.exercise, {})[entry.learner] = cells
                seed_names[entry.learner] = seed_of(entry, cells)
    return [
        compare(find_exercise(exercise), codes, seed_names, before.get(exercise, {}))
        for exercise, codes in sorted(classmates.items())
    ]


def page(tables: Mapping[str, Sequence[Row]]) -> str:
    """Make the page, which needs no network and runs only its own script."""
    style = stylesheet()
    script = (TEMPLATES / "overview.js").read_text(encoding="utf-8")
    policy = f"{POLICY}; style-src '{digest(style)}'; script-src '{digest(script)}'"
    # A learner without a submission has no page of feedback to link to.
    people = {row["learner"]: row for row in tables["people"] if row["state"] != [MISSING]}
    return render(
        "overview.html",
        tables=tables,
        people=people,
        most=MAX_ROWS,
        fewest=FEWEST,
        policy=policy,
        style=style,
        script=script,
    )


def overview(
    results: Sequence[Result],
    similar: Sequence[Similarity],
    left_out: Iterable[str] = (),
    missing: Iterable[NoSubmission] = (),
) -> dict[str, Sequence[Row]]:
    """Make the tables, in their order on the page. ``overview.html`` explains them."""
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


def _people(results: Iterable[Result], missing: Iterable[NoSubmission]) -> list[PersonRow]:
    """Make a row for each submission, and for each that is missing; learners who need help come first."""
    rows: list[PersonRow] = [
        {
            "exercise": row.exercise,
            "learner": row.learner,
            "name": row.name,
            "share": None,
            "points": "",
            "tasks": [],
            "too much": 0,
            "state": [MISSING],
        }
        for row in missing
    ]
    for result in results:
        score = result.score
        tasks = []
        if result.ended not in UNGRADED:
            tasks = [listed((task.id, _points(task)), ": ") for task in score.tasks]
        failed = result.ended == FAILED
        rows.append(
            {
                "exercise": result.exercise,
                "learner": result.learner,
                "name": plain(result.name, 200),
                "share": None if failed else round(_share(score.points, score.most), 3),
                "points": "" if failed else _points(score),
                "tasks": tasks,
                "too much": sum(len(task.excess) for task in score.tasks),
                "state": [plain(state, 200) for state in result.states],
            }
        )
    # Without a share comes before a share of 0: a submission that is missing or failed needs a look first.
    return sorted(
        rows,
        key=lambda row: (
            row["share"] or 0,
            row["share"] is not None,
            row["exercise"],
            row["learner"],
        ),
    )


def _points(score: Score | TaskScore) -> str:
    return text("{points} of {most}", f"{score.points:g}", f"{score.most:g}")


def _exercise(name: str, results: Sequence[Result], alike: int) -> ExerciseRow:
    shares = [_share(result.score.points, result.score.most) for result in results]
    return {
        "exercise": name,
        "graded": len(results),
        "full marks": sum(result.full for result in results),
        "mean share": round(statistics.mean(shares), 3),
        "median share": round(statistics.median(shares), 3),
        "similar pairs": alike,
    }


def _bands(name: str, results: Sequence[Result]) -> Iterator[BandRow]:
    """Count the results in each band of shares; the last one has those with all points as well."""
    shares = [_share(result.score.points, result.score.most) for result in results]
    # A share of 1 would be in a band of its own.
    counts = Counter(min(BANDS - 1, int(BANDS * share)) for share in shares)
    for band in range(BANDS):
        yield {
            "exercise": name,
            "from share": band / BANDS,
            "to share": (band + 1) / BANDS,
            "submissions": counts[band],
        }


def _tasks(name: str, results: Sequence[Result]) -> Iterator[TaskRow]:
    """Report how difficult each task is, and how well it discriminates between learners."""
    for number, first in enumerate(results[0].score.tasks):
        judged: list[TaskScore] = []
        # The task's share of points, and the share of the exercise's other tasks, by learner.
        shares: list[tuple[float, float]] = []
        for score in (result.score for result in results):
            task = score.tasks[number]
            if task.most:
                judged.append(task)
            if task.most and not task.untouched:
                rest = _share(score.points - task.points, score.most - task.most)
                shares.append((_share(task.points, task.most), rest))
        most = sum(task.most for task in judged)
        yield {
            "exercise": name,
            "task": first.id,
            "title": text(first.title),
            "share": round(sum(task.points for task in judged) / most, 3) if most else None,
            "full marks": sum(task.full for task in judged),
            "judged": len(judged),
            "not attempted": sum(task.untouched for task in judged),
            "discrimination": _correlation(shares),
        }


def _correlation(pairs: Sequence[tuple[float, float]]) -> float | None:
    """Return Pearson's correlation; None for few pairs, or if one side is always the same."""
    with suppress(statistics.StatisticsError):
        if len(pairs) >= FEWEST:
            return round(statistics.correlation(*zip(*pairs, strict=True)), 2)
    return None


def _errors(results: Iterable[Result]) -> list[ErrorRow]:
    """List the learners who have the same first error, the commonest first."""
    # Learners as the keys of a dict, which are unique and, unlike a set's, always in the same order.
    having: dict[str, dict[str, None]] = {}
    for result in results:
        having.setdefault(without_names(result.first_error), {})[result.learner] = None
    having.pop("", None)
    most_first = sorted(having.items(), key=lambda entry: (-len(entry[1]), entry[0]))
    return [
        {"error": error, "count": len(learners), "learners": list(learners)}
        for error, learners in most_first
    ]


# Reasons in parentheses name bindings and roles, whose names a learner chose.
# Quoted words, paths and numbers are the parts of an error that differ between learners.
_OWN_NAMES = re.compile(r" \((?:by|RBAC:) [^\n]*?\)(?=[.,;]|$)")

_NAMES = re.compile(r"""'[^'\n]*'|"[^"\n]*"|/[\w./-]+|\b\d[\w.:]*""")


def without_names(error: str) -> str:
    """Remove the names and numbers from an error's line: they differ between learners who made the same mistake."""
    kind, colon, message = error.partition(":")
    return plain(f"{kind.rpartition('.')[2]}{colon}{_NAMES.sub('…', _generic(message))}", 200)


def _generic(text: str) -> str:
    """Shorten the names that seeds make, so that several learners' lines are the same."""
    return plain(SEEDED.sub(r"\1-…", text))


@dataclass
class _Belief:
    """A kind of mistake in a class: an example by learner, and the tasks that it was made in.

    Args:
        examples: The first example of each learner, without names.
        tasks: The ids of the tasks.
        clear: An example of a mistake that is of this kind alone; empty without one.
    """

    examples: dict[str, str] = field(default_factory=dict)
    tasks: set[str] = field(default_factory=set)
    clear: str = ""


def _beliefs(results: Iterable[Result]) -> list[BeliefRow]:
    """Put together who made the same kind of mistake, the commonest first, with a sentence for the class."""
    beliefs: dict[str, _Belief] = {}
    for result in results:
        # What was left out was not answered wrongly.
        for task in (task for task in result.score.tasks if not task.untouched):
            for item in task.items:
                if item.ok:
                    continue
                # The excess describes a broken limit more exactly.
                kinds = [kind for kind in item.kinds if not (task.excess and kind == BROKEN_LIMIT)]
                example = _example(item, task, result)
                for kind in filter(mistakes().get, kinds):
                    belief = beliefs.setdefault(kind, _Belief())
                    belief.examples.setdefault(result.learner, example)
                    belief.tasks.add(task.id)
                    if len(kinds) == 1:
                        belief.clear = belief.clear or example
    most_first = sorted(beliefs.items(), key=lambda entry: -len(entry[1].examples))
    return [
        {
            "mistake": text(mistakes()[kind].name),
            "count": len(belief.examples),
            "learners": list(belief.examples),
            "tell the class": text(mistakes()[kind].says, **ANYTHING),
            "they believe": text(mistakes()[kind].idea),
            "step": mistakes()[kind].step,
            "tasks": sorted(belief.tasks),
            "example": belief.clear or next(iter(belief.examples.values())),
        }
        for kind, belief in most_first[:MAX_BELIEFS]
    ]


def _example(item: Item, task: TaskScore, result: Result) -> str:
    if item.is_excess and task.excess:
        # Without the binding, whose name the learner chose.
        excess = task.excess[0]
        return _anonymous(getattr(excess, "values", {}).get("excess", excess), result)
    end = "" if item.expected.endswith(".") else "."
    example = text(f"Expected: {{expected}}{end} Seen: {{seen}}", item.expected, item.seen)
    return _anonymous(example, result)


def _anonymous(example: object, result: Result) -> str:
    """Remove the names from an example by which it could be recognized: of bindings, roles and the learner."""
    if isinstance(example, Text) and example.values:
        values = {name: _anonymous(value, result) for name, value in example.values.items()}
        return text(example.template, **values)
    clean = _OWN_NAMES.sub("", _generic(str(example)))
    words = sorted(
        {*re.findall(r"\w{3,}", f"{result.learner} {result.name}")}, key=len, reverse=True
    )
    # A short name is also part of other words: Hal is in "hall", which a task contains.
    patterns = (
        rf"\b{re.escape(word)}\b" if len(word) < SHORT_NAME else re.escape(word) for word in words
    )
    return text(re.sub("|".join(patterns) or "$^", "…", clean, flags=re.IGNORECASE))


def _ungraded(result: Result) -> Iterator[UngradedRow]:
    """Yield a row if a submission was not graded, not judged, or did not end by itself."""
    outcome = "" if result.complete else result.outcome
    # The outcome of an ungraded one has its note.
    note = "" if result.ended in UNGRADED else result.note
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
    """Put all tables below each other; the first column names the table, and each begins with its headings."""
    for name, rows in tables.items():
        if rows:
            yield ["table", *rows[0]]
        for row in rows:
            cells = ("\n".join(cell) if isinstance(cell, list) else cell for cell in row.values())
            yield [name, *cells]
