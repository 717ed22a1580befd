"""Rules for containers, their ports and their mounts."""

from typing import Any

from kube_embedded.machinery.request import Object

from ...errors import FieldErrors
from ...names import dns_label, port_name, port_number
from ..fields.paths import check_descending
from ..fields.rules import (
    choice,
    each,
    fields,
    forbidden,
    if_set,
    must,
    present,
    required,
    required_choice,
)
from .environment import VARIABLES, check_env_from
from .lifecycle import PROBES, check_resize_policy, check_restarts, hooks
from .resources import check_resources
from .security import check_container_security

PULL_POLICY = required_choice("Always", "IfNotPresent", "Never")

# pkg/apis/core/validation/validation.go: validateContainerPorts
PORT = fields(
    containerPort=required(port_number),
    hostPort=if_set(port_number),
    protocol=required_choice("SCTP", "TCP", "UDP"),
)


def _check_ports(ports: Any, path: str, errors: FieldErrors) -> None:
    names: set[str] = set()
    for index, port in enumerate(ports or ()):
        field_path = f"{path}[{index}]"
        name = port.get("name")
        if name and errors.check_format(f"{field_path}.name", name, port_name):
            errors.check_unique(f"{field_path}.name", name, names)
        PORT(port, field_path, errors)


# pkg/apis/core/validation/validation.go: validateContainerCommon, whose checks come before and after the mounts
COMMON = fields(
    name=required(dns_label),
    image=present,
    terminationMessagePolicy=required_choice("File", "FallbackToLogsOnError"),
    ports=_check_ports,
    env=VARIABLES,
    envFrom=check_env_from,
)
PULLED = fields(imagePullPolicy=PULL_POLICY)
# pkg/apis/core/validation/validation.go: ValidatePodSpec, whose templates may have blanks around images
UNPADDED = fields(
    image=must(lambda image: image == image.strip(), "must not have leading or trailing whitespace")
)
# pkg/apis/core/validation/validation.go: validateInitContainers
NO_SIDECAR = fields(
    **dict.fromkeys(
        ("lifecycle", *PROBES),
        forbidden("may not be set for init containers without restartPolicy=Always"),
    ),
    resizePolicy=each(
        fields(
            restartPolicy=must(
                lambda policy: policy != "RestartContainer",
                "must not be set to 'RestartContainer' for non-sidecar initContainers",
            )
        )
    ),
)
# pkg/apis/core/validation/validation.go: validateEphemeralContainers, allowedEphemeralContainerFields
NOT_EPHEMERAL = forbidden("cannot be set for an Ephemeral Container")
EPHEMERAL = fields(
    ports=NOT_EPHEMERAL,
    # The struct is always present, because it is not a pointer.
    resources=lambda value, path, errors: NOT_EPHEMERAL(value or None, path, errors),
    resizePolicy=NOT_EPHEMERAL,
    restartPolicy=NOT_EPHEMERAL,
    restartPolicyRules=NOT_EPHEMERAL,
    **dict.fromkeys((*PROBES, "lifecycle"), NOT_EPHEMERAL),
    volumeMounts=each(fields(subPath=NOT_EPHEMERAL, subPathExpr=NOT_EPHEMERAL)),
)


def check_containers(
    spec: Object, volumes: dict[str, Object], path: str, errors: FieldErrors
) -> None:
    """Check the ordinary, the init and the ephemeral containers of a PodSpec, in this order.

    ``volumes`` are its valid volumes, by name.
    """
    names: set[str] = set()
    run_hooks = hooks(spec.get("terminationGracePeriodSeconds"))
    containers = spec.get("containers") or []
    errors.check_present(f"{path}.containers", containers)
    for index, container in enumerate(containers):
        field_path = f"{path}.containers[{index}]"
        _check_common(container, spec, volumes, field_path, errors)
        errors.check_unique(f"{field_path}.name", container.get("name", ""), names)
        run_hooks(container, field_path, errors)
        check_restarts(container, field_path, errors)
    _check_host_ports(containers, f"{path}.containers", errors)
    for index, container in enumerate(spec.get("initContainers") or ()):
        field_path = f"{path}.initContainers[{index}]"
        _check_common(container, spec, volumes, field_path, errors)
        check_restarts(container, field_path, errors, init=True)
        name = container.get("name", "")
        if name or name in names:
            errors.check_unique(f"{field_path}.name", name, names)
        # One at a time: init containers can use the same ports. The cause always names the first container.
        _check_host_ports([container], f"{path}.initContainers", errors)
        rule = run_hooks if container.get("restartPolicy") == "Always" else NO_SIDECAR
        rule(container, field_path, errors)
    others = frozenset(names)
    for index, container in enumerate(spec.get("ephemeralContainers") or ()):
        field_path = f"{path}.ephemeralContainers[{index}]"
        _check_common(container, spec, volumes, field_path, errors)
        UNPADDED(container, field_path, errors)
        errors.check_unique(f"{field_path}.name", container.get("name", ""), names)
        target = container.get("targetContainerName")
        if target and target not in others:
            errors.not_found(f"{field_path}.targetContainerName", target)
        EPHEMERAL(container, field_path, errors)


def _check_common(
    container: Object, spec: Object, volumes: dict[str, Object], path: str, errors: FieldErrors
) -> None:
    COMMON(container, path, errors)
    _check_mounts(container, volumes, path, errors)
    PULLED(container, path, errors)
    claims = [claim["name"] for claim in spec.get("resourceClaims") or () if claim.get("name")]
    check_resources(
        container.get("resources") or {}, f"{path}.resources", errors, claims=frozenset(claims)
    )
    check_resize_policy(container, spec.get("restartPolicy", ""), path, errors)
    host_users = spec.get("hostUsers") is not False
    check_container_security(
        container.get("securityContext"), f"{path}.securityContext", errors, host_users=host_users
    )


def _check_host_ports(containers: list[Object], path: str, errors: FieldErrors) -> None:
    """Refuse host ports that are taken twice."""
    taken: set[str] = set()
    for index, container in enumerate(containers):
        for number, port in enumerate(container.get("ports") or ()):
            if port.get("hostPort"):
                printed = f"{port.get('protocol', '')}/{port.get('hostIP', '')}/{port['hostPort']}"
                errors.check_unique(f"{path}[{index}].ports[{number}].hostPort", printed, taken)


# pkg/apis/core/validation/validation.go: ValidateVolumeMounts, whose causes of options have no index
MOUNT_OPTIONS = fields(
    subPath=check_descending,
    subPathExpr=check_descending,
    mountPropagation=choice("Bidirectional", "HostToContainer", "None"),
    recursiveReadOnly=choice("Disabled", "Enabled", "IfPossible"),
)


def _check_mounts(
    container: Object, volumes: dict[str, Object], path: str, errors: FieldErrors
) -> None:
    field_path = f"{path}.volumeMounts"
    privileged = (container.get("securityContext") or {}).get("privileged")
    points: set[str] = set()
    for index, mount in enumerate(container.get("volumeMounts") or ()):
        _check_point(mount, "mountPath", volumes, points, f"{field_path}[{index}]", errors)
        MOUNT_OPTIONS(mount, field_path, errors)
        if mount.get("mountPropagation") == "Bidirectional" and not privileged:
            detail = "Bidirectional mount propagation is available only to privileged containers"
            errors.forbidden(f"{field_path}.mountPropagation", detail)
    points = set()
    names: set[str] = set()
    for index, device in enumerate(container.get("volumeDevices") or ()):
        where = f"{path}.volumeDevices[{index}]"
        # Unlike a mount, a device can be used only once.
        _check_new(device.get("name"), names, f"{where}.name", errors)
        _check_point(device, "devicePath", volumes, points, where, errors)


def _check_new(value: str | None, seen: set[str], path: str, errors: FieldErrors) -> None:
    if value in seen:
        errors.invalid(path, value, "must be unique")
    if value is not None:
        seen.add(value)


def _check_point(
    mount: Object,
    field: str,
    volumes: dict[str, Object],
    points: set[str],
    path: str,
    errors: FieldErrors,
) -> None:
    """Check the volume of a mount or a device, and its path in the container."""
    name = mount.get("name", "")
    errors.check_present(f"{path}.name", name)
    if name not in volumes:
        errors.not_found(f"{path}.name", name)
    point = mount.get(field, "")
    errors.check_present(f"{path}.{field}", point)
    _check_new(point, points, f"{path}.{field}", errors)
