"""One cluster: the place where the parts are wired together.

``Cluster.handle`` is a synchronous function of a request. Clock, random source and
keys come in from outside; there is no socket, no thread and no global state, so a
process can hold as many clusters as it likes.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable
from random import Random, SystemRandom

import orjson

from labkit.apiserver.authentication.x509 import authenticate_certificate
from labkit.apiserver.authorization.attributes import Attributes, Decision
from labkit.apiserver.authorization.rbac import RBACAuthorizer
from labkit.apiserver.handlers.resources import ResourceHandler
from labkit.apiserver.keys import Keys
from labkit.apiserver.pipeline import (
    with_authentication,
    with_authorization,
    with_request_info,
    with_status,
)
from labkit.apiserver.registry.kinds import BY_RESOURCE, RBAC
from labkit.apiserver.registry.registry import Registry
from labkit.apiserver.request import Object, Request, Response
from labkit.apiserver.status import ApiError
from labkit.apiserver.storage import Key, MemoryStore, Store


class Cluster:
    """A control plane in an object.

    Args:
        keys: Certificates and keys; see ``Keys.generate``.
        store: Where objects live; memory if None.
        clock: Seconds since the epoch.
        random: Source of uids, names and suffixes.
        node: Whether pods run. Without a node they stay Pending.
        era: ``now``, or ``1.20`` where each service account gets a token Secret.
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
    ) -> None:
        self.keys = keys
        self.store: Store = store if store is not None else MemoryStore()
        self.clock = clock
        self.random = random or SystemRandom()
        self.node = node
        self.era = era
        self.registry = Registry(self.store, clock, self.random)
        self.rbac = RBACAuthorizer(self._list_rbac, self._get_rbac)
        handler = self._route
        self._resources = ResourceHandler(self.registry, {}, {})
        authorized = with_authorization(handler, self.authorize)
        authenticated = with_authentication(authorized, (authenticate_certificate,))
        self.handle = with_status(with_request_info(authenticated), lambda: str(uuid.uuid4()))

    def authorize(self, question: Attributes) -> Decision:
        """``system:masters`` may do all; everyone else what RBAC allows."""
        if "system:masters" in question.user.groups:
            return Decision(True)
        return self.rbac(question)

    def advance(self) -> None:
        """Do what has become due by the clock: expiry, restarts, events' end of life."""

    def close(self) -> None:
        """Release the store."""
        self.store.close()

    def _route(self, request: Request) -> Response:
        if request.info.is_resource:
            return self._resources(request)
        if request.path in ("/healthz", "/livez", "/readyz"):
            return Response(200, {"Content-Type": "text/plain; charset=utf-8"}, b"ok")
        if request.path == "/version":
            return Response(200, {"Content-Type": "application/json"}, orjson.dumps({"major": "1", "minor": "36"}))
        raise ApiError(404, "NotFound", "the server could not find the requested resource", {})

    def _list_rbac(self, plural: str, namespace: str) -> Iterable[Object]:
        return self.registry.list(BY_RESOURCE[RBAC, "v1", plural], namespace)

    def _get_rbac(self, plural: str, namespace: str, name: str) -> Object | None:
        return self.store.get(Key(BY_RESOURCE[RBAC, "v1", plural].resource, namespace, name))
