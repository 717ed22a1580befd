"""The cluster as its node sees it: objects by resource name, tokens, and the API server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from ..apiserver.registry.registry import Registry
from ..apiserver.registry.strategy import DeleteOptions
from ..apiserver.storage import Key
from ..machinery.kinds import BY_RESOURCE, Kind
from ..machinery.request import Handler, Object, Request, Response
from ..machinery.status import ApiError

if TYPE_CHECKING:
    from ..apiserver.authentication.claims import IssuedToken

API_PORT = 6443
"""The port on which the API server listens at the node's address."""

# The cluster IP of the Service ``kubernetes``: the first address of kubeadm's default range.
SERVICE_ADDRESS = "10.96.0.1"


class ClusterApi:
    """The registry for a node. Resources are plurals, with a group if they have one: ``leases.coordination.k8s.io``.

    The parameters of ``issue_token`` are a pod, an account, an audience and seconds; ``handler`` returns the
    handler of requests, which is created after the node.
    """

    def __init__(
        self,
        registry: Registry,
        random: Random,
        issue_token: Callable[[Object, Object, str, int], IssuedToken],
        handler: Callable[[], Handler],
    ) -> None:
        self._registry = registry
        self.random = random.randbytes
        self.issue_token = issue_token
        self._handler = handler

    def get(self, resource: str, namespace: str, name: str) -> Object | None:
        """A stored object, or None. It must not be changed."""
        return self._registry.store.get(Key(resource, namespace, name))

    def list(self, resource: str, namespace: str = "") -> Sequence[Object]:
        """Stored objects of one namespace, or of all."""
        return self._registry.store.list(resource, namespace)

    def create(self, resource: str, obj: Object, manager: str) -> Object:
        """Store a new object, with the status that it comes with."""
        # A created object loses its status, as on the API server; a kubelet writes it afterwards.
        status = obj.get("status")
        created = self._registry.create(_kind(resource), obj, manager=manager)
        if status:
            created = self.edit(
                resource,
                created,
                lambda new: new.update(status=status),
                manager=manager,
                subresource="status",
            )
        return created

    def edit(
        self,
        resource: str,
        obj: Object,
        change: Callable[[Object], None],
        *,
        manager: str,
        subresource: str = "",
    ) -> Object:
        """Change a copy of a stored object and store it."""
        return self._registry.edit(_kind(resource), obj, manager, change, subresource)

    def delete(self, resource: str, namespace: str, name: str) -> None:
        """Remove an object at once, without grace. An object that is gone already is ignored."""
        try:
            self._registry.delete(_kind(resource), namespace, name, DeleteOptions(grace_seconds=0))
        except ApiError as error:
            # Another client can have deleted it in the meantime.
            if error.code != 404:
                raise

    def handle(self, request: Request) -> Response:
        """Answer a request, as the API server does over the network."""
        return self._handler()(request)


def _kind(resource: str) -> Kind:
    plural, _, group = resource.partition(".")
    return BY_RESOURCE[group, "v1", plural]


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """A node's name, its address, which is also the API server's, and its kubelet's version."""

    name: str = "kube-embedded"
    address: str = "172.18.0.2"
    version: str = "v1.36.2"
