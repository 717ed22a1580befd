"""The strategy of FlowSchemas: no request ever waits, so their values are not checked.

Source: k8s.io/kubernetes ``pkg/apis/flowcontrol/v1/defaults``.
"""

from __future__ import annotations

from typing_extensions import override

from labkit.embedded.apiserver.registry.strategy import Strategy
from labkit.embedded.machinery.request import Object

DEFAULT_PRECEDENCE = 1000


class FlowSchemaStrategy(Strategy):
    """Flow schemas."""

    @override
    def default(self, obj: Object) -> None:
        spec = obj["spec"]
        if not spec.get("matchingPrecedence"):
            spec["matchingPrecedence"] = DEFAULT_PRECEDENCE
