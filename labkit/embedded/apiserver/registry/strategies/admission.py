"""Webhook configurations, admission policies and their bindings.

They are stored without a check, as nothing is called or evaluated.
Source: k8s.io/kubernetes ``pkg/apis/admissionregistration/v1/defaults``.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable

from typing_extensions import override

from labkit.embedded.apiserver.registry.strategies.fields.webhooks import DEFAULT_PORT
from labkit.embedded.apiserver.registry.strategy import Strategy
from labkit.embedded.machinery.request import Object

MATCH_DEFAULTS: Object = {"matchPolicy": "Equivalent", "namespaceSelector": {}, "objectSelector": {}}
HOOK_DEFAULTS: Object = {**MATCH_DEFAULTS, "failurePolicy": "Fail", "timeoutSeconds": 10}
NOT_CALLED = "webhooks: this server calls no admission webhooks"
NOT_EVALUATED = "spec: this server evaluates no admission policies"


class WebhooksStrategy(Strategy):
    """Configurations of admission webhooks; ``reinvokes`` those that change objects."""

    reinvokes = False

    @override
    def default(self, obj: Object) -> None:
        for hook in obj.get("webhooks") or ():
            _fill(hook, HOOK_DEFAULTS)
            if self.reinvokes:
                _fill(hook, {"reinvocationPolicy": "Never"})
            _fill_rules(hook.get("rules"))
            service = (hook.get("clientConfig") or {}).get("service")
            if service is not None:
                _fill(service, {"port": DEFAULT_PORT})

    @override
    def count_generation(self, new: Object, old: Object) -> None:
        super().count_generation({**new, "spec": new.get("webhooks")}, {**old, "spec": old.get("webhooks")})

    @override
    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        return [NOT_CALLED] if obj.get("webhooks") else []


class NotEvaluated(Strategy):
    """Admission policies or their bindings."""

    @override
    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        return [NOT_EVALUATED]


class PolicyStrategy(NotEvaluated):
    """Admission policies."""

    @override
    def default(self, obj: Object) -> None:
        _fill(obj["spec"], {"failurePolicy": "Fail"})
        _fill_match(obj["spec"].get("matchConstraints"))


class BindingStrategy(NotEvaluated):
    """Bindings of admission policies."""

    @override
    def default(self, obj: Object) -> None:
        _fill_match(obj["spec"].get("matchResources"))


def _fill(holder: Object, defaults: Object) -> None:
    for name, value in defaults.items():
        if holder.get(name) is None:
            holder[name] = copy.deepcopy(value)


def _fill_rules(rules: Iterable[Object] | None) -> None:
    for rule in rules or ():
        _fill(rule, {"scope": "*"})


def _fill_match(match: Object | None) -> None:
    if match is not None:
        _fill(match, MATCH_DEFAULTS)
        _fill_rules(match.get("resourceRules"))
        _fill_rules(match.get("excludeResourceRules"))
