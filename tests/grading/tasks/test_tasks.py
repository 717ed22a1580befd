"""Every task three ways: untouched, solved, and solved as somebody else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from kube_embedded.tests.support.cluster import keys
from kube_embedded.tests.support.some import some
from labkit.grading.clusters.embedded_cluster import EmbeddedCluster
from labkit.grading.exercises.exercise import readable
from labkit.grading.graders.grader import Grader
from labkit.grading.judging.score import Score, score
from labkit.grading.tasks import EXERCISES, find_exercise
from labkit.grading.tasks.anonymous import anonymous_stays_out
from labkit.grading.tasks.seed import Seed
from labkit.grading.tasks.task import texts
from tests.grading.fixed_cluster import context_of
from tests.grading.support import SETUP, grade, solved_cells, submit

IDS = [exercise.id for exercise in EXERCISES]


def score_untouched(exercise: str) -> Score:
    """The score of a cluster in which the learner has done nothing."""
    found = find_exercise(exercise)
    cluster = EmbeddedCluster(keys(), found, "ann")
    cluster.set_up()
    return score(found, "ann", cluster.check())


def test_there_are_at_least_twenty_tasks_and_their_names_are_unique() -> None:
    ids = [task.id for exercise in EXERCISES for task in exercise.tasks]
    assert len(ids) >= 20
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("exercise", IDS)
def test_an_untouched_cluster_earns_nothing(exercise: str) -> None:
    result = score_untouched(exercise)
    assert result.points == 0
    assert all(task.most > 0 for task in some(result.tasks))
    assert all(not task.least_privilege for task in some(result.tasks))


@pytest.mark.parametrize("exercise", IDS)
def test_every_question_has_a_hint_and_none_gives_its_answer_away(exercise: str) -> None:
    tasks = score_untouched(exercise).tasks
    assert all(item.hint for task in tasks for item in task.items)
    seen = [item.seen for task in tasks for item in task.items]
    # What a learner is to find out: the server's version, a number of types, an account's uid, a binding's name.
    answers = r"says v1\.|lists \d|[0-9a-f]{8}-[0-9a-f]{4}-|convenience-"
    assert not [line for line in seen if re.search(answers, line)]


@pytest.mark.parametrize("exercise", IDS)
def test_a_task_says_what_is_too_much_and_has_three_hints_a_debrief_and_something_to_read(
    exercise: str,
) -> None:
    found = find_exercise(exercise)
    assert texts()[exercise]["end"]
    for task in some(found.tasks):
        assert "**Too much:** " in task.text("ann")
        assert len(task.texts["hints"]) == len(set(task.texts["hints"])) == 3
        assert task.texts["seen"].endswith(".")
        title, address = task.texts["read"]
        assert title
        assert address.startswith("https://kubernetes.io/docs/")
        assert not [hint for hint in task.texts["hints"] if re.search(r"-\d\d\b", hint)], (
            "a hint is the same for all"
        )


def test_texts_are_those_of_the_exercises_and_of_no_others() -> None:
    tasks = [task.id for exercise in EXERCISES for task in exercise.tasks]
    assert sorted(texts()) == sorted([*IDS, *tasks])


@pytest.mark.parametrize("exercise", IDS)
def test_a_solution_is_shown_without_string_tricks(exercise: str) -> None:
    for task in some(find_exercise(exercise).tasks):
        shown = readable(task.variant(Seed("ann")).answer)
        assert "lab.apply(" not in shown
        manifests = shown.split("with this manifest:\n")[1:]
        assert all(list(yaml.safe_load_all(text.split("\nlab.")[0])) for text in manifests)


@pytest.mark.parametrize("exercise", IDS)
def test_the_solutions_earn_everything_with_least_privilege(
    exercise: str, grader: Grader, tmp_path: Path
) -> None:
    submit(tmp_path, "ann", exercise, solved_cells(exercise, "ann"))
    result = grade(grader, tmp_path)["ann"]
    wrong = [
        f"{task.id}: {item.expected}: {item.seen}"
        for task in result.score.tasks
        for item in task.items
        if not item.ok
    ]
    assert not wrong, f"{wrong}\n{result.output}"
    assert result.passed, result.outcome
    assert {task.least_privilege for task in result.score.tasks} <= {None, 1.0}


@pytest.mark.parametrize("exercise", IDS)
def test_a_copied_answer_earns_nothing(exercise: str, grader: Grader, tmp_path: Path) -> None:
    submit(tmp_path, "bob", exercise, solved_cells(exercise, "ann"))
    result = grade(grader, tmp_path)["bob"]
    assert result.score.points <= 1, [task for task in result.score.tasks if task.points]
    assert not result.passed


def test_too_much_permission_costs_points_and_is_named(grader: Grader, tmp_path: Path) -> None:
    seed = Seed("eve")
    space, who = seed.name("hall"), seed.name("reader")
    rule = '{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}'
    grant = (
        'R = "rbac.authorization.k8s.io"\n'
        f"rules = [{rule}]\n"
        'lab.apply({"apiVersion": R + "/v1", "kind": "ClusterRole", "metadata": {"name": "all"}, "rules": rules})\n'
        f'lab.apply({{"apiVersion": R + "/v1", "kind": "ClusterRoleBinding", "metadata": {{"name": "all"}},\n'
        '  "roleRef": {"apiGroup": R, "kind": "ClusterRole", "name": "all"},\n'
        f'  "subjects": [{{"kind": "ServiceAccount", "namespace": "{space}", "name": "{who}"}}]}})'
    )
    submit(tmp_path, "eve", "ex4-roles", [SETUP, grant])
    first = grade(grader, tmp_path)["eve"].score.tasks[0]
    assert first.id == "4.1"
    assert 0 <= first.points < first.most
    assert any("* · *" in line for line in first.excess)
    assert first.least_privilege is not None
    assert first.least_privilege < 1


def test_partial_work_earns_part(grader: Grader, tmp_path: Path) -> None:
    cells = solved_cells("ex4-roles", "pat")
    submit(tmp_path, "pat", "ex4-roles", cells[: len(cells) // 2])
    points = [task.points for task in grade(grader, tmp_path)["pat"].score.tasks]
    assert points[0] > 0
    assert points[-1] == 0


def test_draws_are_the_same_everywhere_and_differ_between_learners() -> None:
    assert Seed("ann").name("hall") == Seed("ann").name("hall")
    names = {Seed(f"learner {number}").name("hall") for number in range(200)}
    assert len(names) > 150


@pytest.mark.parametrize(
    ("status", "user"),
    [(401, "unauthorized"), (403, "system:anonymous"), (200, "system:anonymous")],
)
def test_a_cluster_that_authenticates_nobody_without_credentials_names_no_user(
    status: int, user: str
) -> None:
    seed = Seed("ann")
    check = anonymous_stays_out(seed).checks[0]
    path = f"/api/v1/namespaces/{seed.name('gate')}/configmaps/{seed.name('seen')}"
    for said in ("unauthorized", "system:anonymous"):
        objects = {path: {"data": {"user": said}}} | (
            {"/api/v1/namespaces": {}} if status == 200 else {}
        )
        assert check.look(context_of(objects, otherwise=status)).ok is (said == user)
