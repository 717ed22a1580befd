"""The cards of a policy's tests in a notebook. No test needs a cluster, and one needs a cluster's journal."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from labkit.client.prefix import Names
from labkit.client.request_info import read_call
from labkit.core.errors import UsageError
from labkit.lab.policy import PolicyTests
from labkit.lab.sources import objects_of
from labkit.lessons.evidence import Asked, Evidence
from labkit.lessons.library import library
from tests.lessons.policy_questions import STORY, TWO

TALLY = "system:serviceaccount:{}kikai:tally"


def lab_with(*asked: Asked, prefix: str = "") -> Any:
    """Return the attributes of a lab that the cards need."""
    names, found = Names(prefix), Evidence(asked)
    return SimpleNamespace(
        note_questions=lambda: None, library=library(), names=names, evidence=lambda: found
    )


def policy(name: str = "04-roles", lab: Any = None) -> PolicyTests:
    return PolicyTests(lab or lab_with(), objects_of(name, library()))


def test_it_says_what_it_holds() -> None:
    assert repr(policy()) == "• A policy of 2 roles and 1 binding, from manifests"


def test_the_last_manifest_of_an_object_counts() -> None:
    """W17 binds one account and W18, under the same name, two."""
    assert repr(policy().test(STORY)).startswith(
        "✔ 4 of 4 answers of the manifests are as expected"
    )


def test_a_wrong_answer_has_its_reason() -> None:
    lines = repr(
        policy().test(STORY.replace("may: get services in kikai", "may: get services in darbo"))
    )
    assert lines.splitlines()[0] == "✘ 3 of 4 answers of the manifests are as expected"
    marks = [line.strip()[0] for line in lines.splitlines()[1:] if " may" in line]
    assert sorted(marks) == ["✔", "✔", "✔", "✘"]
    assert (
        "It is refused. RoleBinding kikai/test grants exactly this, but only in the namespace kikai"
        in lines
    )


def test_a_misspelling_is_an_error() -> None:
    with pytest.raises(UsageError, match="There is no resource servces") as refused:
        policy().test({"questions": [{"who": "kikai/default", "may not": "list servces in kikai"}]})
    assert refused.value.todo == 'Did you mean "services"?'


def test_wrong_policies_are_counted_and_listed() -> None:
    first, *rows = repr(policy().wrong(TWO)).splitlines()
    assert first == "! 21 of 32 wrong policies pass 2 questions"
    assert rows[0] == "  passes  Role kikai/service-reader lets them watch"
    assert len(rows) == 21


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("pods-star", ["• Nobody gains or loses anything", "no request matches pods/*"]),
        ("star", ["! 4 permissions changed", "darbo/default: list · * (core group) in kikai"]),
        (
            "log",
            [
                "! 2 permissions changed",
                "kikai/default: get · pods/log in kikai",
                "darbo/default: get · pods/log",
            ],
        ),
    ],
)
def test_a_change_says_who_gains_what(change: str, says: list[str]) -> None:
    text = repr(policy().change(f"06-test-the-policy/tryout/T04-role-{change}"))
    assert all(each in text for each in says), text


def asked(verb: str, path: str, status: int, prefix: str = "") -> Asked:
    return Asked(TALLY.format(prefix), read_call(verb, path.format(prefix)), status, 1.0)


@pytest.mark.parametrize("prefix", ["", "ann-"])
def test_a_report_is_by_the_names_on_the_cluster(prefix: str) -> None:
    maps = "/api/v1/namespaces/{}kikai/configmaps"
    requests = [
        asked("GET", "/api/v1/namespaces/{}kikai/pods", 200, prefix),
        asked("POST", maps, 409, prefix),
        asked("DELETE", f"{maps}/tally", 403, prefix),
        asked("GET", "/version", 200, prefix),
    ]
    lab = lab_with(*requests, prefix=prefix.rstrip("-"))
    tested = policy("06-test-the-policy/T05-account-tally", lab)
    assert "The least policy" not in repr(tested.used_by("kikai/tally"))
    text = repr(tested.used_by("kikai/tally", least=True))
    rows = [line.split(maxsplit=1) for line in text.partition("  The least")[0].splitlines()[1:]]
    assert rows == [
        ["used", f"list · pods in {prefix}kikai"],
        ["used", "get · /version"],
        ["missing", f"create · configmaps in {prefix}kikai"],
        ["unused", f"watch · pods in {prefix}kikai"],
        ["unused", f"list · secrets in {prefix}kikai"],
    ]
    assert "3 requests that were let through" in text
    assert "/version" not in text.partition("least policy")[2], "everybody may get it"
