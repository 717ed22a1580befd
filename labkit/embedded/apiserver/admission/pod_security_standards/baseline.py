"""The checks of the baseline level, which prevents known privilege escalations.

Source: k8s.io/pod-security-admission ``policy``; the Kubernetes page *Pod Security Standards*.
"""

from __future__ import annotations

from labkit.embedded.apiserver.admission.pod_security_standards.holders import (
    STANDARDS,
    Check,
    Violation,
    capabilities,
    holders_of,
    named,
    names_and_values,
    names_of,
    quoted,
    security,
)
from labkit.embedded.machinery.golang.quote import go_quote
from labkit.embedded.machinery.request import Object

BASELINE_CAPABILITIES = frozenset(STANDARDS["capabilities"])
SAFE_SYSCTLS = STANDARDS["sysctls"]
"""Sysctls that are isolated in the pod, and the minor version of the standards that first allows them."""
PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
HOOKS = ("postStart", "preStop")
APP_ARMOR = "container.apparmor.security.beta.kubernetes.io/"


def host_namespaces(spec: Object) -> Violation | None:
    """Baseline: no host namespaces."""
    used = [f"{name}=true" for name in ("hostNetwork", "hostPID", "hostIPC") if spec.get(name)]
    return ("host namespaces", ", ".join(used)) if used else None


def privileged(spec: Object) -> Violation | None:
    """Baseline: no privileged containers."""
    names = names_of(spec, lambda container: bool(security(container).get("privileged")))
    where = f"{named('container', names)} must not set securityContext.privileged=true"
    return ("privileged", where) if names else None


def added_capabilities(spec: Object) -> Violation | None:
    """Baseline: only default capabilities may be added."""
    names, bad = names_and_values(
        spec, lambda container: capabilities(container, "add") - BASELINE_CAPABILITIES
    )
    where = f"{named('container', names)} must not include {quoted(bad)} in securityContext.capabilities.add"
    return ("non-default capabilities", where) if names else None


def host_path_volumes(spec: Object) -> Violation | None:
    """Baseline: no hostPath volumes."""
    names = [
        volume["name"] for volume in spec.get("volumes") or () if volume.get("hostPath") is not None
    ]
    return ("hostPath volumes", named("volume", names)) if names else None


def host_ports(spec: Object) -> Violation | None:
    """Baseline: no host ports."""

    def used(container: Object) -> set[str]:
        return {
            str(port["hostPort"]) for port in container.get("ports") or () if port.get("hostPort")
        }

    names, ports = names_and_values(spec, used)
    if not names:
        return None
    verb = "uses" if len(names) == 1 else "use"
    noun = "hostPort" if len(ports) == 1 else "hostPorts"
    return "hostPort", f"{named('container', names)} {verb} {noun} {', '.join(ports)}"


def hosts_of_probes(spec: Object) -> Violation | None:
    """Baseline: probes and hooks may not name a host."""

    def named_by(container: Object) -> set[str]:
        hooks = container.get("lifecycle") or {}
        asked = [
            *(container.get(name) or {} for name in PROBES),
            *(hooks.get(name) or {} for name in HOOKS),
        ]
        return {
            host
            for one in asked
            for way in ("httpGet", "tcpSocket")
            if (host := (one.get(way) or {}).get("host"))
        }

    names, hosts = names_and_values(spec, named_by)
    if not names:
        return None
    names = sorted(set(names))
    verb = "uses" if len(names) == 1 else "use"
    noun = "probe or lifecycle host" + ("" if len(hosts) == 1 else "s")
    return "probe or lifecycle host", f"{named('container', names)} {verb} {noun} {quoted(hosts)}"


def app_armor(spec: Object, annotations: Object) -> Violation | None:
    """Baseline: AppArmor may not be switched off."""
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
        if name.startswith(APP_ARMOR)
        and value not in ("", "runtime/default")
        and not value.startswith("localhost/")
    ]
    if notes:
        holders.append("annotation" if len(notes) == 1 else "annotations")
    if not holders:
        return None
    shown = [*sorted(values), *sorted(notes)]
    reason = "forbidden AppArmor profile" + ("" if len(shown) == 1 else "s")
    return reason, f"{' and '.join(holders)} must not set AppArmor profile type to {quoted(shown)}"


def labelled_by(*allowed: str) -> Check:
    """Baseline: only the allowed SELinux types for containers."""

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
    """Baseline: only sysctls that are isolated in the pod."""

    def check(spec: Object) -> Violation | None:
        names = [
            item.get("name", "")
            for item in (spec.get("securityContext") or {}).get("sysctls") or ()
        ]
        bad = [name for name in names if name not in safe]
        return ("forbidden sysctls", ", ".join(bad)) if bad else None

    return check


def host_process(spec: Object) -> Violation | None:
    """Baseline: no Windows HostProcess containers."""
    holders = holders_of(
        spec, lambda context: bool((context.get("windowsOptions") or {}).get("hostProcess"))
    )
    where = f"{' and '.join(holders)} must not set securityContext.windowsOptions.hostProcess=true"
    return ("hostProcess", where) if holders else None
