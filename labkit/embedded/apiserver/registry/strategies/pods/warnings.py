"""Warnings for pods with fields that are legal but deprecated or ambiguous.

Source: k8s.io/kubernetes ``pkg/api/pod/warnings.go``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from labkit.embedded.apiserver.registry.strategies.fields.node_selectors import node_term_warnings
from labkit.embedded.apiserver.registry.strategies.pods.projected_paths import overlapping_paths
from labkit.embedded.apiserver.registry.strategies.pods.scheduling import PREFERRED, REQUIRED
from labkit.embedded.apiserver.registry.strategies.pods.windows_options import every_container
from labkit.embedded.apiserver.registry.strategies.storage.sources import DEPRECATED, source_warning
from labkit.embedded.machinery.golang.quote import go_quote
from labkit.embedded.machinery.quota.amounts import NANO, read
from labkit.embedded.machinery.request import Object

NULL_SELECTOR = "a null labelSelector results in matching no pod"


def pod_warnings(spec: Object, path: str = "") -> list[str]:
    """Return the texts for ``Warning`` headers; ``path`` is that of the template, empty for a pod."""
    prefix = f"{path}." if path else ""
    place = f"{prefix}spec"
    found = [*_node_terms(spec, place), *_volumes(spec, place)]
    found += overlapping_paths(spec.get("volumes") or [])
    found += _fractions(spec.get("overhead"), f"{place}.overhead")
    found += _containers(spec, place)
    if spec.get("terminationGracePeriodSeconds", 0) < 0:
        why = "must be >= 0; negative values are invalid and will be treated as 1"
        found.append(f"{place}.terminationGracePeriodSeconds: {why}")
    return [*found, *_affinity(spec, place)]


def _node_terms(spec: Object, place: str) -> Iterator[str]:
    node, where = (
        (spec.get("affinity") or {}).get("nodeAffinity") or {},
        f"{place}.affinity.nodeAffinity",
    )
    for index, term in enumerate((node.get(REQUIRED) or {}).get("nodeSelectorTerms") or ()):
        yield from node_term_warnings(term, f"{where}.{REQUIRED}.nodeSelectorTerms[{index}]")
    for index, constraint in enumerate(spec.get("topologySpreadConstraints") or ()):
        if constraint.get("labelSelector") is None:
            yield f"{place}.topologySpreadConstraints[{index}].labelSelector: {NULL_SELECTOR}"


def _volumes(spec: Object, place: str) -> Iterator[str]:
    for index, volume in enumerate(spec.get("volumes") or ()):
        where = f"{place}.volumes[{index}]"
        yield from (
            f"{where}.{source_warning(field)}"
            for field in DEPRECATED
            if volume.get(field) is not None
        )


def _fractions(
    amounts: Any, place: str, names: tuple[str, ...] = ("memory", "ephemeral-storage")
) -> Iterator[str]:
    """Warn of fractional bytes."""
    given = read(amounts)
    for name in names:
        if name in given and given[name].value % NANO:
            yield f'{place}[{name}]: fractional byte value "{given[name]}" is invalid, must be an integer'


def _containers(spec: Object, place: str) -> Iterator[str]:
    for container, where in every_container(spec, place):
        resources = container.get("resources") or {}
        for resource in ("memory", "ephemeral-storage"):
            for form in ("limits", "requests"):
                yield from _fractions(resources.get(form), f"{where}.resources.{form}", (resource,))
        yield from _hidden_variables(container, f"{where}.env")


def _hidden_variables(container: Object, place: str) -> Iterator[str]:
    """Warn of variables that hide earlier ones."""
    seen: set[str] = set()
    for index, variable in enumerate(container.get("env") or ()):
        name, value = variable.get("name", ""), variable.get("value", "")
        old = f"$({name})"
        if name not in seen:
            seen.add(name)
        elif variable.get("valueFrom") is not None or value == old or old not in value:
            why = f"hides previous definition of {go_quote(name)}, which may be dropped when using apply"
            yield f"{place}[{index}]: {why}"


def _affinity(spec: Object, place: str) -> Iterator[str]:
    for form in ("podAffinity", "podAntiAffinity"):
        rules, where = (spec.get("affinity") or {}).get(form) or {}, f"{place}.affinity.{form}"
        for index, term in enumerate(rules.get(REQUIRED) or ()):
            if term.get("labelSelector") is None:
                yield f"{where}.{REQUIRED}[{index}].labelSelector: {NULL_SELECTOR}"
        for index, weighted in enumerate(rules.get(PREFERRED) or ()):
            if (weighted.get("podAffinityTerm") or {}).get("labelSelector") is None:
                yield f"{where}.{PREFERRED}[{index}].podAffinityTerm.labelSelector: {NULL_SELECTOR}"
