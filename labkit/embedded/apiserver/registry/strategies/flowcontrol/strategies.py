"""The strategies of FlowSchemas and PriorityLevelConfigurations, of which little is checked.

Source: k8s.io/kubernetes ``pkg/apis/flowcontrol/{v1/defaults,validation}``, ``pkg/registry/flowcontrol``.
"""

from __future__ import annotations

from typing_extensions import override

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.names import dns_subdomain
from labkit.embedded.apiserver.registry.strategies.fields.struct_diff import internal
from labkit.embedded.apiserver.registry.strategies.flowcontrol.mandatory import (
    MANDATORY_LEVELS,
    MANDATORY_SCHEMAS,
)
from labkit.embedded.apiserver.registry.strategy import Strategy
from labkit.embedded.machinery.request import Object
from labkit.embedded.machinery.schema import schemas

SUBJECTS = {"ServiceAccount": "serviceAccount", "User": "user", "Group": "group"}
"""Kinds of subjects, and the field of each."""
DEFAULT_PRECEDENCE = 1000


class FlowSchemaStrategy(Strategy):
    """Flow schemas."""

    generation = True
    status = True

    @override
    def default(self, obj: Object) -> None:
        spec = obj["spec"]
        if not spec.get("matchingPrecedence"):
            spec["matchingPrecedence"] = DEFAULT_PRECEDENCE

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        spec, name = obj["spec"], obj["metadata"].get("name", "")
        if spec["matchingPrecedence"] == 1 and name != "exempt":
            why = "only the schema named 'exempt' may have matchingPrecedence 1"
            errors.invalid("spec.matchingPrecedence", 1, why)
        level = (spec.get("priorityLevelConfiguration") or {}).get("name", "")
        place = "spec.priorityLevelConfiguration.name"
        errors.check_required(place, level, dns_subdomain, "must reference a priority level")
        for index, rule in enumerate(spec.get("rules") or ()):
            path = f"spec.rules[{index}].subjects"
            errors.check_present(
                path, rule.get("subjects"), "subjects must contain at least one value"
            )
            for number, subject in enumerate(rule.get("subjects") or ()):
                _check_subject(subject, f"{path}[{number}]", errors)
        fixed = MANDATORY_SCHEMAS.get(name)
        if fixed is not None and spec != fixed:
            shown = internal(schemas()["flowcontrol.v1.FlowSchemaSpec"], spec)
            errors.invalid("spec", shown, f"spec of '{name}' must equal the fixed value")


def _check_subject(subject: Object, path: str, errors: FieldErrors) -> None:
    kind = subject.get("kind", "")
    errors.check_choice(f"{path}.kind", kind, sorted(SUBJECTS))
    field = SUBJECTS.get(kind, "")
    if field and subject.get(field) is None:
        errors.required(f"{path}.{field}", f"{field} is required when subject kind is '{kind}'")


class PriorityLevelStrategy(Strategy):
    """Priority levels."""

    generation = True
    status = True

    @override
    def default(self, obj: Object) -> None:
        spec = obj["spec"]
        for name, shares in (("exempt", 0), ("limited", 30)):
            part = spec.get(name)
            if part is not None and part.get("nominalConcurrencyShares") is None:
                part["nominalConcurrencyShares"] = shares
            if part is not None and part.get("lendablePercent") is None:
                part["lendablePercent"] = 0
        queuing = ((spec.get("limited") or {}).get("limitResponse") or {}).get("queuing")
        if queuing is not None:
            for name, value in (("queues", 64), ("handSize", 8), ("queueLengthLimit", 50)):
                queuing[name] = queuing.get(name) or value

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        spec, name = obj["spec"], obj["metadata"].get("name", "")
        errors.check_choice("spec.type", spec.get("type", ""), ["Exempt", "Limited"])
        queuing = ((spec.get("limited") or {}).get("limitResponse") or {}).get("queuing") or {}
        hand, queues = queuing.get("handSize", 0), queuing.get("queues", 0)
        if hand > queues:
            place = "spec.limited.limitResponse.queuing.handSize"
            errors.invalid(place, hand, f"should not be greater than queues ({queues})")
        fixed = MANDATORY_LEVELS.get(name)
        free = {"exempt": None} if name == "exempt" else {}
        if fixed is not None and {**spec, **free} != {**fixed, **free}:
            shown = internal(schemas()["flowcontrol.v1.PriorityLevelConfigurationSpec"], spec)
            but = " except the 'spec.exempt' field" if free else ""
            errors.invalid("spec", shown, f"spec of '{name}'{but} must equal the fixed value")
