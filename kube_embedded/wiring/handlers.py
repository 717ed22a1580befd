"""The handlers that connect pods, services and nodes, and the handlers of other paths."""

from collections.abc import Callable

from ..apiserver.admission.attributes import Lookup
from ..apiserver.authentication.signer import TokenSigner
from ..apiserver.handlers.computed.reviews import Reviews
from ..apiserver.handlers.computed.token_requests import TokenRequests
from ..apiserver.handlers.nonresource.handler import NonResourceHandler
from ..apiserver.handlers.nonresource.openapi import PATHS as OPENAPI_PATHS
from ..apiserver.handlers.nonresource.openapi import OpenApiHandler
from ..apiserver.handlers.nonresource.openid import CONFIGURATION, KEY_SET, OpenIdDocuments
from ..apiserver.handlers.nonresource.snapshots import SnapshotHandler
from ..apiserver.handlers.represent.responses import Operation
from ..apiserver.handlers.routing.resources import Connection, Resource
from ..apiserver.handlers.subresources.proxy import Reach, proxies
from ..apiserver.openapi.discovery import Discovery
from ..apiserver.registry.custom.kinds import CustomKinds
from ..apiserver.registry.registry import Registry
from ..apiserver.storage import Store
from ..machinery.kinds import KINDS, CustomKind
from ..machinery.releases import Release
from ..machinery.request import Request
from ..machinery.steady_clock import Clock
from .access import Access
from .credentials import Credentials
from .writing import Writing


class CurrentDiscovery:
    """The current discovery: the server's own kinds, and the kinds of established definitions."""

    def __init__(self, custom: CustomKinds) -> None:
        self._custom = custom
        self._rows: list[CustomKind] = []
        self._discovery = Discovery(KINDS)

    def __call__(self) -> Discovery:
        """Return the documents, rebuilt when a definition has changed."""
        rows = self._custom.served()
        if rows != self._rows:
            self._rows = rows
            self._discovery = Discovery((*KINDS, *rows))
        return self._discovery


def computed(
    credentials: Credentials, access: Access, writing: Writing, lookup: Lookup, clock: Clock
) -> dict[Resource, Operation]:
    """Return the handlers of resources that are answered and never stored."""
    reviews = Reviews(credentials.tokens, access.authorize, access.rbac.rules_for, clock)
    token_requests = TokenRequests(credentials.issuer, lookup, clock, writing.plugins)
    return {**reviews.operations(), ("", "serviceaccounts", "token"): token_requests.operation}


def connections(store: Store, pods: Connection, reach: Reach) -> dict[Resource, Connection]:
    """The handlers of subresources that connect to something else than the object."""
    return {
        **proxies(store, reach),  # services, pods and nodes
        **{("", "pods", name): pods for name in ("exec", "attach", "portforward", "log")},
    }


def nonresource_handler(
    registry: Registry,
    signer: TokenSigner,
    address: Callable[[Request], str],
    on_restore: Callable[[], None],
    release: Release,
) -> NonResourceHandler:
    """Return the handler of all non-resource paths; ``address`` returns the server's host and port for a request."""
    store = registry.store
    return NonResourceHandler(
        CurrentDiscovery(registry.custom),
        address,
        lambda: store.revision,
        release,
        routes=(
            OpenIdDocuments(signer, address),  # how others verify tokens
            OpenApiHandler(registry.custom.served),  # kubectl explain, and client-side validation
            SnapshotHandler(store, on_restore),  # not of Kubernetes: what `labkit reset` asks for
        ),
        paths=(CONFIGURATION, KEY_SET, *OPENAPI_PATHS),
    )
