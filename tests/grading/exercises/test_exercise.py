"""An exercise in a learner's own notebook: shown, started, checked, on a real embedded server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labkit import Lab, exercise
from labkit.core.errors import UsageError
from labkit.grading.exercises.exercise import Exercise
from labkit.grading.tasks import find_exercise
from labkit.grading.tasks.seed import Seed


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exercise]:
    """The second exercise, started."""
    home: Path = tmp_path_factory.mktemp("exercise") / "home"
    lab = Lab("embedded", home=home, say=lambda _line: None)
    made = exercise(lab, "ex2-inside-a-pod", "ann")
    assert isinstance(made, Exercise)
    yield made.start()
    lab.stop()


def test_a_task_is_shown_with_the_learners_own_names(opened: Exercise) -> None:
    assert Seed("ann").name("den") in repr(opened.show("2.1"))
    assert "for ann" in repr(opened)


def test_a_check_says_seen_expected_and_a_hint(opened: Exercise) -> None:
    first, second = repr(opened.check("2.3")), repr(opened.check("2.3"))
    for word in ("✘", "seen:"):
        assert word in first
    assert "hint:" not in first
    assert "hint:" in second


def test_the_audit_log_proves_a_call_from_inside(opened: Exercise) -> None:
    assert "0 of 2 points" in repr(opened.check("2.2"))
    task = find_exercise("ex2-inside-a-pod").tasks[1]
    exec(task.variant(Seed("ann")).answer, {"lab": opened.lab})
    assert "2 of 2 points" in repr(opened.check("2.2"))
    assert opened.score().points == 2
    name = Seed("ann").name
    opened.lab.admin.delete(
        f"/api/v1/namespaces/{name('inner')}/pods/{name('caller')}?gracePeriodSeconds=0"
    )
    assert "The pod is not there any more" in repr(opened.check("2.2"))


def test_a_task_is_markdown_with_its_points(opened: Exercise) -> None:
    shown = opened.show("2.1")
    assert "points)" in repr(shown)
    assert "`" not in repr(shown)
    assert shown._repr_markdown_().startswith("**Task 2.1")


def test_hints_come_one_after_the_other(opened: Exercise) -> None:
    assert "hint 1 of" in repr(opened.hint("2.3"))
    assert "hint" in repr(opened.hint("2.3"))
    assert "points so far" in repr(opened.check("2.3"))


def test_an_empty_name_is_asked_for_and_a_changed_one_is_noticed(opened: Exercise) -> None:
    with pytest.raises(UsageError, match="Whose exercise"):
        exercise(opened.lab, "ex2-inside-a-pod", "")
    with pytest.raises(UsageError, match="begun by ann, not by bob"):
        exercise(opened.lab, "ex2-inside-a-pod", "bob").start()


def test_what_was_granted_before_costs_no_points_and_the_culprit_is_named_the_second_time(
    opened: Exercise,
) -> None:
    lab = opened.lab
    lab.reset()
    view: dict[str, Any] = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "view-test"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
        "subjects": [
            {
                "apiGroup": "rbac.authorization.k8s.io",
                "kind": "Group",
                "name": "system:authenticated",
            }
        ],
    }
    lab.apply(view)  # as W24 leaves one
    paper = exercise(lab, "ex4-roles", "ann").start()
    task = find_exercise("ex4-roles").tasks[2]
    exec(task.variant(Seed("ann")).answer, {"lab": lab})
    assert "too much" not in repr(paper.check("4.3"))
    lab.apply(
        {**view, "metadata": {"name": "more"}, "roleRef": {**view["roleRef"], "name": "admin"}}
    )
    paper = exercise(lab, "ex4-roles", "ann").start()
    exec(find_exercise("ex4-roles").tasks[3].variant(Seed("ann")).answer, {"lab": lab})
    first, second = repr(paper.check("4.4")), repr(paper.check("4.4"))
    assert "permissions too much" in first
    assert "system:authenticated" not in first
    assert "too much: " in second


def test_a_solved_task_says_what_was_to_be_seen_and_shows_a_solution(opened: Exercise) -> None:
    opened.lab.reset()
    paper = exercise(opened.lab, "ex4-roles", "ann").start()
    assert "not checked yet" in repr(paper.board())
    assert "to see" not in repr(paper.check("4.1"))
    exec(find_exercise("ex4-roles").tasks[0].variant(Seed("ann")).answer, {"lab": opened.lab})
    passed = repr(paper.check("4.1"))
    for word in ("to see", "read on", "kind: RoleBinding", "kubernetes.io/docs"):
        assert word in passed
    assert "✔ A reader: 2 of 2 points" in repr(paper.board())
    assert "to see" not in repr(paper.board())
    assert paper.board().tone == "plain"
    assert "of 8 points so far" in repr(paper.board())
    assert "nothing is left" in repr(paper.hint("4.1"))


def test_the_board_ends_with_what_it_was_about_when_all_is_solved(opened: Exercise) -> None:
    opened.lab.reset()
    paper = exercise(opened.lab, "ex3-service-accounts", "ann").start()
    for task in paper.spec.tasks:
        exec(task.variant(Seed("ann")).answer, {"lab": opened.lab})
        paper.check(task.id)
    assert "8 of 8 points" in repr(paper.board())
    assert "A token can be narrow in three ways" in repr(paper.board())
    assert paper.board().tone == "good"


def bind(lab: Any, role: str, namespace: str = "") -> None:
    """Give a cluster role to a namespace's default account there, or to alice everywhere."""
    subject = {"kind": "ServiceAccount", "name": "default", "namespace": namespace}
    lab.apply(
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding" if namespace else "ClusterRoleBinding",
            "metadata": {"name": "x", "namespace": namespace} if namespace else {"name": "y"},
            "roleRef": {
                "apiGroup": "rbac.authorization.k8s.io",
                "kind": "ClusterRole",
                "name": role,
            },
            "subjects": [subject if namespace else {"kind": "User", "name": "alice"}],
        }
    )


def test_the_ladder_has_three_hints_and_names_what_is_too_much_last(opened: Exercise) -> None:
    opened.lab.reset()
    paper = exercise(opened.lab, "ex4-roles", "ann").start()
    said = [repr(paper.hint("4.1")) for _ in range(3)]
    assert [
        "where it holds" in said[0],
        "one rule" in said[1],
        "kubectl create role" in said[2],
    ] == [True] * 3
    exec(paper.spec.tasks[0].variant(Seed("ann")).answer, {"lab": opened.lab})
    hall = Seed("ann").name("hall")
    bind(opened.lab, "view", hall)
    assert f"too much: {hall}/default: " in "".join(repr(paper.hint("4.1")) for _ in range(3))


def test_hints_of_an_unsolved_task_come_before_those_of_broken_limits(opened: Exercise) -> None:
    """And what is too much comes last; nothing comes twice."""
    opened.lab.reset()
    paper = exercise(opened.lab, "ex4-roles", "ann").start()
    hall = Seed("ann").name("hall")
    bind(opened.lab, "view", hall)
    excess = paper.score().tasks[0].excess
    cards = [paper.hint("4.1") for _ in range(6)]
    assert [card.title for card in cards] == [
        f"Task 4.1: hint {n} of {5 + len(excess)}" for n in range(1, 7)
    ]
    hints = [card.rows[0].value for card in cards]
    assert hints[:3] == paper.spec.tasks[0].texts["hints"]
    assert hints[3] == "Only the account that was named."
    assert hints[4] == f"RoleBinding x names {hall}/default, who is not meant. Take it out."
    assert hints[5] == f"too much: {excess[0]}"
    hints_of_checks = [
        check.hint for check in paper.spec.tasks[3].variant(Seed("ann")).checks if not check.limit
    ]
    assert any(hints_of_checks), "which stand with the checks, and not on the ladder"
    assert paper.hint("4.4").title == "Task 4.4: hint 1 of 3"


def test_what_the_cluster_does_not_let_be_judged_has_no_hints(
    opened: Exercise, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labkit.grading.exercises.exercise.pods_run", lambda _admin: False)
    opened.lab.reset()
    paper = exercise(opened.lab, "ex2-inside-a-pod", "ann").start()
    assert "nothing is left to be mended" in repr(paper.hint("2.2"))
    card = paper.check("2.2")
    assert (card.title, card.tone) == ("Task 2.2: not judged on this cluster", "plain")
    assert [row.label for row in card.rows] == ["–", "then", "in all"]
    assert "✔" not in repr(paper.board())


def test_a_learner_is_who_is_named_then_who_the_environment_names_then_the_user(
    opened: Exercise, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "the user")
    monkeypatch.delenv("LABKIT_LEARNER", raising=False)
    assert exercise(opened.lab, "ex4-roles").learner == "the_user"
    monkeypatch.setenv("LABKIT_LEARNER", "eve")
    assert exercise(opened.lab, "ex4-roles").learner == "eve"
    assert exercise(opened.lab, "ex4-roles", " Zoë ").learner == "Zoë"
    for name in ("", "  "):
        with pytest.raises(UsageError, match="Whose exercise is this") as caught:
            exercise(opened.lab, "ex4-roles", name)
        assert (
            caught.value.why
            == "the names in the tasks are drawn from the name that you hand in under"
        )
        assert (
            caught.value.todo
            == 'Write yours between the quotes: ME = "…", or exercise(lab, "ex4-roles", "ann").'
        )


def test_what_is_done_in_other_exercises_and_in_the_walkthrough_counts_against_none(
    opened: Exercise,
) -> None:
    """One cluster has them all; ex4 was begun before the rest was done, and its check says so of its own alone."""
    lab = opened.lab
    lab.reset()
    paper = exercise(lab, "ex4-roles", "ann").start()
    for name in ("ex5-cluster-roles", "ex6-final"):
        beside = exercise(lab, name, "ann").start()
        for task in beside.spec.tasks[:2]:
            exec(task.variant(Seed("ann")).answer, {"lab": lab})
    pv: dict[str, Any] = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "view-test"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
        "subjects": [{"kind": "ServiceAccount", "namespace": "kikai", "name": "default"}],
    }
    lab.apply(pv)  # as W24 does
    exec(paper.spec.tasks[0].variant(Seed("ann")).answer, {"lab": lab})
    assert paper.score().tasks[0].full
    critic = Seed("ann").name("stage")
    bind(lab, "edit", critic)
    assert paper.score().tasks[0].full, "that is a mistake of ex5"
    assert not exercise(lab, "ex5-cluster-roles", "ann").score().tasks[1].full
    bind(lab, "cluster-admin")
    assert not paper.score().tasks[0].full


def test_an_unknown_task_or_exercise_is_said(opened: Exercise) -> None:
    with pytest.raises(UsageError, match=r'There is no task "9\.9" here\.') as caught:
        opened.show("9.9")
    assert caught.value.todo == "Known are: 2.1, 2.2, 2.3."
    with pytest.raises(UsageError, match="no exercise"):
        exercise(opened.lab, "ex9")


@pytest.mark.parametrize("task", [None, 2.1, b"2.1", ["2.1"]])
def test_a_task_is_named_as_text(opened: Exercise, task: Any) -> None:
    for act in (opened.show, opened.check):
        with pytest.raises(UsageError, match="cannot take") as caught:
            act(task)
        assert '("4.1")' in caught.value.todo


def test_an_exercise_begins_with_the_lab(opened: Exercise) -> None:
    with pytest.raises(UsageError, match="as `lab`") as caught:
        exercise("ex2-inside-a-pod", opened.lab)  # type: ignore[arg-type] # what a learner may write
    assert caught.value.todo == 'Write exercise(lab, "ex4-roles", "ann").'
    assert exercise(opened.lab, "ex2-inside-a-pod", None).learner
