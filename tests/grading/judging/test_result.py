"""The result of one submission: what it says, and what it is when it has been stored and read again."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from labkit.grading.judging.result import Result, by_exercise_and_learner
from labkit.grading.judging.score import Item, Score, TaskScore

ITEM = Item("ann may list pods", "The server says allowed.", True, 2.0, 2.0, "Look again.")
LEFT_OUT = Item("A pod called", "not judged: no pod runs", False, 0.0, 0.0, "", judged=False)
TASK = TaskScore("4.1", "A reader", 2.0, 2.0, (ITEM,), ("user alice: get · pods",), 1)
SCORE = Score("ex4-roles", "ann", (TASK,))
RESULT = Result("ann", "ex4-roles", "done", 3, 4, SCORE, "user")


def scored(*tasks: TaskScore) -> Result:
    return replace(RESULT, score=replace(SCORE, tasks=tasks))


@pytest.mark.parametrize(
    ("result", "full", "passed"),
    [
        (RESULT, True, True),
        (scored(TASK, replace(TASK, id="4.2")), True, True),
        (replace(RESULT, ended="time limit"), False, False),
        (replace(RESULT, ended=""), False, False),
        (scored(replace(TASK, points=1.0)), False, False),
        (scored(replace(TASK, points=0.0, most=0.0)), False, False),
        (scored(TASK, replace(TASK, points=0.0)), False, False),
        (scored(replace(TASK, items=(ITEM, LEFT_OUT))), True, False),
    ],
)
def test_it_is_passed_with_all_points_of_all_tasks_and_a_notebook_that_ended_by_itself(
    result: Result, full: bool, passed: bool
) -> None:
    assert (result.full, result.passed) == (full, passed)


def test_it_says_which_tasks_could_not_be_judged() -> None:
    assert RESULT.omissions == ""
    part = replace(TASK, items=(LEFT_OUT, ITEM))
    assert replace(scored(part, TASK, replace(part, id="4.3")), cluster="kind").omissions == (
        "Not all of it can be judged on the kind cluster; left out is something of: 4.1, 4.3."
    )


@pytest.mark.parametrize(
    ("ended", "outcome"),
    [
        ("done", "The notebook ended by itself. By its own account, 3 of 4 cells ran."),
        ("time limit", "The notebook was ended: time limit. By its own account, 3 of 4 cells ran."),
        ("unreadable", "It could not be graded: it is no JSON"),
        ("not graded", "It could not be graded: it is no JSON"),
    ],
)
def test_its_outcome_says_how_the_notebook_ended(ended: str, outcome: str) -> None:
    assert replace(RESULT, ended=ended, note="it is no JSON").outcome == outcome


@pytest.mark.parametrize(
    ("output", "error"),
    [
        ("", ""),
        ("all is well\nno Error here\n", ""),
        (
            'Traceback (most recent call last):\n  File "a", line 1\nValueError: 1\nKeyError: 2',
            "ValueError: 1",
        ),
        ("Traceback (most recent call last):\n  File x\na.b.Failed", "a.b.Failed"),
        (
            "started\nlabkit.UsageError: Whose exercise is this?\n",
            "labkit.UsageError: Whose exercise is this?",
        ),
        ("KeyboardInterrupt", "KeyboardInterrupt"),
        (f"KeyError: {'x' * 400}", f"KeyError: {'x' * 290}"),
    ],
)
def test_the_first_error_is_found_in_what_it_printed(output: str, error: str) -> None:
    assert replace(RESULT, output=output).first_error == error


@pytest.mark.parametrize(
    ("name", "person"), [("", "ann"), ("ann", "ann"), ("Ann Lee", "Ann Lee (ann)")]
)
def test_a_person_has_a_name_and_an_id(name: str, person: str) -> None:
    assert replace(RESULT, name=name).person == person


def test_its_notices_say_what_went_wrong_before_any_task() -> None:
    assert RESULT.notices == []
    odd = replace(
        RESULT,
        note="Its last cell was cut off.",
        output="KeyError: 1",
        missing_module="numpy",
        declared="bob",
        language="R",
    )
    said = [
        "There is no module numpy where it was graded.",
        "Its last cell was cut off.",
        "The first error that it printed: “KeyError: 1”.",
        "It was worked on as bob, and is graded as ann: its names are another's.",
        "It was written for a R kernel, and was run as Python.",
    ]
    assert odd.notices == said
    for ended in ("unreadable", "not graded"):  # there its outcome says it
        assert replace(odd, ended=ended).notices == [said[0], *said[2:]]


@pytest.mark.parametrize(
    ("field", "value", "notice"),
    [
        ("missing_module", "numpy", "There is no module numpy where it was graded."),
        ("note", "Its last cell was cut off.", "Its last cell was cut off."),
        ("output", "KeyError: 1", "The first error that it printed: “KeyError: 1”."),
        (
            "declared",
            "bob",
            "It was worked on as bob, and is graded as ann: its names are another's.",
        ),
        ("language", "R", "It was written for a R kernel, and was run as Python."),
    ],
)
def test_each_notice_stands_alone(field: str, value: str, notice: str) -> None:
    changes: dict[str, Any] = {field: value}
    assert replace(RESULT, **changes).notices == [notice]


def test_it_is_the_same_when_it_was_stored_as_json() -> None:
    part = replace(TASK, id="4.2", items=(ITEM, LEFT_OUT), excess=())
    result = replace(scored(TASK, part), note="a note", graded_by="1.2", exercise_fingerprint="ab")
    stored = json.loads(json.dumps(result.as_dict()))
    assert Result.from_dict(stored) == result
    assert hash(Result.from_dict(stored)) == hash(result), "tuples, not lists"
    with pytest.raises(KeyError):
        Result.from_dict({**stored, "score": {}})
    with pytest.raises(TypeError):
        Result.from_dict({**stored, "unknown": 1})


def test_results_are_sorted_by_exercise_and_then_by_learner() -> None:
    keys = [("bob", "ex2"), ("ann", "ex2"), ("zoe", "ex1")]
    results = [replace(RESULT, learner=learner, exercise=exercise) for learner, exercise in keys]
    assert [result.key for result in by_exercise_and_learner(results)] == [
        ("zoe", "ex1"),
        ("ann", "ex2"),
        ("bob", "ex2"),
    ]
