"""The strategy of PriorityLevelConfigurations.

Source: k8s.io/kubernetes ``pkg/apis/flowcontrol/{v1/defaults,validation}``, ``pkg/registry/flowcontrol``.
"""

from __future__ import annotations

import math

from typing_extensions import override

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.strategies.fields.struct_diff import internal
from labkit.embedded.apiserver.registry.strategies.flowcontrol.mandatory import MANDATORY_LEVELS
from labkit.embedded.apiserver.registry.strategy import Strategy
from labkit.embedded.machinery.request import Object
from labkit.embedded.machinery.schema import schemas

MAX_QUEUES, HASH_BITS = 10_000_000, 60


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

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        spec, name = obj["spec"], obj["metadata"].get("name", "")
        kind, exempt, limited = spec.get("type", ""), spec.get("exempt"), spec.get("limited")
        if (name == "exempt") != (kind == "Exempt"):
            errors.invalid("spec.type", kind, "must be 'Exempt' if and only if `name` is 'exempt'")
        if kind == "Exempt":
            if limited is not None:
                errors.forbidden("spec.limited", "must be nil if the type is not Limited")
            if exempt is not None:
                _check_shares(exempt, "spec.exempt", errors)
                errors.check_between("spec.exempt.lendablePercent", exempt.get("lendablePercent"), 0, 100)
        elif kind == "Limited":
            if exempt is not None:
                errors.forbidden("spec.exempt", "must be nil if the type is Limited")
            if limited is None:
                errors.required("spec.limited", "must not be empty when type is Limited")
            else:
                _check_limited(limited, "spec.limited", errors)
        else:
            errors.not_supported("spec.type", kind, ["Exempt", "Limited"])
        self._check_mandatory(name, spec, errors)
        check_conditions(obj["status"], errors)

    def _check_mandatory(self, name: str, spec: Object, errors: FieldErrors) -> None:
        fixed = MANDATORY_LEVELS.get(name)
        free = {"exempt": None} if name == "exempt" else {}
        if fixed is not None and {**spec, **free} != {**fixed, **free}:
            shown = internal(schemas()["flowcontrol.v1.PriorityLevelConfigurationSpec"], spec)
            but = " except the 'spec.exempt' field" if free else ""
            errors.invalid("spec", shown, f"spec of '{name}'{but} must equal the fixed value")


def _check_shares(part: Object, path: str, errors: FieldErrors) -> None:
    shares = part.get("nominalConcurrencyShares") or 0
    if shares < 0:
        errors.invalid(f"{path}.nominalConcurrencyShares", shares, "must be a non-negative integer")


def _check_limited(part: Object, path: str, errors: FieldErrors) -> None:
    _check_shares(part, path, errors)
    response = part.get("limitResponse") or {}
    kind, queuing, place = response.get("type", ""), response.get("queuing"), f"{path}.limitResponse"
    if kind == "Reject":
        if queuing is not None:
            errors.forbidden(f"{place}.queuing", "must be nil if limited.limitResponse.type is not Limited")
    elif kind == "Queue":
        if queuing is None:
            errors.required(f"{place}.queuing", "must not be empty if limited.limitResponse.type is Limited")
        else:
            _check_queuing(queuing, f"{place}.queuing", errors)
    else:
        errors.not_supported(f"{place}.type", kind, ["Queue", "Reject"])
    errors.check_between(f"{path}.lendablePercent", part.get("lendablePercent"), 0, 100)
    borrowing = part.get("borrowingLimitPercent")
    if borrowing is not None and borrowing < 0:
        errors.invalid(f"{path}.borrowingLimitPercent", borrowing, "if specified, must be a non-negative integer")


def _check_queuing(queuing: Object, path: str, errors: FieldErrors) -> None:
    queues, hand, length = (queuing.get(name, 0) for name in ("queues", "handSize", "queueLengthLimit"))
    if length <= 0:
        errors.invalid(f"{path}.queueLengthLimit", length, "must be positive")
    if queues <= 0:
        errors.invalid(f"{path}.queues", queues, "must be positive")
    elif queues > MAX_QUEUES:
        errors.invalid(f"{path}.queues", queues, f"must not be greater than {MAX_QUEUES}")
    if hand <= 0:
        errors.invalid(f"{path}.handSize", hand, "must be positive")
    elif hand > queues:
        errors.invalid(f"{path}.handSize", hand, f"should not be greater than queues ({queues})")
    elif _entropy(queues, hand) > HASH_BITS:
        errors.invalid(
            f"{path}.handSize",
            hand,
            f"required entropy bits of deckSize {queues} and handSize {hand} should not be greater than {HASH_BITS}",
        )


def _entropy(deck: int, hand: int) -> int:
    """The bits of a hash that dealing a hand takes."""
    return math.ceil(sum(math.log2(deck - index) for index in range(hand) if deck > index))


def check_conditions(status: Object, errors: FieldErrors) -> None:
    """Require that every condition has a type, and none twice."""
    seen: set[str] = set()
    for index, condition in enumerate(status.get("conditions") or ()):
        kind, place = condition.get("type", ""), f"status.conditions[{index}].type"
        errors.check_unique(place, kind, seen)
        errors.check_present(place, kind)
