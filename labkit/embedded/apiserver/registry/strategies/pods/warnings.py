"""Warnings for pods with fields that are legal but deprecated, ambiguous or without effect.

Source: k8s.io/kubernetes ``pkg/api/pod/warnings.go``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from labkit.embedded.apiserver.registry.strategies.fields.addresses import address_warnings
from labkit.embedded.apiserver.registry.strategies.fields.node_selectors import DEPRECATED_LABELS, node_term_warnings
from labkit.embedded.apiserver.registry.strategies.pods.projected_paths import overlapping_paths
from labkit.embedded.apiserver.registry.strategies.pods.scheduling import PREFERRED, REQUIRED
from labkit.embedded.apiserver.registry.strategies.pods.windows_options import every_container
from labkit.embedded.apiserver.registry.strategies.storage.claims import claim_warnings
from labkit.embedded.apiserver.registry.strategies.storage.sources import DEPRECATED, source_warning
from labkit.embedded.machinery.golang.quote import go_quote
from labkit.embedded.machinery.quota.amounts import NANO, read
from labkit.embedded.machinery.request import Object

SYSCTLS = 'non-functional in v1.11+; use the "sysctls" field instead'
DEPRECATED_ANNOTATIONS = {
    "scheduler.alpha.kubernetes.io/critical-pod": 'non-functional in v1.16+; use the "priorityClassName" field instead',
    "security.alpha.kubernetes.io/sysctls": SYSCTLS,
    "security.alpha.kubernetes.io/unsafe-sysctls": SYSCTLS,
}
POD_SECCOMP = "seccomp.security.alpha.kubernetes.io/pod"
CONTAINER_SECCOMP = "container.seccomp.security.alpha.kubernetes.io/"
USE_SECCOMP_FIELD = 'non-functional in v1.27+; use the "seccompProfile" field instead'
APP_ARMOR = "container.apparmor.security.beta.kubernetes.io/"
NULL_SELECTOR = "a null labelSelector results in matching no pod"


def pod_warnings(metadata: Object, spec: Object, path: str = "") -> list[str]:
    """Return the texts for ``Warning`` headers; ``path`` is that of the template, empty for a pod."""
    prefix = f"{path}." if path else ""
    place = f"{prefix}spec"
    found = [*_scheduling(spec, place), *_annotations(metadata, f"{prefix}metadata.annotations")]
    found += _volumes(spec, place)
    found += overlapping_paths(spec.get("volumes") or [])
    found += _duplicates(spec, place)
    found += _fractions(spec.get("overhead"), f"{place}.overhead")
    found += _containers(metadata, spec, prefix)
    if spec.get("terminationGracePeriodSeconds", 0) < 0:
        why = "must be >= 0; negative values are invalid and will be treated as 1"
        found.append(f"{place}.terminationGracePeriodSeconds: {why}")
    found += _affinity(spec, place)
    for index, server in enumerate((spec.get("dnsConfig") or {}).get("nameservers") or ()):
        found += address_warnings(server, f"{place}.dnsConfig.nameservers[{index}]")
    for index, alias in enumerate(spec.get("hostAliases") or ()):
        found += address_warnings(alias.get("ip", ""), f"{place}.hostAliases[{index}].ip")
    return found


def _scheduling(spec: Object, place: str) -> Iterator[str]:
    for key in spec.get("nodeSelector") or ():
        if key in DEPRECATED_LABELS:
            yield f"{place}.nodeSelector[{key}]: {DEPRECATED_LABELS[key]}"
    node, where = (spec.get("affinity") or {}).get("nodeAffinity") or {}, f"{place}.affinity.nodeAffinity"
    for index, term in enumerate((node.get(REQUIRED) or {}).get("nodeSelectorTerms") or ()):
        yield from node_term_warnings(term, f"{where}.{REQUIRED}.nodeSelectorTerms[{index}]")
    for index, term in enumerate(node.get(PREFERRED) or ()):
        yield from node_term_warnings(term.get("preference") or {}, f"{where}.{PREFERRED}[{index}].preference", True)
    for index, constraint in enumerate(spec.get("topologySpreadConstraints") or ()):
        key, where = constraint.get("topologyKey", ""), f"{place}.topologySpreadConstraints[{index}]"
        if key in DEPRECATED_LABELS:
            yield f"{where}.topologyKey: {key} is {DEPRECATED_LABELS[key]}"
        if constraint.get("labelSelector") is None:
            yield f"{where}.labelSelector: {NULL_SELECTOR}"


def _annotations(metadata: Object, place: str) -> Iterator[str]:
    notes = metadata.get("annotations") or {}
    for key, why in DEPRECATED_ANNOTATIONS.items():
        if key in notes:
            yield f"{place}[{key}]: {why}"


def _volumes(spec: Object, place: str) -> Iterator[str]:
    for index, volume in enumerate(spec.get("volumes") or ()):
        where = f"{place}.volumes[{index}]"
        yield from (f"{where}.{source_warning(field)}" for field in DEPRECATED if volume.get(field) is not None)
        template = (volume.get("ephemeral") or {}).get("volumeClaimTemplate")
        if template is not None:
            yield from claim_warnings(template["spec"], f"{where}.ephemeral.volumeClaimTemplate.spec")


def _duplicates(spec: Object, place: str) -> Iterator[str]:
    for list_name, field in (("hostAliases", "ip"), ("imagePullSecrets", "name")):
        seen: set[str] = set()
        for index, item in enumerate(spec.get(list_name) or ()):
            value = item.get(field, "")
            if value in seen:
                yield f"{place}.{list_name}[{index}].{field}: duplicate {field} {go_quote(value)}"
            seen.add(value)
    for index, item in enumerate(spec.get("imagePullSecrets") or ()):
        if not item.get("name"):
            yield f'{place}.imagePullSecrets[{index}].name: invalid empty name ""'


def _fractions(amounts: Any, place: str, names: tuple[str, ...] = ("memory", "ephemeral-storage")) -> Iterator[str]:
    """Warn of fractional bytes."""
    given = read(amounts)
    for name in names:
        if name in given and given[name].value % NANO:
            yield f'{place}[{name}]: fractional byte value "{given[name]}" is invalid, must be an integer'


def _containers(metadata: Object, spec: Object, prefix: str) -> Iterator[str]:
    notes, place = metadata.get("annotations") or {}, f"{prefix}metadata.annotations"
    if (spec.get("securityContext") or {}).get("seccompProfile") is None and POD_SECCOMP in notes:
        yield f"{place}[{POD_SECCOMP}]: {USE_SECCOMP_FIELD}"
    for container, where in every_container(spec, f"{prefix}spec"):
        context, name = container.get("securityContext") or {}, container.get("name", "")
        if context.get("seccompProfile") is None and CONTAINER_SECCOMP + name in notes:
            yield f"{place}[{CONTAINER_SECCOMP}{name}]: {USE_SECCOMP_FIELD}"
        if context.get("appArmorProfile") is None and APP_ARMOR + name in notes:
            yield f'{place}[{APP_ARMOR}{name}]: deprecated since v1.30; use the "appArmorProfile" field instead'
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
