"""The strategies of FlowSchemas and PriorityLevelConfigurations: no request ever waits, so values are not checked.

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


class PriorityLevelStrategy(Strategy):
    """Priority levels."""

    @override
    def default(self, obj: Object) -> None:
        spec = obj["spec"]
        for name, shares in (("exempt", 0), ("limited", 30)):
            part = spec.get(name)
            if part is not None:
                for field, value in (("nominalConcurrencyShares", shares), ("lendablePercent", 0)):
                    if part.get(field) is None:
                        part[field] = value
        queuing = ((spec.get("limited") or {}).get("limitResponse") or {}).get("queuing")
        if queuing is not None:
            for name, value in (("queues", 64), ("handSize", 8), ("queueLengthLimit", 50)):
                queuing[name] = queuing.get(name) or value
