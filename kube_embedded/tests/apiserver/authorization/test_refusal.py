"""The words of a 403."""

from __future__ import annotations

import pytest

from kube_embedded.apiserver.authorization.refusal import refusal
from kube_embedded.rbac.attributes import Attributes, User

BOB = User("bob")


@pytest.mark.parametrize(
    ("question", "reason", "message"),
    [
        (
            Attributes(BOB, "list", resource="pods", namespace="default"),
            "",
            'pods is forbidden: User "bob" cannot list resource "pods" in API group "" in the namespace "default"',
        ),
        (
            Attributes(BOB, "delete", "apps", "v1", "deployments", namespace="x", name="web"),
            "because",
            'deployments.apps "web" is forbidden: User "bob" cannot delete resource "deployments" '
            'in API group "apps" in the namespace "x": because',
        ),
        (
            Attributes(BOB, "create", "", "v1", "pods", "exec", name="x"),
            "",
            'pods "x" is forbidden: User "bob" cannot create resource "pods/exec" in API group "" at the cluster scope',
        ),
        (
            Attributes(BOB, "post", path="/metrics"),
            "",
            'forbidden: User "bob" cannot post path "/metrics"',
        ),
        (
            Attributes(User('<b>&"x'), "get", path="/"),
            "<as it is>",
            'forbidden: User "&lt;b&gt;&amp;\\"x" cannot get path "/": <as it is>',
        ),
        *(
            (
                Attributes(User(f"a{char}b"), "get", path="/"),
                "",
                f'forbidden: User "a{entity}b" cannot get path "/"',
            )
            for char, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"))
        ),
    ],
)
def test_message(question: Attributes, reason: str, message: str) -> None:
    error = refusal(question, reason)
    assert error.message == message
    assert (error.code, error.reason) == (403, "Forbidden")
    assert error.headers == {"X-Content-Type-Options": "nosniff"}
    assert error.details == (
        {"name": question.name, "group": question.group, "kind": question.resource}
        if question.name and question.group
        else error.details
    )


def test_details() -> None:
    assert refusal(Attributes(BOB, "get", path="/x")).details == {}
    assert refusal(
        Attributes(BOB, "get", resource="pods", subresource="log", name="p")
    ).details == {"name": "p", "kind": "pods"}


def test_a_name_is_quoted_too() -> None:
    error = refusal(Attributes(BOB, "impersonate", resource="users", name='a"b'))
    assert error.message.startswith('users "a\\"b" is forbidden: ')
