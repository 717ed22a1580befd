"""Whom a binding names."""

from __future__ import annotations

import pytest

from kube_embedded.rbac.attributes import User
from kube_embedded.rbac.bindings import joined_errors
from kube_embedded.rbac.subjects import Subject, subject, subject_matches

SA = "system:serviceaccount:lab:bot"


@pytest.mark.parametrize(
    ("entry", "namespace", "matches"),
    [
        ({"kind": "User", "name": "jane"}, "", True),
        ({"kind": "User", "name": "kim"}, "", False),
        ({"kind": "Group", "name": "dev"}, "", True),
        ({"kind": "Group", "name": "jane"}, "", False),
        ({"kind": "ServiceAccount", "name": "jane", "namespace": "lab"}, "", False),
        ({"kind": "Robot", "name": "jane"}, "", False),
    ],
)
def test_who_is_a_subject(entry: dict[str, str], namespace: str, matches: bool) -> None:
    assert subject_matches(entry, User("jane", ("dev",)), namespace) is matches


@pytest.mark.parametrize(
    ("entry", "namespace", "matches"),
    [
        ({"name": "bot", "namespace": "lab"}, "", True),
        ({"name": "bot"}, "lab", True),
        ({"name": "bot"}, "other", False),
        ({"name": "bot"}, "", False),
    ],
)
def test_account_subject(entry: dict[str, str], namespace: str, matches: bool) -> None:
    assert subject_matches({"kind": "ServiceAccount", **entry}, User(SA), namespace) is matches


def test_errors_are_told_once() -> None:
    assert joined_errors(["a"]) == "a"
    assert joined_errors(["a", "b", "a"]) == "[a, b]"


def test_an_account_without_a_namespace_is_nobody() -> None:
    entry = {"kind": "ServiceAccount", "name": "bot"}
    assert not subject_matches(entry, User("system:serviceaccount::bot"), "")
    assert subject_matches(entry, User("system:serviceaccount:lab:bot"), "lab")


@pytest.mark.parametrize(
    ("who", "user", "groups", "label", "flag"),
    [
        (
            "lab/bot",
            SA,
            ("system:serviceaccounts", "system:serviceaccounts:lab", "system:authenticated"),
            "lab/bot",
            "--serviceaccount=lab:bot",
        ),
        (
            SA,
            SA,
            ("system:serviceaccounts", "system:serviceaccounts:lab", "system:authenticated"),
            "lab/bot",
            "--serviceaccount=lab:bot",
        ),
        ("jane", "jane", ("system:authenticated",), "jane", "--user=jane"),
        (
            "system:anonymous",
            "system:anonymous",
            ("system:unauthenticated",),
            "system:anonymous",
            "--user=system:anonymous",
        ),
    ],
)
def test_a_short_name_is_a_subject(
    who: str, user: str, groups: tuple[str, ...], label: str, flag: str
) -> None:
    found = subject(who)
    assert found == Subject(user, groups)
    assert (found.label, found.kubectl_flag) == (label, flag)
    assert subject(who, ("dev",)) == Subject(user, ("dev",))
    assert subject(who, ()) == Subject(user)


def test_the_user_name_of_an_account_is_taken_as_it_stands() -> None:
    assert subject("system:serviceaccount:lab/bot").user == "system:serviceaccount:lab/bot"
