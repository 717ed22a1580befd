"""What a class believes: the same mistake under many names is one row, with what to say and an example of nobody's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from kube_embedded.tests.support.some import some
from labkit.grading.judging.result import Result
from labkit.grading.judging.score import Score
from labkit.grading.reports.overview import MAX_BELIEFS, overview
from labkit.grading.reports.rows import Row
from tests.grading.desk import ADMIN, Act, Desk, group, rule, sa
from tests.grading.solutions import binding, role


def wanted(desk: Desk) -> str:
    """The resource that the reader should read."""
    return str(desk.variant.needs[0].resource)


def solve(
    desk: Desk, verbs: str = "get,list", of: str = "", *, space: str = "", subject: Any = None
) -> None:
    """Solve task 4.1 under names of one's own: a role and a binding that are called after the learner."""
    name = f"{desk.learner}-reads"
    desk.apply(role(space or desk.space, name, [rule(verbs, of or wanted(desk))]))
    desk.apply(binding(space or desk.space, name, "Role", name, subject or desk.me()))


def other_account(desk: Desk) -> None:
    """Bind an account of one's own as well."""
    solve(desk)
    desk.grant(sa(desk.space, f"{desk.learner}-bot"), rule("get", wanted(desk)), space=desk.space)


def whole_group(desk: Desk) -> None:
    """Bind all accounts of the namespace."""
    solve(desk, subject=group(f"system:serviceaccounts:{desk.space}"))


def everybody(desk: Desk) -> None:
    """Bind everybody."""
    solve(desk)
    desk.grant(group("system:authenticated"), rule("list", wanted(desk)), space=desk.space)


def cluster_wide(desk: Desk) -> None:
    """Bind it in the whole cluster."""
    desk.apply(role("", f"{desk.learner}-all", [rule("get,list", wanted(desk))]))
    desk.apply(binding("", f"{desk.learner}-all", "ClusterRole", f"{desk.learner}-all", desk.me()))


def administrator(desk: Desk) -> None:
    """Bind cluster-admin."""
    desk.grant(desk.me(), to=ADMIN)


def too_many_resources(desk: Desk) -> None:
    """Read events as well."""
    solve(desk, of=f"{wanted(desk)},events")


MISTAKES: dict[str, Act] = {
    "watch added": lambda desk: solve(desk, "get,list,watch"),
    "a verb added": lambda desk: solve(desk, "get,list,create"),
    '"*" instead of names': lambda desk: solve(desk, "*"),
    "another resource added": too_many_resources,
    "Secrets added": lambda desk: solve(desk, of=f"{wanted(desk)},secrets"),
    "another account": other_account,
    "the group instead of the account": whole_group,
    "a group of everybody": everybody,
    "bound cluster-wide": cluster_wide,
    "a larger role than needed": administrator,
    "nothing grants it": lambda desk: desk.apply(
        role(desk.space, f"{desk.learner}-reads", [rule("get,list", wanted(desk))])
    ),
}
SIZES = (12, 8, 7, 6, 5, 5, 4, 3, 3, 3, 4)
"""How many of 60 learners make each of them."""


def class_of(sizes: Sequence[int]) -> list[Result]:
    """Results of task 4.1, solved by learners with these mistakes."""
    made = [act for act, size in zip(MISTAKES.values(), sizes, strict=True) for _ in range(size)]
    results = []
    for number, act in enumerate(made):
        desk = Desk("4.1", f"learner{number:02}")
        act(desk)
        score = Score("ex4-roles", desk.learner, (desk.judge(),))
        results.append(
            Result(
                desk.learner, "ex4-roles", "done", 1, 1, score, "root", name=f"Nam{number} Surname"
            )
        )
    return results


def beliefs(results: list[Result]) -> Sequence[Row]:
    """The rows."""
    return overview(results, [])["beliefs"]


@pytest.fixture(scope="module")
def few() -> Sequence[Row]:
    """The rows of a class in which each mistake is made once or twice."""
    return beliefs(class_of([2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 2]))


def test_the_same_mistake_is_one_row_whatever_its_names_are(few: Sequence[Row]) -> None:
    rows = {row["mistake"]: row for row in few}
    assert rows["watch added"]["learners"] == ["learner00", "learner01"]
    assert set(MISTAKES) <= set(rows)
    assert len(few) <= MAX_BELIEFS
    assert [row["count"] for row in few] == sorted((row["count"] for row in few), reverse=True)


def test_a_task_that_was_left_out_is_nobodys_belief_and_tells_nothing_of_the_task() -> None:
    left = [Desk("4.1", f"other{number}") for number in range(20)]
    scores = [Score("ex4-roles", desk.learner, (desk.judge(),)) for desk in left]
    idle = [Result(score.learner, "ex4-roles", "done", 1, 1, score, "root") for score in scores]
    assert beliefs(idle) == []
    [row] = overview(idle, [])["tasks"]
    assert (row["not attempted"], row["judged"], row["discrimination"]) == (20, 20, None)


def test_a_row_has_what_to_tell_the_class_and_where_to_go_back(few: Sequence[Row]) -> None:
    row = next(row for row in few if row["mistake"] == "watch added")
    assert row["tell the class"].startswith("What was granted: watch is a verb of its own")
    assert row["they believe"] == "get, list and watch always go together."
    assert (row["step"], row["tasks"]) == ("W16", ["4.1"])
    assert "watch · " in row["example"]


def test_an_example_is_nobodys(few: Sequence[Row]) -> None:
    for row in some(few):
        assert row["example"], row
        for word in ("learner", "Nam0", "Surname", "RoleBinding"):
            assert word not in row["example"], row
        assert "{" not in row["tell the class"]


@pytest.mark.slow
def test_of_sixty_learners_a_dozen_rows_say_it_and_the_first_five_most() -> None:
    rows = beliefs(class_of(SIZES))
    assert len(rows) <= MAX_BELIEFS
    assert rows[0]["mistake"] == "watch added"
    all_of_them = {learner for row in rows for learner in row["learners"]}
    assert len(all_of_them) == 60
    covered = {learner for row in rows[:5] for learner in row["learners"]}
    assert len(covered) > 60 / 2
