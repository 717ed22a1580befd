"""The strategy of RuntimeClasses.

Source: k8s.io/kubernetes ``pkg/apis/node/validation``, ``pkg/registry/node/runtimeclass``.
"""

from __future__ import annotations

from typing_extensions import override

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.names import dns_label
from labkit.embedded.apiserver.registry.strategy import Strategy
from labkit.embedded.machinery.request import Object


class RuntimeClassStrategy(Strategy):
    """Runtime classes."""

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        errors.check_required("handler", obj.get("handler", ""), dns_label)

    @override
    def check_change(self, new: Object, old: Object, errors: FieldErrors) -> None:
        errors.check_unchanged("handler", new.get("handler", ""), old.get("handler", ""))
