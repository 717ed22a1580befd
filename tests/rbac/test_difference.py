"""Permissions that count as too much, on small policies; ``tests/grading`` has whole notebooks."""

from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.rbac.subjects import subject
from labkit.grading.judging.weights import SERVED
from labkit.rbac.difference import (
    MAX_EXCESSES,
    MAX_PARTS,
    Allowance,
    PolicyDifference,
    policy_at_start,
)
from labkit.rbac.needs import Need
from labkit.rbac.policy import Policy

ANN, BOB = "red/ann", "red/bob"
READS = Need(subject(ANN), "list", "pods", "red")
OTHER = Need(subject(BOB), "get", "secrets", "red")
BEGINNING = Policy({}, ())

PODS: dict[str, Any] = {"verbs": ["list"], "apiGroups": [""], "resources": ["pods"]}
SECRETS: dict[str, Any] = {"verbs": ["get"], "apiGroups": [""], "resources": ["secrets"]}


def account(who: str) -> dict[str, Any]:
    """Return a service account as a binding names it."""
    namespace, _, name = who.partition("/")
    return {"kind": "ServiceAccount", "namespace": namespace, "name": name}


def group(name: str) -> dict[str, Any]:
    """Return a group as a binding names it."""
    return {"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": name}


def policy(*grants: tuple[str, dict[str, Any], dict[str, Any]], name: str = "given") -> Policy:
    """Return a policy of grants: each has a namespace (empty for the whole cluster), a subject and a rule."""
    roles = {
        ("ClusterRole", "", f"{name}-{number}"): {"rules": [rule]}
        for number, (_, _, rule) in enumerate(grants)
    }
    bindings = tuple(
        {
            "metadata": {"name": f"{name}-{number}", **({"namespace": place} if place else {})},
            "roleRef": {"kind": "ClusterRole", "name": f"{name}-{number}"},
            "subjects": [who],
        }
        for number, (place, who, _) in enumerate(grants)
    )
    return Policy(roles, bindings)


def allowed(need: Need) -> Allowance:
    """Return the allowance for a need, and no more."""
    return Allowance(need.who, [need.rule()], (need.namespace,))


def too_much(now: Policy, before: Policy = BEGINNING, *more: Allowance) -> list[str]:
    """Return the permissions beyond the needs, without the bindings' names."""
    found = PolicyDifference(now, before, SERVED).beyond_allowances(
        [allowed(READS), allowed(OTHER), *more]
    )
    return [f"{each.subject}: {each.permission}" for each in found]


def test_what_is_needed_is_not_too_much() -> None:
    assert too_much(policy(("red", account(ANN), PODS))) == []


def test_the_same_in_the_whole_cluster_is() -> None:
    assert too_much(policy(("", account(ANN), PODS))) == [
        "red/ann: list · pods in the whole cluster"
    ]


def test_what_may_be_had_everywhere_may_be_had_in_a_namespace() -> None:
    in_red = policy(("red", account(ANN), SECRETS))
    assert too_much(in_red, BEGINNING, Allowance(subject(ANN), [SECRETS], None)) == []
    assert len(too_much(in_red, BEGINNING, Allowance(subject(ANN), [SECRETS]))) == 1, (
        "only in the whole cluster"
    )


def test_what_somebody_else_needs_is_too_much_for_an_account_and_for_its_group() -> None:
    assert too_much(policy(("red", account(ANN), SECRETS))) == ["red/ann: get · secrets in red"]
    whole = group("system:serviceaccounts:red")
    assert too_much(policy(("red", whole, SECRETS))) == [
        "group system:serviceaccounts:red: get · secrets in red"
    ]


def test_an_account_by_its_user_name_is_the_same_account() -> None:
    user = {
        "kind": "User",
        "apiGroup": "rbac.authorization.k8s.io",
        "name": "system:serviceaccount:red:ann",
    }
    assert too_much(policy(("red", user, PODS))) == []
    assert too_much(policy(("red", user, SECRETS))) == ["red/ann: get · secrets in red"]


@pytest.mark.parametrize("who", ["alice", "system:anonymous", "a/b"])
def test_a_stranger_is_named(who: str) -> None:
    user = {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": who}
    assert too_much(policy(("red", user, PODS))) == [f"user {who}: list · pods in red"]


def test_what_was_given_in_one_namespace_before_is_new_in_another() -> None:
    before = policy(("blue", account(ANN), SECRETS), name="old")
    both = policy(("blue", account(ANN), SECRETS), ("red", account(ANN), SECRETS))
    assert too_much(both, before) == ["red/ann: get · secrets in red"]
    moved = policy(("blue", account(ANN), SECRETS))
    assert too_much(moved, before) == []


@pytest.mark.parametrize("who", [account(ANN), group("system:authenticated"), group("dev")])
def test_what_all_have_is_nobodys_excess_while_they_have_it(who: dict[str, Any]) -> None:
    everybody = ("", group("system:authenticated"), SECRETS)
    before = policy(everybody)
    now = policy(everybody, ("red", who, SECRETS))
    assert too_much(now, before) == []
    taken = Policy(now.roles, now.bindings[1:])
    assert len(too_much(taken, before)) == 1, "it was taken away from all, and given to one"


def test_what_the_authenticated_have_the_unauthenticated_have_not() -> None:
    everybody = ("", group("system:authenticated"), SECRETS)
    nobody = group("system:unauthenticated")
    found = too_much(policy(everybody, ("red", nobody, SECRETS)), policy(everybody))
    assert found == ["group system:unauthenticated: get · secrets in red"]


def test_a_role_that_may_be_handed_out_may_be_so_by_its_name_and_there() -> None:
    role = Allowance(subject(ANN), [SECRETS], ("red",), "ClusterRole/given-0")
    assert too_much(policy(("red", account(ANN), SECRETS)), BEGINNING, role) == []
    elsewhere = too_much(policy(("blue", account(ANN), SECRETS)), BEGINNING, role)
    assert elsewhere == ["red/ann: get · secrets in blue"]
    by_another = too_much(policy(("red", account(ANN), SECRETS), name="other"), BEGINNING, role)
    assert by_another == ["red/ann: get · secrets in red"]


def test_what_whoever_has_a_role_may_have_is_allowed_for_groups_and_strangers() -> None:
    whoever = Allowance(None, [SECRETS], (), "ClusterRole/given-0")
    assert too_much(policy(("blue", group("dev"), SECRETS)), BEGINNING, whoever) == []


@pytest.mark.parametrize(
    ("path", "found"),
    [("/metrics", []), ("/metr*", ["red/ann: get · /metr* in the whole cluster"])],
)
def test_a_path_with_a_star_is_wider_than_the_path(path: str, found: list[str]) -> None:
    need = allowed(Need(subject(ANN), "get", path="/metrics"))
    now = policy(("", account(ANN), {"verbs": ["get"], "nonResourceURLs": [path]}))
    assert too_much(now, BEGINNING, need) == found


def test_a_path_is_granted_in_no_namespace() -> None:
    assert (
        too_much(policy(("red", account(ANN), {"verbs": ["get"], "nonResourceURLs": ["/metrics"]})))
        == []
    )


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"resources": ["*/log"]}, "list · */log"),
        ({"resources": ["*"]}, "list · *"),
        ({"verbs": ["*"]}, "* · pods"),
        ({"apiGroups": ["*"]}, "list · pods.*"),
    ],
)
def test_a_pattern_is_wider_than_what_it_matches(changed: dict[str, Any], found: str) -> None:
    logs = allowed(Need(subject(ANN), "get", "pods/log", "red"))
    granted = {**PODS, "verbs": ["get"] if "*/log" in found else PODS["verbs"], **changed}
    expected = [f"red/ann: {found.replace('list', 'get') if '*/log' in found else found} in red"]
    assert too_much(policy(("red", account(ANN), granted)), BEGINNING, logs) == expected


def test_a_further_name_is_too_much_and_so_is_no_name() -> None:
    one = allowed(Need(subject(ANN), "get", "secrets", "red", name="key"))
    for names, found in ((["key"], 0), (["key", "jewel"], 1), ([], 1)):
        granted = {**SECRETS, "resourceNames": names}
        assert len(too_much(policy(("red", account(ANN), granted)), BEGINNING, one)) == found, names


def test_who_else_got_it_is_named() -> None:
    assert too_much(policy(("red", account(BOB), PODS))) == ["red/bob: list · pods in red"]


def test_each_excess_says_who_got_what_by_which_binding() -> None:
    (found,) = PolicyDifference(
        policy(("red", account(ANN), SECRETS)), BEGINNING
    ).beyond_allowances([allowed(READS)])
    assert (found.subject, found.permission) == ("red/ann", "get · secrets in red")
    assert str(found) == "red/ann: get · secrets in red (by RoleBinding given-0)"


def test_what_nobody_can_use_is_no_excess_where_it_is_known_what_is_served() -> None:
    wide = {"verbs": ["list"], "apiGroups": ["", "apps"], "resources": ["pods"]}
    now = policy(("red", account(ANN), wide))
    assert too_much(now) == []
    assert len(PolicyDifference(now, BEGINNING).beyond_allowances([allowed(READS)])) == 1


def test_a_default_role_that_gives_more_is_named_though_nobody_has_it() -> None:
    def view(*rules: dict[str, Any], default: bool = True) -> Policy:
        labels = {"kubernetes.io/bootstrapping": "rbac-defaults"} if default else {}
        return Policy(
            {
                ("ClusterRole", "", "view"): {
                    "metadata": {"name": "view", "labels": labels},
                    "rules": [*rules],
                }
            },
            (),
        )

    difference = PolicyDifference(view(PODS, SECRETS), view(PODS), SERVED)
    assert list(map(str, difference.beyond([], roles=True))) == [
        "whoever has ClusterRole/view: get · secrets wherever it is bound"
    ]
    assert (
        list(difference.beyond([Allowance(None, [SECRETS], (), "ClusterRole/view")], roles=True))
        == []
    )
    assert list(difference.beyond([])) == []
    mine = PolicyDifference(view(PODS, SECRETS, default=False), view(PODS, default=False), SERVED)
    assert list(mine.beyond([], roles=True)) == []


def test_what_one_of_a_default_role_s_rules_covered_is_nothing_new() -> None:
    def view(*rules: dict[str, Any]) -> Policy:
        metadata = {"name": "view", "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"}}
        return Policy({("ClusterRole", "", "view"): {"metadata": metadata, "rules": [*rules]}}, ())

    any_pod = {**PODS, "verbs": ["*"]}
    difference = PolicyDifference(view(any_pod, SECRETS, PODS), view(any_pod, SECRETS), SERVED)
    assert list(difference.beyond([], roles=True)) == []
    known = PolicyDifference(view(PODS), view(any_pod, SECRETS), SERVED)
    assert list(known.beyond([], roles=True)) == []


def test_one_of_a_binding_s_subjects_is_enough() -> None:
    shared = policy(("", group("system:authenticated"), SECRETS))
    shared.bindings[0]["subjects"].insert(0, group("dev"))
    now = Policy(shared.roles, (*shared.bindings, *policy(("red", account(ANN), SECRETS)).bindings))
    assert too_much(now, shared) == []


def test_a_long_list_is_cut_off() -> None:
    many = {
        "verbs": ["get"],
        "apiGroups": [""],
        "resources": [f"things{number}" for number in range(MAX_PARTS + 1)],
    }
    difference = PolicyDifference(policy(("red", account(ANN), many)), BEGINNING)
    assert len(difference.beyond_allowances([])) == MAX_EXCESSES
    assert list(difference.beyond([]))[-1] is None
    at_start = policy(("red", account(ANN), many))
    assert list(PolicyDifference(at_start, at_start).beyond([])) == [], (
        "what is as it was is not looked at"
    )


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
    same_name = {
        **default.bindings[0],
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "subjects": [account(ANN)],
    }
    assert policy_at_start(both, [same_name]).bindings == (same_name,)


def one(verb: str, group_name: str, resource: str) -> dict[str, Any]:
    """Return a rule with one verb on one resource."""
    return {"verbs": [verb], "apiGroups": [group_name], "resources": [resource]}


@pytest.mark.parametrize(
    ("namespace", "verb", "group_name", "resource"),
    [
        ("red", "GET", "", "pods"),
        ("red", "get,list", "", "pods"),
        ("red", "get", "", "pod"),
        ("red", "get", "", "pods/logs"),
        ("red", "get", "v1", "pods"),
        ("red", "get", "rbac.authorization.k8s.io/v1", "roles"),
        ("red", "get", "", "nodes"),
        ("", "get", "", "roles"),
    ],
)
def test_what_no_request_can_ask_for_is_no_excess(
    namespace: str, verb: str, group_name: str, resource: str
) -> None:
    assert too_much(policy((namespace, account(ANN), one(verb, group_name, resource)))) == []


@pytest.mark.parametrize(
    ("verb", "group_name", "resource", "said"),
    [
        ("get", "", "namespaces", "get · namespaces"),
        ("*", "", "pod", "* · pod"),
        ("get", "", "pods/*", "get · pods/*"),
        ("update", "apps", "deployments/finalizers", "update · deployments.apps/finalizers"),
        ("get", "resource.k8s.io", "things", "get · things.resource.k8s.io"),
        ("impersonate", "", "users", "impersonate · users"),
        ("list", "metrics.k8s.io", "pods", "list · pods.metrics.k8s.io"),
        ("get", "*", "*", "get · *"),
    ],
)
def test_what_can_be_asked_for_counts_and_is_called_with_its_group(
    verb: str, group_name: str, resource: str, said: str
) -> None:
    found = too_much(policy(("red", account(ANN), one(verb, group_name, resource))))
    assert found == [f"red/ann: {said} in red"]


def test_the_kubelets_resources_count() -> None:
    found = too_much(policy(("", account(ANN), one("get", "", "nodes/metrics"))))
    assert found == ["red/ann: get · nodes/metrics in the whole cluster"]
