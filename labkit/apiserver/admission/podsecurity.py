"""The pod security standards that a namespace's labels ask for.

Source: k8s.io/pod-security-admission ``policy``; the Kubernetes page *Pod Security Standards*.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from labkit.apiserver.admission.attributes import Attributes, Lookup, Ordinary
from labkit.apiserver.request import Object

PREFIX = "pod-security.kubernetes.io/"
LEVELS = ("privileged", "baseline", "restricted")
VERSION = re.compile(r"latest|v1\.(0|[1-9][0-9]*)")
HOST_NAMESPACES = ("hostNetwork", "hostPID", "hostIPC")
BASELINE_CAPABILITIES = frozenset(
    (
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    )
)
RESTRICTED_VOLUMES = frozenset(
    (
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
    )
)

Violation = tuple[str, str]
"""What is wrong, and where."""
Check = Callable[[Object], Violation | None]


def _containers(spec: Object) -> list[Object]:
    return [
        container
        for name in ("initContainers", "containers", "ephemeralContainers")
        for container in spec.get(name) or ()
    ]


def _security(container: Object) -> Object:
    return container.get("securityContext") or {}


def _quoted(names: list[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _named(word: str, names: list[str]) -> str:
    return f"{word}{'s' if len(names) != 1 else ''} {_quoted(names)}"


def _names(spec: Object, bad: Callable[[Object], bool]) -> list[str]:
    return [container.get("name", "") for container in _containers(spec) if bad(container)]


def host_namespaces(spec: Object) -> Violation | None:
    """Baseline: a pod stays in namespaces of its own."""
    used = [f"{name}=true" for name in HOST_NAMESPACES if spec.get(name)]
    return ("host namespaces", ", ".join(used)) if used else None


def privileged(spec: Object) -> Violation | None:
    """Baseline: no privileged containers."""
    names = _names(spec, lambda container: bool(_security(container).get("privileged")))
    return (
        ("privileged", f"{_named('container', names)} must not set securityContext.privileged=true") if names else None
    )


def added_capabilities(spec: Object) -> Violation | None:
    """Baseline: only harmless capabilities are added."""
    bad: set[str] = set()

    def adds(container: Object) -> bool:
        extra = set((_security(container).get("capabilities") or {}).get("add") or ()) - BASELINE_CAPABILITIES
        bad.update(extra)
        return bool(extra)

    names = _names(spec, adds)
    if not names:
        return None
    where = f"{_named('container', names)} must not include {_quoted(sorted(bad))} in securityContext.capabilities.add"
    return "non-default capabilities", where


def host_path_volumes(spec: Object) -> Violation | None:
    """Baseline: no directories of the node."""
    names = [volume["name"] for volume in spec.get("volumes") or () if volume.get("hostPath") is not None]
    return ("hostPath volumes", _named("volume", names)) if names else None


def host_ports(spec: Object) -> Violation | None:
    """Baseline: no ports of the node."""
    ports: set[int] = set()

    def uses(container: Object) -> bool:
        mine = {port["hostPort"] for port in container.get("ports") or () if port.get("hostPort")}
        ports.update(mine)
        return bool(mine)

    names = _names(spec, uses)
    if not names:
        return None
    verb = "uses" if len(names) == 1 else "use"
    noun = "hostPort" if len(ports) == 1 else "hostPorts"
    return "hostPort", f"{_named('container', names)} {verb} {noun} {', '.join(map(str, sorted(ports)))}"


def proc_mount(spec: Object) -> Violation | None:
    """Baseline: the usual masks over /proc."""
    names = _names(spec, lambda container: _security(container).get("procMount", "Default") != "Default")
    if not names:
        return None
    return "procMount", f'{_named("container", names)} must not set securityContext.procMount to "Unmasked"'


def unconfined_seccomp(spec: Object) -> Violation | None:
    """Baseline: seccomp is not switched off."""
    holders: list[str] = []
    if ((spec.get("securityContext") or {}).get("seccompProfile") or {}).get("type") == "Unconfined":
        holders.append("pod")
    names = _names(
        spec, lambda container: (_security(container).get("seccompProfile") or {}).get("type") == "Unconfined"
    )
    if names:
        holders.append(_named("container", names))
    if not holders:
        return None
    return "seccompProfile", f'{" and ".join(holders)} must not set securityContext.seccompProfile.type to "Unconfined"'


def restricted_volumes(spec: Object) -> Violation | None:
    """Restricted: only volumes that hold no part of the node."""
    bad: list[str] = []
    kinds: set[str] = set()
    for volume in spec.get("volumes") or ():
        extra = {name for name in volume if name != "name" and volume[name] is not None} - RESTRICTED_VOLUMES
        if extra:
            bad.append(volume["name"])
            kinds |= extra
    if not bad:
        return None
    verb = "uses" if len(bad) == 1 else "use"
    noun = "restricted volume type" + ("" if len(kinds) == 1 else "s")
    return "restricted volume types", f"{_named('volume', bad)} {verb} {noun} {_quoted(sorted(kinds))}"


def privilege_escalation(spec: Object) -> Violation | None:
    """Restricted: no way to more privileges."""
    names = _names(spec, lambda container: _security(container).get("allowPrivilegeEscalation") is not False)
    if not names:
        return None
    where = f"{_named('container', names)} must set securityContext.allowPrivilegeEscalation=false"
    return "allowPrivilegeEscalation != false", where


def kept_capabilities(spec: Object) -> Violation | None:
    """Restricted: all capabilities are dropped, and at most one is added again."""

    def keeps(container: Object) -> bool:
        return "ALL" not in ((_security(container).get("capabilities") or {}).get("drop") or ())

    bad: set[str] = set()

    def adds(container: Object) -> bool:
        extra = set((_security(container).get("capabilities") or {}).get("add") or ()) - {"NET_BIND_SERVICE"}
        bad.update(extra)
        return bool(extra)

    parts = []
    keeping, adding = _names(spec, keeps), _names(spec, adds)
    if keeping:
        parts.append(f'{_named("container", keeping)} must set securityContext.capabilities.drop=["ALL"]')
    if adding:
        parts.append(
            f"{_named('container', adding)} must not include {_quoted(sorted(bad))} in securityContext.capabilities.add"
        )
    return ("unrestricted capabilities", "; ".join(parts)) if parts else None


def _set_by_pod_or_all(spec: Object, holds: Callable[[Object], bool | None]) -> list[str]:
    """The containers that lack a setting which neither they nor the pod have; see ``holds``."""
    pod = holds(spec.get("securityContext") or {})
    return [
        container.get("name", "")
        for container in _containers(spec)
        if not (own if (own := holds(_security(container))) is not None else pod)
    ]


def run_as_root(spec: Object) -> Violation | None:
    """Restricted: containers must say that they do not run as root."""

    def holds(context: Object) -> bool | None:
        return context.get("runAsNonRoot")

    pod = (spec.get("securityContext") or {}).get("runAsNonRoot")
    explicit = _names(spec, lambda container: _security(container).get("runAsNonRoot") is False)
    if pod is False or explicit:
        holders = (["pod"] if pod is False else []) + ([_named("container", explicit)] if explicit else [])
        return "runAsNonRoot != true", f"{' and '.join(holders)} must not set securityContext.runAsNonRoot=false"
    names = _set_by_pod_or_all(spec, holds)
    if not names:
        return None
    return "runAsNonRoot != true", f"pod or {_named('container', names)} must set securityContext.runAsNonRoot=true"


def run_as_user(spec: Object) -> Violation | None:
    """Restricted: user 0 is not asked for."""
    holders = ["pod"] if (spec.get("securityContext") or {}).get("runAsUser") == 0 else []
    names = _names(spec, lambda container: _security(container).get("runAsUser") == 0)
    if names:
        holders.append(_named("container", names))
    return ("runAsUser=0", f"{' and '.join(holders)} must not set runAsUser=0") if holders else None


def chosen_seccomp(spec: Object) -> Violation | None:
    """Restricted: a seccomp profile is chosen."""

    def holds(context: Object) -> bool | None:
        kind = (context.get("seccompProfile") or {}).get("type")
        return None if kind is None else kind in ("RuntimeDefault", "Localhost")

    names = _set_by_pod_or_all(spec, holds)
    if not names:
        return None
    where = (
        f"pod or {_named('container', names)} must set securityContext.seccompProfile.type to "
        '"RuntimeDefault" or "Localhost"'
    )
    return "seccompProfile", where


BASELINE: tuple[Check, ...] = (
    added_capabilities,
    host_namespaces,
    host_path_volumes,
    host_ports,
    privileged,
    proc_mount,
    unconfined_seccomp,
)
RESTRICTED: tuple[Check, ...] = (
    host_namespaces,
    host_path_volumes,
    host_ports,
    privileged,
    proc_mount,
    privilege_escalation,
    kept_capabilities,
    restricted_volumes,
    run_as_root,
    run_as_user,
    chosen_seccomp,
)
"""The restricted checks stand in for the baseline's that are weaker."""


def violations(spec: Object, level: str) -> str:
    """What a pod does that a level forbids, as messages say it; empty if nothing."""
    checks = {"baseline": BASELINE, "restricted": RESTRICTED}.get(level, ())
    found = [violation for check in checks if (violation := check(spec)) is not None]
    return ", ".join(f"{reason} ({where})" for reason, where in found)


class PodSecurity(Ordinary):
    """Refuses, warns of, or notes pods that break their namespace's standard.

    Args:
        lookup: Reads namespaces.
    """

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup

    def validate(self, attributes: Attributes) -> None:
        """See ``Plugin``."""
        if attributes.resource != "pods" or attributes.group or attributes.obj is None:
            return
        if attributes.operation not in ("CREATE", "UPDATE") or attributes.subresource not in (
            "",
            "ephemeralcontainers",
        ):
            return
        if "spec" not in attributes.obj or (attributes.operation == "UPDATE" and not _significant(attributes)):
            return
        namespace = self._lookup("namespaces", "", attributes.namespace)
        labels: dict[str, Any] = (namespace["metadata"].get("labels") or {}) if namespace is not None else {}
        spec = attributes.obj["spec"]
        level, version = _policy(labels, "enforce")
        attributes.annotate(f"{PREFIX}enforce-policy", f"{level}:{version}")
        broken = violations(spec, level)
        audit_level, audit_version = _policy(labels, "audit")
        noted = violations(spec, audit_level)
        if noted:
            attributes.annotate(
                f"{PREFIX}audit-violations", f'would violate PodSecurity "{audit_level}:{audit_version}": {noted}'
            )
        if broken:
            raise attributes.refuse(f'violates PodSecurity "{level}:{version}": {broken}')
        warn_level, warn_version = _policy(labels, "warn")
        warned = violations(spec, warn_level)
        if warned:
            attributes.warn(f'would violate PodSecurity "{warn_level}:{warn_version}": {warned}')


def _policy(labels: dict[str, Any], mode: str) -> tuple[str, str]:
    """The level and version that a namespace asks for; what cannot be read is the strictest."""
    level = labels.get(PREFIX + mode, "privileged")
    version = labels.get(f"{PREFIX}{mode}-version", "latest")
    return (level if level in LEVELS else "restricted"), (version if VERSION.fullmatch(version) else "latest")


def _significant(attributes: Attributes) -> bool:
    """Whether an update changes what the standards look at: containers and their images."""
    if attributes.obj is None or attributes.old is None:
        return False
    new, old = attributes.obj["spec"], attributes.old["spec"]
    return any(new.get(name) != old.get(name) for name in ("containers", "initContainers", "ephemeralContainers"))
