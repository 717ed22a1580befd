"""The handlers of a cluster: which operation or connection answers which resource."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from random import Random

from labkit.embedded.apiserver.authentication.signer import TokenSigner
from labkit.embedded.apiserver.handlers.admission import Admission
from labkit.embedded.apiserver.handlers.computed.component_statuses import component_statuses
from labkit.embedded.apiserver.handlers.nonresource.handler import NonResourceHandler
from labkit.embedded.apiserver.handlers.nonresource.openapi import PATHS as OPENAPI_PATHS
from labkit.embedded.apiserver.handlers.nonresource.openapi import OpenApiHandler
from labkit.embedded.apiserver.handlers.nonresource.openid import CONFIGURATION, KEY_SET, OpenIdDocuments
from labkit.embedded.apiserver.handlers.nonresource.snapshots import SnapshotHandler
from labkit.embedded.apiserver.handlers.represent.results import Operation
from labkit.embedded.apiserver.handlers.represent.transform import Transformer
from labkit.embedded.apiserver.handlers.routing.resources import Connection, Resource, ResourceHandler
from labkit.embedded.apiserver.handlers.subresources.binding import bind
from labkit.embedded.apiserver.handlers.subresources.eviction import evict
from labkit.embedded.apiserver.handlers.subresources.proxy import proxies
from labkit.embedded.apiserver.handlers.subresources.scale import scale_operation
from labkit.embedded.apiserver.handlers.verbs.delete import Deleter
from labkit.embedded.apiserver.handlers.verbs.read import Reader
from labkit.embedded.apiserver.handlers.verbs.watch import Watcher
from labkit.embedded.apiserver.handlers.verbs.write import Writer
from labkit.embedded.apiserver.openapi.discovery import Discovery
from labkit.embedded.apiserver.registry.registry import Registry
from labkit.embedded.apiserver.storage import Store
from labkit.embedded.machinery.kinds import KINDS
from labkit.embedded.machinery.request import Handler, Request


class ResourceHandlers:
    """The handler of stored objects, and what it consists of.

    Args:
        registry: Where objects are.
        admission: The plugins.
        writer: Creates, updates and patches.
        transformer: Makes Tables and the like.
        random: Spreads the ends of watches.
        computed: The operations of kinds that are never stored.
        connections: The handlers of exec, log, proxy and the like.
    """

    def __init__(
        self,
        registry: Registry,
        admission: Admission,
        writer: Writer,
        transformer: Transformer,
        random: Random,
        computed: Mapping[Resource, Operation],
        connections: Mapping[Resource, Connection],
    ) -> None:
        reader = Reader(registry.store)
        self.watcher = Watcher(registry.store, transformer, registry.clock, random)
        scale = scale_operation(reader.get, registry, admission)
        operations: Mapping[Resource, Operation] = {
            ("", "bindings", ""): partial(bind, registry, admission),  # the older path of the next
            ("", "pods", "binding"): partial(bind, registry, admission),  # what a scheduler writes
            ("", "pods", "eviction"): partial(evict, registry, admission),  # deletion that asks disruption budgets
            **{(kind.group, kind.plural, "scale"): scale for kind in KINDS if "scale" in kind.subresources},
            ("", "componentstatuses", ""): component_statuses,  # needs no store
            **computed,  # reviews and token requests: need authenticators and authorizers
        }
        deleter = Deleter(registry, admission)
        self.handle = ResourceHandler(reader, self.watcher, writer, deleter, operations, connections, transformer)


def connections(
    store: Store, pods: Connection, reach: Callable[[str, int], Handler | None] | None
) -> dict[Resource, Connection]:
    """The handlers of subresources that connect to something else than the object.

    Args:
        store: Where services, pods and nodes are.
        pods: Connects to pods.
        reach: Finds the handler that listens at an address; None if nothing runs.
    """
    return {
        **(proxies(store, reach) if reach is not None else proxies(store)),  # services, pods and nodes
        ("", "pods", "exec"): pods,
        ("", "pods", "attach"): pods,
        ("", "pods", "portforward"): pods,
        ("", "pods", "log"): pods,
    }


def nonresource_handler(
    registry: Registry, signer: TokenSigner, address: Callable[[Request], str]
) -> NonResourceHandler:
    """The handler of all paths that name no resource.

    Args:
        registry: Its store has the snapshots.
        signer: Its keys are in the OpenID documents.
        address: Host and port at which the server is reached, for a request.
    """
    store = registry.store
    return NonResourceHandler(
        Discovery(KINDS),
        address,
        lambda: store.revision,
        routes=(
            OpenIdDocuments(signer, address),  # how others verify tokens
            OpenApiHandler(),  # kubectl explain, and client-side validation
            SnapshotHandler(store, registry.note_owners),  # not of Kubernetes: labkit reset
        ),
        paths=(CONFIGURATION, KEY_SET, *OPENAPI_PATHS),
    )
