"""The strategy of Nodes.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go``.
"""

import ipaddress
import re

from typing_extensions import override

from kube_embedded.machinery.golang.quote import go_quote
from kube_embedded.machinery.quota.amounts import read
from kube_embedded.machinery.request import Object

from ..errors import FieldErrors
from ..names import ip_range, label_value, qualified_name, range_messages
from ..strategy import Strategy, StrategyContext
from .fields.numbers import check_amount
from .pods.scheduling import EFFECTS

FEATURE = re.compile(r"[A-Z][A-Za-z0-9]*(/[A-Za-z][A-Za-z0-9]*)*")
FEATURE_FORM = (
    "must start with an UpperCamelCase segment, with subsequent segments separated by '/' (e.g., MyFeature or "
    "MyFeature/mySubFeature), and contain only alphanumeric characters and slashes"
)


class NodeStrategy(Strategy):
    """Nodes."""

    status = True

    @override
    def default(self, obj: Object) -> None:
        """Copy the first of ``podCIDRs`` to ``podCIDR`` and back, and the capacity to ``allocatable``."""
        spec = obj["spec"]
        # `podCIDRs` came with dual stack; older clients read and write `podCIDR` alone.
        if spec.get("podCIDR") and (spec.get("podCIDRs") or [""])[0] != spec["podCIDR"]:
            spec["podCIDRs"] = [spec["podCIDR"]]
        elif spec.get("podCIDRs") and not spec.get("podCIDR"):
            spec["podCIDR"] = spec["podCIDRs"][0]
        status = obj["status"]
        if status.get("capacity") and not status.get("allocatable"):
            status["allocatable"] = dict(status["capacity"])

    @override
    # A kubelet registers its node with capacity and addresses in one request.
    def reset_status(self, obj: Object) -> None:
        """Keep the status that a new node comes with."""

    @override
    def drop_fields(self, new: Object, old: Object | None) -> None:
        """Drop the fields of dynamic kubelet configuration, which Kubernetes 1.24 removed."""
        if old is None or "configSource" not in old["spec"]:
            new["spec"].pop("configSource", None)
        if old is None:
            new["status"].pop("config", None)

    @override
    def prepare_status_update(self, context: StrategyContext, new: Object, old: Object) -> None:
        super().prepare_status_update(context, new, old)
        if "config" not in old["status"]:
            new["status"].pop("config", None)

    @override
    def check(self, obj: Object, errors: FieldErrors) -> None:
        # Causes name metadata: taints began as an annotation.
        check_taints(obj["spec"].get("taints") or [], "metadata.taints", errors)
        _check_amounts(obj["status"], errors)
        swap = ((obj["status"].get("nodeInfo") or {}).get("swap") or {}).get("capacity")
        if swap is not None and swap <= 0:
            errors.invalid("metadata.nodeSwapStatus.capacity", swap, "must be greater than zero")
        _check_features(obj["status"].get("declaredFeatures") or [], errors)
        ranges = _ranges(obj["spec"])
        errors.check_each("spec.podCIDRs", ranges, range_messages)
        if len(ranges) > 1:
            _check_families(ranges, errors)

    @override
    def check_status(self, new: Object, old: Object, errors: FieldErrors) -> None:
        self.check_change(new, old, errors)

    @override
    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        spec = obj["spec"]
        texts = []
        if spec.get("configSource") is not None:
            texts.append("spec.configSource: the feature is removed")
        if spec.get("externalID"):
            texts.append("spec.externalID: this field is deprecated, and is unused by Kubernetes")
        return texts

    @override
    def check_change(self, new: Object, old: Object, errors: FieldErrors) -> None:
        _check_amounts(new["status"], errors)
        _check_features(new["status"].get("declaredFeatures") or [], errors)
        check_taints(new["spec"].get("taints") or [], "metadata.taints", errors)


def _check_amounts(status: Object, errors: FieldErrors) -> None:
    for field in ("capacity", "allocatable"):
        for name, amount in read(status.get(field)).items():
            check_amount(name, amount, f"status.{field}.{name}", errors)


def _check_features(features: list[str], errors: FieldErrors) -> None:
    """Check the names of the declared features."""
    for index, name in enumerate(features):
        path = f"status.declaredFeatures[{index}]"
        if not FEATURE.fullmatch(name):
            errors.invalid(path, name, f"invalid feature name {go_quote(name)}: {FEATURE_FORM}")


def _check_families(ranges: list[str], errors: FieldErrors) -> None:
    bad = next(((index, text) for index, text in enumerate(ranges) if not ip_range(text)), None)
    if bad is not None:
        problem = f"invalid CIDR[{bad[0]}]: <nil> (invalid CIDR address: {bad[1]})"
        text = f"invalid PodCIDRs. failed to check with dual stack with error:{problem}"
        errors.add("InternalError", "spec.podCIDRs", f"Internal error: {text}")
    families = {
        ipaddress.ip_network(text, strict=False).version for text in ranges if ip_range(text)
    }
    if bad is not None or len(families) < 2 or len(ranges) > 2:
        errors.invalid(
            "spec.podCIDRs", ranges, "may specify no more than one CIDR for each IP family"
        )


def _ranges(spec: Object) -> list[str]:
    """Return the pod CIDRs, of which ``podCIDR`` is the first."""
    ranges = list(spec.get("podCIDRs") or ())
    first = spec.get("podCIDR")
    return [first, *ranges[1:]] if first else ranges


def check_taints(taints: list[Object], path: str, errors: FieldErrors) -> None:
    """Check a node's taints."""
    seen: set[tuple[str, str]] = set()
    for index, taint in enumerate(taints):
        taint_path = f"{path}[{index}]"
        key = taint.get("key", "")
        value = taint.get("value", "")
        effect = taint.get("effect", "")
        errors.check_format(f"{taint_path}.key", key, qualified_name)
        errors.check_problem(f"{taint_path}.value", value, ";".join(label_value(value)))
        errors.check_required_choice(f"{taint_path}.effect", effect, EFFECTS)
        if (key, effect) in seen:
            printed = {
                "Key": key,
                "Value": value,
                "Effect": effect,
                "TimeAdded": taint.get("timeAdded"),
            }
            errors.duplicate(taint_path, printed, "taints must be unique by key and effect pair")
        seen.add((key, effect))
