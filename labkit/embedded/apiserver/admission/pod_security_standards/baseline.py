"""What the baseline level forbids: ways out of the pod that are known.

Source: k8s.io/pod-security-admission ``policy``; the Kubernetes page *Pod Security Standards*.
"""

from __future__ import annotations

from labkit.embedded.apiserver.admission.pod_security_standards.holders import (
    Check,
    Violation,
    but_in_user_namespaces,
    holders_of,
    named,
    names_of,
    quoted,
    security,
)
from labkit.embedded.apiserver.admission.pod_security_standards.restricted import bad_seccomp, proc_mount
from labkit.embedded.machinery.golang.quote import go_quote
from labkit.embedded.machinery.request import Object

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
SAFE_SYSCTLS = {
    "kernel.shm_rmid_forced": 0,
    "net.ipv4.ip_local_port_range": 0,
    "net.ipv4.ip_local_reserved_ports": 27,
    "net.ipv4.ip_unprivileged_port_start": 0,
    "net.ipv4.ping_group_range": 0,
    "net.ipv4.tcp_fin_timeout": 29,
    "net.ipv4.tcp_keepalive_intvl": 29,
    "net.ipv4.tcp_keepalive_probes": 29,
    "net.ipv4.tcp_keepalive_time": 29,
    "net.ipv4.tcp_rmem": 32,
    "net.ipv4.tcp_syncookies": 0,
    "net.ipv4.tcp_wmem": 32,
}
"""Kernel parameters that are the pod's own, and the minor version that first says so."""
PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
HOOKS = ("postStart", "preStop")
APP_ARMOR = "container.apparmor.security.beta.kubernetes.io/"


def host_namespaces(spec: Object) -> Violation | None:
    """Baseline: a pod stays in namespaces of its own."""
    used = [f"{name}=true" for name in HOST_NAMESPACES if spec.get(name)]
    return ("host namespaces", ", ".join(used)) if used else None


def privileged(spec: Object) -> Violation | None:
    """Baseline: no privileged containers."""
    names = names_of(spec, lambda container: bool(security(container).get("privileged")))
    return (
        ("privileged", f"{named('container', names)} must not set securityContext.privileged=true") if names else None
    )


def added_capabilities(spec: Object) -> Violation | None:
    """Baseline: only harmless capabilities are added."""
    bad: set[str] = set()

    def adds(container: Object) -> bool:
        extra = set((security(container).get("capabilities") or {}).get("add") or ()) - BASELINE_CAPABILITIES
        bad.update(extra)
        return bool(extra)

    names = names_of(spec, adds)
    if not names:
        return None
    where = f"{named('container', names)} must not include {quoted(sorted(bad))} in securityContext.capabilities.add"
    return "non-default capabilities", where


def host_path_volumes(spec: Object) -> Violation | None:
    """Baseline: no directories of the node."""
    names = [volume["name"] for volume in spec.get("volumes") or () if volume.get("hostPath") is not None]
    return ("hostPath volumes", named("volume", names)) if names else None


def host_ports(spec: Object) -> Violation | None:
    """Baseline: no ports of the node."""
    ports: set[str] = set()

    def uses(container: Object) -> bool:
        mine = {str(port["hostPort"]) for port in container.get("ports") or () if port.get("hostPort")}
        ports.update(mine)
        return bool(mine)

    names = names_of(spec, uses)
    if not names:
        return None
    verb = "uses" if len(names) == 1 else "use"
    noun = "hostPort" if len(ports) == 1 else "hostPorts"
    return "hostPort", f"{named('container', names)} {verb} {noun} {', '.join(sorted(ports))}"


def shared_proc_mount(spec: Object) -> Violation | None:
    """Baseline: the usual masks over /proc, but in a user namespace."""
    return but_in_user_namespaces(proc_mount)(spec)


def unconfined_seccomp(spec: Object) -> Violation | None:
    """Baseline: seccomp is not switched off."""
    return bad_seccomp(spec)


def hosts_of_probes(spec: Object) -> Violation | None:
    """Baseline: what the kubelet asks is the pod itself."""
    hosts: set[str] = set()

    def names_hosts(container: Object) -> bool:
        hooks = container.get("lifecycle") or {}
        asked = [*(container.get(name) or {} for name in PROBES), *(hooks.get(name) or {} for name in HOOKS)]
        mine = {host for one in asked for way in ("httpGet", "tcpSocket") if (host := (one.get(way) or {}).get("host"))}
        hosts.update(mine)
        return bool(mine)

    names = sorted(set(names_of(spec, names_hosts)))
    if not names:
        return None
    verb = "uses" if len(names) == 1 else "use"
    noun = "probe or lifecycle host" + ("" if len(hosts) == 1 else "s")
    return "probe or lifecycle host", f"{named('container', names)} {verb} {noun} {quoted(sorted(hosts))}"


def app_armor(spec: Object, annotations: Object) -> Violation | None:
    """Baseline: AppArmor is not switched off."""
    values: set[str] = set()

    def bad(context: Object) -> bool:
        profile = context.get("appArmorProfile")
        wrong = profile is not None and profile.get("type") not in ("RuntimeDefault", "Localhost")
        if profile is not None and wrong:
            values.add(profile.get("type", ""))
        return wrong

    holders = holders_of(spec, bad)
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
    return reason, f"{' and '.join(holders)} must not set AppArmor profile type to {quoted(shown)}"


def labelled_by(*allowed: str) -> Check:
    """Baseline: SELinux keeps to the types for containers.

    Args:
        allowed: These types.
    """

    def check(spec: Object) -> Violation | None:
        types: set[str] = set()
        fixed: set[str] = set()

        def bad(context: Object) -> bool:
            options = context.get("seLinuxOptions") or {}
            kind = options.get("type", "")
            given = {name for name in ("user", "role") if options.get(name)}
            fixed.update(given)
            if kind and kind not in allowed:
                types.add(kind)
            return bool(given) or (bool(kind) and kind not in allowed)

        holders = holders_of(spec, bad)
        if not holders:
            return None
        parts = [named("type", sorted(types))] if types else []
        parts += [f"{name} may not be set" for name in ("user", "role") if name in fixed]
        where = f"{' and '.join(holders)} set forbidden securityContext.seLinuxOptions: {'; '.join(parts)}"
        return "seLinuxOptions", where

    return check


def sysctls_but(safe: frozenset[str]) -> Check:
    """Baseline: only kernel parameters that are the pod's own.

    Args:
        safe: Those parameters.
    """

    def check(spec: Object) -> Violation | None:
        names = [item.get("name", "") for item in (spec.get("securityContext") or {}).get("sysctls") or ()]
        bad = [name for name in names if name not in safe]
        return ("forbidden sysctls", ", ".join(bad)) if bad else None

    return check


def host_process(spec: Object) -> Violation | None:
    """Baseline: no processes of a Windows node."""
    holders = holders_of(spec, lambda context: bool((context.get("windowsOptions") or {}).get("hostProcess")))
    if not holders:
        return None
    return "hostProcess", f"{' and '.join(holders)} must not set securityContext.windowsOptions.hostProcess=true"
