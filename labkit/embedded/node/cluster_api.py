"""The cluster as its node sees it: registry, tokens and handler behind the narrow interface."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from random import Random
from typing import TYPE_CHECKING, Protocol

from labkit.embedded.apiserver.registry.registry import Change, Registry
from labkit.embedded.apiserver.registry.strategy import DeleteOptions
from labkit.embedded.apiserver.storage import Key
from labkit.embedded.machinery.kinds import BY_RESOURCE, Kind
from labkit.embedded.machinery.request import Handler, Object, Request, Response
from labkit.embedded.machinery.status import ApiError
from labkit.embedded.node.node import Node

if TYPE_CHECKING:
    from labkit.embedded.node.exec import PodSubresources

log = logging.getLogger(__name__)


class IssuedToken(Protocol):
    """A token and when to renew it."""

    @property
    def token(self) -> str:
        """In compact form."""

    @property
    def expires(self) -> float:
        """When it should be renewed, in seconds since 1970."""


class ClusterApi:
    """Fits :class:`~labkit.embedded.node.api.NodeApi` onto a registry.

    Args:
        registry: Where objects are.
        random: Source of random bytes.
        issue_token: Makes a pod's token of (pod, account, audience, seconds).
        handler: Tells who answers requests; asked late, for the pipeline is made last.
    """

    def __init__(
        self,
        registry: Registry,
        random: Random,
        issue_token: Callable[[Object, Object, str, int], IssuedToken],
        handler: Callable[[], Handler],
    ) -> None:
        self._registry = registry
        self._random = random
        self._issue_token = issue_token
        self._handler = handler

    def get(self, resource: str, namespace: str, name: str) -> Object | None:
        """A stored object, or None."""
        return self._registry.store.get(Key(resource, namespace, name))

    def list(self, resource: str, namespace: str = "") -> Sequence[Object]:
        """Stored objects of one namespace, or of all."""
        return self._registry.store.list(resource, namespace)

    def create(self, resource: str, obj: Object, manager: str) -> Object:
        """Store a new object, with the status that it comes with."""
        kind = _kind(resource)
        status = obj.get("status")
        made = self._registry.create(kind, obj, manager=manager)
        if status:
            made = self.edit(
                resource, made, lambda new: new.update(status=status), manager=manager, subresource="status"
            )
        return made

    def edit(
        self, resource: str, obj: Object, change: Callable[[Object], None], *, manager: str, subresource: str = ""
    ) -> Object:
        """Change a copy of a stored object and store it."""
        return self._registry.edit(_kind(resource), obj, manager, change, subresource)

    def delete(self, resource: str, namespace: str, name: str) -> None:
        """Remove an object at once."""
        try:
            self._registry.delete(_kind(resource), namespace, name, DeleteOptions(grace_seconds=0))
        except ApiError as error:
            if error.code != 404:
                raise

    def issue_token(self, pod: Object, account: Object, audience: str, expiration_seconds: int) -> tuple[str, float]:
        """A token bound to a pod, and when it should be renewed."""
        issued = self._issue_token(pod, account, audience, expiration_seconds)
        return issued.token, issued.expires

    def handle(self, request: Request) -> Response:
        """Answer a request."""
        return self._handler()(request)

    def random(self, count: int) -> bytes:
        """Random bytes."""
        return self._random.randbytes(count)


def _kind(resource: str) -> Kind:
    """The row of a plural, perhaps with its group."""
    plural, _, group = resource.partition(".")
    return BY_RESOURCE[group, "v1", plural]


class NodeController:
    """Tells a node of the changes of pods; what goes wrong there spoils no write.

    Args:
        node: The node.
    """

    def __init__(self, node: Node) -> None:
        self._node = node

    def __call__(self, change: Change) -> None:
        """React to a change."""
        if change.kind.resource != "pods":
            return
        try:
            self._node.pod_changed(change.old, change.new)
        except ApiError as error:
            log.warning("the node could not follow a change: %s", error.message)
        except Exception:
            log.exception("the node could not follow a change")


class PodConnections:
    """Exec, attach, port-forward and log of pods: what answers them is loaded with the first.

    Args:
        api: The cluster.
        node: The node, or None if the cluster has none.
        now: Seconds since 1970.
        may_create: Refuses (by raising) a caller who may not create the subresource.
    """

    def __init__(
        self, api: ClusterApi, node: Node | None, now: Callable[[], float], may_create: Callable[[Request], None]
    ) -> None:
        self._api, self._node, self._now, self._may_create = api, node, now, may_create
        self._answer: PodSubresources | None = None

    def __call__(self, request: Request, kind: object) -> Response:
        """Answer a request, as the table of subresources calls it."""
        if self._answer is None:
            from labkit.embedded.node.exec import PodSubresources

            self._answer = PodSubresources(self._api, self._node, self._now, self._may_create)
        return self._answer(request)
