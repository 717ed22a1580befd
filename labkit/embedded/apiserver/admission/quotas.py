"""Refuses writes that exceed a namespace's quotas.

What is used stands in the quotas' status, which a controller keeps; here it is only read.
Source: k8s.io/apiserver ``pkg/admission/plugin/resourcequota``.
"""

from __future__ import annotations

from typing_extensions import override

from labkit.embedded.apiserver.admission.attributes import Attributes, Lister, Lookup, ReadingPlugin
from labkit.embedded.machinery.quota.amounts import Amounts, add, increase, nonzero, only, read, sentence
from labkit.embedded.machinery.quota.evaluators import Evaluator, Evaluators
from labkit.embedded.machinery.request import Object


class ResourceQuota(ReadingPlugin):
    """Charges creations, and updates that use more, against all quotas that cover them."""

    def __init__(self, lookup: Lookup, lister: Lister, evaluators: Evaluators) -> None:
        super().__init__(lookup, lister)
        self._evaluators = evaluators

    @override
    def validate(self, attributes: Attributes) -> None:
        if not attributes.namespace or attributes.obj is None or attributes.operation not in ("CREATE", "UPDATE"):
            return
        quotas = list(self._lister("resourcequotas", attributes.namespace))
        if not quotas:
            return
        evaluator = self._evaluators.of(attributes.qualified)
        if evaluator is None:
            return
        new, old = attributes.obj, attributes.old
        if not evaluator.handles(attributes.operation, attributes.subresource, new, old):
            return
        covering = [quota for quota in quotas if evaluator.covers(quota, new)]
        for quota in covering:
            _check_said(attributes, evaluator, quota)
        usage = evaluator.usage(new)
        for quota in covering:
            already = old is not None and evaluator.covers(quota, old)
            more = increase(usage, evaluator.usage(old)) if already and old is not None else usage
            _check_left(attributes, quota, nonzero(more))


def _check_said(attributes: Attributes, evaluator: Evaluator, quota: Object) -> None:
    """Refuse an object that names no amount for a bounded resource, and quotas without usage yet."""
    name, status = quota["metadata"]["name"], quota["status"]
    bounded = evaluator.matching(status["hard"])
    problem = evaluator.problem(bounded, attributes.obj or {})
    if problem:
        raise attributes.refuse(f"failed quota: {name}: {problem}")
    if any(resource not in (status.get("used") or {}) for resource in bounded):
        raise attributes.refuse(f"status unknown for quota: {name}, resources: {','.join(sorted(bounded))}")


def _check_left(attributes: Attributes, quota: Object, more: Amounts) -> None:
    hard = read(quota["status"]["hard"])
    requested = only(more, hard)
    used = read(quota["status"].get("used"))
    after = add(used, requested)
    exceeded = [name for name in requested if after[name].value > hard[name].value]
    if exceeded:
        raise attributes.refuse(
            f"exceeded quota: {quota['metadata']['name']}, requested: {sentence(only(requested, exceeded))}, "
            f"used: {sentence(only(used, exceeded))}, limited: {sentence(only(hard, exceeded))}"
        )
