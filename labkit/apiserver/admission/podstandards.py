"""What the pod security standards forbid.

Source: k8s.io/pod-security-admission ``policy``; the Kubernetes page *Pod Security Standards*.
"""

from __future__ import annotations

from collections.abc import Callable

from labkit.apiserver.quoting import go_quote
from labkit.apiserver.request import Object

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
SAFE_SYSCTLS = frozenset(
    (
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ping_group_range",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.tcp_wmem",
    )
)
LABELS_TYPES = ("", "container_engine_t", "container_init_t", "container_kvm_t", "container_t")
PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
HOOKS = ("postStart", "preStop")
APP_ARMOR = "container.apparmor.security.beta.kubernetes.io/"
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


def _in_user_namespace(spec: Object) -> bool:
    """Whether root in the pod is not root on the node."""
    return spec.get("hostUsers") is False


def shared_proc_mount(spec: Object) -> Violation | None:
    """Baseline: the usual masks over /proc, but in a user namespace."""
    return None if _in_user_namespace(spec) else proc_mount(spec)


def proc_mount(spec: Object) -> Violation | None:
    """Restricted: the usual masks over /proc."""
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
    if _in_user_namespace(spec):
        return None

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
    if _in_user_namespace(spec):
        return None
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


def hosts_of_probes(spec: Object) -> Violation | None:
    """Baseline: what the kubelet asks is the pod itself."""
    hosts: set[str] = set()

    def names_hosts(container: Object) -> bool:
        hooks = container.get("lifecycle") or {}
        asked = [*(container.get(name) or {} for name in PROBES), *(hooks.get(name) or {} for name in HOOKS)]
        mine = {host for one in asked for way in ("httpGet", "tcpSocket") if (host := (one.get(way) or {}).get("host"))}
        hosts.update(mine)
        return bool(mine)

    names = sorted(set(_names(spec, names_hosts)))
    if not names:
        return None
    verb = "uses" if len(names) == 1 else "use"
    noun = "probe or lifecycle host" + ("" if len(hosts) == 1 else "s")
    return "probe or lifecycle host", f"{_named('container', names)} {verb} {noun} {_quoted(sorted(hosts))}"


def _holders(spec: Object, bad: Callable[[Object], bool]) -> list[str]:
    """Whose security context is bad: the pod's, some containers'."""
    holders = ["pod"] if bad(spec.get("securityContext") or {}) else []
    names = _names(spec, lambda container: bad(_security(container)))
    return [*holders, _named("container", names)] if names else holders


def app_armor(spec: Object, annotations: Object) -> Violation | None:
    """Baseline: AppArmor is not switched off."""
    values: set[str] = set()

    def bad(context: Object) -> bool:
        profile = context.get("appArmorProfile")
        wrong = profile is not None and profile.get("type") not in ("RuntimeDefault", "Localhost")
        if profile is not None and wrong:
            values.add(profile.get("type", ""))
        return wrong

    holders = _holders(spec, bad)
    notes = [
        f"{name}={go_quote(value)}"
        for name, value in annotations.items()
        if name.startswith(APP_ARMOR) and value not in ("", "runtime/default") and not value.startswith("localhost/")
    ]
    if notes:
        holders.append("annotation" if len(notes) == 1 else "annotations")
    if not holders:
        return None
    shown = [*sorted(values), *sorted(notes)]
    reason = "forbidden AppArmor profile" + ("" if len(shown) == 1 else "s")
    return reason, f"{' and '.join(holders)} must not set AppArmor profile type to {_quoted(shown)}"


def se_linux(spec: Object) -> Violation | None:
    """Baseline: SELinux keeps to the types for containers."""
    types: set[str] = set()
    fixed: set[str] = set()

    def bad(context: Object) -> bool:
        options = context.get("seLinuxOptions") or {}
        kind = options.get("type", "")
        given = {name for name in ("user", "role") if options.get(name)}
        fixed.update(given)
        if kind not in LABELS_TYPES:
            types.add(kind)
        return bool(given) or kind not in LABELS_TYPES

    holders = _holders(spec, bad)
    if not holders:
        return None
    parts = [_named("type", sorted(types))] if types else []
    parts += [f"{name} may not be set" for name in ("user", "role") if name in fixed]
    return "seLinuxOptions", f"{' and '.join(holders)} set forbidden securityContext.seLinuxOptions: {'; '.join(parts)}"


def sysctls(spec: Object) -> Violation | None:
    """Baseline: only kernel parameters that are the pod's own."""
    names = [item.get("name", "") for item in (spec.get("securityContext") or {}).get("sysctls") or ()]
    bad = [name for name in names if name not in SAFE_SYSCTLS]
    return ("forbidden sysctls", ", ".join(bad)) if bad else None


def host_process(spec: Object) -> Violation | None:
    """Baseline: no processes of a Windows node."""
    holders = _holders(spec, lambda context: bool((context.get("windowsOptions") or {}).get("hostProcess")))
    if not holders:
        return None
    return "hostProcess", f"{' and '.join(holders)} must not set securityContext.windowsOptions.hostProcess=true"


BASELINE: tuple[Check, ...] = (
    added_capabilities,
    host_namespaces,
    host_path_volumes,
    host_ports,
    hosts_of_probes,
    privileged,
    shared_proc_mount,
    se_linux,
    unconfined_seccomp,
    sysctls,
    host_process,
)
RESTRICTED: tuple[Check, ...] = (
    host_namespaces,
    host_ports,
    hosts_of_probes,
    privileged,
    se_linux,
    sysctls,
    host_process,
    privilege_escalation,
    kept_capabilities,
    proc_mount,
    restricted_volumes,
    run_as_root,
    run_as_user,
    chosen_seccomp,
)
"""The restricted checks stand in for the baseline's that are weaker."""


def found_violations(spec: Object, level: str, annotations: Object) -> list[Violation]:
    """What a pod does that a level forbids."""
    checks = {"baseline": BASELINE, "restricted": RESTRICTED}.get(level, ())
    first = [app_armor(spec, annotations)] if checks else []
    return [violation for violation in (*first, *(check(spec) for check in checks)) if violation is not None]


def violations(spec: Object, level: str, annotations: Object | None = None) -> str:
    """What a pod does that a level forbids, as messages say it; empty if nothing."""
    found = found_violations(spec, level, annotations or {})
    return ", ".join(f"{reason} ({where})" for reason, where in found)
