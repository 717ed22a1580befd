"""What was granted beyond the need, by the task that it concerns, and how much of that can be judged."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kube_embedded.rbac.subjects import subject
from labkit.grading.judging import findings
from labkit.grading.judging.findings import (
    MORE,
    TaskFindings,
    TooManyGrants,
    check_exercise,
    check_task,
)
from labkit.grading.tasks.checks import GradedCluster, may
from labkit.grading.tasks.task import ExerciseSpec, Object, Task, Variant, binding, namespace, role
from labkit.rbac import difference
from labkit.rbac.difference import Allowance
from labkit.rbac.policy import Policy
from tests.grading.fixed_cluster import context_of


def task(number: int, space: str) -> Task:
    checks = (may(f"{space}/reader", "list", "pods", space),)
    return Task(f"9.{number}", lambda _seed: Variant("", checks, [namespace(space)]))


HALL, YARD, ATTIC = task(1, "hall"), task(2, "yard"), task(3, "attic")
SPEC = ExerciseSpec("ex9", (HALL, YARD))
BESIDE = ExerciseSpec("ex8", (ATTIC,))


def granted(space: str, who: str, *rules: tuple[str, str, str]) -> list[Object]:
    """A role, and its binding to somebody."""
    return [
        role(space, "r", *rules),
        binding(space, "b", "Role/r" if space else "ClusterRole/r", who),
    ]


def excesses(context: GradedCluster, *beside: ExerciseSpec) -> dict[str, tuple[str, ...]]:
    """What is too much, by task."""
    return {
        findings.task.id: tuple(findings.excess)
        for findings in check_exercise(SPEC, "ann", context, beside)
    }


def test_what_was_asked_for_is_not_too_much() -> None:
    policy = [
        *granted("hall", "hall/reader", ("list", "", "pods")),
        *granted("yard", "yard/reader", ("list", "", "pods")),
    ]
    assert excesses(context_of(policy=policy)) == {"9.1": (), "9.2": ()}


def test_what_is_too_much_is_charged_where_it_holds_or_to_all() -> None:
    secrets = ("get", "", "secrets")
    here = granted("hall", "x/bot", secrets)
    line = "x/bot: get · secrets in hall (by RoleBinding b)"
    assert excesses(context_of(policy=here)) == {"9.1": (line,), "9.2": ()}
    everywhere = granted("", "x/bot", secrets)
    line = "x/bot: get · secrets in the whole cluster (by ClusterRoleBinding b)"
    assert excesses(context_of(policy=everywhere)) == {"9.1": (line,), "9.2": (line,)}
    assert excesses(context_of(policy=here, before=here)) == {"9.1": (), "9.2": ()}, (
        "it was there before"
    )


@pytest.mark.parametrize(
    ("rule", "excess"),
    [
        (("get", "", "pods"), True),
        (("get", "", "pods/log"), True),
        (("list", "", "pods/log"), False),  # no request can list logs
        (("get", "", "unicorns"), False),  # nothing serves them
        (("get", "", "nodes"), False),  # they lie in no namespace
        (("get", "apps", "deployments/scale"), True),
    ],
)
def test_only_what_somebody_can_use_is_too_much(rule: tuple[str, str, str], excess: bool) -> None:
    assert bool(excesses(context_of(policy=granted("hall", "x/bot", rule)))["9.1"]) is excess


def test_what_another_exercise_asks_for_or_anything_allows_is_not_too_much() -> None:
    policy = granted("attic", "attic/reader", ("list", "", "pods"))
    context = context_of(policy=policy)
    assert all(excesses(context).values())
    assert excesses(context, BESIDE) == {"9.1": (), "9.2": ()}
    allowed = Allowance(subject("attic/reader"), policy[0]["rules"], ("attic",))
    assert excesses(replace(context, allowances=(allowed,))) == {"9.1": (), "9.2": ()}
    secrets = context_of(policy=granted("attic", "x/bot", ("get", "", "secrets")))
    assert not any(excesses(secrets, BESIDE).values()), "its excess is the other's"
    assert check_task(SPEC, HALL, "ann", secrets, [BESIDE]).excess == []
    assert check_task(SPEC, HALL, "ann", secrets).excess != []


@pytest.mark.parametrize(("granted_verbs", "listed"), [(2, 2), (3, 3), (4, 4), (9, 4)])
def test_so_many_are_listed_and_the_rest_in_a_word(
    granted_verbs: int, listed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(findings, "MAX_EXCESSES", 3)
    verbs = [
        "get",
        "list",
        "watch",
        "create",
        "update",
        "patch",
        "delete",
        "deletecollection",
        "*",
    ][:granted_verbs]
    excess = excesses(
        context_of(policy=granted("hall", "x/bot", (",".join(verbs), "", "secrets")))
    )["9.1"]
    assert len(excess) == listed
    assert (excess[-1] == MORE) is (granted_verbs > 3)
    assert MORE not in excess[:3]


def test_what_cannot_be_looked_at_is_charged_to_all_in_a_word(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(difference, "MAX_PARTS", 2)
    first = "x/bot: get · secrets in hall (by RoleBinding b)"
    policy = granted("hall", "x/bot", ("get,list,watch", "", "secrets"))
    assert excesses(context_of(policy=policy)) == {"9.1": (first, MORE), "9.2": (MORE,)}


def look(policy: list[Object]) -> list[TaskFindings]:
    return check_exercise(SPEC, "ann", context_of(policy=policy))


def test_a_cluster_with_too_many_grants_is_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here are four bindings, two of them to a role of seven words, and two to roles that say nothing."""
    policy: list[Any] = [
        role("hall", "r", ("get,list", "", "pods"), ("watch", "", "")),
        {**role("", "empty"), "rules": None},
        role("", "unbound", ("get,list", "", "pods")),
        binding("hall", "a", "Role/r", "hall/reader"),
        binding("hall", "b", "Role/r", "hall/other"),
        binding("hall", "c", "Role/gone", "hall/reader"),
        binding("hall", "d", "ClusterRole/empty", "hall/reader"),
    ]
    policy[0]["rules"][1]["resourceNames"] = None
    words = 4 + 2 * (4 + 3)
    monkeypatch.setattr(findings, "MAX_EVALUATED", words)
    assert len(look(policy)) == 2
    monkeypatch.setattr(findings, "MAX_EVALUATED", words - 1)
    with pytest.raises(TooManyGrants, match=f"^4 bindings to rules of {words} words in all$"):
        look(policy)


def test_the_policy_is_read_once_for_all_checks() -> None:
    """Otherwise what one check sees could differ from what the next one does."""
    context = context_of(status={"allowed": False})
    reads = []

    def policy() -> Policy:
        reads.append(1)
        return Policy.of([])

    check_exercise(SPEC, "ann", replace(context, policy=policy))
    assert len(reads) == 1
    check_task(SPEC, HALL, "ann", replace(context, policy=policy))
    assert len(reads) == 2


def test_a_check_that_cannot_be_judged_says_why() -> None:
    needs = frozenset({"pods"})
    check = replace(may("hall/reader", "list", "pods", "hall"), needs=needs)
    spec = replace(SPEC, tasks=(Task("9.1", lambda _seed: Variant("", (check,))),))
    found = check_exercise(spec, "ann", context_of(pods=False))[0]
    assert [(each.ok, each.judged, each.seen[:11]) for _check, each in found.findings] == [
        (False, False, "not judged:")
    ]
    assert found.needed == 1
    assert check_exercise(spec, "ann", context_of())[0].findings[0][1].judged
