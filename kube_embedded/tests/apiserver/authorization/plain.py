"""An RBAC authorizer without caches, which the server's must agree with."""

from __future__ import annotations

from collections.abc import Iterator

from kube_embedded.apiserver.authorization.cached import decide
from kube_embedded.rbac.attributes import Attributes, Decision, User
from kube_embedded.rbac.bindings import Getter, Grant, Lister, rules_for


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
        """Every rule that reaches the user; see ``kube_embedded.rbac.bindings.rules_for``."""
        return rules_for(user, namespace, self._list_bindings, self._get_role, errors)
