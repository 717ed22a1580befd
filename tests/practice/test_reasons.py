"""The reasons to choose from: fixing the right one allows the request, fixing a wrong one does not."""

from __future__ import annotations

import re
from typing import Any

import pytest

from kube_embedded.rbac.attributes import Attributes
from kube_embedded.rbac.objects import GROUP, Object, binding_title, role_title, title
from kube_embedded.rbac.rules import Rule
from kube_embedded.tests.support.some import some
from labkit.core.language import NAME
from labkit.rbac.policy import Policy
from tools.drill.__main__ import SEED, questions
from tools.drill.authorizers import truth
from tools.drill.reasons import REASONS, RULE, RULE_BY_NUMBER

Question = dict[str, Any]


@pytest.fixture(scope="module")
def forbidden() -> list[Question]:
    return some(each for each in questions(SEED, 3000) if not each["allowed"])


def matched(template: str, said: str) -> dict[str, str] | None:
    parts = enumerate(NAME.split(template))
    pattern = "".join(
        f"(?P<{part}>.+)" if number % 2 else re.escape(part) for number, part in parts
    )
    found = re.fullmatch(pattern, said)
    return found and found.groupdict()


def mended(policy: Policy, asked: Attributes, said: str) -> Policy:
    """Return the policy with the fault of a sentence fixed."""
    for what, template in REASONS.items():
        if values := matched(template, said):
            of = next(iter(values.values()))
            return (
                with_rule(policy, asked, what, of)
                if template.startswith("{rule}")
                else bound(policy, asked, what, of)
            )
    raise AssertionError(said)


def with_rule(policy: Policy, asked: Attributes, what: str, of: str) -> Policy:
    values = matched(RULE_BY_NUMBER, of) or matched(RULE, of)
    assert values
    full = asked.resource + (f"/{asked.subresource}" if asked.subresource else "")
    field, value = {
        "verb": ("verbs", [asked.verb]),
        "resource": ("resources", [full]),
        "group": ("apiGroups", [asked.group]),
        "name": ("resourceNames", []),
    }[what]

    def changed(number: int, rule: Rule) -> Rule:
        return rule | {field: value} if number == int(values.get("number", "1")) else rule

    roles = dict(policy.roles)
    key = next(key for key in roles if title(*key) == values["role"])
    rules = [changed(number, rule) for number, rule in enumerate(roles[key]["rules"], 1)]
    return Policy(roles | {key: roles[key] | {"rules": rules}}, policy.bindings)


def here(policy: Policy, asked: Attributes, binding: Object) -> dict[tuple[str, str, str], Object]:
    """The role that a binding names, as if it were where the request is."""
    of = binding["roleRef"]["kind"], binding["roleRef"]["name"]
    found = [role for (kind, _, name), role in policy.roles.items() if (kind, name) == of]
    return {(of[0], asked.namespace if of[0] == "Role" else "", of[1]): role for role in found}


def bound(policy: Policy, asked: Attributes, what: str, of: str) -> Policy:
    me = {"kind": "User", "apiGroup": GROUP, "name": asked.user.name}
    roles = dict(policy.roles)
    if what == "unbound":
        if any(role_title(each) == of for each in policy.bindings):
            return policy
        key = next(key for key in roles if title(*key) == of)
        ref = {"apiGroup": GROUP, "kind": key[0], "name": key[2]}
        place = {"namespace": asked.namespace} if asked.namespace else {}
        new = {
            "kind": "RoleBinding" if place else "ClusterRoleBinding",
            "metadata": {"name": "new", **place},
        }
        return Policy(roles, (*policy.bindings, new | {"roleRef": ref, "subjects": [me]}))
    bindings = []
    for each in policy.bindings:
        changed: Object = each
        if binding_title(each) == of:
            if what == "subject":
                changed = each | {"subjects": [*each["subjects"], me]}
            elif what == "namespace":
                changed = each | {"metadata": {"name": "b", "namespace": asked.namespace}}
                roles |= here(policy, asked, each)
            elif what == "scope":
                changed = each | {"kind": "ClusterRoleBinding", "metadata": {"name": "b"}}
            else:
                roles |= here(policy, asked, each)
        bindings.append(changed)
    return Policy(roles, tuple(bindings))


def test_mending_the_right_one_allows_the_request(forbidden: list[Question]) -> None:
    for question in forbidden:
        policy, asked = question["draft"].policy, question["draft"].question
        assert not truth(policy, asked)
        assert truth(mended(policy, asked, question["why"][0]), asked), question["why"][0]


def test_mending_a_wrong_one_changes_nothing(forbidden: list[Question]) -> None:
    for question in forbidden:
        policy, asked = question["draft"].policy, question["draft"].question
        for said in question["why"][1:]:
            assert not truth(mended(policy, asked, said), asked), (
                question["text"],
                question["ask"],
                said,
            )


def test_each_reason_is_right_somewhere_and_wrong_somewhere(forbidden: list[Question]) -> None:
    for right in (True, False):
        said = {
            reason
            for each in forbidden
            for reason in (each["why"][:1] if right else each["why"][1:])
        }
        missing = {
            what for what, each in REASONS.items() if not any(matched(each, one) for one in said)
        }
        assert not missing - ({"scope"} if not right else set())
