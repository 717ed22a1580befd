"""What a pod (or the template of one) must be.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go``.
"""

from __future__ import annotations

import re
from typing import Any

from labkit.apiserver.registry.errors import FieldErrors
from labkit.apiserver.registry.metadata import validate_labels
from labkit.apiserver.registry.names import (
    IP_MESSAGE,
    between,
    dns_label,
    dns_search,
    dns_subdomain,
    ip_address,
    qualified_name,
)
from labkit.apiserver.registry.strategies.containers import check_container, check_seccomp
from labkit.apiserver.registry.strategies.podscheduling import check_affinity, check_spread, check_tolerations
from labkit.apiserver.registry.strategies.podvolumes import check_volumes
from labkit.apiserver.request import Object

SYSCTL = r"([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
IPC_SETTINGS = ("kernel.shm", "kernel.msg", "kernel.sem", "fs.mqueue.")
DNS_POLICIES = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
RESTART_POLICIES = ("Always", "OnFailure", "Never")


def check_pod_spec(spec: Object, path: str, errors: FieldErrors) -> None:
    """A PodSpec at ``path``."""
    volumes = check_volumes(spec.get("volumes") or [], f"{path}.volumes", errors)
    containers = spec.get("containers") or []
    if not containers:
        errors.required(f"{path}.containers")
    names: set[str] = set()
    for list_name in ("containers", "initContainers"):
        seen_ports: set[tuple[Any, ...]] = set()
        for index, container in enumerate(spec.get(list_name) or ()):
            place = f"{path}.{list_name}[{index}]"
            check_container(container, volumes, place, errors, init=list_name == "initContainers")
            name = container.get("name", "")
            if name and name in names:
                errors.duplicate(f"{place}.name", name)
            names.add(name)
            if list_name == "containers":
                _check_host_ports(container, place, seen_ports, spec.get("hostNetwork", False), errors)
    if spec.get("ephemeralContainers"):
        errors.forbidden(f"{path}.ephemeralContainers", "cannot be set on create")
    restart = spec.get("restartPolicy", "")
    if not restart:
        errors.required(f"{path}.restartPolicy")
    elif restart not in RESTART_POLICIES:
        errors.not_supported(f"{path}.restartPolicy", restart, RESTART_POLICIES)
    policy = spec.get("dnsPolicy", "")
    if not policy:
        errors.required(f"{path}.dnsPolicy")
    elif policy not in DNS_POLICIES:
        errors.not_supported(f"{path}.dnsPolicy", policy, DNS_POLICIES)
    validate_labels(spec.get("nodeSelector"), f"{path}.nodeSelector", errors)
    _check_security(spec, path, errors)
    for index, secret in enumerate(spec.get("imagePullSecrets") or ()):
        if not secret.get("name"):
            errors.required(f"{path}.imagePullSecrets[{index}].name")
    check_affinity(spec.get("affinity"), f"{path}.affinity", errors)
    _check_dns_config(spec, path, errors)
    grace = spec.get("terminationGracePeriodSeconds")
    if grace is None:
        errors.required(f"{path}.terminationGracePeriodSeconds")
    for field, rule in (
        ("serviceAccountName", dns_subdomain),
        ("nodeName", dns_subdomain),
        ("hostname", dns_label),
        ("subdomain", dns_label),
        ("priorityClassName", dns_subdomain),
        ("runtimeClassName", dns_subdomain),
    ):
        value = spec.get(field)
        for message in rule(value) if value else ():
            errors.invalid(f"{path}.{field}", value, message)
    deadline = spec.get("activeDeadlineSeconds")
    if deadline is not None and not 1 <= deadline <= 2**31 - 1:
        errors.invalid(f"{path}.activeDeadlineSeconds", deadline, between(1, 2**31 - 1))
    check_tolerations(spec.get("tolerations") or [], f"{path}.tolerations", errors)
    for index, alias in enumerate(spec.get("hostAliases") or ()):
        if not ip_address(alias.get("ip", "")):
            errors.invalid(f"{path}.hostAliases[{index}].ip", alias.get("ip", ""), IP_MESSAGE)
        for number, name in enumerate(alias.get("hostnames") or ()):
            for message in dns_subdomain(name):
                errors.invalid(f"{path}.hostAliases[{index}].hostnames[{number}]", name, message)
    for index, gate in enumerate(spec.get("readinessGates") or ()):
        for message in qualified_name(gate.get("conditionType", "")):
            errors.invalid(f"{path}.readinessGates[{index}].conditionType", gate.get("conditionType", ""), message)
    check_spread(spec.get("topologySpreadConstraints") or [], f"{path}.topologySpreadConstraints", errors)
    gates: set[str] = set()
    for index, gate in enumerate(spec.get("schedulingGates") or ()):
        name = gate.get("name", "")
        for message in qualified_name(name):
            errors.invalid(f"{path}.schedulingGates[{index}]", name, message)
        if name in gates:
            errors.duplicate(f"{path}.schedulingGates[{index}]", name)
        gates.add(name)
    preemption = spec.get("preemptionPolicy")
    if preemption is not None and preemption not in ("PreemptLowerPriority", "Never"):
        errors.not_supported(f"{path}.preemptionPolicy", preemption, ["PreemptLowerPriority", "Never"])
    operating_system = spec.get("os")
    if operating_system is not None:
        name = operating_system.get("name", "")
        if not name:
            errors.required(f"{path}.os.name")
        elif name not in ("linux", "windows"):
            errors.not_supported(f"{path}.os", name, ["linux", "windows"])


def _check_host_ports(
    container: Object, place: str, seen: set[tuple[Any, ...]], host_network: bool, errors: FieldErrors
) -> None:
    for index, port in enumerate(container.get("ports") or ()):
        number = port.get("hostPort", 0)
        if not number:
            continue
        key = (port.get("hostIP", ""), number, port.get("protocol"))
        if key in seen:
            shown = f"{port.get('protocol')}/{port.get('hostIP', '')}/{number}"
            errors.duplicate(f"{place}.ports[{index}].hostPort", shown)
        seen.add(key)
        if host_network and number != port.get("containerPort"):
            errors.invalid(
                f"{place}.ports[{index}].containerPort",
                port.get("containerPort", 0),
                "must match `hostPort` when `hostNetwork` is true",
            )


def _check_security(spec: Object, path: str, errors: FieldErrors) -> None:
    context = spec.get("securityContext") or {}
    for field in ("runAsUser", "runAsGroup", "fsGroup"):
        value = context.get(field)
        if value is not None and not 0 <= value <= 2**31 - 1:
            errors.invalid(f"{path}.securityContext.{field}", value, between(0, 2**31 - 1))
    for index, group in enumerate(context.get("supplementalGroups") or ()):
        if not 0 <= group <= 2**31 - 1:
            errors.invalid(f"{path}.securityContext.supplementalGroups[{index}]", group, between(0, 2**31 - 1))
    if spec.get("shareProcessNamespace") and spec.get("hostPID"):
        errors.invalid(
            f"{path}.securityContext.shareProcessNamespace",
            True,
            "ShareProcessNamespace and HostPID cannot both be enabled",
        )
    check_sysctls(spec, f"{path}.securityContext.sysctls", errors)
    for field, choices in (
        ("fsGroupChangePolicy", ("Always", "OnRootMismatch")),
        ("supplementalGroupsPolicy", ("Merge", "Strict")),
        ("seLinuxChangePolicy", ("MountOption", "Recursive")),
    ):
        chosen = context.get(field)
        if chosen is not None and chosen not in choices:
            errors.not_supported(f"{path}.securityContext.{field}", chosen, choices)
    check_seccomp(context.get("seccompProfile"), f"{path}.securityContext.seccompProfile", errors)


def check_sysctls(spec: Object, path: str, errors: FieldErrors) -> None:
    """Kernel settings: good names, each once, none of a namespace that is the host's."""
    context = spec.get("securityContext") or {}
    seen: set[str] = set()
    for index, setting in enumerate(context.get("sysctls") or ()):
        place, name = f"{path}[{index}].name", setting.get("name", "")
        if not name:
            errors.required(place)
        elif len(name) > 253 or not re.fullmatch(SYSCTL, name):
            errors.invalid(place, name, f"must have at most 253 characters and match regex {SYSCTL}")
        elif name in seen:
            errors.duplicate(place, name)
        dotted = name.replace("/", ".")
        if spec.get("hostNetwork") and dotted.startswith("net."):
            errors.invalid(place, name, "may not be specified when 'hostNetwork' is set to true")
        elif spec.get("hostIPC") and dotted.startswith(IPC_SETTINGS):
            errors.invalid(place, name, "may not be specified when 'hostIPC' is set to true")
        seen.add(name)


def _check_dns_config(spec: Object, path: str, errors: FieldErrors) -> None:
    config = spec.get("dnsConfig")
    if spec.get("dnsPolicy") == "None":
        if config is None:
            errors.required(f"{path}.dnsConfig", "must provide `dnsConfig` when `dnsPolicy` is None")
            return
        if not config.get("nameservers"):
            errors.required(
                f"{path}.dnsConfig.nameservers", "must provide at least one DNS nameserver when `dnsPolicy` is None"
            )
    if config is None:
        return
    servers = config.get("nameservers") or []
    if len(servers) > 3:
        errors.invalid(f"{path}.dnsConfig.nameservers", servers, "must not have more than 3 nameservers")
    for index, server in enumerate(servers):
        if not ip_address(server):
            errors.invalid(f"{path}.dnsConfig.nameservers[{index}]", server, IP_MESSAGE)
    searches = config.get("searches") or []
    if len(searches) > 32:
        errors.invalid(f"{path}.dnsConfig.searches", searches, "must not have more than 32 search paths")
    if len(" ".join(searches)) > 2048:
        errors.invalid(
            f"{path}.dnsConfig.searches",
            searches,
            "must not have more than 2048 characters (including spaces) in the search list",
        )
    for index, search in enumerate(searches):
        domain = search.removesuffix(".")
        for message in dns_search(domain) if search != "." else ():
            errors.invalid(f"{path}.dnsConfig.searches[{index}]", domain, message)
    for index, option in enumerate(config.get("options") or ()):
        if not option.get("name"):
            errors.required(f"{path}.dnsConfig.options[{index}]", "must not be empty")
