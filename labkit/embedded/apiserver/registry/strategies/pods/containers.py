"""Validation of containers.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go`` (``validateContainers``,
``validateInitContainers``, ``validateEphemeralContainers``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.names import dns_label, port_name, port_number
from labkit.embedded.apiserver.registry.strategies.pods.environment import check_environment
from labkit.embedded.apiserver.registry.strategies.pods.mounts import check_mounts
from labkit.embedded.apiserver.registry.strategies.pods.probes import PROBES, check_hooks
from labkit.embedded.apiserver.registry.strategies.pods.resources import check_resources
from labkit.embedded.apiserver.registry.strategies.pods.restarts import (
    check_resize_policy,
    check_restarts,
)
from labkit.embedded.apiserver.registry.strategies.pods.security_contexts import (
    check_container_security,
)
from labkit.embedded.machinery.request import Object

PULL_POLICIES = ("Always", "IfNotPresent", "Never")
PROTOCOLS = ("SCTP", "TCP", "UDP")
SIDECARS_ONLY = "may not be set for init containers without restartPolicy=Always"
NOT_EPHEMERAL = "cannot be set for an Ephemeral Container"
REFUSED_FIELDS = (
    "ports",
    "resources",
    "resizePolicy",
    "restartPolicy",
    "restartPolicyRules",
    *PROBES,
    "lifecycle",
)
"""Fields that ephemeral containers lack."""


@dataclass(frozen=True, slots=True)
class PodFacts:
    """The facts about a pod that the validation of its containers uses."""

    volumes: dict[str, Object]
    """Its good volumes, by name."""
    grace: int | None
    """How many seconds it may take to end."""
    restart: str
    host_users: bool
    """Whether its users are the node's."""
    claims: frozenset[str]
    """The names of its resource claims."""


def pod_facts(spec: Object, volumes: dict[str, Object]) -> PodFacts:
    """Collect the facts of a PodSpec with these good volumes."""
    return PodFacts(
        volumes,
        spec.get("terminationGracePeriodSeconds"),
        spec.get("restartPolicy", ""),
        spec.get("hostUsers") is not False,
        frozenset(claim["name"] for claim in spec.get("resourceClaims") or () if claim.get("name")),
    )


def check_containers(spec: Object, facts: PodFacts, path: str, errors: FieldErrors) -> None:
    """Check the ordinary, the init and the ephemeral containers, in this order."""
    _check_ordinary(spec.get("containers") or [], facts, f"{path}.containers", errors)
    _check_init(spec, facts, f"{path}.initContainers", errors)
    _check_ephemeral(spec, facts, f"{path}.ephemeralContainers", errors)


def _check_ordinary(
    containers: list[Object], facts: PodFacts, path: str, errors: FieldErrors
) -> None:
    errors.check_present(path, containers)
    names: set[str] = set()
    for index, container in enumerate(containers):
        place, name = f"{path}[{index}]", container.get("name", "")
        _check_common(container, facts, place, errors)
        errors.check_unique(f"{place}.name", name, names)
        check_hooks(container, facts.grace, place, errors)
        check_restarts(container, place, errors)
    _check_host_ports(containers, path, errors)


def _check_init(spec: Object, facts: PodFacts, path: str, errors: FieldErrors) -> None:
    names = {container.get("name", "") for container in spec.get("containers") or ()}
    for index, container in enumerate(spec.get("initContainers") or ()):
        place, name = f"{path}[{index}]", container.get("name", "")
        _check_common(container, facts, place, errors)
        check_restarts(container, place, errors, init=True)
        if name in names:
            errors.duplicate(f"{place}.name", name)
        elif name:
            names.add(name)
        _check_host_ports([container], path, errors)
        if container.get("restartPolicy") == "Always":
            check_hooks(container, facts.grace, place, errors)
        else:
            for field in ("lifecycle", *PROBES):
                if container.get(field) is not None:
                    errors.forbidden(f"{place}.{field}", SIDECARS_ONLY)
            for number, policy in enumerate(container.get("resizePolicy") or ()):
                if policy.get("restartPolicy") == "RestartContainer":
                    why = "must not be set to 'RestartContainer' for non-sidecar initContainers"
                    errors.invalid(
                        f"{place}.resizePolicy[{number}].restartPolicy", "RestartContainer", why
                    )


def _check_ephemeral(spec: Object, facts: PodFacts, path: str, errors: FieldErrors) -> None:
    others = {
        item.get("name", "")
        for form in ("containers", "initContainers")
        for item in spec.get(form) or ()
    }
    names = set(others)
    for index, container in enumerate(spec.get("ephemeralContainers") or ()):
        place, name = f"{path}[{index}]", container.get("name", "")
        _check_common(container, facts, place, errors)
        check_image_padding([container], place, errors, listed=False)
        errors.check_unique(f"{place}.name", name, names)
        target = container.get("targetContainerName")
        if target and target not in others:
            errors.not_found(f"{place}.targetContainerName", target)
        for field in REFUSED_FIELDS:
            value = container.get(field)
            if value if field == "resources" else value is not None:
                errors.forbidden(f"{place}.{field}", NOT_EPHEMERAL)
        for number, mount in enumerate(container.get("volumeMounts") or ()):
            for field in ("subPath", "subPathExpr"):
                if mount.get(field):
                    errors.forbidden(f"{place}.volumeMounts[{number}].{field}", NOT_EPHEMERAL)


def check_image_padding(
    containers: Iterable[Object], path: str, errors: FieldErrors, listed: bool = True
) -> None:
    """Refuse blanks around the images of a pod, which templates may have.

    ``path`` is that of a list unless ``listed`` is false: then it is that of the only container.
    """
    for index, container in enumerate(containers):
        image = container.get("image", "")
        if image != image.strip():
            place = f"{path}[{index}]" if listed else path
            errors.invalid(f"{place}.image", image, "must not have leading or trailing whitespace")


def _check_common(container: Object, facts: PodFacts, path: str, errors: FieldErrors) -> None:
    errors.check_required(f"{path}.name", container.get("name", ""), dns_label)
    errors.check_present(f"{path}.image", container.get("image"))
    errors.check_required_choice(
        f"{path}.terminationMessagePolicy",
        container.get("terminationMessagePolicy"),
        ("File", "FallbackToLogsOnError"),
    )
    _check_ports(container.get("ports") or [], f"{path}.ports", errors)
    check_environment(container, path, errors)
    check_mounts(container, facts.volumes, path, errors)
    errors.check_required_choice(
        f"{path}.imagePullPolicy", container.get("imagePullPolicy"), PULL_POLICIES
    )
    check_resources(
        container.get("resources") or {}, f"{path}.resources", errors, claims=facts.claims
    )
    check_resize_policy(container, facts.restart, path, errors)
    check_container_security(
        container.get("securityContext"), f"{path}.securityContext", facts.host_users, errors
    )


def _check_ports(ports: list[Object], path: str, errors: FieldErrors) -> None:
    names: set[str] = set()
    for index, port in enumerate(ports):
        place, name = f"{path}[{index}]", port.get("name", "")
        if name and errors.check_format(f"{place}.name", name, port_name):
            errors.check_unique(f"{place}.name", name, names)
        errors.check_present(f"{place}.containerPort", port.get("containerPort"))
        for field in ("containerPort", "hostPort"):
            errors.check_if_given(f"{place}.{field}", port.get(field), port_number)
        errors.check_required_choice(f"{place}.protocol", port.get("protocol"), PROTOCOLS)


def _check_host_ports(containers: list[Object], path: str, errors: FieldErrors) -> None:
    """Refuse host ports that are taken twice."""
    taken: set[str] = set()
    for index, container in enumerate(containers):
        for number, port in enumerate(container.get("ports") or ()):
            if not port.get("hostPort"):
                continue
            shown = f"{port.get('protocol', '')}/{port.get('hostIP', '')}/{port['hostPort']}"
            errors.check_unique(f"{path}[{index}].ports[{number}].hostPort", shown, taken)
