"""The checks of the restricted level, which enforces hardening practices.

Source: k8s.io/pod-security-admission ``policy``; the Kubernetes page *Pod Security Standards*.
"""

from __future__ import annotations

from labkit.embedded.apiserver.admission.pod_security_standards.holders import (
    STANDARDS,
    Violation,
    capabilities,
    holders_of,
    named,
    names_and_values,
    names_of,
    quoted,
    security,
    set_by_pod_or_all,
)
from labkit.embedded.machinery.request import Object

RESTRICTED_VOLUMES = frozenset(STANDARDS["volumes"])
SECCOMP = ("RuntimeDefault", "Localhost")


def proc_mount(spec: Object) -> Violation | None:
    """The default masks over ``/proc``."""
    names = names_of(
        spec, lambda container: security(container).get("procMount", "Default") != "Default"
    )
    where = f'{named("container", names)} must not set securityContext.procMount to "Unmasked"'
    return ("procMount", where) if names else None


def restricted_volumes(spec: Object) -> Violation | None:
    """Restricted: only volume types that hold nothing of the node."""
    bad: list[str] = []
    kinds: set[str] = set()
    for volume in spec.get("volumes") or ():
        extra = {
            name for name in volume if name != "name" and volume[name] is not None
        } - RESTRICTED_VOLUMES
        if extra:
            bad.append(volume["name"])
            kinds |= extra
    if not bad:
        return None
    verb = "uses" if len(bad) == 1 else "use"
    noun = "restricted volume type" + ("" if len(kinds) == 1 else "s")
    return (
        "restricted volume types",
        f"{named('volume', bad)} {verb} {noun} {quoted(sorted(kinds))}",
    )


def privilege_escalation(spec: Object) -> Violation | None:
    """Restricted: no privilege escalation."""
    names = names_of(
        spec, lambda container: security(container).get("allowPrivilegeEscalation") is not False
    )
    where = f"{named('container', names)} must set securityContext.allowPrivilegeEscalation=false"
    return ("allowPrivilegeEscalation != false", where) if names else None


def kept_capabilities(spec: Object) -> Violation | None:
    """Restricted: all capabilities are dropped, and at most NET_BIND_SERVICE is added."""
    parts = []
    keeping = names_of(spec, lambda container: "ALL" not in capabilities(container, "drop"))
    adding, bad = names_and_values(
        spec, lambda container: capabilities(container, "add") - {"NET_BIND_SERVICE"}
    )
    if keeping:
        parts.append(
            f'{named("container", keeping)} must set securityContext.capabilities.drop=["ALL"]'
        )
    if adding:
        parts.append(
            f"{named('container', adding)} must not include {quoted(bad)} in securityContext.capabilities.add"
        )
    return ("unrestricted capabilities", "; ".join(parts)) if parts else None


def run_as_root(spec: Object) -> Violation | None:
    """Restricted: containers must run as non-root."""
    pod = (spec.get("securityContext") or {}).get("runAsNonRoot")
    explicit = names_of(spec, lambda container: security(container).get("runAsNonRoot") is False)
    if pod is False or explicit:
        holders = (["pod"] if pod is False else []) + (
            [named("container", explicit)] if explicit else []
        )
        return (
            "runAsNonRoot != true",
            f"{' and '.join(holders)} must not set securityContext.runAsNonRoot=false",
        )
    names = set_by_pod_or_all(spec, lambda context: context.get("runAsNonRoot"))
    where = f"pod or {named('container', names)} must set securityContext.runAsNonRoot=true"
    return ("runAsNonRoot != true", where) if names else None


def run_as_user(spec: Object) -> Violation | None:
    """Restricted: containers may not run as user 0."""
    holders = ["pod"] if (spec.get("securityContext") or {}).get("runAsUser") == 0 else []
    names = names_of(spec, lambda container: security(container).get("runAsUser") == 0)
    if names:
        holders.append(named("container", names))
    return ("runAsUser=0", f"{' and '.join(holders)} must not set runAsUser=0") if holders else None


def bad_seccomp(spec: Object) -> Violation | None:
    """Seccomp profiles may only be RuntimeDefault and Localhost."""
    bad: set[str] = set()

    def chooses(context: Object) -> bool:
        kind = (context.get("seccompProfile") or {}).get("type", "RuntimeDefault")
        if kind not in SECCOMP:
            bad.add(kind)
        return kind not in SECCOMP

    holders = holders_of(spec, chooses)
    where = f"{' and '.join(holders)} must not set securityContext.seccompProfile.type to {quoted(sorted(bad))}"
    return ("seccompProfile", where) if holders else None


def chosen_seccomp(spec: Object) -> Violation | None:
    """Restricted: a seccomp profile must be set."""
    names = set_by_pod_or_all(spec, lambda context: True if context.get("seccompProfile") else None)
    wrong = bad_seccomp(spec)
    if wrong is not None or not names:
        return wrong
    where = (
        f"pod or {named('container', names)} must set securityContext.seccompProfile.type to "
        '"RuntimeDefault" or "Localhost"'
    )
    return "seccompProfile", where
