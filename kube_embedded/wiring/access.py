"""The authorizers of a cluster, and the questions that its parts ask them."""

from collections.abc import Iterable

from kube_embedded.rbac.attributes import Attributes, Authorizer, User

from ..apiserver.authorization.attributes import attributes_of
from ..apiserver.authorization.authorizers import first_of, restrict_proxies, system_masters
from ..apiserver.authorization.cached import CachedRBACAuthorizer
from ..apiserver.authorization.escalation import EscalationGuard
from ..apiserver.authorization.node import node_authorizer
from ..apiserver.authorization.refusal import refusal
from ..apiserver.registry.registry import Registry
from ..apiserver.storage import Key
from ..machinery.kinds import BY_RESOURCE, RBAC
from ..machinery.request import Object, Request

CERTIFICATES = "certificates.k8s.io"


class Access:
    """The authorizers, and the guard that prevents writers of RBAC objects from escalating."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self.rbac = CachedRBACAuthorizer(self._list_rbac, self._get_rbac)
        self.authorize: Authorizer = restrict_proxies(  # outermost: it changes the question
            first_of(
                system_masters,  # first: no rule can lock the administrators out
                node_authorizer(registry.store.list),  # nodes, by the pods that are bound to them
                self.rbac,  # everybody else, by roles and bindings
            )
        )
        self._guard = EscalationGuard(self.rbac.rules_for, self._get_rbac, self.authorize)
        for plural in ("clusterroles", "clusterrolebindings", "roles", "rolebindings"):
            registry.store.follow(BY_RESOURCE[RBAC, "v1", plural].resource, self.rbac.forget)

    def refuse_creation(self, request: Request) -> None:
        """Refuse with 403 a caller who creates by an update or an apply without permission to create."""
        question = attributes_of(request.user, request.info)._replace(verb="create")
        decision = self.authorize(question)
        if not decision.allowed:
            raise refusal(question, decision.reason)

    def refuse_escalation(self, request: Request, new: Object, old: Object | None) -> None:
        """Refuse with 403 a caller who grants more than they hold; ``old`` is None for a creation."""
        self._guard(request.user, request.info, new, old)

    def may_use_signer(self, user: User, verb: str, name: str) -> bool:
        """Return whether a user can ``approve``, ``attest`` or ``sign`` for a signer."""
        question = Attributes(user, verb, CERTIFICATES, "*", "signers", name=name)
        return self.authorize(question).allowed

    def may_request_audience(self, node: User, namespace: str, account: str, audience: str) -> bool:
        """Return whether a node can request tokens of a service account for an audience."""
        verb = "request-serviceaccounts-token-audience"
        question = Attributes(node, verb, "", "v1", audience, namespace=namespace, name=account)
        return self.authorize(question).allowed

    def _list_rbac(self, plural: str, namespace: str) -> Iterable[Object]:
        return self._registry.list(BY_RESOURCE[RBAC, "v1", plural], namespace)

    def _get_rbac(self, plural: str, namespace: str, name: str) -> Object | None:
        return self._registry.store.get(
            Key(BY_RESOURCE[RBAC, "v1", plural].resource, namespace, name)
        )
