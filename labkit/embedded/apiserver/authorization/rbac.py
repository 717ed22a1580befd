"""The RBAC authorizer: bindings say who, roles say what.

``rules_for`` walks the policy as it is written and is pure: two callables read it. The
authorizer asks the same questions of an index, which it builds from the same walk and
drops when the policy changes, so that deciding does not slow down with the number of
bindings.

Source: k8s.io/kubernetes ``plugin/pkg/auth/authorizer/rbac/rbac.go`` and
``pkg/registry/rbac/validation/rule.go``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from labkit.embedded.apiserver.authorization.index import BindingIndex, RuleIndex
from labkit.embedded.machinery.request import Object
from labkit.rbac.attributes import NO_OPINION, Attributes, Decision, User
from labkit.rbac.bindings import Getter, Grant, Lister, joined_errors, rules_for


class RBACAuthorizer:
    """Allows what a rule allows, and has no opinion on the rest.

    Args:
        list_bindings: Lists RBAC bindings of one namespace, or the cluster's.
        get_role: Reads one role.
    """

    def __init__(self, list_bindings: Lister, get_role: Getter) -> None:
        self._list = list_bindings
        self._get = get_role
        self._bindings: dict[str, BindingIndex] = {}
        self._rules: dict[tuple[str, tuple[str, ...], str], _UserRules] = {}
        self._decisions: dict[tuple[object, ...], Decision] = {}

    def __call__(self, question: Attributes) -> Decision:
        """Whether a rule allows it, and which."""
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
            decision = self._decide(question)
            if sum(map(len, key[2:-1])) > LONGEST_REMEMBERED:
                return decision
            if len(self._decisions) >= MAX_REMEMBERED:
                self._decisions.clear()
            self._decisions[key] = decision
        return decision

    def rules_for(self, user: User, namespace: str, errors: list[str]) -> Iterator[Grant]:
        """Every rule that reaches the user; see the function of the same name."""
        return rules_for(user, namespace, self._candidates(user), self._get, errors)

    def forget(self) -> None:
        """The policy has changed: nothing that was worked out from it holds any more."""
        self._bindings.clear()
        self._rules.clear()
        self._decisions.clear()

    def _decide(self, question: Attributes) -> Decision:
        errors: list[str] = []
        for namespace in ("", question.namespace) if question.namespace else ("",):
            rules = self._user_rules(question.user, namespace)
            grant = rules.index.first(question)
            if grant is not None:
                return Decision(True, f"RBAC: allowed by {grant.why}")
            errors += rules.errors
        if not errors:
            return NO_OPINION
        return Decision(False, f"RBAC: {joined_errors(errors)}")

    def _user_rules(self, user: User, namespace: str) -> _UserRules:
        """The user's rules of one place: a namespace's own, or (``""``) the cluster's."""
        key = (user.name, user.groups, namespace)
        rules = self._rules.get(key)
        if rules is None:
            errors: list[str] = []
            candidates = self._candidates(user)
            plural = "rolebindings" if namespace else "clusterrolebindings"

            def only_here(wanted: str, where: str) -> Iterable[Object]:
                return candidates(wanted, where) if wanted == plural else ()

            grants = rules_for(user, namespace, only_here, self._get, errors)
            rules = _UserRules(RuleIndex((grant.rule, grant) for grant in grants), errors)
            if len(namespace) > LONGEST_REMEMBERED:
                return rules
            if len(self._rules) >= MAX_REMEMBERED:
                self._rules.clear()
            self._rules[key] = rules
        return rules

    def _candidates(self, user: User) -> Lister:
        """Lists only bindings that may name the user."""

        def bindings(plural: str, namespace: str) -> Iterable[Object]:
            index = self._bindings.get(namespace)
            if index is None:
                found = list(self._list(plural, namespace))
                index = BindingIndex(found, namespace)
                if found:  # anybody may ask about namespaces that there are not
                    self._bindings[namespace] = index
            return index.naming(user)

        return bindings


MAX_REMEMBERED = 4096
"""How many decisions, and how many users' rules, are kept; when there are more, all are forgotten."""
LONGEST_REMEMBERED = 256
"""What is worked out about longer paths, names and namespaces is not kept: nobody asks for it twice."""


@dataclass(frozen=True, slots=True)
class _UserRules:
    index: RuleIndex[Grant]
    errors: list[str]
