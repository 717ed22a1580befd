"""What a check's card shows, and a task's text and solution."""

from __future__ import annotations

from dataclasses import replace

import pytest

from labkit.client.pods import pods_run
from labkit.core.display import Card, Row
from labkit.grading.exercises.exercise import TaskText, readable, task_card
from labkit.grading.judging.score import NOTHING_MORE, Item, TaskScore
from labkit.grading.tasks.task import Object
from tests.grading.fixed_cluster import admin_of

ALLOWED = Item(
    "s/ann: list pods is allowed",
    "The server says allowed (RBAC: allowed by b).",
    True,
    2.0,
    2.0,
    "Bind it.",
)
REFUSED = replace(ALLOWED, ok=False, seen="The server says forbidden (no rule).", points=0.0)
KEPT = Item(
    "s/ann: delete pods is forbidden",
    "The server says forbidden.",
    True,
    0.0,
    0.0,
    "Something grants it.",
)
BROKEN = replace(KEPT, ok=False, seen="The server says allowed (RBAC: allowed by b).", points=-0.5)
LEFT_OUT = Item("A pod called", "not judged: no pod runs (none)", False, 0.0, 0.0, "", judged=False)
TOO_MUCH = Item(
    NOTHING_MORE,
    "Granted too: a, and 1 more.",
    False,
    -0.5,
    0.0,
    "Look at who has it.",
    is_excess=True,
)
SCORE = TaskScore("4.1", "A reader", 0.0, 2.0, (), (), 1)
LOOK_AGAIN = Row("then", 'look again; paper.hint("4.1") helps; the next check names the cause')


def scored(*items: Item, points: float = 0.0, most: float = 2.0, excess: int = 0) -> TaskScore:
    return replace(
        SCORE, items=items, points=points, most=most, excess=tuple(f"x{n}" for n in range(excess))
    )


@pytest.mark.parametrize(
    ("score", "first", "then"),
    [
        (
            scored(ALLOWED, KEPT, points=2.0),
            Card("Task 4.1: 2 of 2 points", "good", [Row("✔", ALLOWED.expected)]),
            Card("Task 4.1: 2 of 2 points", "good", [Row("✔", ALLOWED.expected)]),
        ),
        (
            scored(REFUSED, BROKEN),
            Card(
                "Task 4.1: 0 of 2 points",
                "bad",
                [
                    Row("✘", f"{REFUSED.expected}\nseen: The server says forbidden"),
                    Row("✘", f"{BROKEN.expected}\nseen: The server says allowed"),
                    LOOK_AGAIN,
                ],
            ),
            Card(
                "Task 4.1: 0 of 2 points",
                "bad",
                [
                    Row("✘", f"{REFUSED.expected}\nseen: {REFUSED.seen}\nhint: Bind it."),
                    Row("✘", f"{BROKEN.expected}\nseen: {BROKEN.seen}\nhint: Something grants it."),
                ],
            ),
        ),
        (
            scored(ALLOWED, TOO_MUCH, points=1.5, excess=2),
            Card(
                "Task 4.1: 1.5 of 2 points",
                "bad",
                [
                    Row("✔", ALLOWED.expected),
                    Row("✘", f"{NOTHING_MORE}\nseen: 2 permissions too much"),
                    LOOK_AGAIN,
                ],
            ),
            Card(
                "Task 4.1: 1.5 of 2 points",
                "bad",
                [
                    Row("✔", ALLOWED.expected),
                    Row(
                        "✘",
                        f"{NOTHING_MORE}\nseen: 2 permissions too much\nhint: Look at who has it.",
                    ),
                    Row("!", "too much: x0"),
                    Row("!", "too much: x1"),
                ],
            ),
        ),
        (
            scored(LEFT_OUT, most=0.0),
            Card(
                "Task 4.1: not judged on this cluster",
                "plain",
                [Row("–", f"{LEFT_OUT.expected}\nseen: {LEFT_OUT.seen}"), LOOK_AGAIN],
            ),
            Card(
                "Task 4.1: not judged on this cluster",
                "plain",
                [Row("–", f"{LEFT_OUT.expected}\nseen: {LEFT_OUT.seen}")],
            ),
        ),
    ],
    ids=["solved", "unsolved", "too much", "not judged"],
)
def test_the_first_check_says_what_does_not_hold_and_the_next_one_why(
    score: TaskScore, first: Card, then: Card
) -> None:
    assert task_card(score, named=False) == first
    assert task_card(score) == then


@pytest.mark.parametrize(
    ("excess", "said"), [(1, "1 permission too much"), (2, "2 permissions too much")]
)
def test_without_the_culprit_what_is_too_much_is_counted(excess: int, said: str) -> None:
    assert (
        task_card(scored(TOO_MUCH, excess=excess), named=False)
        .rows[0]
        .value.endswith(f"\nseen: {said}")
    )


@pytest.mark.parametrize(("excess", "more"), [(10, None), (11, "and 1 more"), (30, "and 20 more")])
def test_ten_permissions_that_are_too_much_are_named(excess: int, more: str | None) -> None:
    values = [row.value for row in task_card(scored(excess=excess)).rows]
    assert values == [f"too much: x{n}" for n in range(10)] + ([more] if more else [])


READY, BUSY = (
    {"status": {"conditions": [{"type": "Ready", "status": status}]}}
    for status in ("True", "False")
)


@pytest.mark.parametrize(
    ("nodes", "run"),
    [([], False), ([BUSY], False), ([READY], True), ([BUSY, READY], True), ([{}], False)],
)
def test_pods_run_where_a_node_is_ready(nodes: list[Object], run: bool) -> None:
    assert pods_run(admin_of({"/api/v1/nodes": {"items": nodes}})) is run


def test_pods_run_where_nodes_may_not_be_listed() -> None:
    assert pods_run(admin_of({}, otherwise=403))


def test_a_text_of_several_lines_in_a_solution_is_a_block() -> None:
    manifest = {
        "kind": "ConfigMap",
        "data": {"plain": "one", "questions.yaml": "- who: a\n  may: [get pods]\n"},
    }
    shown = readable(f"lab.apply({manifest!r})")
    assert "  plain: one\n  questions.yaml: |\n    - who: a\n      may: [get pods]\n" in shown


def test_a_solution_is_shown_as_manifests_and_commands() -> None:
    one = {"kind": "Role", "apiVersion": "v1", "metadata": {"name": "r"}}
    answer = f'lab.kubectl("get pods")\nlab.apply({one!r})\nlab.apply([{one!r}, {one!r}])\nprint(lab.apply)'
    manifest = "kind: Role\napiVersion: v1\nmetadata:\n  name: r\n"
    heading = "# kubectl apply -f - with this manifest:\n"
    assert readable(answer) == (
        f'lab.kubectl("get pods")\n{heading}{manifest}\n{heading}{manifest}---\n{manifest}\nprint(lab.apply)'
    )


def test_a_tasks_text_is_markdown_in_a_notebook_and_plain_in_a_terminal() -> None:
    text = TaskText("4.1", "A reader", "**Grant** `list`.\n\n" + "word " * 30, 1.5)
    assert text._repr_markdown_() == f"**Task 4.1: A reader** (1.5 points)\n\n{text.text}"
    lines = repr(text).splitlines()
    assert lines[:2] == ["Task 4.1: A reader (1.5 points)", "Grant list."]
    assert [len(line) for line in lines[2:]] == [99, 49]
