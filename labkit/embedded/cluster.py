"""One cluster: the place where the parts are wired together.

``Cluster.handle`` is a synchronous function of a request. Clock, random source and
keys come in from outside; there is no socket, no thread and no global state, so a
process can hold as many clusters as it likes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import partial
from random import Random, SystemRandom

from labkit.embedded.apiserver.admission.plugins import default_chain
from labkit.embedded.apiserver.authentication.bearer import BearerAuthenticator, note_ignored
from labkit.embedded.apiserver.authentication.claims import Issued, TokenIssuer
from labkit.embedded.apiserver.authentication.legacy import LAST_USED, LegacyTokens
from labkit.embedded.apiserver.authentication.serviceaccounts import ServiceAccountTokens
from labkit.embedded.apiserver.authentication.signer import TokenSigner
from labkit.embedded.apiserver.authentication.x509 import CertificateAuthenticator
from labkit.embedded.apiserver.authorization.attributes import attributes_of
from labkit.embedded.apiserver.authorization.authorizers import browser_safe, first_of, system_masters
from labkit.embedded.apiserver.authorization.escalation import EscalationGuard
from labkit.embedded.apiserver.authorization.node import node_authorizer
from labkit.embedded.apiserver.authorization.rbac import RBACAuthorizer
from labkit.embedded.apiserver.authorization.refusal import refusal
from labkit.embedded.apiserver.filters.audit import Sink
from labkit.embedded.apiserver.filters.pipeline import pipeline
from labkit.embedded.apiserver.filters.priority import FlowHeaders
from labkit.embedded.apiserver.filters.request_info import request_info
from labkit.embedded.apiserver.handlers.encode import dump
from labkit.embedded.apiserver.handlers.nonresource import NonResourceHandler
from labkit.embedded.apiserver.handlers.openid import CONFIGURATION, KEY_SET, OpenIdDocuments
from labkit.embedded.apiserver.handlers.proxy import proxies
from labkit.embedded.apiserver.handlers.responses import Responder
from labkit.embedded.apiserver.handlers.reviews import Reviews
from labkit.embedded.apiserver.handlers.routing import ResourceHandler
from labkit.embedded.apiserver.handlers.snapshots import SnapshotHandler
from labkit.embedded.apiserver.handlers.tokenrequest import TokenRequests
from labkit.embedded.apiserver.handlers.write import Writer
from labkit.embedded.apiserver.openapi.discovery import Discovery
from labkit.embedded.apiserver.openapi.handler import PATHS as OPENAPI_PATHS
from labkit.embedded.apiserver.openapi.handler import OpenApiHandler
from labkit.embedded.apiserver.registry.registry import Registry, timestamp
from labkit.embedded.apiserver.storage import Key, MemoryStore, Store
from labkit.embedded.bootstrap.core import Keeper, bootstrap_core
from labkit.embedded.bootstrap.policy import bootstrap_policy, reconciled
from labkit.embedded.bootstrap.services import bootstrap_services
from labkit.embedded.bootstrap.system import SystemContent
from labkit.embedded.controllers.addresses import ServiceAddresses
from labkit.embedded.controllers.aggregation import RoleAggregation
from labkit.embedded.controllers.cronjobs import CronJobs
from labkit.embedded.controllers.daemonsets import DaemonSets
from labkit.embedded.controllers.deployments import Deployments
from labkit.embedded.controllers.disruption import Disruption
from labkit.embedded.controllers.endpoints import ServiceEndpoints
from labkit.embedded.controllers.expiry import Expiry
from labkit.embedded.controllers.flows import FlowSchemas
from labkit.embedded.controllers.garbage import GarbageCollector
from labkit.embedded.controllers.happenings import MANAGER
from labkit.embedded.controllers.jobs import Jobs
from labkit.embedded.controllers.mirroring import EndpointsMirror
from labkit.embedded.controllers.namespaces import NamespaceContent, NamespaceDeletion
from labkit.embedded.controllers.owned import PODS
from labkit.embedded.controllers.quotas import ResourceQuotas
from labkit.embedded.controllers.replicas import Replicas
from labkit.embedded.controllers.signing import Signing
from labkit.embedded.controllers.statefulsets import StatefulSets
from labkit.embedded.controllers.tokens import TokenSecrets
from labkit.embedded.controllers.volumes import Volumes
from labkit.embedded.machinery.kinds import BY_RESOURCE, KINDS, RBAC, Kind
from labkit.embedded.machinery.pki.keys import Keys
from labkit.embedded.machinery.quota.evaluators import Evaluators
from labkit.embedded.machinery.request import Object, Request, Response
from labkit.embedded.node.api import NodeSettings
from labkit.embedded.node.cluster_api import ClusterApi, NodeController, PodConnections
from labkit.embedded.node.node import Node
from labkit.rbac.attributes import Attributes, User

COUNTED = frozenset(
    kind.resource for kind in KINDS if kind.namespaced and "list" in kind.verbs and kind.plural != "events"
)
"""The kinds that quotas count: all that a namespace keeps, but for events."""
CERTIFICATES = "certificates.k8s.io"
RBAC_PLURALS = ("clusterroles", "clusterrolebindings", "roles", "rolebindings")


class Cluster:
    """A control plane in an object.

    Args:
        keys: Certificates and keys; see ``Keys.generate``.
        store: Where objects live; memory if None.
        clock: Seconds since the epoch.
        random: Source of uids, names and suffixes.
        signer: Signs tokens with ``keys.token_key``; give one to share it between clusters.
        node: Whether pods run. Without a node they stay Pending.
        era: ``now``, or ``1.20`` where each service account gets a token Secret.
        audit_sink: Takes every audit event; None forgets them.
    """

    def __init__(
        self,
        keys: Keys,
        store: Store | None = None,
        *,
        clock: Callable[[], float] = time.time,
        random: Random | None = None,
        node: bool = True,
        era: str = "now",
        audit_sink: Sink | None = None,
        signer: TokenSigner | None = None,
    ) -> None:
        self.keys = keys
        self.store: Store = store if store is not None else MemoryStore()
        self.clock = clock
        self.random = random or SystemRandom()
        self.node = node
        self.era = era
        self.address = ""
        self.audit_sink: Sink = audit_sink if audit_sink is not None else (lambda event: None)
        self.registry = Registry(self.store, clock, self.random)
        self.signer = signer or TokenSigner(keys.token_key)
        self.issuer = TokenIssuer(self.signer, clock, self.registry.new_uid)
        legacy = LegacyTokens(self._lookup, clock, self._mark_used)
        self.tokens = ServiceAccountTokens(self.signer, self._lookup, clock, legacy)
        self.rbac = RBACAuthorizer(self._list_rbac, self._get_rbac)
        self.authorize = browser_safe(first_of(system_masters, node_authorizer(self.store.list), self.rbac))
        self._guard = EscalationGuard(self.rbac.rules_for, self._get_rbac, self.authorize)
        self._current: Request | None = None
        for plural in RBAC_PLURALS:
            kind = BY_RESOURCE[RBAC, "v1", plural]
            self.store.follow(kind.resource, self.rbac.forget)
            self.registry.strategy(kind).hooks.append(self._refuse_escalation)
        automatic = era == "1.20"
        evaluators = Evaluators(COUNTED, clock, old_words=automatic)
        addresses = ServiceAddresses(self.registry)
        system = SystemContent(self.registry, keys.ca_certificate, tracked=not automatic)
        tokens = TokenSecrets(self.registry, self.issuer.issue_legacy, keys.ca_certificate, automatic=automatic)
        namespaces = NamespaceContent(self.registry, keys.ca_certificate)
        self._publishers = (system, tokens, namespaces)
        aggregation = RoleAggregation(self.registry)
        signing = Signing(self.registry, self._may_have_node_certificate, self._sign_request)
        replicas = Replicas(self.registry, self._create_as)
        jobs = Jobs(self.registry, self._create_as)
        daemon_sets = DaemonSets(self.registry, self._create_as)
        stateful_sets = StatefulSets(self.registry, self._create_as)
        cron_jobs = CronJobs(self.registry, self._create_as)
        timed = (aggregation, replicas, cron_jobs, jobs, daemon_sets, stateful_sets, signing, Expiry(self.registry))
        self._timed = timed
        self.registry.controllers += [
            tokens,
            aggregation,
            namespaces,
            NamespaceDeletion(self.registry),
            GarbageCollector(self.registry),
            Volumes(self.registry),
            ResourceQuotas(self.registry, evaluators),
            ServiceEndpoints(self.registry),
            EndpointsMirror(self.registry),
            signing,
            addresses,
            Keeper(self.registry),
            system,
            replicas,
            Deployments(self.registry),
            jobs,
            cron_jobs,
            daemon_sets,
            stateful_sets,
            Disruption(self.registry),
            FlowSchemas(self.registry),
        ]
        node_api = ClusterApi(self.registry, self.random, self.issue_token, lambda: self.handle)
        self._node: Node | None = None
        if node:
            self._node = Node(node_api, NodeSettings(), clock, lambda: self.keys.server_certificate)
            self.registry.controllers.append(NodeController(self._node))
        pod_subresource = PodConnections(node_api, self._node, clock, self._refuse_creation)
        reviews = Reviews(self.tokens, self.authorize, self.rbac.rules_for, clock)
        admission = default_chain(
            self._lookup,
            self.store.list,
            self.registry.new_suffix,
            evaluators,
            self._may_use_signer,
            self._may_request_audience,
            mount_secrets=automatic,
        )
        responder = Responder(clock, era)
        self._writer = Writer(self.registry, admission, self._refuse_creation)
        token_requests = TokenRequests(self.issuer, self._lookup, clock, admission, responder)
        self._resources = ResourceHandler(
            self.registry,
            reviews.table(),
            {
                ("", "serviceaccounts", "token"): token_requests.subresource,
                **(proxies(self.store, self._node.reach) if self._node is not None else {}),
                **{("", "pods", name): pod_subresource for name in ("exec", "attach", "portforward", "log")},
            },
            responder,
            self.random,
            self._writer,
        )
        self._nonresources = NonResourceHandler(
            Discovery(KINDS),
            self._address_for,
            lambda: self.store.revision,
            routes=(
                OpenIdDocuments(self.signer, self._address_for),
                OpenApiHandler(),
                SnapshotHandler(self.store, self._restored),
            ),
            paths=(CONFIGURATION, KEY_SET, *OPENAPI_PATHS),
        )
        self._bootstrap(addresses)
        if self._node is not None:
            self._node.start()
        self._certificates = CertificateAuthenticator(keys.ca_certificate, clock)
        self.handle = pipeline(
            self._route,
            new_id=self.registry.new_uid,
            clock=clock,
            sink=self.audit_sink,
            authenticators=(
                note_ignored,
                self._certificates,
                BearerAuthenticator(self.tokens),
            ),
            flow_headers=FlowHeaders(self._lookup),
            authorize=self.authorize,
        )

    def advance(self) -> None:
        """Do what has become due by the clock: expiry, restarts, events' end of life."""
        if self._node is not None:
            with self.registry.transaction():
                self._node.advance()
        for controller in self._timed:
            controller.advance()
        self._resources.advance()

    def renew(self, keys: Keys) -> None:
        """Use other certificates from now on.

        Args:
            keys: The same keys, with new certificates.
        """
        before, self.keys = self.keys, keys
        if keys.ca_certificate == before.ca_certificate:
            return
        self._certificates.renew(keys.ca_certificate)
        with self.registry.transaction():
            for publisher in self._publishers:
                publisher.renew(keys.ca_certificate)

    def close(self) -> None:
        """Release the store."""
        self.store.close()

    def issue_token(self, pod: Object, service_account: Object, audience: str, expiration_seconds: int) -> Issued:
        """A token for a pod's volume, as the kubelet asks for it.

        Args:
            pod: The pod, with its uid and node.
            service_account: Its account.
            audience: For whom the token is; empty for the API server.
            expiration_seconds: Its lifetime.
        """
        node = pod["spec"].get("nodeName")
        return self.issuer.issue(
            service_account,
            [audience] if audience else [],
            expiration_seconds,
            pod=pod,
            node=(self._lookup("nodes", "", node) or {"metadata": {"name": node}}) if node else None,
        )

    def _route(self, request: Request) -> Response:
        # A pod's program may ask amid the write that begins it: then there are two.
        before, self._current = self._current, request
        try:
            return self._answer(request)
        finally:
            self._current = before

    def _answer(self, request: Request) -> Response:
        if request.info.is_resource:
            return self._resources(request)
        return self._nonresources(request)

    def _address_for(self, request: Request) -> str:
        return self.address or request.headers.get("host", "")

    def _list_rbac(self, plural: str, namespace: str) -> Iterable[Object]:
        return self.registry.list(BY_RESOURCE[RBAC, "v1", plural], namespace)

    def _get_rbac(self, plural: str, namespace: str, name: str) -> Object | None:
        return self.store.get(Key(BY_RESOURCE[RBAC, "v1", plural].resource, namespace, name))

    def _lookup(self, plural: str, namespace: str, name: str) -> Object | None:
        return self.store.get(Key(plural, namespace, name))

    def _refuse_escalation(self, new: Object, old: Object | None) -> None:
        """Before an RBAC object is written for a caller; controllers may do as they must."""
        request = self._current
        if request is not None:
            self._guard(request.user, request.info, new, old)

    def _refuse_creation(self, request: Request) -> None:
        """Who creates by an update or an apply must be allowed to create."""
        question = attributes_of(request.user, request.info)._replace(verb="create")
        decision = self.authorize(question)
        if not decision.allowed:
            raise refusal(question, decision.reason)

    def _sign_request(self, request: str, usages: Iterable[str], seconds: int | None, now: float) -> bytes:
        return self.keys.sign_request(request, usages, seconds, now)

    def _may_use_signer(self, user: User, verb: str, name: str) -> bool:
        return self.authorize(Attributes(user, verb, CERTIFICATES, "*", "signers", name=name)).allowed

    def _may_request_audience(self, node: User, namespace: str, account: str, audience: str) -> bool:
        verb = "request-serviceaccounts-token-audience"
        return self.authorize(Attributes(node, verb, "", "v1", audience, namespace=namespace, name=account)).allowed

    def _may_have_node_certificate(self, user: User, right: str) -> bool:
        return self.authorize(
            Attributes(user, "create", CERTIFICATES, "*", "certificatesigningrequests", right)
        ).allowed

    def _create_as(self, controller: str, obj: Object, kind: Kind = PODS) -> Object:
        """See :class:`~labkit.embedded.controllers.owned.Create`."""
        group = f"/apis/{kind.group_version}" if kind.group else f"/api/{kind.version}"
        path = f"{group}/namespaces/{obj['metadata']['namespace']}/{kind.plural}"
        request = Request("POST", path, {"fieldManager": [MANAGER]}, {"content-type": "application/json"}, dump(obj))
        request.info = request_info(request)
        account = f"system:serviceaccount:kube-system:{controller}"
        groups = ("system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated")
        request.user = User(account, groups=groups)
        return self._writer.create(request, kind).object

    def _mark_used(self, secret: Object, date: str) -> None:
        """Label a legacy token's Secret with the day of its last use."""

        def label(obj: Object) -> None:
            obj["metadata"]["labels"] = {**(obj["metadata"].get("labels") or {}), LAST_USED: date}

        self.registry.edit(BY_RESOURCE["", "v1", "secrets"], secret, "kube-apiserver", label)

    def _restored(self) -> None:
        """A snapshot was restored; it may be of a time before the CA's certificate was renewed."""
        self.registry.note_owners()
        with self.registry.transaction():
            for publisher in self._publishers:
                publisher.bootstrap()

    def _bootstrap(self, addresses: ServiceAddresses) -> None:
        """Give the store what every cluster has, where it is missing."""
        now, new = timestamp(self.clock()), not self.store.revision
        with self.registry.transaction():
            bootstrap_core(self.registry)
            bootstrap_services(self.registry)
            addresses.bootstrap()
            for publisher in self._publishers:
                publisher.bootstrap()
            for plural, obj in bootstrap_policy(now):
                metadata = obj["metadata"]
                kind = BY_RESOURCE[RBAC, "v1", plural]
                key = Key(kind.resource, metadata.get("namespace", ""), metadata["name"])
                stored = self.store.get(key)
                if stored is not None:
                    changed = reconciled(stored, obj)
                    if changed is not None:
                        self.registry.edit(kind, stored, "kube-apiserver", partial(_update, changed))
                    continue
                metadata |= {"uid": self.registry.new_uid(), "creationTimestamp": now}
                if new:  # complete as they are: no controller has anything to add
                    self.store.put(key, obj)
                else:
                    self.registry.write(kind, obj)


def _update(changed: Object, obj: Object) -> None:
    obj.update(changed)
