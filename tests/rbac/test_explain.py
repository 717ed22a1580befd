from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.rbac.subjects import Subject, subject
from labkit.client.client import Client
from labkit.grading.tasks.task import binding, role
from labkit.rbac.changes import smallest_changes
from labkit.rbac.explain import explain
from labkit.rbac.explaining import explanation_data, explanation_text
from labkit.rbac.matrix import Permission
from labkit.rbac.policy import PolicyUnreadable, read_policy
from tests.rbac.conftest import anonymous, put


def why(
    api: Client, who: str, what: str, namespace: str = "", name: str = ""
) -> tuple[bool, list[str]]:
    """Return whether the request is allowed, and its near misses."""
    question = Permission.parse(what).question(subject(who), namespace)
    if name:
        question = question._replace(name=name)
    found = explain(api, question)
    return found.allowed, [miss.what for miss in found.near_misses]


def test_a_grant_names_its_binding_role_and_rule(api: Client) -> None:
    found = explain(
        api, Permission.parse("list services").question(subject("kikai/default"), "kikai")
    )
    assert found.allowed
    assert 'RoleBinding "test/kikai"' in found.reason
    (grant,) = found.grants
    assert (grant.binding_title, grant.role_title) == (
        "RoleBinding kikai/test",
        "Role kikai/service-reader",
    )
    assert grant.subject_title == "ServiceAccount kikai/default"
    assert not found.near_misses


def test_masters_are_allowed_before_any_role_is_asked(api: Client) -> None:
    question = Permission.parse("list services").question(
        Subject("root", ("system:masters",)), "kikai"
    )
    assert (
        explain(api, question).reason
        == "the group system:masters may do everything, before any role is asked"
    )
    api.delete("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/cluster-admin")
    found = explain(api, question)
    assert (found.allowed, found.grants) == (True, ())
    assert found.reason.startswith("the group system:masters")


@pytest.mark.parametrize(
    ("who", "what", "namespace", "miss"),
    [
        ("kikai/default", "list services", "darbo", "namespace"),
        ("kikai/default", "list services", "", "scope"),
        ("kikai/default", "delete services", "kikai", "verb"),
        ("kikai/default", "list pods", "kikai", "resource"),
        ("kikai/default", "list services.apps", "kikai", "group"),
        ("darbo/default", "list services", "kikai", "subject"),
    ],
)
def test_the_first_near_miss_is_the_one_thing_that_is_wrong(
    api: Client, who: str, what: str, namespace: str, miss: str
) -> None:
    allowed, misses = why(api, who, what, namespace)
    assert not allowed
    assert misses[0] == miss


def test_a_list_is_refused_by_a_rule_with_names(api: Client) -> None:
    named = role("kikai", "one", ("get,list", "", "secrets"))
    named["rules"][0]["resourceNames"] = ["a"]
    put(api, named, binding("kikai", "one", "Role/one", "kikai/bot"))
    assert why(api, "kikai/bot", "list secrets", "kikai") == (False, ["name"])
    assert why(api, "kikai/bot", "get secrets", "kikai", "a") == (True, [])
    assert why(api, "kikai/bot", "get secrets", "kikai", "b") == (False, ["name"])


def test_a_role_that_nobody_is_bound_to_and_one_that_is_missing(api: Client) -> None:
    put(
        api,
        role("darbo", "spare", ("list", "", "pods")),
        binding("darbo", "lost", "Role/gone", "kikai/bot"),
    )
    allowed, misses = why(api, "kikai/bot", "list pods", "darbo")
    assert not allowed
    assert misses == ["missing role", "unbound"]


def test_who_may_not_read_the_roles_is_told_whom_to_ask(api: Client) -> None:
    nobody = anonymous(api)
    with pytest.raises(PolicyUnreadable, match=r"lab\.admin"):
        read_policy(nobody)


def test_nobody_is_told_how_to_let_strangers_in(api: Client) -> None:
    """The first refusal that a learner sees is a stranger's, and a command to copy would stand below it."""
    policy = read_policy(api)
    stranger = Subject("system:anonymous", ("system:unauthenticated",))
    refused = Permission.parse("list services").question(stranger, "kikai")
    data = explanation_data(explain(api, refused, policy), policy)
    assert data["changes"] == []
    said = explanation_text(data)
    assert "kubectl" not in said
    assert said.splitlines()[-1] == (
        "  Never grant anything to system:anonymous: whoever reaches the server would have it. "
        "Let the caller show a credential, and give the right to its user."
    )
    account = Permission.parse("list services").question(subject("darbo/default"), "kikai")
    assert explanation_data(explain(api, account, policy), policy)["never"] == ""


def test_the_smallest_change_allows_nothing_else_and_really_flips_it(api: Client) -> None:
    policy = read_policy(api)
    who = subject("darbo/default")
    question = Permission.parse("list services").question(who, "kikai")
    changes = smallest_changes(policy, who, question)
    assert changes[0].weight == 0
    assert changes[0].also_allows == ()
    assert [change.weight for change in changes] == sorted(change.weight for change in changes)
    joined = next(change for change in changes if change.title.startswith("Add darbo/default"))
    assert "kubectl patch rolebinding test -n kikai" in joined.commands[0]
    put(
        api,
        role("kikai", "services-list", ("list", "", "services")),
        binding("kikai", "services-list", "Role/services-list", "darbo/default"),
    )
    assert explain(api, question).allowed
    assert not explain(api, Permission.parse("get services").question(who, "kikai")).allowed


def test_a_verb_in_capitals_is_explained(api: Client) -> None:
    put(
        api,
        role("kikai", "loud", ("LIST", "", "pods")),
        binding("kikai", "loud", "Role/loud", "kikai/bot"),
    )
    found = explain(api, Permission.parse("list pods").question(subject("kikai/bot"), "kikai"))
    assert found.near_misses[0].why == (
        'RoleBinding kikai/loud: the rule has LIST, not list. Verbs are written in small letters: "list", not "LIST".'
    )


@pytest.mark.parametrize(
    ("made", "asked", "namespace", "command"),
    [
        (
            role("darbo", "service-reader", ("get,list", "", "services")),
            "list services",
            "darbo",
            "kubectl create rolebinding service-reader --role=service-reader --serviceaccount=darbo:default -n darbo",
        ),
        (
            role("", "pv-reader", ("get,list", "", "persistentvolumes")),
            "list persistentvolumes",
            "",
            "kubectl create clusterrolebinding pv-reader --clusterrole=pv-reader --serviceaccount=darbo:default",
        ),
    ],
)
def test_a_role_that_waits_for_its_binding_is_bound(
    api: Client, made: dict[str, Any], asked: str, namespace: str, command: str
) -> None:
    put(api, made)
    who = subject("darbo/default")
    changes = smallest_changes(
        read_policy(api), who, Permission.parse(asked).question(who, namespace)
    )
    assert changes[0].commands == (command,)
    assert (
        changes[1]
        .commands[0]
        .startswith("kubectl create role " if namespace else "kubectl create clusterrole ")
    )


@pytest.mark.parametrize(
    "rules",
    [("get,list,delete", "", "services"), ("list", "", "services,secrets"), ("*", "", "services")],
)
def test_a_role_that_grants_much_more_is_no_smallest_change(
    api: Client, rules: tuple[str, str, str]
) -> None:
    put(api, role("darbo", "large", rules))
    who = subject("darbo/default")
    changes = smallest_changes(
        read_policy(api), who, Permission.parse("list services").question(who, "darbo")
    )
    assert changes[0].title.startswith("A new role in darbo")
