"""Warnings for workloads with fields that are legal but deprecated or risky.

Source: k8s.io/kubernetes ``pkg/registry/{apps,batch,core}/*/strategy.go``, ``pkg/api/job/warnings.go``.
"""

from __future__ import annotations

from labkit.embedded.apiserver.registry.names import dns_label
from labkit.embedded.apiserver.registry.strategies.pods.warnings import pod_warnings
from labkit.embedded.machinery.request import Object

HOST_NAMES = (
    "metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is "
    "recommended"
)
MANY_COMPLETIONS, MUCH_PARALLELISM = 100_000, 10_000
TOO_MANY_INDEXES = (
    "In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes "
    "might not be able to track completedIndexes when a big number of indexes fail"
)


def name_advice(obj: Object, old: Object | None) -> list[str]:
    """Warn of a new object whose name is no DNS label, although host names contain it."""
    messages = dns_label(obj["metadata"].get("name", "")) if old is None else []
    return [f"{HOST_NAMES}: [{' '.join(messages)}]"] if messages else []


def unchanged(obj: Object, old: Object | None) -> bool:
    """Whether an update leaves the spec unchanged."""
    return old is not None and obj["metadata"].get("generation", 0) == old["metadata"].get(
        "generation", 0
    )


def template_advice(template: Object, path: str) -> list[str]:
    """Return the warnings for a pod template."""
    return pod_warnings(template["spec"], path)


def job_advice(spec: Object, path: str) -> list[str]:
    """Return the warnings for a JobSpec."""
    many = (spec.get("completions") or 0) > MANY_COMPLETIONS and (
        spec.get("parallelism") or 0
    ) > MUCH_PARALLELISM
    found = (
        [f"{path}: {TOO_MANY_INDEXES}"] if many and spec.get("completionMode") == "Indexed" else []
    )
    return found + template_advice(spec["template"], f"{path}.template")
