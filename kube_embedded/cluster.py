"""One cluster: wires the components together.

``Cluster.handle`` is a synchronous function of a request. Clock, random source and
keys come in from outside; there is no socket, no thread and no global state, so a
process can hold any number of clusters.
"""

import time
from collections.abc import Callable, Iterable
from random import Random, SystemRandom

from .apiserver.authentication.signer import TokenSigner
from .apiserver.filters.audit import Sink
from .apiserver.filters.pipeline import pipeline
from .apiserver.filters.priority import FlowHeaders
from .apiserver.handlers.represent.transform import Transformer
from .apiserver.handlers.routing.resources import ResourceHandler
from .apiserver.handlers.subresources.proxy import Reach
from .apiserver.registry.registry import Registry
from .apiserver.storage import Key, Store
from .machinery.pki.keys import Keys
from .machinery.releases import Release
from .machinery.request import Object, Request, Response
from .node.api import ClusterApi, NodeSettings
from .node.connections import NodeController, PodConnections
from .node.node import Node
from .wiring.access import Access
from .wiring.content import bootstrap
from .wiring.controllers import Controllers, controller_create
from .wiring.credentials import Credentials
from .wiring.handlers import computed, connections, nonresource_handler
from .wiring.writing import Writing


class Cluster:
    """A control plane as an object.

    Args:
        keys: Certificates and keys; see ``Keys.generate``.
        store: The store of objects; in memory if None.
        clock: Seconds since the epoch.
        random: Source of uids, names and suffixes.
        node: If true, pods run. Without a node they stay Pending.
        era: The version to answer as, one of ``releases.ERAS``.
        audit_sink: Called with every audit event; None drops them.
        signer: Signs tokens with ``keys.token_key``; can be shared between clusters.
        name: The name of its node, and of the context in the administrator's kubeconfig.
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
        name: str = "kube-embedded",
    ) -> None:
        self.keys = keys
        self.store: Store = store if store is not None else Store()
        self.clock = clock
        self.random = random or SystemRandom()
        self.node = node
        self.name = name
        self.era = era
        self.address = ""
        """Host and port, for documents that name the server; empty to name the one in the request."""
        self.audit_sink: Sink = audit_sink if audit_sink is not None else (lambda event: None)
        self.release = Release(era)
        automatic = self.release.has("token secrets")
        self.registry = Registry(self.store, clock, self.random)

        # Authentication and authorization.
        self.signer = signer or TokenSigner(keys.token_key)
        credentials = Credentials(self.registry, self._lookup, self.signer, keys.ca_certificate)
        self._credentials = credentials
        self.issuer = credentials.issuer
        self.tokens = credentials.tokens
        self.issue_token = credentials.issue_pod_token
        access = Access(self.registry)
        self.rbac = access.rbac
        self.authorize = access.authorize

        # What a write passes.
        writing = Writing(self.registry, self._lookup, access, mount_secrets=automatic)

        # What reacts to it.
        controllers = Controllers(
            self.registry,
            controller_create(writing.writer),
            keys.ca_certificate,
            self._sign_request,
            credentials,
            writing.counted,
            automatic=automatic,
        )
        self._publishers = controllers.publishers
        self.registry.controllers += controllers.reacting
        node_api = ClusterApi(self.registry, self.random, self.issue_token, lambda: self.handle)
        settings = NodeSettings(name, version=self.release.git_version)
        self._node = (
            Node(node_api, settings, clock, lambda: self.keys.server_certificate) if node else None
        )
        if self._node is not None:
            self.registry.controllers.append(
                NodeController(self._node)
            )  # last: it runs the pods that the others made

        # The handlers of requests.
        pods = PodConnections(node_api, self._node, clock, access.refuse_creation)
        reach: Reach = self._node.reach if self._node is not None else (lambda address, port: None)
        self._resources = ResourceHandler(
            self.registry,
            writing.admission,
            writing.writer,
            Transformer(clock, self.release),
            self.random,
            computed(credentials, access, writing, self._lookup, clock),
            connections(self.store, pods, reach),
        )
        self._nonresources = nonresource_handler(
            self.registry, self.signer, self._address_for, self._restored, self.release
        )
        self._timed: tuple[Callable[[], None], ...] = (
            *controllers.timed,
            self._resources.watcher.advance,  # last: bookmarks name the revision that the controllers left
        )

        # What there is from the start.
        bootstrap(self.registry, controllers)
        if self._node is not None:
            self._node.start()  # after bootstrap: its objects need their namespaces
        self.handle = pipeline(
            self._route,
            new_id=self.registry.new_uid,
            clock=clock,
            sink=self.audit_sink,
            authenticators=credentials.authenticators,
            flow_headers=FlowHeaders(self.store),
            authorize=self.authorize,
        )

    def advance(self) -> None:
        """Do the work that is due by the clock: restarts, retries, expiry, bookmarks."""
        if self._node is not None:
            with self.registry.transaction():
                self._node.advance()
        for advance in self._timed:
            advance()

    def renew(self, keys: Keys) -> None:
        """Use new certificates of the same keys from now on."""
        before = self.keys
        self.keys = keys
        if keys.ca_certificate == before.ca_certificate:
            return
        self._credentials.renew(keys.ca_certificate)
        with self.registry.transaction():
            for publisher in self._publishers:
                publisher.renew(keys.ca_certificate)

    def close(self) -> None:
        """Release the store."""
        self.store.close()

    def _route(self, request: Request) -> Response:
        with self.release.answering():
            handler = self._resources if request.info.is_resource else self._nonresources
            return handler(request)

    def _address_for(self, request: Request) -> str:
        return self.address or request.headers.get("host", "")

    def _lookup(self, plural: str, namespace: str, name: str) -> Object | None:
        return self.store.get(Key(plural, namespace, name))

    def _sign_request(
        self, request: str, usages: Iterable[str], seconds: int | None, now: float
    ) -> bytes:
        return self.keys.sign_request(request, usages, seconds, now)

    def _restored(self) -> None:
        """Refresh derived state after a snapshot was restored, which can be older than the CA's certificate."""
        self.registry.note_owners()
        with self.registry.transaction():
            for publisher in self._publishers:
                publisher.bootstrap()
