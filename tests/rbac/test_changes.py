"""The ways to allow a refused request, word for word, on policies written down here."""

from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.rbac.attributes import Attributes, User
from kube_embedded.rbac.subjects import subject
from labkit.grading.tasks.task import binding, role
from labkit.rbac.changes import MANY, Change, smallest_changes
from labkit.rbac.policy import Policy

Object = dict[str, Any]

LIST = Attributes(User(""), "list", resource="services", namespace="kikai")
READER = role("kikai", "reader", ("get,list", "", "services"))
WIDE = role("", "wide", ("get,list", "", "services,pods"))


def changes(question: Attributes, *objects: Object, who: str = "darbo/default") -> list[Change]:
    """Return all changes that grant the request, the smallest first."""
    return smallest_changes(Policy.of(objects), subject(who), question, most=100)


def titles(question: Attributes, *objects: Object) -> list[str]:
    """Return the changes' titles, without the new role."""
    return [each.title for each in changes(question, *objects) if "nothing else" not in each.title]


def default(obj: Object) -> Object:
    """Return the object with the label of Kubernetes' default objects."""
    return {
        **obj,
        "metadata": {**obj["metadata"], "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"}},
    }


@pytest.mark.parametrize(
    ("asked", "who", "title", "commands"),
    [
        (
            {"verb": "list", "resource": "services", "namespace": "kikai"},
            "darbo/default",
            "A new role in kikai with this permission and nothing else.",
            (
                "kubectl create role services-list --verb=list --resource=services -n kikai",
                "kubectl create rolebinding services-list --role=services-list --serviceaccount=darbo:default -n kikai",
            ),
        ),
        (
            {"verb": "get", "resource": "deployments", "group": "apps", "subresource": "scale"},
            "jane",
            "A new cluster role with this permission and nothing else, bound cluster-wide.",
            (
                "kubectl create clusterrole deployments-scale-get --verb=get --resource=deployments.apps/scale",
                "kubectl create clusterrolebinding deployments-scale-get --clusterrole=deployments-scale-get"
                " --user=jane",
            ),
        ),
        (
            {"verb": "get", "path": "/metrics", "namespace": "kikai"},
            "jane",
            "Allow the path /metrics and nothing else.",
            (
                "kubectl create clusterrole path-get --verb=get --non-resource-url=/metrics",
                "kubectl create clusterrolebinding path-get --clusterrole=path-get --user=jane",
            ),
        ),
    ],
    ids=["resource", "subresource", "path"],
)
def test_a_new_role_has_just_what_was_asked_for(
    asked: dict[str, Any], who: str, title: str, commands: tuple[str, str]
) -> None:
    assert changes(Attributes(User(""), **asked), who=who) == [Change(title, commands, (), 0)]


@pytest.mark.parametrize(
    ("verb", "named"),
    [
        ("get", True),
        ("delete", True),
        ("list", False),
        ("watch", False),
        ("create", False),
        ("deletecollection", False),
    ],
)
def test_a_new_role_names_an_object_where_the_verb_can(verb: str, named: bool) -> None:
    (new,) = changes(Attributes(User(""), verb, resource="secrets", namespace="kikai", name="key"))
    flags = f"--verb={verb} --resource=secrets{' --resource-name=key' if named else ''}"
    assert new.commands[0] == f"kubectl create role secrets-{verb} {flags} -n kikai"


def test_a_new_role_has_a_name_that_neither_a_role_nor_a_binding_has() -> None:
    taken = (
        role("", "services-list", ("get", "", "pods")),
        binding("darbo", "services-list-2", "Role/x", "kikai/bot"),
    )
    (new,) = changes(LIST, *taken)
    assert new.commands[0].startswith("kubectl create role services-list-3 ")
    assert "--role=services-list-3 " in new.commands[1]
    assert changes(LIST, taken[0])[0].commands[0].startswith("kubectl create role services-list-2 ")


@pytest.mark.parametrize(
    ("obj", "space", "title", "command"),
    [
        (
            READER,
            "kikai",
            "Bind the existing Role reader in kikai.",
            "kubectl create rolebinding reader --role=reader --serviceaccount=darbo:default -n kikai",
        ),
        (
            WIDE,
            "kikai",
            "Bind the existing ClusterRole wide in kikai.",
            "kubectl create rolebinding wide --clusterrole=wide --serviceaccount=darbo:default -n kikai",
        ),
        (
            WIDE,
            "",
            "Bind the existing ClusterRole wide for the whole cluster.",
            "kubectl create clusterrolebinding wide --clusterrole=wide --serviceaccount=darbo:default",
        ),
    ],
    ids=["role", "cluster role in a namespace", "cluster role"],
)
def test_a_role_that_is_there_is_bound(obj: Object, space: str, title: str, command: str) -> None:
    (bound,) = [
        each
        for each in changes(LIST._replace(namespace=space), obj)
        if each.title.startswith("Bind")
    ]
    assert (bound.title, bound.commands) == (title, (command,))


@pytest.mark.parametrize(
    "obj",
    [
        role("", "system:reader", ("list", "", "services")),
        role("darbo", "reader", ("list", "", "services")),
        role("kikai", "other", ("get", "", "services")),
        {**role("kikai", "empty"), "rules": None},
    ],
    ids=["of the system", "in another namespace", "without the verb", "without rules"],
)
def test_a_role_that_is_none_of_ours_or_does_not_help_is_not_bound(obj: Object) -> None:
    assert titles(LIST, obj) == []


def test_a_role_helps_if_one_of_its_rules_does() -> None:
    both = role("kikai", "both", ("get", "", "pods"), ("list", "", "services"))
    assert titles(LIST, both, binding("kikai", "b", "Role/both", "kikai/bot")) == [
        "Bind the existing Role both in kikai.",
        "Add darbo/default to the RoleBinding b.",
    ]


def test_a_binding_is_joined() -> None:
    joined = changes(LIST, READER, binding("kikai", "test", "Role/reader", "kikai/default"))[-1]
    assert joined == Change(
        "Add darbo/default to the RoleBinding test.",
        (
            "kubectl patch rolebinding test -n kikai --type=json -p "
            """'[{"op":"add","path":"/subjects/-","value":"""
            """{"kind":"ServiceAccount","name":"default","namespace":"darbo"}}]'""",
        ),
        ("get, list: services",),
        1,
    )


def test_a_binding_of_the_whole_cluster_gives_the_same_in_every_other_namespace() -> None:
    objects = (WIDE, binding("", "all", "ClusterRole/wide", "kikai/default"))
    in_kikai, everywhere = (
        changes(LIST, *objects)[-1],
        changes(LIST._replace(namespace=""), *objects)[-1],
    )
    assert in_kikai.title == everywhere.title == "Add darbo/default to the ClusterRoleBinding all."
    assert in_kikai.commands[0].startswith("kubectl patch clusterrolebinding all --type=json -p '[")
    assert in_kikai.also_allows == (
        "get, list: services, pods",
        "the same in every other namespace",
    )
    assert everywhere.also_allows == ("get, list: services, pods",)
    assert (in_kikai.weight, everywhere.weight) == (3 + MANY, 3)


@pytest.mark.parametrize(
    "objects",
    [
        (
            role("", "r", ("list", "", "services")),
            binding("", "system:r", "ClusterRole/r", "kikai/bot"),
        ),
        (
            role("", "r", ("list", "", "services")),
            binding("darbo", "r", "ClusterRole/r", "kikai/bot"),
        ),
        (
            role("", "r", ("get", "", "services")),
            binding("kikai", "r", "ClusterRole/r", "kikai/bot"),
        ),
        (binding("kikai", "r", "ClusterRole/gone", "kikai/bot"),),
    ],
    ids=["of the system", "in another namespace", "without the verb", "to no role"],
)
def test_a_binding_that_is_none_of_ours_or_does_not_help_is_not_joined(
    objects: tuple[Object, ...],
) -> None:
    assert [each for each in titles(LIST, *objects) if each.startswith("Add")] == []


@pytest.mark.parametrize(
    ("rules", "also_allows", "weight"),
    [
        ([("list", "", "services")], (), 0),
        ([("get,list", "", "services,pods,secrets")], ("get, list: services, pods, secrets",), 5),
        ([("list", "", "services"), ("get,list", "apps", "a,b,c")], ("get, list: a, b, c",), 6),
        ([("*", "", "services,pods")], ("*: services, pods",), 2 * MANY - 1),
        ([("list", "*", "services")], ("list: services",), MANY - 1),
    ],
)
def test_what_a_role_allows_besides_is_listed_and_weighed(
    rules: list[tuple[str, str, str]], also_allows: tuple[str, ...], weight: int
) -> None:
    (bound,) = [
        each for each in changes(LIST, role("kikai", "r", *rules)) if each.title.startswith("Bind")
    ]
    assert (bound.also_allows, bound.weight) == (also_allows, weight)


def test_each_api_group_and_each_path_counts() -> None:
    groups = role("kikai", "groups", ("get,list", "", "services"))
    groups["rules"][0]["apiGroups"] = ["", "apps", "batch"]
    paths = role("", "paths", ("list", "", "services"))
    paths["rules"].append({"verbs": ["get", "post"], "nonResourceURLs": ["/a", "/b"]})
    found = {each.title: each for each in changes(LIST, groups, paths)}
    assert found["Bind the existing Role groups in kikai."].weight == 5
    bound = found["Bind the existing ClusterRole paths in kikai."]
    assert (bound.weight, bound.also_allows) == (4, ("get, post: /a, /b",))


@pytest.mark.parametrize(
    ("obj", "others", "waits"),
    [
        (READER, (), True),
        (default(READER), (), False),
        (READER, (binding("kikai", "b", "Role/reader", "kikai/bot"),), False),
        (
            role("", "r", ("list", "", "services")),
            (binding("", "b", "ClusterRole/r", "kikai/bot"),),
            False,
        ),
        (
            role("", "r", ("list", "", "services")),
            (binding("darbo", "b", "ClusterRole/r", "kikai/bot"),),
            True,
        ),
        (role("", "r", ("list", "", "services"), ("get", "", "services")), (), True),
        (role("", "r", ("list", "", "services"), ("get", "", "pods")), (), False),
        (role("", "r", ("list", "", "services"), ("get", "apps", "services")), (), False),
        (role("", "r", ("list,delete", "", "services")), (), False),
        (role("", "r", ("list,get,watch", "", "services")), (), True),
    ],
)
def test_a_role_waits_if_it_is_for_this_alone_and_nobody_here_has_it(
    obj: Object, others: tuple[Object, ...], waits: bool
) -> None:
    (bound,) = [each for each in changes(LIST, obj, *others) if each.title.startswith("Bind")]
    assert bound.waits is waits


def test_a_role_waits_for_what_is_asked_of_a_subresource() -> None:
    question = Attributes(
        User(""), "create", resource="pods", subresource="exec", namespace="kikai"
    )
    found = changes(question, role("kikai", "exec", ("create", "", "pods/exec")))
    assert [(each.title, each.waits) for each in found] == [
        ("Bind the existing Role exec in kikai.", True),
        ("A new role in kikai with this permission and nothing else.", False),
    ]


def test_a_role_that_waits_comes_first_then_the_lightest_then_the_shortest() -> None:
    objects = (
        WIDE,
        READER,
        role("", "just", ("list", "", "services")),
        binding("", "b", "ClusterRole/just", "a/b"),
    )
    assert [each.title for each in changes(LIST, *objects)] == [
        "Bind the existing Role reader in kikai.",
        "Bind the existing ClusterRole just in kikai.",
        "A new role in kikai with this permission and nothing else.",
        "Bind the existing ClusterRole wide in kikai.",
        "Add darbo/default to the ClusterRoleBinding b.",
    ]
    assert len(smallest_changes(Policy.of(objects), subject("darbo/default"), LIST)) == 4
