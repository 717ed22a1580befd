"""Refuses writes that exceed a namespace's quotas.

The usage is in the status of the quotas. A controller writes it; this plugin only reads it.
Source: k8s.io/apiserver ``pkg/admission/plugin/resourcequota``.
"""

from typing_extensions import override

from ...machinery.quota.counts import Counted, counted_names
from ...machinery.request import Object
from ...machinery.schema.values import NANO, amount
from .attributes import Attributes, Lister, Lookup, ReadingPlugin


class ResourceQuota(ReadingPlugin):
    """Charges creations against all quotas that count them."""

    def __init__(self, lookup: Lookup, lister: Lister, resources: Counted) -> None:
        super().__init__(lookup, lister)
        self._resources = resources

    @override
    def validate(self, attributes: Attributes) -> None:
        # Only creations count: an update cannot change a number of objects.
        if not attributes.namespace or attributes.obj is None or attributes.operation != "CREATE":
            return
        if attributes.subresource:
            return
        bounds: list[tuple[Object, list[str]]] = []
        for quota in self._lister("resourcequotas", attributes.namespace):
            hard = (quota.get("status") or {}).get("hard") or ()
            counts = counted_names(quota, hard, self._resources)
            names = [name for name, resource in counts.items() if resource == attributes.qualified]
            bounds.append((quota, names))
        for quota, names in bounds:
            # Until the controller has counted, every object that the quota could forbid is refused.
            if any(name not in (quota["status"].get("used") or {}) for name in names):
                listed = ",".join(sorted(names))
                raise attributes.refuse(
                    f"status unknown for quota: {quota['metadata']['name']}, resources: {listed}"
                )
        for quota, names in bounds:
            if names:
                _check_left(attributes, quota, names)


def _check_left(attributes: Attributes, quota: Object, names: list[str]) -> None:
    hard = quota["status"]["hard"]
    used = quota["status"]["used"]
    exceeded = [name for name in sorted(names) if amount(used[name]) + NANO > amount(hard[name])]
    if exceeded:
        requested, taken, limited = (
            ",".join(f"{name}={amounts[name]}" for name in exceeded)
            for amounts in (dict.fromkeys(exceeded, 1), used, hard)
        )
        raise attributes.refuse(
            f"exceeded quota: {quota['metadata']['name']}, requested: {requested}, used: {taken}, limited: {limited}"
        )
