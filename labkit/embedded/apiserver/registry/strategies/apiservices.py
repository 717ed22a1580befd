"""The strategy of APIServices; only local ones are ever available here.

Source: k8s.io/kube-aggregator ``pkg/apis/apiregistration/validation``, ``pkg/registry/apiservice``.
"""

from __future__ import annotations

from typing_extensions import override

from labkit.embedded.apiserver.registry import names
from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.metadata import validate_metadata
from labkit.embedded.apiserver.registry.strategy import Strategy, StrategyContext, timestamp
from labkit.embedded.machinery.golang.quote import go_quote
from labkit.embedded.machinery.kinds import Kind
from labkit.embedded.machinery.request import Object

MAX_GROUP, MAX_VERSION = 20000, 1000
DEFAULT_PORT = 443


class ApiServiceStrategy(Strategy):
    """API services."""

    unconditional_update = False
    status = True
    full_checks = 0

    name_rule = staticmethod(names.path_segment_name)

    @override
    def default(self, obj: Object) -> None:
        service = obj["spec"].get("service")
        if service is not None:
            service.setdefault("port", DEFAULT_PORT)

    @override
    def prepare_create(self, context: StrategyContext, obj: Object) -> None:
        super().prepare_create(context, obj)
        if obj["spec"].get("service") is None:
            obj["status"] = {"conditions": [available(timestamp(context.clock()))]}

    @override
    def validate(self, kind: Kind, obj: Object) -> FieldErrors:
        """Also require that the name is ``<version>.<group>``."""
        errors = FieldErrors()
        validate_metadata(obj["metadata"], kind.namespaced, self._named(obj), errors)
        self.check(obj, errors)
        return errors

    def _named(self, obj: Object) -> names.NameRule:
        wanted = f"{obj['spec'].get('version', '')}.{obj['spec'].get('group', '')}"

        def rule(name: str, prefix: bool) -> list[str]:
            found = names.path_segment_name(name)
            if found or name == wanted:
                return found
            return [f'must be `spec.version+"."+spec.group`: {go_quote(wanted)}']

        return rule

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        spec = obj["spec"]
        group, version = spec.get("group", ""), spec.get("version", "")
        if not group and version != "v1":
            errors.required(
                "spec.group", "only v1 may have an empty group and it better be legacy kube"
            )
        errors.check_if_given("spec.group", group, names.dns_subdomain)
        errors.check_format("spec.version", version, names.dns_1035_label)
        for name, most in (("groupPriorityMinimum", MAX_GROUP), ("versionPriority", MAX_VERSION)):
            value = spec.get(name, 0)
            if not 0 < value <= most:
                errors.invalid(f"spec.{name}", value, f"must be positive and less than {most}")


def available(now: str) -> Object:
    """The condition of an APIService that this server serves."""
    return {
        "type": "Available",
        "status": "True",
        "lastTransitionTime": now,
        "reason": "Local",
        "message": "Local APIServices are always available",
    }
