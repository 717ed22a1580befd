"""What a pod (or the template of one) must be.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go``.
"""

from __future__ import annotations

import re
from typing import Any

from labkit.apiserver.registry.errors import FieldErrors
from labkit.apiserver.registry.metadata import validate_labels, validate_selector
from labkit.apiserver.registry.names import (
    IP_MESSAGE,
    between,
    dns_label,
    dns_subdomain,
    env_name,
    http_header,
    ip_address,
    label_value,
    port_name,
    port_number,
    qualified_name,
)
from labkit.apiserver.registry.strategies.core import check_port
from labkit.apiserver.request import Object
from labkit.apiserver.schema.values import BadValue, parse_quantity

PULL_POLICIES = ("Always", "IfNotPresent", "Never")
DNS_POLICIES = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
RESTART_POLICIES = ("Always", "OnFailure", "Never")
MESSAGE_POLICIES = ("FallbackToLogsOnError", "File")
PROTOCOLS = ("SCTP", "TCP", "UDP")
EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
CONTAINER_RESOURCES = ("cpu", "memory", "ephemeral-storage")
FIELD_PATHS = (
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)
VOLUME_FIELD_PATHS = (
    "metadata.annotations",
    "metadata.labels",
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
)
RESOURCE_PATHS = (
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
)
SUBSCRIPT = re.compile(r"^(metadata\.(?:labels|annotations))\['(.*)'\]$")
SYSTEM_NAMES = ("default", "kube-system")


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
    _check_spread(spec.get("topologySpreadConstraints") or [], f"{path}.topologySpreadConstraints", errors)
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


def check_container(
    container: Object, volumes: dict[str, Object], path: str, errors: FieldErrors, init: bool = False
) -> None:
    """One container.

    Args:
        container: The container.
        volumes: The pod's volumes by name.
        path: Where it stands.
        errors: What is wrong so far.
        init: Whether it is an init container.
    """
    name = container.get("name", "")
    if not name:
        errors.required(f"{path}.name")
    else:
        for message in dns_label(name):
            errors.invalid(f"{path}.name", name, message)
    image = container.get("image", "")
    if not image:
        errors.required(f"{path}.image")
    elif image != image.strip():
        errors.invalid(f"{path}.image", image, "must not have leading or trailing whitespace")
    policy = container.get("terminationMessagePolicy", "")
    if not policy:
        errors.required(f"{path}.terminationMessagePolicy")
    elif policy not in MESSAGE_POLICIES:
        errors.not_supported(f"{path}.terminationMessagePolicy", policy, MESSAGE_POLICIES)
    _check_ports(container.get("ports") or [], f"{path}.ports", errors)
    for index, variable in enumerate(container.get("env") or ()):
        _check_variable(variable, f"{path}.env[{index}]", errors)
    for index, source in enumerate(container.get("envFrom") or ()):
        _check_env_from(source, f"{path}.envFrom[{index}]", errors)
    _check_mounts(container.get("volumeMounts") or [], volumes, f"{path}.volumeMounts", errors)
    pull = container.get("imagePullPolicy", "")
    if not pull:
        errors.required(f"{path}.imagePullPolicy")
    elif pull not in PULL_POLICIES:
        errors.not_supported(f"{path}.imagePullPolicy", pull, PULL_POLICIES)
    check_resources(container.get("resources") or {}, f"{path}.resources", errors)
    _check_container_security(container.get("securityContext"), f"{path}.securityContext", errors)
    restart = container.get("restartPolicy")
    if init:
        always = restart == "Always"
        if restart is not None and restart not in ("Always", "Never", "OnFailure"):
            errors.not_supported(f"{path}.restartPolicy", restart, ["Always", "Never", "OnFailure"])
        if not always:
            for field in ("lifecycle", "livenessProbe", "readinessProbe", "startupProbe"):
                if container.get(field) is not None:
                    errors.forbidden(
                        f"{path}.{field}", "may not be set for init containers without restartPolicy=Always"
                    )
            return
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        if container.get(probe) is not None:
            check_probe(container[probe], probe, f"{path}.{probe}", errors)
    for hook in ("postStart", "preStop"):
        handler = (container.get("lifecycle") or {}).get(hook)
        if handler is not None:
            _check_handler(handler, f"{path}.lifecycle.{hook}", errors)


def _check_ports(ports: list[Object], path: str, errors: FieldErrors) -> None:
    names: set[str] = set()
    for index, port in enumerate(ports):
        place = f"{path}[{index}]"
        name = port.get("name", "")
        if name:
            messages = port_name(name)
            for message in messages:
                errors.invalid(f"{place}.name", name, message)
            if not messages:
                if name in names:
                    errors.duplicate(f"{place}.name", name)
                names.add(name)
        if not port.get("containerPort"):
            errors.required(f"{place}.containerPort")
        else:
            for message in port_number(port["containerPort"]):
                errors.invalid(f"{place}.containerPort", port["containerPort"], message)
        if port.get("hostPort"):
            for message in port_number(port["hostPort"]):
                errors.invalid(f"{place}.hostPort", port["hostPort"], message)
        protocol = port.get("protocol", "")
        if not protocol:
            errors.required(f"{place}.protocol")
        elif protocol not in PROTOCOLS:
            errors.not_supported(f"{place}.protocol", protocol, PROTOCOLS)


def _check_variable(variable: Object, path: str, errors: FieldErrors) -> None:
    name = variable.get("name", "")
    if not name:
        errors.required(f"{path}.name")
    else:
        for message in env_name(name):
            errors.invalid(f"{path}.name", name, message)
    source = variable.get("valueFrom")
    if source is None:
        return
    place = f"{path}.valueFrom"
    given = [field for field, value in source.items() if value is not None]
    if source.get("fieldRef") is not None:
        check_field_ref(source["fieldRef"], FIELD_PATHS, f"{place}.fieldRef", errors)
    if source.get("resourceFieldRef") is not None:
        check_resource_ref(source["resourceFieldRef"], f"{place}.resourceFieldRef", errors, volume=False)
    for field in ("configMapKeyRef", "secretKeyRef"):
        if source.get(field) is not None:
            _check_key_ref(source[field], f"{place}.{field}", errors)
    if not given:
        errors.invalid(
            place,
            "",
            "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`",
        )
    elif variable.get("value"):
        errors.invalid(place, "", "may not be specified when `value` is not empty")
    elif len(given) > 1:
        errors.invalid(place, "", "may not have more than one field specified at a time")


def _check_key_ref(reference: Object, path: str, errors: FieldErrors) -> None:
    from labkit.apiserver.registry.names import config_key

    if not reference.get("name"):
        errors.required(f"{path}.name")
    key = reference.get("key", "")
    if not key:
        errors.required(f"{path}.key")
    else:
        for message in config_key(key):
            errors.invalid(f"{path}.key", key, message)


def check_field_ref(reference: Object, allowed: tuple[str, ...], path: str, errors: FieldErrors) -> None:
    """A reference to a field of the pod."""
    if not reference.get("apiVersion"):
        errors.required(f"{path}.apiVersion")
        return
    field = reference.get("fieldPath", "")
    if not field:
        errors.required(f"{path}.fieldPath")
        return
    if reference["apiVersion"] != "v1":
        errors.invalid(
            f"{path}.fieldPath",
            field,
            f"error converting fieldPath: unsupported pod version: {reference['apiVersion']}",
        )
        return
    subscript = SUBSCRIPT.match(field)
    if subscript is not None:
        base, key = subscript.groups()
        rule = qualified_name(key if base.endswith("labels") else key.lower())
        for message in rule:
            errors.invalid(path, key, message)
        return
    known = (*allowed, "metadata.labels", "metadata.annotations", "spec.restartPolicy", "spec.schedulerName",
             "status.phase", *FIELD_PATHS)  # fmt: skip
    if field not in known:
        errors.invalid(f"{path}.fieldPath", field, f"error converting fieldPath: field label not supported: {field}")
    elif field not in allowed:
        errors.not_supported(f"{path}.fieldPath", field, sorted(allowed))


def check_resource_ref(reference: Object, path: str, errors: FieldErrors, volume: bool) -> None:
    """A reference to a container's resource."""
    if volume and not reference.get("containerName"):
        errors.required(f"{path}.containerName")
        return
    resource = reference.get("resource", "")
    if not resource:
        errors.required(f"{path}.resource")
    elif resource not in RESOURCE_PATHS and not resource.startswith(("limits.hugepages-", "requests.hugepages-")):
        errors.not_supported(f"{path}.resource", resource, RESOURCE_PATHS)


def _check_env_from(source: Object, path: str, errors: FieldErrors) -> None:
    prefix = source.get("prefix", "")
    for message in env_name(prefix) if prefix else ():
        errors.invalid(f"{path}.prefix", prefix, message)
    given = [field for field in ("configMapRef", "secretRef") if source.get(field) is not None]
    for field in given:
        if not source[field].get("name"):
            errors.required(f"{path}.{field}.name")
    if not given:
        errors.invalid(path, "", "must specify one of: `configMapRef` or `secretRef`")
    elif len(given) > 1:
        errors.invalid(path, "", "may not have more than one field specified at a time")


def _check_mounts(mounts: list[Object], volumes: dict[str, Object], path: str, errors: FieldErrors) -> None:
    points: set[str] = set()
    for index, mount in enumerate(mounts):
        place = f"{path}[{index}]"
        name = mount.get("name", "")
        if not name:
            errors.required(f"{place}.name")
        elif name not in volumes:
            errors.not_found(f"{place}.name", name)
        point = mount.get("mountPath", "")
        if not point:
            errors.required(f"{place}.mountPath")
        if point in points:
            errors.invalid(f"{place}.mountPath", point, "must be unique")
        points.add(point)
        for field in ("subPath", "subPathExpr"):
            value = mount.get(field, "")
            if value.startswith("/"):
                errors.invalid(f"{place}.{field}", value, "must be a relative path")
            elif ".." in value.split("/"):
                errors.invalid(f"{place}.{field}", value, "must not contain '..'")
        if mount.get("subPath") and mount.get("subPathExpr"):
            errors.invalid(
                f"{place}.subPathExpr", mount["subPathExpr"], "subPathExpr and subPath are mutually exclusive"
            )
        propagation = mount.get("mountPropagation")
        if propagation is not None and propagation not in ("None", "HostToContainer", "Bidirectional"):
            errors.not_supported(f"{place}.mountPropagation", propagation, ["Bidirectional", "HostToContainer", "None"])


def check_resources(resources: Object, path: str, errors: FieldErrors) -> None:
    """Requests and limits of a container."""
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    for list_name, amounts in (("limits", limits), ("requests", requests)):
        for name, value in amounts.items():
            place = f"{path}.{list_name}[{name}]"
            _check_resource_name(name, place, errors)
            amount = _amount(value)
            if amount < 0:
                errors.invalid(place, value, "must be greater than or equal to 0")
    for name, value in requests.items():
        if name in limits and _amount(value) > _amount(limits[name]):
            errors.invalid(f"{path}.requests", value, f"must be less than or equal to {name} limit of {limits[name]}")


def _amount(value: Any) -> int:
    try:
        return parse_quantity(str(value))[0]
    except BadValue:
        return 0


def _check_resource_name(name: str, path: str, errors: FieldErrors) -> None:
    for message in qualified_name(name):
        errors.invalid(path, name, message)
    if "/" not in name and name not in CONTAINER_RESOURCES and not name.startswith("hugepages-"):
        errors.invalid(path, name, "must be a standard resource type or fully qualified")
        errors.invalid(path, name, "must be a standard resource for containers")


def check_probe(probe: Object, kind: str, path: str, errors: FieldErrors) -> None:
    """A probe."""
    _check_handler(probe, path, errors)
    for field in ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"):
        if probe.get(field, 0) < 0:
            errors.invalid(f"{path}.{field}", probe[field], "must be greater than or equal to 0")
    grace = probe.get("terminationGracePeriodSeconds")
    if grace is not None and grace <= 0:
        errors.invalid(f"{path}.terminationGracePeriodSeconds", grace, "must be greater than 0")
    if kind != "readinessProbe" and probe.get("successThreshold", 1) != 1:
        errors.invalid(f"{path}.successThreshold", probe["successThreshold"], "must be 1")


def _check_handler(handler: Object, path: str, errors: FieldErrors) -> None:
    count = 0
    for field in ("exec", "httpGet", "tcpSocket", "grpc", "sleep"):
        action = handler.get(field)
        if action is None:
            continue
        if count:
            errors.forbidden(f"{path}.{field}", "may not specify more than 1 handler type")
            continue
        count += 1
        if field == "exec" and not action.get("command"):
            errors.required(f"{path}.exec.command")
        elif field == "httpGet":
            if not action.get("path"):
                errors.required(f"{path}.httpGet.path")
            check_port(action.get("port"), f"{path}.httpGet.port", errors)
            if action.get("scheme") not in ("HTTP", "HTTPS"):
                errors.not_supported(f"{path}.httpGet.scheme", action.get("scheme", ""), ["HTTP", "HTTPS"])
            for index, header in enumerate(action.get("httpHeaders") or ()):
                for message in http_header(header.get("name", "")):
                    errors.invalid(f"{path}.httpGet.httpHeaders[{index}].name", header.get("name", ""), message)
        elif field in ("tcpSocket", "grpc"):
            check_port(action.get("port"), f"{path}.{field}.port", errors)
    if not count:
        errors.required(path, "must specify a handler type")


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
            f"{path}.shareProcessNamespace", True, "ShareProcessNamespace and HostPID cannot both be enabled"
        )
    _check_seccomp(context.get("seccompProfile"), f"{path}.securityContext.seccompProfile", errors)


def _check_seccomp(profile: Object | None, path: str, errors: FieldErrors) -> None:
    if profile is None:
        return
    kind = profile.get("type", "")
    if kind == "Localhost":
        if not profile.get("localhostProfile"):
            errors.required(f"{path}.localhostProfile", "must be set when seccomp type is Localhost")
    elif profile.get("localhostProfile") is not None:
        errors.invalid(
            f"{path}.localhostProfile", profile["localhostProfile"], "can only be set when seccomp type is Localhost"
        )
    if not kind:
        errors.required(f"{path}.type", "type is required when seccompProfile is set")
    elif kind not in ("Localhost", "RuntimeDefault", "Unconfined"):
        errors.not_supported(f"{path}.type", kind, ["Localhost", "RuntimeDefault", "Unconfined"])


def _check_container_security(context: Object | None, path: str, errors: FieldErrors) -> None:
    if context is None:
        return
    for field in ("runAsUser", "runAsGroup"):
        value = context.get(field)
        if value is not None and not 0 <= value <= 2**31 - 1:
            errors.invalid(f"{path}.{field}", value, between(0, 2**31 - 1))
    mount = context.get("procMount")
    if mount is not None and mount not in ("Default", "Unmasked"):
        errors.not_supported(f"{path}.procMount", mount, ["Default", "Unmasked"])
    _check_seccomp(context.get("seccompProfile"), f"{path}.seccompProfile", errors)
    if context.get("allowPrivilegeEscalation") is False:
        if context.get("privileged"):
            errors.invalid(
                path, go_security(context), "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"
            )
        elif "CAP_SYS_ADMIN" in ((context.get("capabilities") or {}).get("add") or ()):
            errors.invalid(
                path,
                go_security(context),
                "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN",
            )


def go_security(context: Object) -> Object:
    """A container's security context as messages show it: with Go's names."""
    names = (
        ("Capabilities", "capabilities"),
        ("Privileged", "privileged"),
        ("SELinuxOptions", "seLinuxOptions"),
        ("WindowsOptions", "windowsOptions"),
        ("RunAsUser", "runAsUser"),
        ("RunAsGroup", "runAsGroup"),
        ("RunAsNonRoot", "runAsNonRoot"),
        ("ReadOnlyRootFilesystem", "readOnlyRootFilesystem"),
        ("AllowPrivilegeEscalation", "allowPrivilegeEscalation"),
        ("ProcMount", "procMount"),
        ("SeccompProfile", "seccompProfile"),
        ("AppArmorProfile", "appArmorProfile"),
    )
    return {go: context.get(name) for go, name in names}


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


def check_affinity(affinity: Object | None, path: str, errors: FieldErrors) -> None:
    """Node and pod affinity: selectors that make sense."""
    if affinity is None:
        return
    node = affinity.get("nodeAffinity") or {}
    required = node.get("requiredDuringSchedulingIgnoredDuringExecution")
    if required is not None:
        place = f"{path}.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms"
        terms = required.get("nodeSelectorTerms") or []
        if not terms:
            errors.required(place, "must have at least one node selector term")
        for index, term in enumerate(terms):
            _check_node_term(term, f"{place}[{index}]", errors)
    for form in ("podAffinity", "podAntiAffinity"):
        rules = affinity.get(form) or {}
        place = f"{path}.{form}.requiredDuringSchedulingIgnoredDuringExecution"
        for index, term in enumerate(rules.get("requiredDuringSchedulingIgnoredDuringExecution") or ()):
            validate_selector(term.get("labelSelector"), f"{place}[{index}].labelSelector", errors)
            if not term.get("topologyKey"):
                errors.required(f"{place}[{index}].topologyKey", "can not be empty")


def _check_node_term(term: Object, path: str, errors: FieldErrors) -> None:
    for index, requirement in enumerate(term.get("matchExpressions") or ()):
        place = f"{path}.matchExpressions[{index}]"
        operator, values = requirement.get("operator", ""), requirement.get("values") or []
        if operator in ("In", "NotIn"):
            if not values:
                errors.required(f"{place}.values", "must be specified when `operator` is 'In' or 'NotIn'")
        elif operator in ("Exists", "DoesNotExist"):
            if values:
                errors.forbidden(
                    f"{place}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
                )
        elif operator in ("Gt", "Lt"):
            if len(values) != 1:
                errors.required(f"{place}.values", "must be specified single value when `operator` is 'Lt' or 'Gt'")
        else:
            errors.invalid(f"{place}.operator", operator, "not a valid selector operator")
        for message in qualified_name(requirement.get("key", "")):
            errors.invalid(f"{place}.key", requirement.get("key", ""), message)


def check_tolerations(tolerations: list[Object], path: str, errors: FieldErrors) -> None:
    """Tolerations."""
    for index, toleration in enumerate(tolerations):
        place = f"{path}[{index}]"
        key, operator = toleration.get("key", ""), toleration.get("operator", "")
        effect, value = toleration.get("effect", ""), toleration.get("value", "")
        if key:
            for message in qualified_name(key):
                errors.invalid(f"{place}.key", key, message)
        elif operator != "Exists":
            errors.invalid(
                f"{place}.operator",
                operator,
                'operator must be Exists when `key` is empty, which means "match all values and all keys"',
            )
        if toleration.get("tolerationSeconds") is not None and effect != "NoExecute":
            errors.invalid(f"{place}.effect", effect, "effect must be 'NoExecute' when `tolerationSeconds` is set")
        if operator in ("", "Equal"):
            messages = label_value(value)
            if messages:
                errors.invalid(f"{place}.operator", value, ";".join(messages))
        elif operator == "Exists":
            if value:
                errors.invalid(f"{place}.operator", toleration, "value must be empty when `operator` is 'Exists'")
        else:
            errors.not_supported(f"{place}.operator", operator, ["Equal", "Exists"])
        if effect and effect not in EFFECTS:
            errors.not_supported(f"{place}.effect", effect, EFFECTS)


def _check_spread(constraints: list[Object], path: str, errors: FieldErrors) -> None:
    for index, constraint in enumerate(constraints):
        place = f"{path}[{index}]"
        if constraint.get("maxSkew", 0) <= 0:
            errors.invalid(f"{place}.maxSkew", constraint.get("maxSkew", 0), "must be greater than zero")
        if not constraint.get("topologyKey"):
            errors.required(f"{place}.topologyKey", "can not be empty")
        action = constraint.get("whenUnsatisfiable", "")
        if action not in ("DoNotSchedule", "ScheduleAnyway"):
            errors.not_supported(f"{place}.whenUnsatisfiable", action, ["DoNotSchedule", "ScheduleAnyway"])
        validate_selector(constraint.get("labelSelector"), f"{place}.labelSelector", errors)


def check_volumes(volumes: list[Object], path: str, errors: FieldErrors) -> dict[str, Object]:
    """The volumes of a pod.

    Returns:
        Those with good names, by name.
    """
    known: dict[str, Object] = {}
    for index, volume in enumerate(volumes):
        place = f"{path}[{index}]"
        before = len(errors)
        _check_source(volume, place, errors)
        name = volume.get("name", "")
        if not name:
            errors.required(f"{place}.name")
        else:
            for message in dns_label(name):
                errors.invalid(f"{place}.name", name, message)
            if name in known:
                errors.duplicate(f"{place}.name", name)
        if len(errors) == before:
            known[name] = volume
    return known


def _check_source(volume: Object, path: str, errors: FieldErrors) -> None:
    count = 0
    for field, source in volume.items():
        if field == "name" or source is None:
            continue
        count += 1
        if count > 1:
            errors.forbidden(f"{path}.{field}", "may not specify more than 1 volume type")
            continue
        place = f"{path}.{field}"
        if field == "hostPath":
            check_host_path(source, place, errors)
        elif field == "secret":
            if not source.get("secretName"):
                errors.required(f"{place}.secretName")
            _check_mode(source.get("defaultMode"), f"{place}.defaultMode", errors)
            _check_items(source.get("items") or [], f"{place}.items", errors)
        elif field == "configMap":
            if not source.get("name"):
                errors.required(f"{place}.name")
            _check_mode(source.get("defaultMode"), f"{place}.defaultMode", errors)
            _check_items(source.get("items") or [], f"{place}.items", errors)
        elif field == "persistentVolumeClaim":
            if not source.get("claimName"):
                errors.required(f"{place}.claimName")
        elif field == "projected":
            _check_projected(source, place, errors)
        elif field == "downwardAPI":
            _check_mode(source.get("defaultMode"), f"{place}.defaultMode", errors)
            for index, item in enumerate(source.get("items") or ()):
                _check_downward(item, f"{place}.items[{index}]", errors)
        elif field == "nfs":
            for name in ("server", "path"):
                if not source.get(name):
                    errors.required(f"{place}.{name}")
        elif field == "emptyDir" and _amount(source.get("sizeLimit", 0)) < 0:
            errors.forbidden(f"{place}.sizeLimit", "SizeLimit field must be a valid resource quantity")


def check_host_path(source: Object, path: str, errors: FieldErrors) -> None:
    """A path on the node."""
    place = source.get("path", "")
    if not place:
        errors.required(f"{path}.path")
    elif ".." in place.split("/"):
        errors.invalid(f"{path}.path", place, "must not contain '..'")
    kind = source.get("type") or ""
    kinds = ("", "DirectoryOrCreate", "Directory", "FileOrCreate", "File", "Socket", "CharDevice", "BlockDevice")
    if kind not in kinds:
        errors.not_supported(f"{path}.type", kind, sorted(kinds))


def _check_mode(mode: int | None, path: str, errors: FieldErrors) -> None:
    if mode is not None and not 0 <= mode <= 0o777:
        errors.invalid(path, mode, "must be a number between 0 and 0777 (octal), both inclusive")


def _check_items(items: list[Object], path: str, errors: FieldErrors) -> None:
    for index, item in enumerate(items):
        if not item.get("key"):
            errors.required(f"{path}[{index}].key")
        _check_relative(item.get("path", ""), f"{path}[{index}].path", errors)
        _check_mode(item.get("mode"), f"{path}[{index}].mode", errors)


def _check_relative(value: str, path: str, errors: FieldErrors) -> None:
    if not value:
        errors.required(path)
        return
    if value.startswith("/"):
        errors.invalid(path, value, "must be a relative path")
    if ".." in value.split("/"):
        errors.invalid(path, value, "must not contain '..'")
    elif value.startswith(".."):
        errors.invalid(path, value, "must not start with '..'")


def _check_downward(item: Object, path: str, errors: FieldErrors) -> None:
    _check_relative(item.get("path", ""), f"{path}.path", errors)
    if item.get("fieldRef") is not None:
        check_field_ref(item["fieldRef"], VOLUME_FIELD_PATHS, f"{path}.fieldRef", errors)
        if item.get("resourceFieldRef") is not None:
            errors.invalid(path, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously")
    elif item.get("resourceFieldRef") is not None:
        check_resource_ref(item["resourceFieldRef"], f"{path}.resourceFieldRef", errors, volume=True)
    else:
        errors.required(path, "one of fieldRef and resourceFieldRef is required")
    _check_mode(item.get("mode"), f"{path}.mode", errors)


def _check_projected(source: Object, path: str, errors: FieldErrors) -> None:
    _check_mode(source.get("defaultMode"), f"{path}.defaultMode", errors)
    for index, projection in enumerate(source.get("sources") or ()):
        place = f"{path}.sources[{index}]"
        given = [field for field, value in projection.items() if value is not None]
        for field in given[1:]:
            errors.forbidden(f"{place}.{field}", "may not specify more than 1 volume type per source")
        token = projection.get("serviceAccountToken")
        if token is not None:
            seconds = token.get("expirationSeconds") or 0
            if seconds < 600:
                errors.invalid(
                    f"{place}.serviceAccountToken.expirationSeconds",
                    seconds,
                    "may not specify a duration less than 10 minutes",
                )
            if seconds > 2**32:
                errors.invalid(
                    f"{place}.serviceAccountToken.expirationSeconds",
                    seconds,
                    "may not specify a duration larger than 2^32 seconds",
                )
            if not token.get("path"):
                errors.required(f"{place}.serviceAccountToken.path")
            else:
                _check_relative(token["path"], f"{place}.serviceAccountToken.path", errors)
        for field in ("secret", "configMap"):
            part = projection.get(field)
            if part is not None:
                if not part.get("name"):
                    errors.required(f"{place}.{field}.name")
                _check_items(part.get("items") or [], f"{place}.{field}.items", errors)
        for number, item in enumerate((projection.get("downwardAPI") or {}).get("items") or ()):
            _check_downward(item, f"{place}.downwardAPI.items[{number}]", errors)
