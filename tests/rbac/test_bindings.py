"""Whom a binding names."""

from __future__ import annotations

import pytest

from labkit.rbac.attributes import User
from labkit.rbac.bindings import joined_errors
from labkit.rbac.subjects import subject_matches

SA = "system:serviceaccount:lab:bot"


@pytest.mark.parametrize(
    ("subject", "namespace", "matches"),
    [
        ({"kind": "User", "name": "jane"}, "", True),
        ({"kind": "User", "name": "kim"}, "", False),
        ({"kind": "Group", "name": "dev"}, "", True),
        ({"kind": "Group", "name": "jane"}, "", False),
        ({"kind": "ServiceAccount", "name": "jane", "namespace": "lab"}, "", False),
        ({"kind": "Robot", "name": "jane"}, "", False),
    ],
)
def test_subject(subject: dict[str, str], namespace: str, matches: bool) -> None:
    assert subject_matches(subject, User("jane", ("dev",)), namespace) is matches


@pytest.mark.parametrize(
    ("subject", "namespace", "matches"),
    [
        ({"name": "bot", "namespace": "lab"}, "", True),
        ({"name": "bot"}, "lab", True),
        ({"name": "bot"}, "other", False),
        ({"name": "bot"}, "", False),
    ],
)
def test_account_subject(subject: dict[str, str], namespace: str, matches: bool) -> None:
    assert subject_matches({"kind": "ServiceAccount", **subject}, User(SA), namespace) is matches


def test_errors_are_told_once() -> None:
    assert joined_errors(["a"]) == "a"
    assert joined_errors(["a", "b", "a"]) == "[a, b]"


def test_an_account_without_a_namespace_is_nobody() -> None:
    subject = {"kind": "ServiceAccount", "name": "bot"}
    assert not subject_matches(subject, User("system:serviceaccount::bot"), "")
    assert subject_matches(subject, User("system:serviceaccount:lab:bot"), "lab")
