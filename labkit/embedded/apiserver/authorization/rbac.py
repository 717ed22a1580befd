"""The RBAC authorizer: the first rule that reaches the user and allows the request decides.

It is plain, so that it can be read beside Kubernetes'; ``cached`` gives the same answers faster.

Source: k8s.io/kubernetes ``plugin/pkg/auth/authorizer/rbac/rbac.go``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from labkit.embedded.machinery.work import charge
from labkit.rbac.attributes import NO_OPINION, Attributes, Decision, User
from labkit.rbac.bindings import Getter, Grant, Lister, joined_errors, rules_for
from labkit.rbac.rules import rule_allows


class RBACAuthorizer:
    """Allows what a rule allows, and has no opinion on the rest."""

    def __init__(self, list_bindings: Lister, get_role: Getter) -> None:
        self._list_bindings = list_bindings
        self._get_role = get_role

    def __call__(self, question: Attributes) -> Decision:
        """Whether a rule allows it, and which."""
        errors: list[str] = []
        return decide(question, self.rules_for(question.user, question.namespace, errors), errors)

    def rules_for(self, user: User, namespace: str, errors: list[str]) -> Iterator[Grant]:
        """Every rule that reaches the user; see ``labkit.rbac.bindings.rules_for``."""
        return rules_for(user, namespace, self._list_bindings, self._get_role, errors)


def decide(question: Attributes, grants: Iterable[Grant], errors: list[str]) -> Decision:
    """Whether one of some rules allows a request, and which.

    ``errors`` has what was wrong with the policy by the end of the grants.
    """
    for grant in grants:
        charge(2)
        if rule_allows(grant.rule, question):
            return Decision(True, f"RBAC: allowed by {grant.why}")
    return Decision(False, f"RBAC: {joined_errors(errors)}") if errors else NO_OPINION
