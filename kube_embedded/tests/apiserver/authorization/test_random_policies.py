"""Random policies and questions: a naive reading of RBAC, the plain and the cached authorizer agree."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kube_embedded.apiserver.authorization.cached import CachedRBACAuthorizer
from kube_embedded.apiserver.authorization.index import GrantIndex
from kube_embedded.rbac.attributes import Attributes, User
from kube_embedded.rbac.bindings import Getter, Grant, Lister
from kube_embedded.rbac.rules import rule_allows
from kube_embedded.tests.apiserver.authorization.naive import Policy, allowed
from kube_embedded.tests.apiserver.authorization.plain import RBACAuthorizer
from kube_embedded.tests.support.cluster import rule
from kube_embedded.tests.support.policies import ASKS, POLICIES, RULES, TEAMS, USERS, place
from kube_embedded.tests.support.properties import examples

GROUPS = st.lists(TEAMS, unique=True)


def reading(policy: Policy) -> tuple[Lister, Getter]:
    """How an authorizer reads a policy, also after it has changed."""

    def listed(plural: str, namespace: str) -> list[dict[str, Any]]:
        return [obj for obj in policy[plural] if obj["metadata"].get("namespace", "") == namespace]

    def one(plural: str, namespace: str, name: str) -> dict[str, Any] | None:
        return next((obj for obj in policy[plural] if place(obj) == (namespace, name)), None)

    return listed, one


def asked(user: User, ask: dict[str, str]) -> Attributes:
    """A question from a strategy's keywords."""
    return Attributes(user, **ask)  # type: ignore[arg-type] # keywords from a strategy


@settings(max_examples=examples(400))
@given(POLICIES, USERS, GROUPS, st.lists(ASKS, min_size=1, max_size=6))
def test_the_plain_authorizer_decides_as_the_documentation_says(
    policy: Policy, user: str, groups: list[str], asks: list[dict[str, str]]
) -> None:
    plain = RBACAuthorizer(*reading(policy))
    for ask in asks:
        decision = plain(asked(User(user, tuple(groups)), ask))
        assert decision.allowed == allowed(policy, user, set(groups), ask)
        if decision.allowed:
            assert decision.reason.startswith("RBAC: allowed by ")


@settings(max_examples=examples(400))
@given(POLICIES, POLICIES, st.lists(st.tuples(USERS, GROUPS, ASKS), min_size=1, max_size=6))
def test_the_cached_authorizer_answers_as_the_plain_one(
    policy: Policy, changed: Policy, asks: list[tuple[str, list[str], dict[str, str]]]
) -> None:
    """The same decisions for the same reasons: when first asked, when asked again, and after a change."""
    plain, cached = RBACAuthorizer(*reading(policy)), CachedRBACAuthorizer(*reading(policy))
    questions = [asked(User(user, tuple(groups)), ask) for user, groups, ask in asks]
    for _ in range(2):
        assert [cached(question) for question in questions] == [
            plain(question) for question in questions
        ]
    policy.update(changed)
    cached.forget()
    assert [cached(question) for question in questions] == [
        plain(question) for question in questions
    ]


@settings(max_examples=examples(200))
@given(POLICIES, USERS, GROUPS, st.sampled_from(["", "n1", "n2"]))
def test_the_cached_authorizer_finds_the_rules_that_the_plain_one_finds(
    policy: Policy, user: str, groups: list[str], namespace: str
) -> None:
    found = []
    for authorizer in (RBACAuthorizer(*reading(policy)), CachedRBACAuthorizer(*reading(policy))):
        errors: list[str] = []
        found.append(
            (list(authorizer.rules_for(User(user, tuple(groups)), namespace, errors)), errors)
        )
    assert found[0] == found[1]


def grants(*rules: dict[str, Any]) -> list[Grant]:
    """Rules as the index takes them."""
    return [Grant(rule, {}, {}, {"position": position}) for position, rule in enumerate(rules)]


@settings(max_examples=examples(300))
@given(RULES, ASKS)
def test_the_index_leaves_out_no_rule_that_allows_a_request(
    rules: list[dict[str, Any]], ask: dict[str, str]
) -> None:
    question, given_rules = asked(User("u"), ask), grants(*rules)
    candidates = list(GrantIndex(given_rules).candidates(question))
    allowing = [grant for grant in given_rules if rule_allows(grant.rule, question)]
    assert [grant for grant in candidates if rule_allows(grant.rule, question)] == allowing


def test_a_rule_of_many_words_is_found_like_any_other_and_not_taken_apart() -> None:
    words = [f"w{number}" for number in range(3000)]
    large = {"verbs": ["get"], "apiGroups": [*words, ""], "resources": [*words, "pods"]}
    first, second, last = grants(rule("get", "services"), large, rule("get", "pods"))
    index = GrantIndex([first, second, last])
    assert len(index._by_resource) == 2
    assert list(index.candidates(Attributes(User("jane"), "get", resource="pods"))) == [
        second,
        last,
    ]
    assert list(index.candidates(Attributes(User("jane"), "get", resource="services"))) == [
        first,
        second,
    ]


@pytest.mark.parametrize("user", ["system:serviceaccount::sa", ""])
def test_an_account_without_a_namespace_is_nobody(user: str) -> None:
    """Not in the index of bindings either."""
    bound = {
        "metadata": {"name": "b"},
        "roleRef": {"kind": "ClusterRole", "name": "r"},
        "subjects": [{"kind": "ServiceAccount", "name": "sa"}],
    }
    role = {"metadata": {"name": "r"}, "rules": [rule("get", "pods")]}
    policy = {
        "clusterroles": [role],
        "roles": [],
        "clusterrolebindings": [bound],
        "rolebindings": [],
    }
    question = Attributes(User(user), "get", resource="pods")
    assert not RBACAuthorizer(*reading(policy))(question).allowed
    assert not CachedRBACAuthorizer(*reading(policy))(question).allowed
