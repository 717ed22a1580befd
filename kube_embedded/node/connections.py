"""The connections of the API server to the node: changes of pods, and requests for their subresources."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from ..apiserver.registry.registry import Change
from ..machinery.request import Request, Response
from ..machinery.status import ApiError
from .api import ClusterApi
from .node import Node

if TYPE_CHECKING:
    from .exec import PodSubresources

log = logging.getLogger(__name__)


class NodeController:
    """Passes the changes of pods on to a node; an error there fails no write."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def __call__(self, change: Change) -> None:
        """React to a change."""
        if change.kind.resource != "pods":
            return
        try:
            self._node.sync_pod(change.old, change.new)
        # The write has succeeded already; its client must not see an error of the node.
        except ApiError as error:
            log.warning("the node could not follow a change: %s", error.message)
        except Exception:
            log.exception("the node could not follow a change")


class PodConnections:
    """Exec, attach, port-forward and log of pods; their code is loaded with the first request."""

    def __init__(
        self,
        api: ClusterApi,
        node: Node | None,
        now: Callable[[], float],
        may_create: Callable[[Request], None],
    ) -> None:
        self._arguments = (api, node, now, may_create)

    @cached_property
    def _answer(self) -> PodSubresources:
        from .exec import PodSubresources

        return PodSubresources(*self._arguments)

    def __call__(self, request: Request, kind: object) -> Response:
        """Answer a request."""
        return self._answer(request)
