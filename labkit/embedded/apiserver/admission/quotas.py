"""Refuses writes that exceed a namespace's quotas.

What is used stands in the quotas' status, which a controller keeps; here it is only read.
Source: k8s.io/apiserver ``pkg/admission/plugin/resourcequota``.
"""

from __future__ import annotations

from typing_extensions import override

from labkit.embedded.apiserver.admission.attributes import Attributes, Lister, Lookup, ReadingPlugin
from labkit.embedded.machinery.quota.amounts import ONE, add, only, read, sentence
from labkit.embedded.machinery.quota.evaluators import Evaluators
from labkit.embedded.machinery.request import Object


class ResourceQuota(ReadingPlugin):
    """Charges creations against all quotas that count them."""

    def __init__(self, lookup: Lookup, lister: Lister, evaluators: Evaluators) -> None:
        super().__init__(lookup, lister)
        self._evaluators = evaluators

    @override
    def validate(self, attributes: Attributes) -> None:
        # Only creations count: an update cannot change a number of objects.
        if not attributes.namespace or attributes.obj is None or attributes.operation != "CREATE":
            return
        quotas = list(self._lister("resourcequotas", attributes.namespace))
        if not quotas:
            return
        evaluator = self._evaluators.of(attributes.qualified)
        if evaluator is None or attributes.subresource:
            return
        bounds = [
            (quota, evaluator.matching(quota, (quota.get("status") or {}).get("hard") or ()))
            for quota in quotas
        ]
        for quota, names in bounds:
            # Until the controller has counted, nothing is let in that the quota might forbid.
            if any(name not in (quota["status"].get("used") or {}) for name in names):
                listed = ",".join(sorted(names))
                raise attributes.refuse(
                    f"status unknown for quota: {quota['metadata']['name']}, resources: {listed}"
                )
        for quota, names in bounds:
            if names:
                _check_left(attributes, quota, names)


def _check_left(attributes: Attributes, quota: Object, names: list[str]) -> None:
    hard, used = read(quota["status"]["hard"]), read(quota["status"].get("used"))
    requested = dict.fromkeys(names, ONE)
    after = add(used, requested)
    exceeded = [name for name in requested if after[name].value > hard[name].value]
    if exceeded:
        raise attributes.refuse(
            f"exceeded quota: {quota['metadata']['name']}, requested: {sentence(only(requested, exceeded))}, "
            f"used: {sentence(only(used, exceeded))}, limited: {sentence(only(hard, exceeded))}"
        )
