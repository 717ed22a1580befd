"""What counts as granted too much, on policies written down here; ``tests/grading`` has whole notebooks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from labkit.grading.findings import SERVED
from labkit.rbac.difference import MAX_EXCESSES, MORE, Excess, PolicyDifference, policy_at_start
from labkit.rbac.needs import Need
from labkit.rbac.policy import Policy
from labkit.rbac.subjects import subject

ANN, BOB = "red/ann", "red/bob"
READS = Need(subject(ANN), "list", "pods", "red")
OTHER = Need(subject(BOB), "get", "secrets", "red")
BEGINNING = Policy({}, ())

PODS: dict[str, Any] = {"verbs": ["list"], "apiGroups": [""], "resources": ["pods"]}
SECRETS: dict[str, Any] = {"verbs": ["get"], "apiGroups": [""], "resources": ["secrets"]}


def account(who: str) -> dict[str, Any]:
    """A service account as a binding names it."""
    namespace, _, name = who.partition("/")
    return {"kind": "ServiceAccount", "namespace": namespace, "name": name}


def group(name: str) -> dict[str, Any]:
    """A group as a binding names it."""
    return {"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": name}


def policy(*grants: tuple[str, dict[str, Any], dict[str, Any]], name: str = "given") -> Policy:
    """Grants: each a namespace (or nothing, for the whole cluster), a subject and a rule of a cluster role."""
    roles = {("ClusterRole", "", f"{name}-{number}"): {"rules": [rule]} for number, (_, _, rule) in enumerate(grants)}
    bindings = tuple(
        {
            "metadata": {"name": f"{name}-{number}", **({"namespace": place} if place else {})},
            "roleRef": {"kind": "ClusterRole", "name": f"{name}-{number}"},
            "subjects": [who],
        }
        for number, (place, who, _) in enumerate(grants)
    )
    return Policy(roles, bindings)


def too_much(
    now: Policy, before: Policy = BEGINNING, *, needs: Sequence[Need] = (READS,), given: str = ""
) -> list[str]:
    """What was granted beyond the needs, while another task needs ``OTHER``."""
    difference = PolicyDifference(now, before, SERVED)
    return [str(excess) for excess in difference.beyond(needs, [*needs, OTHER], [given] if given else [])]


def test_what_is_needed_is_not_too_much() -> None:
    assert too_much(policy(("red", account(ANN), PODS))) == []


def test_the_same_in_the_whole_cluster_is() -> None:
    assert too_much(policy(("", account(ANN), PODS))) == ["red/ann: list · pods in the whole cluster"]


def test_what_another_task_needs_is_too_much_here_for_an_account_and_not_for_its_group() -> None:
    """Who gives it to a group has granted too much there, and is charged there."""
    assert too_much(policy(("red", account(ANN), SECRETS))) == ["red/ann: get · secrets in red"]
    assert too_much(policy(("red", group("system:serviceaccounts:red"), SECRETS))) == []


def test_what_was_given_in_one_namespace_before_is_new_in_another() -> None:
    before = policy(("blue", account(ANN), SECRETS), name="old")
    both = policy(("blue", account(ANN), SECRETS), ("red", account(ANN), SECRETS))
    assert too_much(both, before) == ["red/ann: get · secrets in red"]
    moved = policy(("blue", account(ANN), SECRETS))
    assert too_much(moved, before) == []


def test_a_role_that_is_handed_out_is_so_where_it_is_needed() -> None:
    assert too_much(policy(("red", account(ANN), SECRETS)), given="ClusterRole/given-0") == []
    elsewhere = too_much(policy(("blue", account(ANN), SECRETS)), given="ClusterRole/given-0")
    assert elsewhere == ["red/ann: get · secrets in blue"]


@pytest.mark.parametrize(
    ("path", "found"), [("/metrics", []), ("/metr*", ["red/ann: get · /metr* in the whole cluster"])]
)
def test_a_path_with_a_star_is_wider_than_the_path(path: str, found: list[str]) -> None:
    needs = [Need(subject(ANN), "get", path="/metrics")]
    assert too_much(policy(("", account(ANN), {"verbs": ["get"], "nonResourceURLs": [path]})), needs=needs) == found


def test_who_else_got_it_is_named() -> None:
    assert too_much(policy(("red", account(BOB), PODS))) == ["red/bob: list · pods in red"]


def test_each_excess_says_who_got_what() -> None:
    difference = PolicyDifference(policy(("red", account(ANN), SECRETS)), BEGINNING)
    assert difference.beyond([READS]) == [Excess("red/ann", "get · secrets in red")]


def test_what_nobody_can_use_is_no_excess_where_it_is_known_what_is_served() -> None:
    wide = {"verbs": ["list"], "apiGroups": ["", "apps"], "resources": ["pods"]}
    assert too_much(policy(("red", account(ANN), wide))) == []
    unknown = PolicyDifference(policy(("red", account(ANN), wide)), BEGINNING)
    assert unknown.beyond([READS]) == [Excess("red/ann", "list · pods in red")]


def test_a_long_list_is_cut_off() -> None:
    many = {"verbs": ["get"], "apiGroups": [""], "resources": [f"things{number}" for number in range(300)]}
    found = PolicyDifference(policy(("red", account(ANN), many)), BEGINNING).beyond([READS])
    assert (len(found), found[-1], str(MORE)) == (MAX_EXCESSES + 1, MORE, "and more")


def test_the_policy_at_the_start_is_the_defaults_and_what_was_set_up() -> None:
    now = policy(("red", account(ANN), SECRETS), name="mine")
    default = policy(("", group("dev"), PODS), name="default")
    for obj in (*default.roles.values(), *default.bindings):
        obj.setdefault("metadata", {})["labels"] = {"kubernetes.io/bootstrapping": "rbac-defaults"}
    for role in now.roles.values():
        role["metadata"] = {}
    both = Policy(now.roles | default.roles, (*default.bindings, *now.bindings))
    setup: list[dict[str, Any]] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "red"}},
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": {"name": "r", "namespace": "red"},
            "rules": [PODS],
        },
    ]
    start = policy_at_start(both, setup)
    assert set(start.roles) == {("ClusterRole", "", "default-0"), ("Role", "red", "r")}
    assert start.bindings == default.bindings


def test_a_verb_that_grants_nothing_is_called_so() -> None:
    loud = {**PODS, "verbs": ["list", "GET"]}
    assert too_much(policy(("red", account(ANN), loud))) == [
        'red/ann: GET · pods in red (grants nothing: Verbs are written in small letters: "get", not "GET")'
    ]
