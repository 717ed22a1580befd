"""Rules for the PodSpecs of pods and of pod templates.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go`` (``ValidatePodSpec``).
"""

from typing import Any

from kube_embedded.machinery.request import Object

from ...errors import FieldErrors
from ...metadata import validate_labels
from ...names import address_messages, dns_label, dns_subdomain, qualified_name
from ..fields.rules import (
    between,
    each,
    every,
    fields,
    if_set,
    matches,
    optional,
    required_choice,
    rule,
    zero,
)
from .containers import check_containers
from .environment import file_volumes
from .resources import check_resource_claims, check_resources
from .scheduling import AFFINITY, SPREAD, TOLERATIONS
from .security import check_host_processes, check_pod_security
from .specs import every_container
from .volumes import check_volumes


def _check_gates(gates: Any, path: str, errors: FieldErrors) -> None:
    names: set[str] = set()
    for index, gate in enumerate(gates or ()):
        name = gate.get("name", "")
        errors.check_format(f"{path}[{index}]", name, qualified_name)
        errors.check_unique(f"{path}[{index}]", name, names)


def _check_same_port(port: Any, path: str, errors: FieldErrors) -> None:
    # The host's port is missing in templates only: pods get it by default.
    if port.get("hostPort") and port["hostPort"] != port.get("containerPort", 0):
        detail = "must match `containerPort` when `hostNetwork` is true"
        errors.invalid(f"{path}.hostPort", port["hostPort"], detail)


# The tables below have the order of ValidatePodSpec; between them come the rules for several fields.
GRACE = fields(terminationGracePeriodSeconds=rule(FieldErrors.check_set))
SAME_PORTS = fields(containers=each(fields(ports=each(_check_same_port))))
BASICS = fields(
    restartPolicy=required_choice("Always", "OnFailure", "Never"),
    dnsPolicy=required_choice("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"),
    nodeSelector=validate_labels,
)
SCHEDULING = fields(
    affinity=AFFINITY,
    readinessGates=each(fields(conditionType=zero("", matches(qualified_name)))),
    schedulingGates=_check_gates,
    topologySpreadConstraints=SPREAD,
)
NAMES = fields(
    hostnameOverride=every(optional(rule(FieldErrors.check_length, 64)), matches(dns_subdomain)),
    serviceAccountName=if_set(dns_subdomain),
    nodeName=if_set(dns_subdomain),
    activeDeadlineSeconds=between(1, 2**31 - 1),
    hostname=if_set(dns_label),
    subdomain=if_set(dns_label),
    tolerations=TOLERATIONS,
    hostAliases=each(
        fields(ip=zero("", matches(address_messages)), hostnames=each(matches(dns_subdomain)))
    ),
    priorityClassName=if_set(dns_subdomain),
    runtimeClassName=matches(dns_subdomain),
    preemptionPolicy=optional(required_choice("PreemptLowerPriority", "Never")),
    overhead=lambda overhead, path, errors: check_resources({"limits": overhead}, path, errors),
)
AFTER_SECURITY = every(SCHEDULING, check_host_processes, NAMES)


def check_pod_spec(spec: Object, path: str, errors: FieldErrors, *, is_pod: bool = False) -> None:
    """Check the PodSpec of a template or, if ``is_pod``, of a pod."""
    GRACE(spec, path, errors)
    volumes = check_volumes(spec.get("volumes") or [], f"{path}.volumes", errors, is_pod=is_pod)
    check_resource_claims(spec.get("resourceClaims") or [], f"{path}.resourceClaims", errors)
    check_containers(spec, volumes, path, errors)
    if spec.get("resources") is not None:
        check_resources(spec["resources"], f"{path}.resources", errors, pod=True)
    if spec.get("hostNetwork"):
        SAME_PORTS(spec, path, errors)
    BASICS(spec, path, errors)
    check_pod_security(spec, path, errors)
    AFTER_SECURITY(spec, path, errors)
    check_files = file_volumes(spec.get("volumes") or [])
    for container, field_path in every_container(spec, path):
        check_files(container, field_path, errors)
