"""A task that a learner left out is not attempted; one that they tried is, whatever came of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from labkit.grading.exercises.notebooks import PLACEHOLDER, blank_answers, learner_notebook
from labkit.grading.tasks import EXERCISES, setup
from tests.grading.desk import Desk, rule

IN_A_POD = ("2.2", "3.3", "6.7")
"""Their solutions need a pod that this cluster cannot reach; a request of the pod's account stands for them below."""
TASKS = [(spec, task.id) for spec in EXERCISES for task in spec.tasks if task.id not in IN_A_POD]


def untouched(desk: Desk) -> set[str]:
    """The tasks of the exercise that nobody wrote for."""
    return {findings.task.id for findings in desk.cluster.check() if findings.untouched}


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda spec: spec.id)
def test_the_notebooks_own_writes_are_no_attempt(exercise: object) -> None:
    spec = next(each for each in EXERCISES if each is exercise)
    desk = Desk(spec.tasks[0].id)
    desk.apply(setup(spec, "ann"))
    desk.admin.get("/api/v1/pods")
    assert untouched(desk) == {task.id for task in spec.tasks}


@pytest.mark.parametrize(
    ("spec", "task"), TASKS, ids=lambda each: each if isinstance(each, str) else ""
)
def test_a_solution_is_an_attempt_at_its_task_alone(spec: object, task: str) -> None:
    desk = Desk(task)
    every = untouched(desk)
    desk.solve()
    assert untouched(desk) == every - {task}


def test_a_try_that_fails_is_an_attempt() -> None:
    desk = Desk("4.1")
    assert desk.admin.post(f"/api/v1/namespaces/{desk.space}/pods", {"metadata": {}}).status == 422
    assert "4.1" not in untouched(desk)
    desk = Desk("4.1")
    desk.grant(desk.me(), rule("get", "pods"))
    assert "4.1" not in untouched(desk)
    desk = Desk("4.1")
    desk.delete(f"/api/v1/namespaces/{desk.home}/serviceaccounts/{desk.who}")
    assert "4.1" not in untouched(desk)


@pytest.mark.parametrize("task", IN_A_POD)
def test_a_command_in_the_tasks_pod_is_an_attempt(task: str) -> None:
    desk = Desk(task)
    [pod] = [each["metadata"] for each in desk.variant.setup if each["kind"] == "Pod"]
    path = f"/api/v1/namespaces/{pod['namespace']}/pods/{pod['name']}/exec?command=hostname"
    assert task in untouched(desk)
    desk.admin.get(path)
    assert task not in untouched(desk)


def test_without_an_audit_log_nothing_is_called_untouched() -> None:
    desk = Desk("4.1")
    desk.cluster.context = replace(desk.cluster.context, audited=False)
    assert untouched(desk) == set()


def test_an_answer_is_blank_until_something_but_comments_stands_in_it() -> None:
    exercise = Desk("4.1").exercise
    cells = [
        cell["source"]
        for cell in learner_notebook(exercise)["cells"]
        if cell["cell_type"] == "code"
    ]
    every = {task.id for task in exercise.tasks}
    assert blank_answers(exercise, cells) == every
    place = cells.index(PLACEHOLDER)
    for written, blank in (
        ("# What do I have to do?\n\n", True),
        ("!kubectl get sa", False),
        ("this is no code", False),
    ):
        changed = [*cells[:place], f"{PLACEHOLDER}\n{written}", *cells[place + 1 :]]
        assert blank_answers(exercise, changed) == (every if blank else every - {"4.1"})
        added = [*cells[:place], written, *cells[place:]]
        assert blank_answers(exercise, added) == (every if blank else every - {"4.1"})
    without = [cell for cell in cells if cell != 'paper.check("4.1")']
    assert blank_answers(exercise, without) == every - {"4.1"}
