"""What a teacher reads of a class in another language: the overview, what the command prints, tables, CI's results."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from kube_embedded.tests.support.some import some
from labkit.cli import run as run_labkit
from labkit.core.language import shown, text
from labkit.grading.graders.grader import GRADED_AGAIN
from labkit.grading.graders.real_cluster import disagreements
from labkit.grading.graders.stages import failed_result, unreadable_result
from labkit.grading.intake.submissions import Submission
from labkit.grading.judging.result import Result
from labkit.grading.judging.score import Item, Score, TaskScore
from labkit.grading.reports.overrides import Override, apply
from labkit.grading.reports.overview import NoSubmission, overview, page, write_overview
from labkit.grading.reports.rows import Row
from labkit.grading.reports.scores import write_all
from labkit.grading.reports.similarity import ForeignNames, Similarity, SimilarPair
from tests.grading.support import submit
from tests.support.languages import outside_brackets, pseudo, speaking

EXERCISE = "ex4-roles"
NAMES = {
    "ann",
    "bob",
    "cat",
    "dan",
    "eve",
    "fay",
    "gus",
    "hal",
    "ivy",
    "jim",
    "kai",
    "lea",
    "ex",
    "exr",
    "roles",
}
"""Learners, and words of an exercise's id: what stays as it is."""


def result(learner: str, *, ended: str = "done", points: float = 2.0, **more: Any) -> Result:
    """A result with one task, whose learner may read what nobody asked for."""
    seen = text("The server says forbidden{reason}.", f" (RBAC: {learner} has it)")
    item = Item(
        text("{need} is allowed", f"{learner}: get"),
        seen,
        False,
        0.0,
        2.0,
        "",
        kinds=("not-granted",),
    )
    excess = text(
        "{excess} (by {binding})",
        text("{subject}: {permission}", learner, "get"),
        f"RoleBinding {learner}",
    )
    limit = Item(
        text("Nothing more is granted than the task asks for."),
        text("Granted too: {what}.", excess),
        False,
        -0.5,
        0.0,
        "",
        kinds=("verb-added",),
        is_excess=True,
    )
    task = TaskScore("4.1", "A reader", points, 2.0, (item, limit), (excess,), 1)
    score = Score(EXERCISE, learner, (task,))
    return replace(Result(learner, EXERCISE, ended, 1, 1, score, "root", name=learner), **more)


def a_class() -> list[Result]:
    """A result for each thing that may be said of one."""
    late = text("{one} {other}", text("late"), text("by {duration}", text("{number} days", 2)))
    unreadable = unreadable_result(
        Submission("kai", EXERCISE, Path()), "root", text("it is no ordinary file")
    )
    failed = failed_result(
        Submission("lea", EXERCISE, Path()), "root", text("its process has ended")
    )
    results = [
        result("ann"),
        result("bob", late=late),
        result("cat", ended="time limit"),
        result("dan", ended="signal SIGKILL"),
        result("eve", ended="exit code 3"),
        result("fay", without_code=True, points=0.0),
        result("gus", declared=text("{name} with another code", "ann")),
        result("hal", note=GRADED_AGAIN),
        result("ivy", ended="memory limit"),
        unreadable,
        failed,
    ]
    return apply([Override("ann", "4.1", 1.0, "늦다")], results)


def tables(results: list[Result]) -> dict[str, Sequence[Row]]:
    """The tables of an overview, each with rows."""
    pair: SimilarPair = {
        "exercise": EXERCISE,
        "learner": "ann",
        "other": "bob",
        "verdict": text("alike"),
        "share": 0.9,
        "names": [],
        "lines": ["exr"],
    }
    foreign: ForeignNames = {"exercise": EXERCISE, "learner": "ann", "other": "", "names": ["exr"]}
    left_out = [
        text("Not graded: {reason}.", text("{label} is late", "ann")),
        text("Nothing to grade for {exercise}: {names}.", "exr", "jim"),
    ]
    missing = [NoSubmission(EXERCISE, "jim", "")]
    return overview(results, [Similarity(EXERCISE, 1, [pair], [foreign])], left_out, missing)


def words(html: str) -> Iterator[str]:
    """The texts of a page."""
    shown_part = re.sub(r"<(style|script)>.*?</\1>", "", html, flags=re.DOTALL)
    yield from re.findall(r'aria-label="([^"]*)"', shown_part)
    yield from filter(None, (unescape(line).strip() for line in re.split(r"<[^>]+>", shown_part)))


@pytest.fixture
def in_brackets(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LABKIT_LANG", "ko")
    with speaking(pseudo()):
        yield


def test_a_pseudo_language_leaves_no_word_of_the_overview_untouched(in_brackets: None) -> None:
    for found in (tables(a_class()), overview([], []), tables([result("ann") for _ in range(300)])):
        for line in some(list(words(page(found)))):
            assert {*outside_brackets(line)} <= NAMES | {"overview", "csv", "json"}, line


def test_the_overview_for_programs_stays_english(tmp_path: Path) -> None:
    write_overview(a_class(), [], tmp_path)
    files = [tmp_path / f"overview.{end}" for end in ("json", "csv")]
    english = [file.read_text(encoding="utf-8") for file in files]
    with speaking():
        write_overview(a_class(), [], tmp_path)
        html = (tmp_path / "overview.html").read_text(encoding="utf-8")
    assert [file.read_text(encoding="utf-8") for file in files] == english
    (row,) = [row for row in json.loads(english[0])["people"] if row["learner"] == "bob"]
    assert (row["state"], row["points"], row["tasks"]) == (
        ["late by 2 days"],
        "2 of 2",
        ["4.1: 2 of 2"],
    )
    assert '<html lang="ko"' in html
    assert "늦음 (2일)" in html


def test_an_example_is_anonymous_and_in_korean() -> None:
    rows = {str(row["mistake"]): row for row in tables([result("annabel")])["beliefs"]}
    assert (
        rows["nothing grants it"]["example"]
        == "Expected: …: get is allowed. Seen: The server says forbidden."
    )
    assert rows["a verb added"]["example"] == "…: get"
    with speaking():
        assert "annabel" not in shown(rows["nothing grants it"]["example"])
        said = shown(rows["nothing grants it"]["example"])
    assert said == "기대한 것: 허용되어야 하는 요청: …: get. 결과: 서버가 거부했다."


def test_the_tables_and_results_for_people_are_in_korean(tmp_path: Path, in_brackets: None) -> None:
    write_all(a_class(), tmp_path)
    with (tmp_path / "scores.csv").open(encoding="utf-8") as file:
        notes = {row["learner"]: row["note"] for row in csv.DictReader(file)}
    assert {name for name, note in notes.items() if note} == set(notes)
    junit = (tmp_path / "junit.xml").read_text(encoding="utf-8")
    said = re.findall(
        r'(?:name="4.1|message="|<property name="4.1" value="|classname="\S+" name=")([^"]*)"',
        junit,
    )
    for line in some([*notes.values(), *said, *re.findall(">([^<]+)</failure>", junit)]):
        assert {*outside_brackets(line)} <= NAMES, line


class Ready:
    """A grader that has each learner's result already."""

    level = "root"

    def grade(self, submissions, on_result=lambda _result: None):  # type: ignore[no-untyped-def] # as a grader
        """Grade."""
        known = {each.learner: each for each in a_class()}
        results = [known[entry.learner] for entry in submissions]
        for each in results:
            on_result(replace(each, late="", name=""))
        return results


@pytest.fixture
def words_of_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The command that grades a class: one is late, one has another's name, one is missing, one is no learner's."""
    monkeypatch.setattr("labkit.grading.pools.pool.pool_for", lambda *_, **__: nullcontext(Ready()))
    course, corrections, roster = (
        tmp_path / "course",
        tmp_path / "corrections.csv",
        tmp_path / "roster.csv",
    )
    for learner in ("ann", "bob", "cat", "dan", "gus", "kai", "lea"):
        path = submit(
            course / "submitted",
            learner,
            EXERCISE,
            [f'ME = "{"ann" if learner == "gus" else learner}"'],
        )
        folder = path.with_suffix("")
        folder.mkdir()
        path.rename(folder / path.name)
        (folder / "timestamp.txt").write_text(
            f"2026-11-2{1 if learner == 'bob' else 0} 10:00:00 UTC"
        )
    roster.write_text("id,name,mail\nann,ann\nbob,bob\ncat,cat\njim,jim\n")
    corrections.write_text("learner,task,points,reason\nann,4.1,1,늦다\njim,4.1,1,늦다\n")
    words = [
        "grade",
        str(course / "submitted"),
        "--out",
        str(tmp_path / "out"),
        "--roster",
        str(roster),
    ]
    return [
        *words,
        "--due",
        "2026-11-20T20:00+00:00",
        "--overrides",
        str(corrections),
        "--without-kubectl",
    ]


def test_what_the_command_prints_of_a_class_is_translated(
    words_of_command: list[str], in_brackets: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_labkit(words_of_command) == 1, "the grader failed at one"
    first = capsys.readouterr()
    assert run_labkit([*words_of_command, "--only", "ann", "--late", "refuse"]) == 0
    second = capsys.readouterr()
    for line in some("".join((*first, *second)).splitlines()):
        assert "⟦" in line
        assert {*outside_brackets(line)} <= NAMES, line


def test_no_value_of_what_the_command_prints_is_english(
    words_of_command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LABKIT_LANG", "ko")
    assert run_labkit(words_of_command) == 1
    said = "".join(capsys.readouterr())
    assert "늦었지만 채점한다: bob/ex4-roles/ex4-roles.ipynb (14시간)." in said
    assert "kai ex4-roles: 채점할 수 없었다: 일반 파일이 아니다" in said
    assert "만점 2개, 선생님이 점수를 고친 문제 1개." in said
    assert not re.search(r"[a-z]{2,} [a-z]{2,} [a-z]{2,}", said), said


def test_where_two_clusters_differ_is_said_in_korean() -> None:
    real, embedded = result("ann"), result("ann")
    (task,) = embedded.score.tasks
    items = (
        replace(task.items[0], ok=True, seen=text("The server says allowed{reason}.", "")),
        *task.items[1:],
    )
    embedded = replace(embedded, score=replace(embedded.score, tasks=(replace(task, items=items),)))
    (line,) = disagreements(real, embedded)
    assert line == (
        "4.1: ann: get is allowed: The server says forbidden (RBAC: ann has it). "
        "On the embedded cluster: The server says allowed."
    )
    with speaking(pseudo()):
        assert {*outside_brackets(shown(line))} <= NAMES
