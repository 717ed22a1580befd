"""Points: what is earned, what a broken limit costs, and what a cluster does not let be judged."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kube_embedded.tests.support.some import some
from labkit.core.language import Text, text
from labkit.grading.judging.findings import TaskFindings
from labkit.grading.judging.score import (
    NOTHING_MORE,
    Item,
    Score,
    TaskScore,
    plain,
    score,
    score_task,
)
from labkit.grading.tasks import EXERCISES, find_exercise
from labkit.grading.tasks.checks import Check, Finding, GradedCluster

SPEC = find_exercise("ex4-roles")
TASK = SPEC.tasks[0]
FIRST_HINT = TASK.texts["hints"][0]
NOTHING_GONE = "What the task began with is still there."
KEPT = "Nothing of the kind was seen."
HINTS = (
    "Look at who has it and by which binding: only whom the task names may have it, and only what it names.",
    "Create it again under its name, or start the task again.",
)


def check(points: float, *, limit: bool = False, hint: str = "") -> Check:
    def look(_context: GradedCluster) -> Finding:
        raise AssertionError("it was asked before")

    return Check("It is so.", look, points, hint, limit)


YES, NO = Finding(True, "yes"), Finding(False, "no")
LEFT_OUT = Finding(False, "not judged: no audit log", judged=False)


def scored(
    *findings: tuple[Check, Finding],
    needed: int = 1,
    excess: tuple[str, ...] = (),
    gone: tuple[str, ...] = (),
) -> TaskScore:
    return score_task(
        TaskFindings(TASK, findings, needed, list(excess), list(gone), weight=len(excess))
    )


KINDS = ("missing-part",)


@pytest.mark.parametrize(
    ("entry", "finding", "item"),
    [
        (check(2.0), YES, Item("It is so.", "yes", True, 2.0, 2.0, FIRST_HINT)),
        (check(2.0), NO, Item("It is so.", "no", False, 0.0, 2.0, FIRST_HINT, kinds=KINDS)),
        (
            check(2.0, hint="Its own."),
            NO,
            Item("It is so.", "no", False, 0.0, 2.0, "Its own.", kinds=KINDS),
        ),
        (check(0.5, limit=True), YES, Item("It is so.", "yes", True, 0.0, 0.0, FIRST_HINT)),
        (
            check(0.5, limit=True),
            NO,
            Item("It is so.", "no", False, -0.5, 0.0, FIRST_HINT, kinds=KINDS),
        ),
        (check(2.0), LEFT_OUT, Item("It is so.", LEFT_OUT.seen, False, 0.0, 0.0, "", judged=False)),
        (
            check(0.5, limit=True),
            LEFT_OUT,
            Item("It is so.", LEFT_OUT.seen, False, 0.0, 0.0, "", judged=False),
        ),
        (
            check(2.0),
            Finding(False, "a\x07b"),
            Item("It is so.", "a\ufffdb", False, 0.0, 2.0, FIRST_HINT, kinds=KINDS),
        ),
    ],
)
def test_a_check_earns_its_points_and_a_broken_limit_costs_them(
    entry: Check, finding: Finding, item: Item
) -> None:
    assert scored((entry, finding)).items[0] == item


def test_every_task_has_two_limits_more() -> None:
    task = scored((check(2.0), YES))
    assert task.items[1:] == (
        Item(NOTHING_MORE, KEPT, True, 0.0, 0.0, HINTS[0], is_excess=True),
        Item(NOTHING_GONE, KEPT, True, 0.0, 0.0, HINTS[1]),
    )
    assert (task.id, task.title, task.points, task.most, task.full) == (
        "4.1",
        TASK.title,
        2.0,
        2.0,
        True,
    )


def test_what_is_too_much_and_what_is_gone_cost_a_quarter_each() -> None:
    one = scored((check(2.0), YES), excess=("a\x07",), gone=("b",))
    assert [(item.ok, item.seen, item.points) for item in one.items[1:]] == [
        (False, "Granted too: a\ufffd.", -0.5),
        (False, "Gone: b.", -0.5),
    ]
    assert (one.points, one.excess) == (1.0, ("a\ufffd",))
    three = scored((check(2.0), YES), excess=("a", "b", "c"), gone=("d", "e"))
    assert [item.seen for item in three.items[1:]] == [
        "Granted too: a, and 2 more.",
        "Gone: d, and 1 more.",
    ]
    assert three.points == 1.0


def test_points_are_never_below_zero() -> None:
    task = scored((check(2.0), NO), (check(1.0), NO), (check(9.0, limit=True), NO))
    assert (task.points, task.most, task.full) == (0.0, 3.0, False)


@pytest.mark.parametrize(
    ("findings", "needed", "excess", "least"),
    [
        ([(check(2.0), YES)], 0, 0, None),
        ([(check(2.0), YES)], 2, 0, 1.0),
        ([(check(2.0), YES)], 3, 1, 0.75),
        ([(check(2.0), YES), (check(2.0), NO)], 3, 0, 0.0),
        ([(check(2.0), YES), (check(0.5, limit=True), NO)], 1, 1, 0.5),  # a limit is no need
        ([(check(2.0), YES), (check(2.0), LEFT_OUT)], 1, 0, 1.0),
    ],
)
def test_least_privilege_is_the_need_over_what_was_granted(
    findings: list[tuple[Check, Finding]], needed: int, excess: int, least: float | None
) -> None:
    task = scored(*findings, needed=needed, excess=tuple(map(str, range(excess))))
    assert task.least_privilege == least


def test_an_exercise_has_the_points_of_its_tasks() -> None:
    findings = [
        TaskFindings(TASK, ((check(2.0), YES),), 1),
        TaskFindings(SPEC.tasks[1], ((check(1.0), YES), (check(1.0), LEFT_OUT)), 1),
        TaskFindings(SPEC.tasks[2], ((check(1 / 3), YES), (check(2.0), NO)), 1),
    ]
    whole = score(SPEC, "ann", findings)
    assert (whole.exercise, whole.learner) == ("ex4-roles", "ann")
    assert whole.points == 3.33
    assert whole.most == pytest.approx(5 + 1 / 3)
    assert whole.unjudged == ["4.2"]
    assert Score("ex4-roles", "ann", ()).unjudged == []


def test_the_first_hint_of_a_task_stands_with_the_checks_that_have_none() -> None:
    for task in some(task for spec in EXERCISES for task in spec.tasks):
        item = score_task(TaskFindings(task, ((check(1.0), NO),), 0)).items[0]
        assert item.hint == task.texts["hints"][0]


def test_a_task_of_which_nothing_can_be_judged_is_not_full() -> None:
    assert not TaskScore("9.9", "", 0.0, 0.0, (), (), 0).full
    whole = TaskScore("9.9", "", 2.0, 2.0, (), (), 0)
    assert whole.full
    assert not replace(whole, points=1.0).full


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[2J\nb\u202e", "a\ufffd[2J\nb\ufffd"),
        ("a\tb\nc", "a\tb\nc"),
        ("\x00\tb\nc", "\ufffd\tb\nc"),
        ("x" * 500, "x" * 500),
        ("x" * 501, "x" * 500 + "…"),
        ("“한글”", "“한글”"),
    ],
)
def test_what_learners_write_is_shown_short_and_without_what_terminals_obey(
    text: str, shown: str
) -> None:
    assert plain(text) == shown
    assert plain("abc", 2) == "ab…"


def test_of_a_sentence_only_the_values_are_shortened_so_that_it_can_be_translated() -> None:
    said = text(
        "The config map {name} says {value} of {key}.", "seen", text("nothing"), "a\x07" + "x" * 600
    )
    short = plain(said)
    assert short == f"The config map seen says nothing of a\ufffd{'x' * 164}…."
    assert isinstance(short, Text)
    assert isinstance(short.values["value"], Text)
