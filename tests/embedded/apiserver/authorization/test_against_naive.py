"""Random policies and questions: the authorizer and a naive reading of RBAC never disagree."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from labkit.embedded.apiserver.authorization.escalation import breakdown, covers, uncovered
from labkit.embedded.apiserver.authorization.index import RuleIndex
from labkit.embedded.apiserver.authorization.rbac import RBACAuthorizer
from labkit.rbac.attributes import Attributes, User
from labkit.rbac.bindings import rules_for
from labkit.rbac.rules import rule_allows
from tests.embedded.apiserver.authorization.naive import Policy, allowed

VERBS = st.sampled_from(["get", "list", "create", "escalate"])
GROUPS = st.sampled_from(["", "apps"])
RESOURCES = st.sampled_from(["pods", "secrets", "deployments"])
SUBRESOURCES = st.sampled_from(["", "log", "exec"])
NAMES = st.sampled_from(["a", "b"])
NAMESPACES = st.sampled_from(["n1", "n2"])
USERS = st.sampled_from(["u1", "u2", "system:serviceaccount:n1:sa", "system:serviceaccount:n2:sa"])
TEAMS = st.sampled_from(["g1", "g2"])
PATHS = st.sampled_from(["/", "/logs", "/logs/a", "/metrics"])


def some(strategy: st.SearchStrategy[str], least: int = 1) -> st.SearchStrategy[list[str]]:
    return st.lists(strategy, min_size=least, max_size=2, unique=True)


RESOURCE_RULES = st.fixed_dictionaries(
    {
        "verbs": some(st.one_of(VERBS, st.just("*"))),
        "apiGroups": some(st.one_of(GROUPS, st.just("*"))),
        "resources": some(
            st.one_of(
                RESOURCES,
                st.just("*"),
                st.builds("{}/{}".format, st.one_of(RESOURCES, st.just("*")), st.sampled_from(["log", "exec", "*"])),
            )
        ),
    },
    optional={"resourceNames": some(st.one_of(NAMES, st.just("")), 0)},
)
PATH_RULES = st.fixed_dictionaries(
    {
        "verbs": some(st.one_of(VERBS, st.just("*"))),
        "nonResourceURLs": some(st.one_of(PATHS, st.sampled_from(["*", "/logs/*", "/l*"]))),
    }
)
RULES = st.lists(st.one_of(RESOURCE_RULES, PATH_RULES), max_size=3)
SUBJECTS = st.one_of(
    st.fixed_dictionaries({"kind": st.just("User"), "name": USERS}),
    st.fixed_dictionaries({"kind": st.just("Group"), "name": TEAMS}),
    st.fixed_dictionaries(
        {"kind": st.just("ServiceAccount"), "name": st.just("sa")}, optional={"namespace": NAMESPACES}
    ),
)


def role(namespaced: bool) -> st.SearchStrategy[dict[str, Any]]:
    place = {"namespace": NAMESPACES} if namespaced else {}
    metadata = st.fixed_dictionaries({"name": st.sampled_from(["r1", "r2", "r3"]), **place})
    return st.fixed_dictionaries({"metadata": metadata, "rules": RULES})


def bound(namespaced: bool) -> st.SearchStrategy[dict[str, Any]]:
    place = {"namespace": NAMESPACES} if namespaced else {}
    kinds = ["Role", "ClusterRole"] if namespaced else ["ClusterRole"]
    ref = st.fixed_dictionaries({"kind": st.sampled_from(kinds), "name": st.sampled_from(["r1", "r2", "ghost"])})
    metadata = st.fixed_dictionaries({"name": st.sampled_from(["b1", "b2", "b3", "b4"]), **place})
    return st.fixed_dictionaries({"metadata": metadata, "roleRef": ref, "subjects": st.lists(SUBJECTS, max_size=3)})


def place(obj: dict[str, Any]) -> tuple[str, str]:
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


POLICIES = st.fixed_dictionaries(
    {
        "clusterroles": st.lists(role(False), max_size=3, unique_by=place),
        "roles": st.lists(role(True), max_size=4, unique_by=place),
        "clusterrolebindings": st.lists(bound(False), max_size=3, unique_by=place),
        "rolebindings": st.lists(bound(True), max_size=4, unique_by=place),
    }
)
ASKS = st.one_of(
    st.fixed_dictionaries(
        {
            "verb": VERBS,
            "group": GROUPS,
            "resource": RESOURCES,
            "subresource": SUBRESOURCES,
            "namespace": st.one_of(NAMESPACES, st.just("")),
            "name": st.one_of(NAMES, st.just("")),
        }
    ),
    st.fixed_dictionaries({"verb": VERBS, "path": PATHS}),
)


def authorizer(policy: Policy) -> RBACAuthorizer:
    def listed(plural: str, namespace: str) -> list[dict[str, Any]]:
        return [obj for obj in policy[plural] if obj["metadata"].get("namespace", "") == namespace]

    def one(plural: str, namespace: str, name: str) -> dict[str, Any] | None:
        return next((obj for obj in policy[plural] if place(obj) == (namespace, name)), None)

    return RBACAuthorizer(listed, one)


@settings(max_examples=400)
@given(POLICIES, USERS, st.lists(TEAMS, unique=True), st.lists(ASKS, min_size=1, max_size=6))
def test_same_decision(policy: Policy, user: str, groups: list[str], asks: list[dict[str, str]]) -> None:
    rbac = authorizer(policy)
    who = User(user, tuple(groups))
    for ask in asks:
        decision = rbac(Attributes(who, **ask))  # type: ignore[arg-type] # keywords from a strategy
        assert decision.allowed == allowed(policy, user, set(groups), ask)
        assert rbac(Attributes(who, **ask)) == decision  # type: ignore[arg-type] # remembered
        if decision.allowed:
            assert decision.reason.startswith("RBAC: allowed by ")


@settings(max_examples=200)
@given(POLICIES, USERS, st.lists(TEAMS, unique=True), ASKS)
def test_the_index_finds_what_the_walk_finds(policy: Policy, user: str, groups: list[str], ask: dict[str, str]) -> None:
    rbac = authorizer(policy)
    question = Attributes(User(user, tuple(groups)), **ask)  # type: ignore[arg-type] # keywords
    walk = rules_for(question.user, question.namespace, rbac._list, rbac._get)
    first = next((grant.why for grant in walk if rule_allows(grant.rule, question)), None)
    decision = rbac(question)
    assert decision.reason == (f"RBAC: allowed by {first}" if first else decision.reason)
    assert decision.allowed == (first is not None)


@settings(max_examples=300)
@given(RULES, ASKS)
def test_the_first_rule_wins(rules: list[dict[str, Any]], ask: dict[str, str]) -> None:
    question = Attributes(User("u"), **ask)  # type: ignore[arg-type] # keywords from a strategy
    index = RuleIndex((rule, number) for number, rule in enumerate(rules))
    expected = next((number for number, rule in enumerate(rules) if rule_allows(rule, question)), None)
    assert index.first(question) == expected


@settings(max_examples=300)
@given(RULES, RULES, ASKS)
def test_what_is_covered_allows_nothing_new(
    held: list[dict[str, Any]], wanted: list[dict[str, Any]], ask: dict[str, str]
) -> None:
    question = Attributes(User("u"), **ask)  # type: ignore[arg-type] # keywords from a strategy
    missing = uncovered(held, wanted)
    assert all(any(covers(rule, part) for rule in wanted) for part in missing)
    if not missing and any(rule_allows(rule, question) for rule in wanted):
        assert any(rule_allows(rule, question) for rule in held)


@settings(max_examples=200)
@given(RULES, ASKS)
def test_a_rule_is_the_sum_of_its_parts(rules: list[dict[str, Any]], ask: dict[str, str]) -> None:
    question = Attributes(User("u"), **ask)  # type: ignore[arg-type] # keywords from a strategy
    for rule in rules:
        parts = list(breakdown(rule))
        assert rule_allows(rule, question) == any(rule_allows(part, question) for part in parts)
