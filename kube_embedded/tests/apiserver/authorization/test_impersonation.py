"""Acting as someone else: five ways, tried in order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from kube_embedded.apiserver.authorization.impersonation import (
    Impersonator,
    node_name,
    requested_user,
    service_account,
)
from kube_embedded.machinery.request import Request
from kube_embedded.machinery.status import ApiError
from kube_embedded.rbac.attributes import Attributes, Decision, User

BOSS = User("boss", ("system:authenticated",))
LIST_PODS = Attributes(BOSS, "list", "", "v1", "pods", namespace="lab")
NODE = "authentication.kubernetes.io/node-name"


def allowing(*allowed: tuple[str, str, str]) -> tuple[Impersonator, list[tuple[str, ...]]]:
    """An impersonator with an authorizer that allows (verb, resource[/subresource], name), and its log."""
    asked: list[tuple[str, ...]] = []

    def authorize(question: Attributes) -> Decision:
        resource = question.resource + (f"/{question.subresource}" if question.subresource else "")
        key = (question.verb, resource, question.name)
        asked.append((*key, question.group, question.namespace))
        return Decision(key in allowed)

    return Impersonator(authorize), asked


def legacy(*parts: tuple[str, str]) -> Iterable[tuple[str, str, str]]:
    return [("impersonate", resource, name) for resource, name in parts]


def test_as_a_plain_user() -> None:
    impersonate, asked = allowing(
        ("impersonate-on:user-info:list", "pods", ""), ("impersonate:user-info", "users", "x")
    )
    impersonation = impersonate(User("x"), LIST_PODS)
    assert impersonation.user == User("x", ("system:authenticated",))
    assert impersonation.constraint == "impersonate:user-info"
    assert asked == [
        ("impersonate-on:user-info:list", "pods", "", "", "lab"),
        ("impersonate:user-info", "users", "x", "authentication.k8s.io", ""),
    ]


def test_the_old_way_is_tried_last_and_first_the_next_time() -> None:
    impersonate, asked = allowing(*legacy(("users", "x")))
    assert impersonate(User("x"), LIST_PODS).constraint == ""
    assert [ask[0] for ask in asked] == ["impersonate-on:user-info:list", "impersonate"]
    asked.clear()
    impersonate(User("x"), LIST_PODS)
    assert [ask[0] for ask in asked] == ["impersonate"]


def test_the_last_mode_is_remembered_of_so_many_callers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kube_embedded.apiserver.authorization.impersonation.MAX_CALLERS", 3)
    impersonate, _ = allowing(*legacy(("users", "x")))
    for number in range(10):
        impersonate(User("x"), LIST_PODS._replace(user=User(f"u{number}")))
    assert len(impersonate._last_mode) <= 3


def test_the_first_way_that_applies_says_why_not() -> None:
    impersonate, _ = allowing(*legacy(("users", "x")))
    with pytest.raises(ApiError, match="cannot impersonate-on:user-info:list resource"):
        impersonate(User("y"), LIST_PODS)
    impersonate(User("x"), LIST_PODS)
    with pytest.raises(
        ApiError, match='users "y" is forbidden: User "boss" cannot impersonate resource "users"'
    ):
        impersonate(User("y"), LIST_PODS)


@pytest.mark.parametrize(
    ("wanted", "way"),
    [
        (User("system:node:n1"), "arbitrary-node"),
        (User("system:serviceaccount:lab:bot"), "serviceaccount"),
        (User("system:serviceaccount:lab:"), "user-info"),
        (User("system:node:N_1"), "user-info"),
        (User("x", ("g",)), "user-info"),
    ],
)
def test_which_way_applies(wanted: User, way: str) -> None:
    impersonate, _ = allowing()
    with pytest.raises(ApiError, match=f"impersonate-on:{way}:list"):
        impersonate(wanted, LIST_PODS)


def test_an_account_with_groups_can_only_be_had_the_old_way() -> None:
    impersonate, asked = allowing(*legacy(("serviceaccounts", "bot"), ("groups", "g")))
    impersonation = impersonate(User("system:serviceaccount:lab:bot", ("g",)), LIST_PODS)
    assert impersonation.user.groups == ("g", "system:authenticated")
    assert asked == [
        ("impersonate", "serviceaccounts", "bot", "", "lab"),
        ("impersonate", "groups", "g", "", ""),
    ]


def test_as_an_account() -> None:
    impersonate, asked = allowing(
        ("impersonate-on:serviceaccount:list", "pods", ""),
        ("impersonate:serviceaccount", "serviceaccounts", "bot"),
    )
    impersonation = impersonate(User("system:serviceaccount:lab:bot"), LIST_PODS)
    assert impersonation.user.groups == (
        "system:serviceaccounts",
        "system:serviceaccounts:lab",
        "system:authenticated",
    )
    assert asked[-1][3:] == ("authentication.k8s.io", "lab")


def test_as_a_node() -> None:
    impersonate, _ = allowing(
        ("impersonate-on:arbitrary-node:list", "pods", ""),
        ("impersonate:arbitrary-node", "nodes", "n1"),
    )
    impersonation = impersonate(User("system:node:n1"), LIST_PODS)
    assert impersonation.user.groups == ("system:nodes", "system:authenticated")


def test_as_the_node_one_runs_on() -> None:
    agent = User("system:serviceaccount:lab:agent", (), "uid", {NODE: ("n1",)})
    rights: list[tuple[str, str, str]] = [
        ("impersonate-on:associated-node:list", "pods", ""),
        ("impersonate:associated-node", "nodes", "*"),
    ]
    impersonate, _ = allowing(*rights)
    question = LIST_PODS._replace(user=agent)
    callers: list[User] = []

    def authorize(asked: Attributes) -> Decision:
        callers.append(asked.user)
        return Decision(True)

    assert (
        Impersonator(authorize)(User("system:node:n1"), question).constraint
        == "impersonate:associated-node"
    )
    assert callers == [User(agent.name, (), "uid")] * 2, (
        "without the extra fields that name its pod and its node"
    )
    assert impersonate(User("system:node:n1"), question).constraint == "impersonate:associated-node"
    with pytest.raises(ApiError):
        impersonate(User("system:node:n2"), question)
    with pytest.raises(ApiError):
        impersonate(User("system:node:n1"), LIST_PODS)
    nobodys_agent = LIST_PODS._replace(user=User("agent", (), "uid", {NODE: ("n1",)}))
    with pytest.raises(ApiError, match="impersonate-on:arbitrary-node:list"):
        impersonate(User("system:node:n1"), nobodys_agent)


def test_every_part_needs_a_right() -> None:
    wanted = User("x", ("g1", "g2"), "u", {"a.io/k": ("v1", "v2")})
    parts = [
        ("users", "x"),
        ("uids", "u"),
        ("groups", "g1"),
        ("groups", "g2"),
        ("userextras/a.io/k", "v1"),
        ("userextras/a.io/k", "v2"),
    ]
    for verb in ("impersonate", "impersonate:user-info"):
        on = [("impersonate-on:user-info:list", "pods", "")] if verb != "impersonate" else []
        rights = [*on, *((verb, resource, name) for resource, name in parts)]
        impersonate, _ = allowing(*rights)
        impersonate(wanted, LIST_PODS)
        for missing in rights:
            impersonate, _ = allowing(*(right for right in rights if right != missing))
            with pytest.raises(ApiError):
                impersonate(wanted, LIST_PODS)


def test_many_groups_may_be_allowed_at_once() -> None:
    wanted = User("x", ("g1", "g2", "g3", "g4"))
    on = ("impersonate-on:user-info:list", "pods", "")
    impersonate, _ = allowing(
        on, ("impersonate:user-info", "users", "x"), ("impersonate:user-info", "groups", "*")
    )
    assert impersonate(wanted, LIST_PODS).constraint == "impersonate:user-info"


@pytest.mark.parametrize(
    "wanted",
    [User("x", ("g1", "g2", "g3", "g4")), User("x", (), "", {"a.io/k": ("v1", "v2", "v3", "v4")})],
)
def test_many_parts_need_a_right_to_each_where_there_is_none_to_all(wanted: User) -> None:
    parts = [("groups", group) for group in wanted.groups]
    parts += [
        (f"userextras/{key}", value) for key, values in wanted.extra.items() for value in values
    ]
    on, user = (
        ("impersonate-on:user-info:list", "pods", ""),
        ("impersonate:user-info", "users", "x"),
    )
    rights = [("impersonate:user-info", resource, name) for resource, name in parts]
    impersonate, _ = allowing(on, user, *rights)
    assert impersonate(wanted, LIST_PODS).constraint == "impersonate:user-info"
    for missing in rights:
        impersonate, _ = allowing(on, user, *(right for right in rights if right != missing))
        with pytest.raises(ApiError, match="cannot impersonate:user-info resource"):
            impersonate(wanted, LIST_PODS)


@pytest.mark.parametrize(
    "wanted",
    [User("x", ("g1", "g2", "g3")), User("x", (), "", {"a.io/k": ("v1", "v2"), "a.io/l": ("v3",)})],
)
def test_a_right_to_all_parts_is_none_to_a_few(wanted: User) -> None:
    impersonate, asked = allowing(
        ("impersonate-on:user-info:list", "pods", ""),
        ("impersonate:user-info", "users", "x"),
        ("impersonate:user-info", "groups", "*"),
        ("impersonate:user-info", "userextras/*", "*"),
    )
    with pytest.raises(ApiError, match="cannot impersonate:user-info resource"):
        impersonate(wanted, LIST_PODS)
    assert not [name for _verb, _resource, name, *_ in asked if name == "*"], (
        "which is not asked for"
    )


def test_many_extra_values_may_be_allowed_at_once() -> None:
    wanted = User("x", (), "", {"a.io/k": ("v1", "v2", "v3", "v4")})
    on = ("impersonate-on:user-info:list", "pods", "")
    impersonate, _ = allowing(
        on, ("impersonate:user-info", "users", "x"), ("impersonate:user-info", "userextras/*", "*")
    )
    assert impersonate(wanted, LIST_PODS).constraint == "impersonate:user-info"


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        (User("x", ("system:masters",)), "impersonating the system:masters group is not allowed"),
        (User("x", ("",)), "impersonating the empty string group is not allowed"),
        (User("x", (), "", {"K.io/x": ("v",)}), "impersonating a"),
        (
            User("x", (), "", {"k": ("v",)}),
            r'extra\.key: Invalid value: "k": must be a domain-prefixed path',
        ),
        (
            User("x", (), "", {"a.io/ ": ("v",)}),
            r'extra\.key: Invalid value: " ": Invalid path \(regex used for',
        ),
        (
            User("x", (), "", {"a_b/ ": ("v",)}),
            r'not allowed: \[extra\.key: Invalid value: "a_b": a lowercase RFC 1123',
        ),
        (
            User("x", (), "", {"a.io/x": ("",)}),
            "impersonating the empty string value in extra is not allowed",
        ),
        (User("x", (), "", {"a.io/x": ()}), "impersonating empty values in extra is not allowed"),
        (
            User("x", (), "", {"a.io/X": ("v",)}),
            'impersonating a non-lowercase key in extra is not allowed: "a.io/X"',
        ),
        (
            User("x", (), "", {"a.io/": ("v",)}),
            'Invalid value: "a.io/": must be a domain-prefixed path',
        ),
        (User("x", (), "", {"/x": ("v",)}), 'Invalid value: "/x": must be a domain-prefixed path'),
        (
            User("x", (), "", {f"{'a' * 254}/x": ("v",)}),
            f'"{"a" * 254}": must be no more than 253 bytes',
        ),
        (
            User("x", (), "", {"": ("v",)}),
            "impersonating the empty string key in extra is not allowed",
        ),
    ],
)
def test_what_the_new_ways_never_allow(wanted: User, why: str) -> None:
    def almost_all(question: Attributes) -> Decision:
        return Decision(question.verb != "impersonate")

    with pytest.raises(ApiError, match=why):
        Impersonator(almost_all)(wanted, LIST_PODS)
    assert Impersonator(lambda _: Decision(True))(wanted, LIST_PODS).constraint == ""


@pytest.mark.parametrize(
    ("wanted", "groups"),
    [
        (User("system:anonymous"), ("system:unauthenticated",)),
        (User("x", ("system:unauthenticated",)), ("system:unauthenticated",)),
        (User("x", ("system:authenticated", "g")), ("system:authenticated", "g")),
    ],
)
def test_groups_that_everyone_has(wanted: User, groups: tuple[str, ...]) -> None:
    assert Impersonator(lambda _: Decision(True))(wanted, LIST_PODS).user.groups == groups


def request(headers: dict[str, str], values: dict[str, list[str]] | None = None) -> Request:
    return Request("GET", "/", headers=headers, header_values=values or {})


def test_headers() -> None:
    assert requested_user(request({})) is None
    assert requested_user(request({"impersonate-user": ""})) is None
    got = requested_user(
        request(
            {
                "impersonate-user": "x",
                "impersonate-uid": "u",
                "impersonate-group": "a, b",
                "impersonate-extra-acme.com%2fproject": "p",
            },
            {"impersonate-group": ["a", "b"]},
        )
    )
    assert got == User("x", ("a", "b"), "u", {"acme.com/project": ("p",)})


@pytest.mark.parametrize(
    ("headers", "shown"),
    [
        (
            {"impersonate-group": "dev"},
            'Name:"", UID:"", Groups:[]string{"dev"}, Extra:map[string][]string(nil)',
        ),
        (
            {"impersonate-uid": "u"},
            'Name:"", UID:"u", Groups:[]string(nil), Extra:map[string][]string(nil)',
        ),
        (
            {"impersonate-extra-k": "v"},
            'Name:"", UID:"", Groups:[]string(nil), Extra:map[string][]string{"k":[]string{"v"}}',
        ),
    ],
)
def test_nobody_to_impersonate(headers: dict[str, str], shown: str) -> None:
    with pytest.raises(ApiError) as caught:
        requested_user(request(headers))
    assert caught.value.code == 400
    assert (
        caught.value.message
        == f"requested &user.DefaultInfo{{{shown}}} without impersonating a user name"
    )


@pytest.mark.parametrize(
    ("name", "account", "node"),
    [
        ("system:serviceaccount:lab:bot", ("lab", "bot"), None),
        ("system:serviceaccount:Lab:bot", None, None),
        (f"system:serviceaccount:{'l' * 63}:bot", ("l" * 63, "bot"), None),
        (f"system:serviceaccount:{'l' * 64}:bot", None, None),
        (f"system:serviceaccount:lab:{'b' * 253}", ("lab", "b" * 253), None),
        (f"system:serviceaccount:lab:{'b' * 254}", None, None),
        ("system:serviceaccount:lab:Bot", None, None),
        ("x:system:serviceaccount:lab:bot", None, None),
        (f"system:node:{'n' * 253}", None, "n" * 253),
        (f"system:node:{'n' * 254}", None, None),
        ("system:serviceaccount:lab:a.b", ("lab", "a.b"), None),
        ("system:serviceaccount:lab", None, None),
        ("system:node:n1.example", None, "n1.example"),
        ("system:node:", None, None),
        ("x:system:node:n1", None, None),
        ("jane", None, None),
    ],
)
def test_names(name: str, account: Any, node: Any) -> None:
    assert service_account(name) == account
    assert node_name(name) == node
