"""One container of a pod.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go``.
"""

from __future__ import annotations

from labkit.apiserver.registry.errors import FieldErrors
from labkit.apiserver.registry.names import (
    between,
    dns_label,
    dns_subdomain,
    env_name,
    http_header,
    port_name,
    port_number,
)
from labkit.apiserver.registry.strategies.containerresources import check_resources
from labkit.apiserver.registry.strategies.core import check_port
from labkit.apiserver.registry.strategies.references import (
    FIELD_PATHS,
    check_field_ref,
    check_key_ref,
    check_resource_ref,
)
from labkit.apiserver.request import Object

PULL_POLICIES = ("Always", "IfNotPresent", "Never")
MESSAGE_POLICIES = ("FallbackToLogsOnError", "File")
PROTOCOLS = ("SCTP", "TCP", "UDP")


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
    _check_mounts(container, volumes, f"{path}.volumeMounts", errors)
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
            check_key_ref(source[field], f"{place}.{field}", errors)
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


def _check_env_from(source: Object, path: str, errors: FieldErrors) -> None:
    prefix = source.get("prefix", "")
    for message in env_name(prefix) if prefix else ():
        errors.invalid(f"{path}.prefix", prefix, message)
    whole = path.rpartition("[")[0]  # these are said of the list
    given = [field for field in ("configMapRef", "secretRef") if source.get(field) is not None]
    for field in given:
        name = source[field].get("name", "")
        if not name:
            errors.required(f"{path}.{field}.name")
        for message in dns_subdomain(name) if name else ():
            errors.invalid(f"{path}.{field}.name", name, message)
    if not given:
        errors.invalid(whole, "", "must specify one of: `configMapRef` or `secretRef`")
    elif len(given) > 1:
        errors.invalid(whole, "", "may not have more than one field specified at a time")


def _check_mounts(container: Object, volumes: dict[str, Object], path: str, errors: FieldErrors) -> None:
    points: set[str] = set()
    for index, mount in enumerate(container.get("volumeMounts") or ()):
        place = f"{path}[{index}]"
        name = mount.get("name", "")
        if not name:
            errors.required(f"{place}.name")
        if name not in volumes:
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
                errors.invalid(f"{path}.{field}", value, "must be a relative path")
            elif ".." in value.split("/"):
                errors.invalid(f"{path}.{field}", value, "must not contain '..'")
        if mount.get("subPath") and mount.get("subPathExpr"):
            errors.invalid(
                f"{place}.subPathExpr", mount["subPathExpr"], "subPathExpr and subPath are mutually exclusive"
            )
        propagation = mount.get("mountPropagation")
        if propagation is not None and propagation not in ("None", "HostToContainer", "Bidirectional"):
            errors.not_supported(f"{path}.mountPropagation", propagation, ["Bidirectional", "HostToContainer", "None"])
        if propagation == "Bidirectional" and not (container.get("securityContext") or {}).get("privileged"):
            why = "Bidirectional mount propagation is available only to privileged containers"
            errors.forbidden(f"{path}.mountPropagation", why)


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
            for header in action.get("httpHeaders") or ():
                for message in http_header(header.get("name", "")):
                    errors.invalid(f"{path}.httpGet.httpHeaders", header.get("name", ""), message)
        elif field in ("tcpSocket", "grpc"):
            check_port(action.get("port"), f"{path}.{field}.port", errors)
    if not count:
        errors.required(path, "must specify a handler type")


def check_seccomp(profile: Object | None, path: str, errors: FieldErrors) -> None:
    """A seccomp profile."""
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
    check_seccomp(context.get("seccompProfile"), f"{path}.seccompProfile", errors)
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
