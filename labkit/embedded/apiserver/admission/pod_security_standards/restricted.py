"""What the restricted level forbids beside: everything that a hardened pod can do without.

Source: k8s.io/pod-security-admission ``policy``; the Kubernetes page *Pod Security Standards*.
"""

from __future__ import annotations

from labkit.embedded.apiserver.admission.pod_security_standards.holders import (
    Violation,
    holders_of,
    named,
    names_of,
    quoted,
    security,
    set_by_pod_or_all,
)
from labkit.embedded.machinery.request import Object

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
SECCOMP = ("RuntimeDefault", "Localhost")


def proc_mount(spec: Object) -> Violation | None:
    """Restricted: the usual masks over /proc."""
    names = names_of(spec, lambda container: security(container).get("procMount", "Default") != "Default")
    if not names:
        return None
    return "procMount", f'{named("container", names)} must not set securityContext.procMount to "Unmasked"'


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
    return "restricted volume types", f"{named('volume', bad)} {verb} {noun} {quoted(sorted(kinds))}"


def privilege_escalation(spec: Object) -> Violation | None:
    """Restricted: no way to more privileges."""
    names = names_of(spec, lambda container: security(container).get("allowPrivilegeEscalation") is not False)
    if not names:
        return None
    where = f"{named('container', names)} must set securityContext.allowPrivilegeEscalation=false"
    return "allowPrivilegeEscalation != false", where


def kept_capabilities(spec: Object) -> Violation | None:
    """Restricted: all capabilities are dropped, and at most one is added again."""

    def keeps(container: Object) -> bool:
        return "ALL" not in ((security(container).get("capabilities") or {}).get("drop") or ())

    bad: set[str] = set()

    def adds(container: Object) -> bool:
        extra = set((security(container).get("capabilities") or {}).get("add") or ()) - {"NET_BIND_SERVICE"}
        bad.update(extra)
        return bool(extra)

    parts = []
    keeping, adding = names_of(spec, keeps), names_of(spec, adds)
    if keeping:
        parts.append(f'{named("container", keeping)} must set securityContext.capabilities.drop=["ALL"]')
    if adding:
        parts.append(
            f"{named('container', adding)} must not include {quoted(sorted(bad))} in securityContext.capabilities.add"
        )
    return ("unrestricted capabilities", "; ".join(parts)) if parts else None


def run_as_root(spec: Object) -> Violation | None:
    """Restricted: containers must say that they do not run as root."""

    def holds(context: Object) -> bool | None:
        return context.get("runAsNonRoot")

    pod = (spec.get("securityContext") or {}).get("runAsNonRoot")
    explicit = names_of(spec, lambda container: security(container).get("runAsNonRoot") is False)
    if pod is False or explicit:
        holders = (["pod"] if pod is False else []) + ([named("container", explicit)] if explicit else [])
        return "runAsNonRoot != true", f"{' and '.join(holders)} must not set securityContext.runAsNonRoot=false"
    names = set_by_pod_or_all(spec, holds)
    if not names:
        return None
    return "runAsNonRoot != true", f"pod or {named('container', names)} must set securityContext.runAsNonRoot=true"


def run_as_user(spec: Object) -> Violation | None:
    """Restricted: user 0 is not asked for."""
    holders = ["pod"] if (spec.get("securityContext") or {}).get("runAsUser") == 0 else []
    names = names_of(spec, lambda container: security(container).get("runAsUser") == 0)
    if names:
        holders.append(named("container", names))
    return ("runAsUser=0", f"{' and '.join(holders)} must not set runAsUser=0") if holders else None


def bad_seccomp(spec: Object) -> Violation | None:
    """Who chooses a seccomp profile that is none."""
    bad: set[str] = set()

    def chooses(context: Object) -> bool:
        kind = (context.get("seccompProfile") or {}).get("type", "RuntimeDefault")
        if kind not in SECCOMP:
            bad.add(kind)
        return kind not in SECCOMP

    holders = holders_of(spec, chooses)
    if not holders:
        return None
    where = f"{' and '.join(holders)} must not set securityContext.seccompProfile.type to {quoted(sorted(bad))}"
    return "seccompProfile", where


def chosen_seccomp(spec: Object) -> Violation | None:
    """Restricted: a seccomp profile is chosen."""
    names = set_by_pod_or_all(spec, lambda context: True if context.get("seccompProfile") else None)
    wrong = bad_seccomp(spec)
    if wrong is not None or not names:
        return wrong
    where = (
        f"pod or {named('container', names)} must set securityContext.seccompProfile.type to "
        '"RuntimeDefault" or "Localhost"'
    )
    return "seccompProfile", where
