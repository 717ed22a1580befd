"""The kinds of mistakes: which one an excess is, and that each is used and leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kube_embedded.rbac.parts import Part
from kube_embedded.rbac.subjects import ANONYMOUS, Subject, subject
from kube_embedded.tests.support.some import some
from labkit import lessons
from labkit.lessons.asides import ASIDES
from labkit.lessons.mistakes import excess_text, mistakes, of_excess, of_guess
from labkit.rbac.difference import NOBODY, Allowance, Excess

ME = subject("kikai/default")
SERVICES = [{"apiGroups": [""], "resources": ["services"], "verbs": ["get", "list"]}]
NAMED = [{"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["a"], "verbs": ["get"]}]
PODS = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
ALLOWED = [
    Allowance(ME, SERVICES, ("kikai",)),
    Allowance(ME, NAMED, ("kikai",)),
    Allowance(ME, PODS, ("kikai",), role="ClusterRole/view"),
]
LIST, GET_PODS = Part("list", "", "services"), Part("get", "", "pods")


def excess(
    who: Subject,
    part: Part = LIST,
    namespace: str = "kikai",
    role: str = "Role/r",
    by: str = "RoleBinding b",
) -> Excess:
    return Excess(who, part, namespace, role, by)


@pytest.mark.parametrize(
    ("found", "kind"),
    [
        (excess(NOBODY, role="ClusterRole/view", by=""), "default-role-grown"),
        (excess(Subject("", ("system:authenticated",))), "everybody"),
        (excess(Subject(ANONYMOUS, ("system:unauthenticated",))), "everybody"),
        (excess(Subject("", ("system:serviceaccounts:kikai",))), "group-instead-of-account"),
        (excess(subject("darbo/default")), "account-elsewhere"),
        (excess(subject("darbo/default"), namespace="darbo"), "another-account"),
        (excess(subject("kikai/bot")), "another-account"),
        (excess(Subject("ann")), "another-account"),
        (excess(ME, namespace="darbo"), "another-place"),
        (excess(ME, namespace=""), "cluster-wide"),
        (excess(ME, GET_PODS, role="ClusterRole/edit"), "larger-role"),
        (excess(ME, GET_PODS, "darbo", "ClusterRole/view"), "another-place"),
        (excess(ME, Part("*", "*", "*"), role="ClusterRole/cluster-admin"), "larger-role"),
        (excess(ME, Part("*", "", "services")), "everything"),
        (excess(ME, Part("get", path="*")), "everything"),
        (excess(ME, Part("watch", "", "services")), "watch-added"),
        (excess(ME, Part("delete", "", "services")), "verb-added"),
        (excess(ME, Part("get", "", "secrets")), "without-names"),
        (excess(ME, Part("get", "", "secrets", ("b",))), "verb-added"),
        (excess(ME, Part("get", "", "pods/log")), "subresource-added"),
        (excess(ME, Part("get", "", "nodes")), "resource-added"),
    ],
)
def test_an_excess_has_a_kind_and_a_sentence_that_names_it(found: Excess, kind: str) -> None:
    assert of_excess(found, ALLOWED) == kind
    text = excess_text(found, kind)
    assert "{" not in text
    assert any(
        each in text for each in (found.subject, found.permission, found.role, found.binding)
    )


def test_secrets_that_nobody_named_are_a_kind_of_their_own() -> None:
    assert of_excess(excess(ME, Part("get", "", "secrets")), ALLOWED[:1]) == "secrets-added"


def test_every_kind_is_used_and_leads_to_a_step() -> None:
    package = Path(lessons.__file__).parent
    files = [*package.glob("*.py"), *(package.parent / "grading").rglob("*.py")]
    used = set(
        re.findall(
            r"\"([a-z0-9]+(?:-[a-z0-9]+)*)\"", "\n".join(each.read_text("utf-8") for each in files)
        )
    )
    guesses = {kind.id for kind in mistakes().values() if kind.guess}
    for kind in some(mistakes().values()):
        assert kind.id in used | guesses, kind.id
        assert kind.step in lessons.STEPS or kind.step in ASIDES, kind
        assert kind.says.endswith(".")
        assert kind.idea.endswith(".")


def test_every_step_that_asks_for_a_prediction_has_a_wrong_idea() -> None:
    asking = [step.id for step in lessons.STEPS.values() if step.prediction is not None]
    assert [step for step in some(asking) if not of_guess(step)] == []
    assert of_guess("W5") == ""
