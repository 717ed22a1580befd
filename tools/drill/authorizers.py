"""Misconceptions about RBAC, each as an authorizer that answers like somebody who has it.

A policy is read as statements: rules, a namespace and a subject. A misconception reads other statements from the same
policy, or reads the question differently; the predicates come from ``labkit.rbac``. Only the builder of the pool of
questions uses these authorizers, and stores their answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from kube_embedded.rbac.attributes import Attributes
from kube_embedded.rbac.objects import Object, namespace_of, role_key
from kube_embedded.rbac.rules import Rule, resource_matches, rule_allows
from kube_embedded.rbac.subjects import AUTHENTICATED, Subject, account_groups, subject_matches
from labkit.rbac.policy import Policy

SUBRESOURCES = {"pods": "pods/log", "deployments": "deployments/scale"}
NAMED_LISTS = ("list", "watch")


class Statement(NamedTuple):
    """Rules for one subject in one place.

    Args:
        rules: The rules of the role.
        place: The namespace in which they apply; empty for all.
        entry: The subject, as in a binding.
        kind: ``Role`` or ``ClusterRole``.
    """

    rules: tuple[Rule, ...]
    place: str
    entry: Object
    kind: str


Authorizer = Callable[[Policy, Attributes], bool]


def statements(policy: Policy) -> Iterator[Statement]:
    """Yield the statements of a policy's bindings."""
    for binding in policy.bindings:
        role = policy.role_of(binding)
        yield from _bound(binding, role)


def decide(found: Iterable[Statement], question: Attributes) -> bool:
    """Return whether one of the statements allows the request."""
    return any(
        each.place in ("", question.namespace)
        and subject_matches(each.entry, question.user, each.place)
        and any(rule_allows(rule, question) for rule in each.rules)
        for each in found
    )


def truth(policy: Policy, question: Attributes) -> bool:
    """Return RBAC's own decision."""
    return decide(statements(policy), question)


def _bound(binding: Object, role: Object | None) -> Iterator[Statement]:
    rules = tuple((role or {}).get("rules") or ())
    for entry in binding.get("subjects") or ():
        yield Statement(rules, namespace_of(binding), entry, binding["roleRef"]["kind"])


def _reading(change: Callable[[Rule, Attributes], Rule]) -> Authorizer:
    """Return an authorizer that changes each rule before it decides."""

    def authorizer(policy: Policy, question: Attributes) -> bool:
        changed = (
            each._replace(rules=tuple(change(rule, question) for rule in each.rules))
            for each in statements(policy)
        )
        return decide(changed, question)

    return authorizer


def _seeing(change: Callable[[Statement, Attributes], Statement | None]) -> Authorizer:
    """Return an authorizer that changes or drops each statement before it decides."""

    def authorizer(policy: Policy, question: Attributes) -> bool:
        changed = (change(each, question) for each in statements(policy))
        return decide((each for each in changed if each is not None), question)

    return authorizer


def _account(question: Attributes) -> tuple[str, str]:
    return Subject(question.user.name).account or ("", "")


def _more(rule: Rule, field: str, has: Iterable[str], also: Iterable[str]) -> Rule:
    values = rule.get(field) or ()
    return {**rule, field: [*values, *also]} if set(values) & set(has) else rule


def role_without_binding(policy: Policy, question: Attributes) -> bool:
    """Decide as if an unbound role applied to everybody, a Role in its namespace."""
    # In truth RBAC evaluates bindings, and reads a role only through a roleRef
    # (plugin/pkg/auth/authorizer/rbac).
    bound = {role_key(binding) for binding in policy.bindings}
    everybody = {"kind": "Group", "name": AUTHENTICATED}
    loose = (
        Statement(tuple(role.get("rules") or ()), key[1], everybody, key[0])
        for key, role in policy.roles.items()
        if key not in bound
    )
    return decide([*statements(policy), *loose], question)


def own_namespace_is_free(policy: Policy, question: Attributes) -> bool:
    """Decide as if an account had all rights in its own namespace."""
    # In truth a new service account has the rights of its default groups only (discovery, the
    # issuer's keys, reviews of itself), wherever it is.
    return truth(policy, question) or (
        question.is_resource and question.namespace == _account(question)[0] != ""
    )


def narrow_role_wins(policy: Policy, question: Attributes) -> bool:
    """Decide as if an account's RoleBinding for a resource replaced its ClusterRoleBindings."""
    # In truth "permissions are purely additive (there are no deny rules)"; see the page on RBAC.
    own = [
        each
        for each in statements(policy)
        if subject_matches(each.entry, question.user, each.place)
    ]
    narrow = [
        each
        for each in own
        if each.place == question.namespace != ""
        and any(
            resource_matches(rule, question.resource, question.subresource) for rule in each.rules
        )
    ]
    return decide(narrow or own, question)


# In truth a RoleBinding grants in its own namespace, also when it refers to a ClusterRole.
def _cluster_role_everywhere(each: Statement, _question: Attributes) -> Statement:
    return each._replace(place="") if each.kind == "ClusterRole" else each


# In truth the subject's namespace only identifies the account; the binding's says where it may
# act.
def _right_follows_subject(each: Statement, _question: Attributes) -> Statement:
    return each._replace(place=each.entry.get("namespace") or each.place) if each.place else each


# In truth the user's name contains the namespace: system:serviceaccount:NAMESPACE:NAME.
def _account_by_name(each: Statement, question: Attributes) -> Statement:
    return each._replace(entry={**each.entry, "namespace": _account(question)[0]})


# In truth only a binding to the group system:serviceaccounts:NAMESPACE means all accounts of
# it.
def _whole_namespace(each: Statement, _question: Attributes) -> Statement:
    if each.entry["kind"] != "ServiceAccount":
        return each
    group = account_groups(each.entry["namespace"])[1]
    return each._replace(entry={"kind": "Group", "name": group})


# In truth each account is in system:serviceaccounts, in its namespace's group and in
# system:authenticated.
def _groups_for_people(each: Statement, question: Attributes) -> Statement | None:
    return None if each.entry["kind"] == "Group" and _account(question)[0] else each


# In truth subjects in bindings have no uid: an account that is created again under the same
# name has the old one's rights (rbac-good-practices, Periodic review).
def _rights_go_with_account(each: Statement, question: Attributes) -> Statement | None:
    return None if question.user.uid and each.entry["kind"] == "ServiceAccount" else each


# In truth the verb is get for one object and list for a collection, and a rule has to name
# each.
def _get_includes_list(rule: Rule, _question: Attributes) -> Rule:
    return _more(rule, "verbs", ["get"], ["list"])


# In truth a subresource has to be named, as in pods/log (RBAC, Referring to resources).
def _subresource_included(rule: Rule, _question: Attributes) -> Rule:
    for resource, subresource in SUBRESOURCES.items():
        rule = _more(rule, "resources", [resource], [subresource])
    return rule


# In truth the group has to match as well; the core group is the empty text.
def _any_group(rule: Rule, _question: Attributes) -> Rule:
    return {**rule, "apiGroups": ["*"]}


# In truth a list without a name matches no resourceNames, so it is refused, not filtered.
def _names_narrow_lists(rule: Rule, question: Attributes) -> Rule:
    return (
        {**rule, "resourceNames": []}
        if question.verb in NAMED_LISTS and not question.name
        else rule
    )


# In truth a field selector metadata.name=NAME gives a list its name (requestinfo.go), and the
# rule matches.
def _selector_changes_nothing(rule: Rule, question: Attributes) -> Rule:
    named = question.verb in NAMED_LISTS and question.name and rule.get("resourceNames")
    return {**rule, "verbs": []} if named else rule


# In truth writing roles does not suffice: the writer needs each right as well, or the verb
# escalate.
def _writers_escalate(rule: Rule, _question: Attributes) -> Rule:
    return _more(rule, "verbs", ["create", "update"], ["escalate"])


AUTHORIZERS: dict[str, Authorizer] = {
    "role-without-binding": role_without_binding,
    "cluster-role-everywhere": _seeing(_cluster_role_everywhere),
    "right-follows-subject": _seeing(_right_follows_subject),
    "account-by-name": _seeing(_account_by_name),
    "whole-namespace": _seeing(_whole_namespace),
    "groups-for-people": _seeing(_groups_for_people),
    "rights-go-with-account": _seeing(_rights_go_with_account),
    "own-namespace-is-free": own_namespace_is_free,
    "narrow-role-wins": narrow_role_wins,
    "get-includes-list": _reading(_get_includes_list),
    "subresource-included": _reading(_subresource_included),
    "any-group": _reading(_any_group),
    "names-narrow-lists": _reading(_names_narrow_lists),
    "selector-changes-nothing": _reading(_selector_changes_nothing),
    "writers-escalate": _reading(_writers_escalate),
}
"""By the id of the wrong idea in ``beliefs.yaml``."""


def answers(policy: Policy, question: Attributes) -> dict[str, bool]:
    """Return the answers of all misconceptions, by their ids."""
    return {name: authorizer(policy, question) for name, authorizer in AUTHORIZERS.items()}
