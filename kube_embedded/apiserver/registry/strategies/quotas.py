"""The strategy of ResourceQuotas.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go``, ``pkg/apis/core/v1/defaults.go``.
"""

from collections.abc import Mapping
from typing import Any

from typing_extensions import override

from kube_embedded.machinery.quota import names
from kube_embedded.machinery.quota.amounts import read
from kube_embedded.machinery.quota.counts import ALIASES
from kube_embedded.machinery.request import Object

from ..errors import FieldErrors
from ..strategy import Strategy
from .effects import effect_warning
from .fields.by_schema import check_object
from .fields.numbers import check_amount
from .pods.resources import check_standard_name


class ResourceQuotaStrategy(Strategy):
    """ResourceQuotas. Their scopes are checked by the schema alone: a quota with scopes counts no objects."""

    returns_deleted = True
    status = True
    full_checks = 0

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        check_object(obj, errors)
        _check_hard(obj["spec"].get("hard"), "spec.hard", errors)

    @override
    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        """Warn of a quota that limits more than numbers of objects, or has scopes."""
        spec = obj["spec"]
        amounts = [name for name in spec.get("hard") or () if not _counts_objects(name)]
        if amounts or spec.get("scopes") or spec.get("scopeSelector"):
            return [effect_warning(obj)]
        return []


# Only these names are counted; the real server measures the others too.
def _counts_objects(name: str) -> bool:
    return name in ALIASES or name.startswith("count/")


def _check_hard(amounts: Mapping[str, Any] | None, path: str, errors: FieldErrors) -> None:
    for name, amount in sorted(read(amounts).items()):
        item_path = f"{path}[{name}]"
        check_standard_name(name, item_path, errors)
        if "/" not in name and not names.standard_in_quota(name):
            errors.invalid(item_path, name, "must be a standard resource for quota")
        check_amount(name, amount, item_path, errors)
