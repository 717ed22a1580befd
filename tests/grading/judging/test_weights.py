"""What is too much weighs by what it reaches, where, and who has it; what makes somebody anybody weighs like all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kube_embedded.rbac.parts import Part
from kube_embedded.rbac.subjects import Subject, subject
from labkit.grading.judging.score import TaskScore
from labkit.grading.judging.weights import (
    EVERYTHING,
    SERVED,
    becomes_anybody,
    has,
    least_privilege,
    weigh,
)
from labkit.rbac.difference import Excess
from tests.grading.desk import ADMIN, Act, Desk, group, rule, user

ANN = subject("red/ann")
ALL = Subject("", ("system:serviceaccounts", "system:authenticated"))


def excess(
    part: Part, who: Subject = ANN, namespace: str = "red", binding: str = "RoleBinding b"
) -> Excess:
    return Excess(who, part, namespace, "Role/r", binding)


@pytest.mark.parametrize(
    ("given", "weight"),
    [
        (excess(Part("get", "", "pods")), 1),
        (excess(Part("*", "", "pods")), 8),
        (excess(Part("get", "", "pods"), namespace=""), 10),
        (excess(Part("get", "", "pods"), ALL), 10),
        (excess(Part("get", "", "pods"), ALL, ""), 100),
        (excess(Part("get", "apps", "*")), sum(group == "apps" for group, _ in SERVED)),
        (excess(Part("get", "*", "*/scale")), sum(name.endswith("/scale") for _, name in SERVED)),
        (excess(Part("approve", "certificates.k8s.io", "signers"), namespace=""), 10),
        (excess(Part("get", path="/metrics"), namespace=""), 10),
        (excess(Part("get", path="/api*"), namespace=""), 80),
        (excess(Part("*", "*", "*")), EVERYTHING),
        (excess(Part("*", "*", "*"), ALL, ""), 100 * EVERYTHING),
        (excess(Part("impersonate", "", "users"), namespace=""), 10 * EVERYTHING),
        (excess(Part("impersonate", "", "users", ("bob",)), namespace=""), 10),
        (
            excess(Part("impersonate", "", "groups", ("system:masters",)), namespace=""),
            10 * EVERYTHING,
        ),
        (excess(Part("impersonate", "", "serviceaccounts")), 1),
        (excess(Part("get", "", "users"), namespace=""), 10),
    ],
)
def test_a_permission_weighs_by_what_where_and_whom(given: Excess, weight: int) -> None:
    assert weigh(given) == weight


def test_a_widened_role_makes_nobody_anybody() -> None:
    """Who has it is found where it is bound."""
    assert not becomes_anybody(
        excess(Part("impersonate", "", "users"), Subject(""), "", binding="")
    )


def test_who_has_what_a_group_has() -> None:
    power = excess(Part("impersonate", "", "users"), ALL, "")
    assert has(power, ANN)
    assert not has(power, subject("bob"))
    assert has(power._replace(who=ANN), ANN)
    assert not has(power._replace(who=ANN), subject("red/bob"))
    assert not has(power._replace(who=Subject("")), ANN)


def grant(
    who: str,
    *,
    space: bool = False,
    to: tuple[str, str] | None = None,
    verbs: str = "",
    of: str = "",
) -> Act:
    """A submission that solves the task, and grants something besides."""

    def act(desk: Desk) -> None:
        desk.solve()
        subjects = {"me": desk.me(), "all": group("system:serviceaccounts"), "ann": user("ann")}
        rules = [rule(verbs, of)] if of else []
        desk.grant(subjects[who], *rules, space=desk.space if space else "", to=to)

    return act


FROM_BEST_TO_WORST: tuple[Act, ...] = (
    Desk.solve,
    grant("me", space=True, verbs="watch", of="configmaps"),
    grant("me", space=True, verbs="get,list,watch", of="configmaps,pods,services,endpoints"),
    grant("me", verbs="get,list,watch", of="pods"),
    grant("all", verbs="get,list,watch", of="events"),
    grant("ann", to=("ClusterRole", "view")),
    grant("ann", to=ADMIN),
    grant("all", to=ADMIN),
)


def judged(act: Act) -> TaskScore:
    desk = Desk("4.1")
    act(desk)
    return desk.judge()


def test_the_more_is_granted_and_to_the_more_the_lower_it_ranks() -> None:
    """Where the task itself is solved: all of them list something, so that only what is too much counts."""
    scores = [judged(act) for act in FROM_BEST_TO_WORST]
    ranked = [score.least_privilege for score in scores]
    assert ranked == sorted(ranked, key=lambda share: -(share or 0))
    assert len(set(ranked)) == len(ranked)
    assert ranked[0] == 1.0


@pytest.mark.parametrize("who", ["me", "all", "ann"])
def test_to_become_anybody_costs_what_everything_costs(who: str) -> None:
    admin = judged(grant(who, to=ADMIN))
    for of in ("users", "groups", "users,groups,serviceaccounts"):
        score = judged(grant(who, verbs="impersonate", of=of))
        assert score.points == admin.points, of
        assert abs((score.least_privilege or 0) - (admin.least_privilege or 0)) < 0.05
    if who != "ann":
        broken = [item.seen for item in score.items if not item.ok and "impersonate" in item.seen]
        assert any(
            seen.endswith("may impersonate who is allowed to, so it may as well.")
            for seen in broken
        )


def test_what_was_judged_by_the_first_rule_stays_as_it_was() -> None:
    score = judged(grant("all", to=ADMIN))
    assert score.weight is not None
    assert score.least_privilege == least_privilege(score.needed, score.weight)
    old = replace(score, weight=None)
    assert old.least_privilege == old.needed / (old.needed + len(old.excess))
