"""Feedback in another language: wrong answers get the same points, and no sentence of labkit stays English."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from kube_embedded.tests.support.some import some
from labkit.cli import run as run_labkit
from labkit.core import language
from labkit.core.language import Text, shown, text
from labkit.grading.graders.grader import GRADED_AGAIN, STILL_BUSY, Grader
from labkit.grading.graders.stages import unreadable_result
from labkit.grading.intake.exports import Deadline
from labkit.grading.intake.intake import _timed
from labkit.grading.intake.submissions import Submission, Unreadable, parse
from labkit.grading.judging.result import Result
from labkit.grading.judging.score import TaskScore, score
from labkit.grading.reports.overrides import Override
from labkit.grading.reports.scores import write_all
from labkit.grading.session import GradingSession
from labkit.grading.tasks import EXERCISES
from tests.grading.desk import Desk
from tests.grading.support import submit
from tests.grading.tasks.test_too_much import GONE, TOO_MUCH
from tests.support.korean import HANGUL
from tests.support.languages import complete, speaking

SENTENCE = re.compile(r"[A-Za-z]+ [a-z]+ [a-z]+")
"""Three English words."""
OF_OTHERS = re.compile(
    r"RBAC: allowed by|\[invalid bearer token|may(?: not)?: |: (?:get|list|create|update|delete) "
)
"""What the server says, the questions of exercise 7, and requests."""


def twisted(task: str, this: str, by: str) -> Callable[[], Desk]:
    """A task's own solution with something replaced in it."""

    def answer() -> Desk:
        desk = Desk(task)
        changed = re.sub(this, by, desk.variant.answer)
        assert changed != desk.variant.answer
        exec(changed, {"lab": desk})
        return desk

    return answer


def besides(task: str, act: Callable[[Desk], object]) -> Desk:
    """A solved task, and something done besides."""
    desk = Desk(task)
    desk.solve()
    act(desk)
    return desk


def questions(written: str) -> Callable[[], Desk]:
    """The first task with questions, answered by a text."""

    def answer() -> Desk:
        desk = Desk("7.1")
        metadata = {"name": "tests", "namespace": desk.space}
        desk.apply(
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": metadata,
                "data": {"questions.yaml": written},
            }
        )
        return desk

    return answer


STRANGER = "questions: [{who: system:anonymous, may: list %s}]"

WRONG: Mapping[str, Callable[[], Desk]] = {
    **{f"nothing in {spec.id}": partial(Desk, spec.tasks[0].id) for spec in EXERCISES},
    "another label": twisted("1.1", r'"team": "\w+"', '"team": "x"'),
    "another version": twisted("1.2", r"version = .*", 'version = "v1.0"'),
    "the default account": twisted(
        "2.1", "'serviceAccountName': '[^']+'", "'serviceAccountName': 'default'"
    ),
    "a token is mounted": twisted(
        "2.3", "'automountServiceAccountToken': False", "'hostNetwork': False"
    ),
    "two audiences": twisted(
        "3.1", r'"audiences": \["', '"audiences": ["https://other.example", "'
    ),
    "another life": twisted("3.2", r"60 \* \d+", "7777"),
    "no token": twisted("3.1", r'answer\.body\["status"\]\["token"\]', '"abc"'),
    "no YAML": questions("{"),
    "no request": questions(STRANGER % ""),
    "a pod's other name": questions(STRANGER % "podz in default"),
    "another answer": questions(STRANGER % "secrets"),
    **{name: partial(besides, task, act) for name, (task, act, _) in GONE.items()},
    **{name: partial(besides, *TOO_MUCH[name][:2]) for name in list(TOO_MUCH)[::4]},
}

FEW = ("nothing in ex2-inside-a-pod", "two audiences", *list(WRONG)[-20::5])


def result_of(name: str, number: int) -> Result:
    """The stored result of a wrong answer."""
    desk = WRONG[name]()
    whole = score(desk.exercise, f"s{number:02}", desk.cluster.check())
    return stored(Result(f"s{number:02}", desk.exercise.id, "done", 9, 9, whole, "root"))


def stored(result: Result) -> Result:
    """A result as it is after it was stored: as JSON."""
    return Result.from_dict(json.loads(json.dumps(result.as_dict())))


@pytest.fixture
def speak() -> Iterator[Callable[[], None]]:
    """Have labkit speak Korean from now on."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(speaking())


def said_to_learners(result: Result) -> Iterator[str]:
    """All that a result says."""
    yield from (*result.notices, result.outcome, result.omissions)
    for task in result.score.tasks:
        yield from (task.title, task.corrected, *task.excess)
        for item in task.items:
            yield from (item.expected, item.hint, "" if item.ok else item.seen)


def words(said: str) -> Iterator[str]:
    """What of a text stays English: its values, and those of the texts within it."""
    for value in said.values.values() if isinstance(said, Text) else [said]:
        yield from words(value) if isinstance(value, Text) else [str(value)]


def in_english(results: list[Result]) -> set[str]:
    """What of results has no translation, and reads like a sentence."""
    known, found = complete(), set()
    for said in {each for result in results for each in said_to_learners(result) if each}:
        if said not in known:
            found |= {each for each in words(said) if each not in known and SENTENCE.search(each)}
    return {each for each in found if not OF_OTHERS.search(each)}


def pages(results: list[Result], folder: Path) -> dict[str, list[str]]:
    """The lines of the feedback pages, without their tags; by learner."""
    write_all(results, folder)
    found = {}
    for page in (folder / "feedback").glob("*.html"):
        body = page.read_text(encoding="utf-8").partition("<body>")[2]
        found[page.stem] = [
            unescape(line).strip() for line in re.split(r"<[^>]+>", body) if line.strip()
        ]
    return found


def without_notes(folder: Path) -> list[dict[str, str]]:
    """The rows of a folder's scores, without what is there for people."""
    rows = csv.DictReader((folder / "scores.csv").read_text(encoding="utf-8").splitlines())
    return [
        {name: cell for name, cell in row.items() if name != "note"} for row in some(list(rows))
    ]


def check_in_korean(results: list[Result], folder: Path, speak: Callable[[], None]) -> None:
    """The points stay, all that can be translated is, and the pages have the same lines in Korean."""
    assert in_english(results) == set()
    english = pages(results, folder / "en")
    speak()
    translated = pages(results, folder / "ko")
    assert without_notes(folder / "en") == without_notes(folder / "ko")
    assert english.keys() == translated.keys()
    same = {"".join(line.split()) for line in complete().values()}
    for learner, lines in some(english.items()):
        assert len(lines) == len(translated[learner])
        for one, other in zip(lines, translated[learner], strict=True):
            assert (
                HANGUL.search(other) or not SENTENCE.search(one) or "".join(one.split()) in same
            ), other


def test_wrong_answers_get_the_same_points_and_korean_feedback(tmp_path: Path, speak: Any) -> None:
    check_in_korean(
        [result_of(name, number) for number, name in enumerate(some(FEW))], tmp_path, speak
    )


@pytest.mark.slow
def test_forty_wrong_answers_get_the_same_points_and_korean_feedback(
    tmp_path: Path, speak: Any
) -> None:
    results = [result_of(name, number) for number, name in enumerate(WRONG)]
    assert len(results) >= 40
    assert all(result.score.points < result.score.most for result in results)
    check_in_korean(results, tmp_path, speak)


ODD: Mapping[str, Any] = {
    **{
        ended: {"ended": ended}
        for ended in ("time limit", "memory limit", "signal SIGKILL", "exit code 1")
    },
    "a module": {"missing_module": "numpy"},
    "an error": {"output": "KeyError: 1"},
    "another name": {"declared": "bob", "without_code": True},
    "another kernel": {"language": "R"},
    "late": {"late": text("late {how}", text("by {duration}", text("{number} days", 2)))},
    "busy": {"note": GRADED_AGAIN},
    "still busy": {"note": STILL_BUSY},
    "greedy": {
        "note": text(
            "It used up what it may ask of its cluster: {why}.",
            text("it sent more than {size} MiB", 9),
        )
    },
}


@pytest.fixture(scope="module")
def whole() -> TaskScore:
    """A task that was solved."""
    return next(task for task in result_of(next(iter(GONE)), 0).score.tasks if task.id == "4.2")


@pytest.mark.parametrize("name", ODD)
def test_what_a_notebook_did_is_said_in_korean(name: str, whole: TaskScore, speak: Any) -> None:
    task = Override("s00", "4.2", 1.5, "늦었다").corrected(whole)
    result = Result("s00", "ex4-roles", "done", 9, 9, score(EXERCISES[3], "s00", []), "root")
    odd = stored(
        replace(result, **{**ODD[name], "late": ""}, score=replace(result.score, tasks=(whole,)))
    )
    said = replace(odd, score=replace(odd.score, tasks=(task,)), late=ODD[name].get("late", ""))
    english = [*said.notices, said.outcome]
    speak()
    for line in some(english):
        assert HANGUL.search(shown(text(line))), line
        assert not SENTENCE.search(shown(text(line))), line
    assert english == [*said.notices, said.outcome]
    assert "1.5점" in shown(task.corrected)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\xff\xfe", "텍스트가 UTF-16이다"),
        (b"[]", "노트북이 아니다(AttributeError)"),
        (b"\xff{}", "노트북이 아니다(텍스트가 UTF-8이 아니다)"),
        (b'{"nbformat": 3}', "예전 형식의 노트북이다(nbformat 3)"),
    ],
)
def test_why_it_could_not_be_graded_is_said_in_korean(data: bytes, why: str, speak: Any) -> None:
    with pytest.raises(Unreadable) as caught:
        parse(data)
    result = stored(
        unreadable_result(Submission("ann", "ex4-roles", Path()), "root", caught.value.args[0])
    )
    speak()
    assert shown(result.outcome).startswith(f"채점할 수 없었다: {why}")


def test_how_late_it_is_is_said_in_korean(speak: Any) -> None:
    entry = Submission("ann", "ex4-roles", Path(), handed_in="2026-11-21T02:05:00+00:00")
    due = Deadline(datetime(2026, 11, 21, tzinfo=UTC), {})
    assert _timed(due, entry).delay == "by 2 hours 5 minutes"
    speak()
    assert shown(_timed(due, entry).delay) == "(2시간 5분)"


def test_the_command_grades_in_a_language_and_keeps_results_in_english(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, grader: Grader
) -> None:
    """What was graded in English is shown in Korean the next time, without being graded again."""
    monkeypatch.delenv("LABKIT_LANG", raising=False)
    submit(tmp_path / "s", "ann", "ex4-roles", ["1/0"])
    GradingSession(tmp_path / "s", tmp_path / "out").run(grader, lambda _result: None)
    page, kept = tmp_path / "out" / "feedback" / "ann.html", tmp_path / "out" / ".graded.jsonl"
    english, before = page.read_text(encoding="utf-8"), kept.read_text()
    assert not HANGUL.search(english)
    assert not HANGUL.search(json.dumps(json.loads(before.split("\n")[1]), ensure_ascii=False))
    scores = without_notes(tmp_path / "out")
    try:
        assert (
            run_labkit(
                ["grade", str(tmp_path / "s"), "--out", str(tmp_path / "out"), "--lang", "ko"]
            )
            == 0
        )
        translated = page.read_text(encoding="utf-8")
        assert '<html lang="ko"' in translated
        assert "시크릿" in translated
        assert (kept.read_text(), without_notes(tmp_path / "out")) == (before, scores)
        assert "처음 출력한 오류: “ZeroDivisionError" in (
            tmp_path / "out" / "scores.csv"
        ).read_text(encoding="utf-8")
        assert (
            run_labkit(
                ["grade", str(tmp_path / "s"), "--out", str(tmp_path / "out"), "--lang", "en"]
            )
            == 0
        )
        assert page.read_text(encoding="utf-8") == english
    finally:
        language.use("")
