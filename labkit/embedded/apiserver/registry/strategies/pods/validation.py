"""Validation of PodSpecs, of pods and of pod templates.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go`` (``ValidatePodSpec``).
"""

from __future__ import annotations

from labkit.embedded.apiserver.registry import names
from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.metadata import validate_labels
from labkit.embedded.apiserver.registry.strategies.pods import scheduling, windows_options
from labkit.embedded.apiserver.registry.strategies.pods.containers import (
    check_containers,
    pod_facts,
)
from labkit.embedded.apiserver.registry.strategies.pods.environment import check_file_volumes
from labkit.embedded.apiserver.registry.strategies.pods.resource_claims import check_resource_claims
from labkit.embedded.apiserver.registry.strategies.pods.resources import (
    check_pod_resources,
    check_resources,
)
from labkit.embedded.apiserver.registry.strategies.pods.security_contexts import check_pod_security
from labkit.embedded.apiserver.registry.strategies.pods.volumes import check_volumes
from labkit.embedded.machinery.request import Object

DNS_POLICIES = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")


def check_pod_spec(spec: Object, path: str, errors: FieldErrors, *, is_pod: bool = False) -> None:
    """Check the PodSpec of a template or, if ``is_pod``, of a pod."""
    if spec.get("terminationGracePeriodSeconds") is None:
        errors.required(f"{path}.terminationGracePeriodSeconds")
    volumes = check_volumes(spec.get("volumes") or [], f"{path}.volumes", errors, is_pod=is_pod)
    facts = pod_facts(spec, volumes)
    check_resource_claims(spec.get("resourceClaims") or [], f"{path}.resourceClaims", errors)
    check_containers(spec, facts, path, errors)
    check_pod_resources(spec, path, errors)
    _check_host_network(spec, path, is_pod, errors)
    errors.check_required_choice(
        f"{path}.restartPolicy", spec.get("restartPolicy"), ("Always", "OnFailure", "Never")
    )
    errors.check_required_choice(f"{path}.dnsPolicy", spec.get("dnsPolicy"), DNS_POLICIES)
    validate_labels(spec.get("nodeSelector"), f"{path}.nodeSelector", errors)
    check_pod_security(spec, path, errors)
    scheduling.check_affinity(spec.get("affinity"), f"{path}.affinity", errors)
    _check_gates(spec, path, errors)
    scheduling.check_spread(
        spec.get("topologySpreadConstraints") or [], f"{path}.topologySpreadConstraints", errors
    )
    windows_options.check_host_processes(spec, path, errors)
    _check_host_name(spec, path, errors)
    _check_names(spec, path, errors)
    preemption = spec.get("preemptionPolicy")
    if preemption is not None:
        errors.check_required_choice(
            f"{path}.preemptionPolicy", preemption, ("PreemptLowerPriority", "Never")
        )
    if spec.get("overhead") is not None:
        check_resources({"limits": spec["overhead"]}, f"{path}.overhead", errors)
    check_file_volumes(spec, path, errors)


def _check_host_network(spec: Object, path: str, is_pod: bool, errors: FieldErrors) -> None:
    """Require that host ports equal container ports on the host network."""
    if not spec.get("hostNetwork"):
        return
    for index, container in enumerate(spec.get("containers") or ()):
        for number, port in enumerate(container.get("ports") or ()):
            outer, inner = port.get("hostPort", 0), port.get("containerPort", 0)
            if (is_pod or outer) and outer != inner:
                place = f"{path}.containers[{index}].ports[{number}].hostPort"
                errors.invalid(
                    place, outer, "must match `containerPort` when `hostNetwork` is true"
                )


def _check_gates(spec: Object, path: str, errors: FieldErrors) -> None:
    """Check readiness gates and scheduling gates."""
    for index, gate in enumerate(spec.get("readinessGates") or ()):
        place = f"{path}.readinessGates[{index}].conditionType"
        errors.check_format(place, gate.get("conditionType", ""), names.qualified_name)
    seen: set[str] = set()
    for index, gate in enumerate(spec.get("schedulingGates") or ()):
        place, name = f"{path}.schedulingGates[{index}]", gate.get("name", "")
        errors.check_format(place, name, names.qualified_name)
        errors.check_unique(place, name, seen)


def _check_host_name(spec: Object, path: str, errors: FieldErrors) -> None:
    """Check ``hostnameOverride``."""
    name, place = spec.get("hostnameOverride"), f"{path}.hostnameOverride"
    if name is None:
        return
    if spec.get("setHostnameAsFQDN"):
        errors.forbidden(place, "may not be specified when setHostnameAsFQDN is true")
    if spec.get("hostNetwork"):
        errors.forbidden(place, "may not be specified when hostNetwork is true")
    errors.check_length(place, name, 64)
    errors.check_format(place, name, names.dns_subdomain)


def _check_names(spec: Object, path: str, errors: FieldErrors) -> None:
    """Check names, numbers and lists with rules of their own, in the real server's order."""
    for field in ("serviceAccountName", "nodeName"):
        errors.check_if_given(f"{path}.{field}", spec.get(field), names.dns_subdomain)
    errors.check_between(
        f"{path}.activeDeadlineSeconds", spec.get("activeDeadlineSeconds"), 1, 2**31 - 1
    )
    for field in ("hostname", "subdomain"):
        errors.check_if_given(f"{path}.{field}", spec.get(field), names.dns_label)
    scheduling.check_tolerations(spec.get("tolerations") or [], f"{path}.tolerations", errors)
    for index, alias in enumerate(spec.get("hostAliases") or ()):
        errors.check_format(
            f"{path}.hostAliases[{index}].ip", alias.get("ip", ""), names.address_messages
        )
        errors.check_each(
            f"{path}.hostAliases[{index}].hostnames",
            alias.get("hostnames") or (),
            names.dns_subdomain,
        )
    errors.check_if_given(
        f"{path}.priorityClassName", spec.get("priorityClassName"), names.dns_subdomain
    )
    errors.check_format(
        f"{path}.runtimeClassName", spec.get("runtimeClassName"), names.dns_subdomain
    )
