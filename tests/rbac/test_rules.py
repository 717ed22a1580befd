"""One rule, one question: the five predicates."""

from __future__ import annotations

import pytest

from kube_embedded.rbac.attributes import Attributes, User
from kube_embedded.rbac.rules import rule_allows
from kube_embedded.tests.support.cluster import rule
from labkit.rbac.words import misspelt_verb

JANE = User("jane")
PODS = {"verb": "get", "resource": "pods"}


@pytest.mark.parametrize(
    ("given", "asked", "allowed"),
    [
        (rule("get", "pods"), PODS, True),
        (rule("list", "pods"), PODS, False),
        (rule("", "pods"), PODS, False),
        (rule("*", "pods"), PODS, True),
        (rule("get", "*"), PODS, True),
        (rule("get", "pods", "apps"), PODS, False),
        (rule("get", "pods", "*"), {**PODS, "group": "apps"}, True),
        (rule("get", "pods"), {**PODS, "subresource": "log"}, False),
        (rule("get", "pods/log"), {**PODS, "subresource": "log"}, True),
        (rule("get", "*/log"), {**PODS, "subresource": "log"}, True),
        (rule("get", "*/log"), PODS, False),
        (rule("get", "pods/*"), {**PODS, "subresource": "log"}, False),
        (rule("get", "*"), {**PODS, "subresource": "log"}, True),
        (rule("get", "pods", names="a b"), {**PODS, "name": "b"}, True),
        (rule("get", "pods", names="a b"), {**PODS, "name": "c"}, False),
        (rule("list", "pods", names="a"), {"verb": "list", "resource": "pods"}, False),
        (rule("get", urls="/logs/*"), {"verb": "get", "path": "/logs/x"}, True),
        (rule("get", urls="/logs/*"), {"verb": "get", "path": "/logs"}, False),
        (rule("get", urls="*"), {"verb": "get", "path": "/x"}, True),
        (rule("get", urls="*"), {"verb": "get", "non_resource": True}, True),
        (rule("get", urls="/a*"), {"verb": "get", "path": "/abc"}, True),
        (rule("get", urls="/ax*"), {"verb": "get", "path": "/abc"}, False),
        (rule("get", urls="/a"), {"verb": "post", "path": "/a"}, False),
        (rule("get", urls="/a"), {"verb": "get", "path": "/abc"}, False),
        (rule("*", "*", "*"), {"verb": "get", "path": "/x"}, False),
        (rule("get", urls="*"), PODS, False),
        ({"verbs": None, "apiGroups": None}, PODS, False),
    ],
)
def test_rule_allows(given: dict[str, object], asked: dict[str, object], allowed: bool) -> None:
    assert rule_allows(given, Attributes(JANE, **asked)) is allowed  # type: ignore[arg-type] # a table of keywords


@pytest.mark.parametrize(
    ("verbs", "why"),
    [
        (["get", "list"], ""),
        (["*"], ""),
        (["GET", "LIST"], 'Verbs are written in small letters: "get", not "GET".'),
        (
            ["get, list"],
            '"get, list" is one string, and so one verb. Each verb is a string of its own: "get", "list".',
        ),
        (
            ["Get List"],
            '"Get List" is one string, and so one verb. Each verb is a string of its own: "get", "list".',
        ),
        (
            [" get"],
            '" get" is one string, and so one verb. Each verb is a string of its own: "get".',
        ),
    ],
)
def test_a_verb_that_matches_no_request_is_explained(verbs: list[str], why: str) -> None:
    assert misspelt_verb([{"verbs": ["get"]}, {"verbs": verbs}]) == why
