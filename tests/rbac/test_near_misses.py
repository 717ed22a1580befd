"""The near misses of a refused request, word for word, on small policies."""

from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.rbac.attributes import Attributes
from kube_embedded.rbac.subjects import subject
from labkit.grading.tasks.task import binding, role
from labkit.rbac.explain import near_misses
from labkit.rbac.policy import Policy

Object = dict[str, Any]

BOT = subject("kikai/bot").as_user()
LIST = Attributes(BOT, "list", resource="services", namespace="kikai")
READER = role("", "reader", ("list", "", "services"))
DEFAULT = {"labels": {"kubernetes.io/bootstrapping": "rbac-defaults"}}


def misses(question: Attributes, *objects: Object) -> list[tuple[str, str]]:
    """Return each near miss in a word, and in a sentence."""
    return [(miss.what, miss.why) for miss in near_misses(Policy.of(objects), question)]


def default(obj: Object) -> Object:
    """Return the object with the label of default objects."""
    return {**obj, "metadata": {**obj["metadata"], **DEFAULT}}


def test_a_binding_in_another_namespace() -> None:
    here = (READER, binding("darbo", "test", "ClusterRole/reader", "kikai/bot"))
    unbound = (
        "unbound",
        "ClusterRole reader would allow this, but no binding here gives it to anyone.",
    )
    assert misses(LIST, *here) == [
        (
            "namespace",
            "RoleBinding darbo/test grants exactly this, but only in the namespace darbo; the request is in kikai.",
        ),
        unbound,
    ]
    assert misses(LIST._replace(namespace=""), *here) == [
        (
            "scope",
            "RoleBinding darbo/test grants this inside the namespace darbo alone; "
            "the request is for the whole cluster, which needs a ClusterRoleBinding.",
        ),
        unbound,
    ]
    node = LIST._replace(namespace="", verb="get", resource="nodes", name="one")
    reader = role("", "nodes", ("get", "", "nodes"))
    assert misses(node, reader, binding("darbo", "test", "ClusterRole/nodes", "kikai/bot"))[0][
        1
    ] == (
        "RoleBinding darbo/test grants this inside the namespace darbo alone; "
        "the object is in no namespace, so it takes a ClusterRoleBinding."
    )


@pytest.mark.parametrize(
    ("to", "called"), [("Role/gone", "Role kikai/gone"), ("ClusterRole/gone", "ClusterRole gone")]
)
def test_a_binding_to_no_role(to: str, called: str) -> None:
    assert misses(LIST, binding("kikai", "lost", to, "kikai/bot")) == [
        ("missing role", f"RoleBinding kikai/lost refers to {called}, which does not exist.")
    ]
    assert misses(LIST, binding("darbo", "lost", to, "kikai/bot")) == [], "it would not help either"


@pytest.mark.parametrize(
    ("rule", "asked", "what", "why"),
    [
        (("get,watch", "", "services"), {}, "verb", "the rule has get, watch, not list."),
        (
            ("list", "apps,", "services"),
            {"group": "batch"},
            "group",
            "the rule is for API group “apps”, the core group, but services are in “batch”.",
        ),
        (
            ("list", "apps", "services"),
            {},
            "group",
            "the rule is for API group “apps”, but services are in the core group.",
        ),
        (("list", "", "pods,nodes"), {}, "resource", "the rule is for pods, nodes, not services."),
        (
            ("list", "", "services"),
            {"subresource": "proxy"},
            "resource",
            "the rule is for services, not services/proxy.",
        ),
    ],
)
def test_a_rule_with_one_thing_wrong(
    rule: tuple[str, str, str], asked: dict[str, Any], what: str, why: str
) -> None:
    verbs, groups, resources = rule
    mine = role("kikai", "mine", (verbs, "", resources))
    mine["rules"][0]["apiGroups"] = groups.split(",")
    found = misses(LIST._replace(**asked), mine, binding("kikai", "b", "Role/mine", "kikai/bot"))
    assert found == [(what, f"RoleBinding kikai/b: {why}")]


@pytest.mark.parametrize(
    ("verb", "name", "why"),
    [
        ("list", "", "the rule is only for a, b, and this list names no object."),
        ("watch", "", "the rule is only for a, b, and this watch names no object."),
        ("create", "", "the rule is only for a, b, and this create names no object."),
        (
            "deletecollection",
            "",
            "the rule is only for a, b, and this deletecollection names no object.",
        ),
        ("list", "c", "the rule is only for a, b, not c."),
        ("get", "c", "the rule is only for a, b, not c."),
    ],
)
def test_a_rule_for_other_names(verb: str, name: str, why: str) -> None:
    mine = role("kikai", "mine", ("*", "", "services"))
    mine["rules"][0]["resourceNames"] = ["a", "b"]
    question = LIST._replace(verb=verb, name=name)
    found = misses(question, mine, binding("kikai", "b", "Role/mine", "kikai/bot"))
    assert found == [("name", f"RoleBinding kikai/b: {why}")]
    assert (
        misses(question._replace(name="a"), mine, binding("kikai", "b", "Role/mine", "kikai/bot"))
        == []
    )


def test_a_rule_with_two_things_wrong_is_no_near_miss() -> None:
    mine = role("kikai", "mine", ("get", "", "pods"), ("list", "apps", "pods"))
    assert misses(LIST, mine, binding("kikai", "b", "Role/mine", "kikai/bot")) == []


@pytest.mark.parametrize(
    ("verb", "path", "found"),
    [
        (
            "post",
            "/metrics",
            [
                (
                    "verb",
                    "ClusterRoleBinding b: the path matches, but the rule has get, head, not post.",
                )
            ],
        ),
        ("get", "/logs", []),
        ("post", "/logs", []),
    ],
)
def test_a_rule_for_a_path(verb: str, path: str, found: list[tuple[str, str]]) -> None:
    paths = {
        **role("", "paths"),
        "rules": [{"verbs": ["get", "head"], "nonResourceURLs": ["/metrics"]}],
    }
    question = Attributes(BOT, verb, path=path)
    assert misses(question, paths, binding("", "b", "ClusterRole/paths", "kikai/bot")) == found


@pytest.mark.parametrize(
    ("who", "named"),
    [
        (("kikai/other",), "ServiceAccount kikai/other"),
        (("group:dev", "darbo/x"), "Group dev, ServiceAccount darbo/x"),
        ((), "nobody"),
    ],
)
def test_a_binding_to_others(who: tuple[str, ...], named: str) -> None:
    bound = binding("kikai", "b", "ClusterRole/reader", *who)
    assert misses(LIST, READER, bound) == [
        ("subject", f"RoleBinding kikai/b grants this, but to {named}.")
    ]


def test_a_binding_to_others_elsewhere_or_of_every_cluster_is_no_near_miss() -> None:
    elsewhere = binding("darbo", "b", "ClusterRole/reader", "kikai/other")
    assert misses(LIST, default(READER), elsewhere) == []
    everywhere = binding("", "b", "ClusterRole/reader", "kikai/other")
    assert misses(LIST, READER, default(everywhere)) == []
    assert [what for what, _ in misses(LIST, READER, everywhere)] == ["subject"]


@pytest.mark.parametrize(
    ("obj", "called"),
    [
        (READER, "ClusterRole reader"),
        (role("kikai", "spare", ("get", "", "pods"), ("list", "", "services")), "Role kikai/spare"),
    ],
)
def test_a_role_that_nobody_has(obj: Object, called: str) -> None:
    assert misses(LIST, obj) == [
        ("unbound", f"{called} would allow this, but no binding here gives it to anyone.")
    ]
    assert misses(LIST, default(obj)) == []
    assert misses(LIST._replace(verb="get"), obj) == []


def test_a_role_of_another_namespace_that_nobody_has_is_no_near_miss() -> None:
    assert misses(LIST, role("darbo", "spare", ("list", "", "services"))) == []
    assert misses(LIST, {**role("kikai", "spare"), "rules": None}) == []
