"""The teacher's overview: figures that are right, and nothing that a learner wrote as code."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from labkit.cli import run as run_labkit
from labkit.grading.judging.result import FAILED, Result
from labkit.grading.judging.score import NOTHING_MORE, Item, Score, TaskScore
from labkit.grading.reports.overview import (
    overview,
    page,
    similarities,
    without_names,
    write_overview,
)
from labkit.grading.reports.rows import Row
from tests.grading import classroom
from tests.grading.support import solved_cells, submit


def result(
    learner: str, *points: float, output: str = "", ended: str = "done", note: str = ""
) -> Result:
    """A result with a task of two points for each figure."""
    tasks = tuple(
        TaskScore(
            f"4.{number}",
            "T",
            got,
            2.0,
            (Item("it may", "it may not", got == 2.0, got, 2.0, ""),),
            (),
            1,
        )
        for number, got in enumerate(points, 1)
    )
    return Result(
        learner, "ex4-roles", ended, 1, 1, Score("ex4-roles", learner, tasks), "root", note, output
    )


def rows(results: list[Result], name: str) -> Sequence[Row]:
    """A table's rows."""
    return overview(results, [])[name]


def test_a_task_is_as_difficult_as_few_points_were_earned() -> None:
    found = rows([result("a", 2, 0, 1), result("b", 2, 0, 0)], "tasks")
    assert [(row["task"], row["share"], row["full marks"], row["judged"]) for row in found] == [
        ("4.1", 1.0, 2, 2),
        ("4.2", 0.0, 0, 2),
        ("4.3", 0.25, 0, 2),
    ]


def test_a_task_discriminates_as_it_goes_with_the_rest() -> None:
    able = [result(f"a{number}", 2, 0, 2, 2, 2) for number in range(6)]
    weak = [result(f"w{number}", 0, 2, 2, 0, 0) for number in range(6)]
    found = [row["discrimination"] for row in rows([*able, *weak], "tasks")]
    assert found == [1.0, -1.0, None, 1.0, 1.0]  # None: everybody has it


def test_a_task_that_was_not_judged_counts_in_no_figure() -> None:
    whole = result("ann", 2, 1)
    unjudged = replace(whole.score.tasks[0], points=0.0, most=0.0)
    part = replace(
        whole, learner="bob", score=replace(whole.score, tasks=(unjudged, whole.score.tasks[1]))
    )
    first, second = rows([whole, part], "tasks")
    assert (first["judged"], first["share"], first["full marks"]) == (1, 1.0, 1)
    assert (second["judged"], second["share"]) == (2, 0.5)
    (nothing, _) = rows([part], "tasks")
    assert (nothing["judged"], nothing["share"]) == (0, None)


def test_few_results_say_nothing_of_discrimination() -> None:
    few = [result(f"a{number}", 2, 2 if number % 2 else 0, 0) for number in range(9)]
    assert {row["discrimination"] for row in rows(few, "tasks")} == {None}


def test_points_are_put_into_bands() -> None:
    found = rows(
        [result("a", 2, 2), result("b", 2, 0), result("c", 0, 0), result("d", 1, 0)], "distribution"
    )
    assert [row["submissions"] for row in found] == [1, 0, 1, 0, 0, 1, 0, 0, 0, 1]


TRACE = "Traceback (most recent call last):\n"


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("", ""),
        ("all is well\nHint: look", ""),
        (
            f"x\n{TRACE}  File \"<cell 1>\", line 1\nNameError: name 'labb' is not defined\n",
            "NameError: name … is not defined",
        ),
        ("NameError: name 'x' is not defined\nTypeError: no\n", "NameError: name … is not defined"),
        (
            f"{TRACE}labkit.core.errors.Unreachable: No answer from 10.2.3.4:6443\n",
            "Unreachable: No answer from …",
        ),
        (f"{TRACE}KeyError: 'hall-heron-41'\nand then\nZeroDivisionError: no\n", "KeyError: …"),
        (
            "-----\nForbidden   Traceback (most recent call last)\nCell In[1], line 1\nForbidden: in hall-heron-41\n",
            "Forbidden: in hall-…",
        ),
        (f"{TRACE}KeyboardInterrupt\n", "KeyboardInterrupt"),
    ],
)
def test_the_first_error_is_named_without_names(output: str, expected: str) -> None:
    assert without_names(result("a", 0, output=output).first_error) == expected


def test_the_commonest_errors_come_first_with_who_had_them() -> None:
    key = f"{TRACE}KeyError: 'a'\n"
    found = rows(
        [
            result("a", 0, output=key),
            result("b", 0, output=f"{TRACE}TypeError\n"),
            result("c", 0, output=key),
        ],
        "errors",
    )
    assert [(row["error"], row["count"], row["learners"]) for row in found] == [
        ("KeyError: …", 2, ["a", "c"]),
        ("TypeError", 1, ["b"]),
    ]


def test_the_same_kind_of_mistake_is_one_and_what_nobody_knows_is_none() -> None:
    def seen(learner: str, name: str, *kinds: str) -> Result:
        item = Item(f"hall-{name} may", f"hall-{name} may not", False, 0, 2, "", kinds=kinds)
        task = TaskScore("4.1", "T", 0, 2, (item,), (), 1)
        return replace(result(learner), score=Score("ex4-roles", learner, (task,)))

    results = [
        seen("a", "heron-41", "not-granted"),
        seen("b", "otter-10", "not-granted"),
        seen("c", "heron-41", "<b>"),
    ]
    (row,) = rows(results, "beliefs")
    assert (row["mistake"], row["learners"]) == ("nothing grants it", ["a", "b"])
    assert row["example"] == "Expected: hall-… may. Seen: hall-… may not"


def test_an_example_says_nobodys_name_and_keeps_words_that_only_contain_a_short_one() -> None:
    item = Item(
        "the hall of hal may, says halbrandt7", "no", False, 0, 2, "", kinds=("not-granted",)
    )
    score = Score("ex4-roles", "halbrandt", (TaskScore("4.1", "T", 0, 2, (item,), (), 1),))
    (row,) = rows([replace(result("halbrandt"), name="Hal Brandt", score=score)], "beliefs")
    assert row["example"] == "Expected: the hall of … may, says …7. Seen: no"


def test_what_was_not_graded_is_named_and_counts_in_no_figure() -> None:
    results = [
        result("a", 2),
        result("b", 0, ended=FAILED, note="no memory"),
        result("c", 0, ended="unreadable", note="a pipe"),
    ]
    found = rows([*results, result("d", 2, ended="time limit")], "ungraded")
    assert [(row["learner"], row["ended"], row["why"]) for row in found] == [
        ("b", "not graded", "It could not be graded: no memory"),
        ("c", "unreadable", "It could not be graded: a pipe"),
        (
            "d",
            "time limit",
            "The notebook was ended: time limit. By its own account, 1 of 1 cells ran.",
        ),
    ]
    assert rows(results, "exercises")[0]["graded"] == 1


def test_nobody_makes_an_overview_too(tmp_path: Path) -> None:
    write_overview([], [], tmp_path)
    assert "Nothing was graded." in (tmp_path / "overview.html").read_text()


def test_the_three_files_say_the_same(tmp_path: Path) -> None:
    submissions = classroom.submissions(tmp_path / "s", 30)
    results = classroom.results(60)
    write_overview(results, submissions, tmp_path)
    document = json.loads((tmp_path / "overview.json").read_text())
    tables = overview(results, similarities(submissions))
    assert document == json.loads(json.dumps(tables))
    lines = list(csv.reader((tmp_path / "overview.csv").read_text().splitlines(keepends=True)))
    assert [line[0] for line in lines] == [
        name
        for table, found in tables.items()
        if found
        for name in ("table", *[table] * len(found))
    ]
    names = classroom.learners(30)
    assert {document["similar"][0]["learner"], document["similar"][0]["other"]} == {
        names[1],
        names[-1],
    }
    assert (document["foreign"][0]["learner"], document["foreign"][0]["other"]) == (
        names[-2],
        names[0],
    )


def test_a_spreadsheet_takes_nothing_for_a_formula(tmp_path: Path) -> None:
    write_overview([result("=cmd", 0, output=f"{TRACE}=1Error\n")], [], tmp_path)
    item = Item(NOTHING_MORE, "", False, 0, 2, "", kinds=("watch-added",), is_excess=True)
    task = TaskScore("4.1", "T", 0, 2, (item,), ("@x",), 1)
    left_out = ["=HYPERLINK(1)"]
    write_overview([replace(result("a"), score=Score("e", "a", (task,)))], [], tmp_path, left_out)
    cells = [
        cell
        for line in csv.reader((tmp_path / "overview.csv").read_text().splitlines())
        for cell in line
    ]
    assert "'=HYPERLINK(1)" in cells
    assert "'@x" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "@"))]


class Tags(HTMLParser):
    """Counts the elements of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[str, int] = {}
        self.attributes: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Count one."""
        self.seen[tag] = self.seen.get(tag, 0) + 1
        self.attributes += [name for name, _ in attrs]


def test_nothing_a_learner_wrote_is_markup(tmp_path: Path) -> None:
    submissions = classroom.submissions(tmp_path / "s", 12)
    submit(
        tmp_path / "s",
        "s0001",
        "ex4-roles",
        [f"# {classroom.HOSTILE}\nlab.apply('''{classroom.HOSTILE}''')"],
    )
    results = [replace(each, name=classroom.HOSTILE) for each in classroom.results(200)]
    text = page(overview(results, similarities(submissions)))
    tags = Tags()
    tags.feed(text)
    assert tags.seen["script"] == 1
    assert "b" not in tags.seen
    assert not [name for name in tags.attributes if name.startswith("on") or name == "style"]
    assert "&lt;script&gt;" in text
    assert "\u202e" not in text
    assert "http" not in text.replace("http-equiv", "")


def test_the_page_stays_short_where_every_learner_has_an_error_of_their_own() -> None:
    results = [
        result(f"s{number}", 0, output=f"{TRACE}Odd{number}Error\n") for number in range(300)
    ]
    text = page(overview(results, []))
    assert 'And 100 more, in <a href="overview.csv">' in text


@pytest.mark.slow
def test_labkit_grade_writes_it(tmp_path: Path) -> None:
    submit(tmp_path / "s", "ann", "ex4-roles", solved_cells("ex4-roles", "ann"))
    submit(tmp_path / "s", "bob", "ex4-roles", ["nothing_here"])
    assert (
        run_labkit(["grade", str(tmp_path / "s"), "--out", str(tmp_path / "out"), "--places", "1"])
        == 0
    )
    document = json.loads((tmp_path / "out" / "overview.json").read_text())
    assert document["errors"][0]["learners"] == ["bob"]
    assert document["exercises"][0]["graded"] == 2
    assert "NameError: name … is not defined" in (tmp_path / "out" / "overview.html").read_text()
