"""The RBAC authorizer with caches: a decision takes the same time for any number of bindings.

It has an index of bindings by subject, an index of each user's rules by resource, and the
last decisions. All are dropped when the policy changes.
Source: k8s.io/kubernetes ``plugin/pkg/auth/authorizer/rbac/rbac.go``.
"""

from collections.abc import Iterable, Iterator
from itertools import chain

from kube_embedded.rbac.attributes import NO_OPINION, Attributes, Decision, User
from kube_embedded.rbac.bindings import Getter, Grant, Lister, joined_errors, rules_for
from kube_embedded.rbac.rules import rule_allows

from ...machinery.request import Object
from ...machinery.work import charge
from .index import BindingIndex, GrantIndex

MAX_CACHED = 4096
"""How many decisions, and how many users' rules, are kept; when there are more, all are dropped."""

MAX_KEY_CHARACTERS = 256
"""Decisions about longer paths, names and namespaces are not cached: they are rarely asked twice."""


class CachedRBACAuthorizer:
    """Allows the requests that a rule allows, and has no opinion on all others."""

    def __init__(self, list_bindings: Lister, get_role: Getter) -> None:
        self._list_bindings = list_bindings
        self._get_role = get_role
        self._bindings: dict[str, BindingIndex] = {}
        self._grants: dict[tuple[str, tuple[str, ...], str], tuple[GrantIndex, list[str]]] = {}
        self._decisions: dict[tuple[object, ...], Decision] = {}

    def __call__(self, question: Attributes) -> Decision:
        """Return whether a rule allows the request, and which rule."""
        user = question.user
        key = (
            user.name,
            user.groups,
            question.verb,
            question.group,
            question.resource,
            question.subresource,
            question.namespace,
            question.name,
            question.path,
            question.non_resource,
        )
        decision = self._decisions.get(key)
        if decision is None:
            errors: list[str] = []
            decision = decide(
                question, chain.from_iterable(self._candidates(question, errors)), errors
            )
            # Otherwise anybody could fill the memory with long paths that do not exist.
            if sum(map(len, key[2:-1])) > MAX_KEY_CHARACTERS:
                return decision
            if len(self._decisions) >= MAX_CACHED:
                self._decisions.clear()
            self._decisions[key] = decision
        return decision

    def rules_for(self, user: User, namespace: str, errors: list[str]) -> Iterator[Grant]:
        """Every rule that reaches the user; see ``kube_embedded.rbac.bindings.rules_for``."""
        return rules_for(user, namespace, self._bindings_naming(user), self._get_role, errors)

    def forget(self) -> None:
        """Drop all caches, since the policy has changed."""
        self._bindings.clear()
        self._grants.clear()
        self._decisions.clear()

    def _candidates(self, question: Attributes, errors: list[str]) -> Iterator[Iterable[Grant]]:
        """Yield the user's rules that could allow a request, the cluster's and then the namespace's."""
        # Cluster-wide bindings first, as in the real server: the reason names the first rule that allows.
        for namespace in ("", question.namespace) if question.namespace else ("",):
            index, found = self._grants_in(question.user, namespace)
            yield index.candidates(question)
            errors += found

    def _grants_in(self, user: User, namespace: str) -> tuple[GrantIndex, list[str]]:
        """The user's rules in a namespace alone, or (empty) those that hold everywhere; and what went wrong."""
        key = (user.name, user.groups, namespace)
        known = self._grants.get(key)
        if known is None:
            errors: list[str] = []
            naming = self._bindings_naming(user)

            def only_here(plural: str, scope: str) -> Iterable[Object]:
                return naming(plural, scope) if scope == namespace else ()

            known = (
                GrantIndex(rules_for(user, namespace, only_here, self._get_role, errors)),
                errors,
            )
            if len(namespace) > MAX_KEY_CHARACTERS:
                return known
            if len(self._grants) >= MAX_CACHED:
                self._grants.clear()
            self._grants[key] = known
        return known

    def _bindings_naming(self, user: User) -> Lister:
        """Lists only bindings that can name the user."""

        def bindings(plural: str, namespace: str) -> Iterable[Object]:
            index = self._bindings.get(namespace)
            if index is None:
                found = list(self._list_bindings(plural, namespace))
                index = BindingIndex(found, namespace)
                if (
                    found
                ):  # not cached: requests can name any number of namespaces that do not exist
                    self._bindings[namespace] = index
            return index.naming(user)

        return bindings


def decide(question: Attributes, grants: Iterable[Grant], errors: list[str]) -> Decision:
    """Return whether one of some rules allows a request, and which.

    ``errors`` contains the errors of the policy once the grants are exhausted.
    """
    for grant in grants:
        charge(2)
        if rule_allows(grant.rule, question):
            return Decision(True, f"RBAC: allowed by {grant.why}")
    return Decision(False, f"RBAC: {joined_errors(errors)}") if errors else NO_OPINION
