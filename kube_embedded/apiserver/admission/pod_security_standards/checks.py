"""The checks of the Pod Security Standards.

Source: k8s.io/pod-security-admission ``policy/check_*.go``; the Kubernetes page *Pod Security Standards*.
"""

from kube_embedded.files import read_json
from kube_embedded.machinery.golang.quote import go_quote
from kube_embedded.machinery.request import Object

from .holders import (
    Check,
    Violation,
    demand,
    first_of,
    holders_of,
    named,
    plural,
    quoted,
    refuse,
    security,
)

STANDARDS = read_json(__file__, "standards.json")
"""What the standards allow; sysctls with the minor version of the standards that first does."""
APP_ARMOR = "container.apparmor.security.beta.kubernetes.io/"
PROBES = ("livenessProbe", "readinessProbe", "startupProbe")


def _capabilities(container: Object, field: str) -> set[str]:
    return set((security(container).get("capabilities") or {}).get(field) or ())


def _host_ports(container: Object) -> set[str]:
    return {str(port["hostPort"]) for port in container.get("ports") or () if port.get("hostPort")}


def _hosts(container: Object) -> set[str]:
    """The hosts that probes and hooks name."""
    lifecycle = container.get("lifecycle") or {}
    handlers = [container.get(probe) for probe in PROBES]
    handlers += [lifecycle.get(hook) for hook in ("postStart", "preStop")]
    hosts = set()
    for handler in handlers:
        for way in ("httpGet", "tcpSocket"):
            hosts.add(((handler or {}).get(way) or {}).get("host", ""))
    return hosts - {""}


def _seccomp(holder: Object) -> set[str]:
    """Seccomp profiles that neither baseline nor restricted allows."""
    # A missing profile passes here: the restricted level has a separate check that requires one.
    profile = security(holder).get("seccompProfile") or {"type": "RuntimeDefault"}
    return {profile.get("type", "RuntimeDefault")} - {"RuntimeDefault", "Localhost"}


# The rows of the baseline level, which prevents known privilege escalations.
PRIVILEGED = refuse(
    "privileged",
    lambda container: security(container).get("privileged"),
    "{holders} must not set securityContext.privileged=true",
)
ADDED_CAPABILITIES = refuse(
    "non-default capabilities",
    lambda container: _capabilities(container, "add") - {*STANDARDS["capabilities"]},
    "{holders} must not include {values} in securityContext.capabilities.add",
)
HOST_PATHS = refuse(
    "hostPath volumes", lambda volume: volume.get("hostPath") is not None, "{holders}", volumes=True
)
HOST_PORTS = refuse("hostPort", _host_ports, "{holders} {use} hostPort{s} {listed}")
PROBED_HOSTS = refuse(
    "probe or lifecycle host",
    _hosts,
    "{holders} {use} probe or lifecycle host{s} {values}",
    by_name=True,
)
PROC_MOUNT = refuse(
    "procMount",
    lambda container: security(container).get("procMount", "Default") != "Default",
    '{holders} must not set securityContext.procMount to "Unmasked"',
)
BAD_SECCOMP = refuse(
    "seccompProfile",
    _seccomp,
    "{holders} must not set securityContext.seccompProfile.type to {values}",
    pod=True,
)
HOST_PROCESS = refuse(
    "hostProcess",
    lambda holder: (security(holder).get("windowsOptions") or {}).get("hostProcess"),
    "{holders} must not set securityContext.windowsOptions.hostProcess=true",
    pod=True,
)


def host_namespaces(spec: Object) -> Violation | None:
    """Refuse host namespaces."""
    used = [f"{name}=true" for name in ("hostNetwork", "hostPID", "hostIPC") if spec.get(name)]
    return ("host namespaces", ", ".join(used)) if used else None


def sysctls_of(version: int) -> Check:
    """Make the check that allows the sysctls of a minor version of the standards."""
    safe = [name for name, since in STANDARDS["sysctls"].items() if since <= version]

    def check(spec: Object) -> Violation | None:
        names = [setting.get("name", "") for setting in security(spec).get("sysctls") or ()]
        bad = [name for name in names if name not in safe]
        return ("forbidden sysctls", ", ".join(bad)) if bad else None

    return check


def app_armor(spec: Object, annotations: Object) -> Violation | None:
    """Refuse to switch AppArmor off, in fields or in annotations."""
    values: set[str] = set()

    def bad(holder: Object) -> set[str]:
        profile = security(holder).get("appArmorProfile") or {"type": "Localhost"}
        types = {profile.get("type", "")} - {"RuntimeDefault", "Localhost"}
        values.update(types)
        return types

    holders = holders_of(spec, bad)
    # Before 1.30, profiles were annotations of the pod; there were no fields.
    notes = [
        f"{name}={go_quote(value)}"
        for name, value in annotations.items()
        if name.startswith(APP_ARMOR)
        and value not in ("", "runtime/default")
        and not value.startswith("localhost/")
    ]
    if notes:
        holders.append(plural("annotation", notes))
    if not holders:
        return None
    profiles = [*sorted(values), *sorted(notes)]
    where = f"{' and '.join(holders)} must not set AppArmor profile type to {quoted(profiles)}"
    return f"forbidden AppArmor {plural('profile', profiles)}", where


def labelled_by(*allowed: str) -> Check:
    """Make the check that allows only some SELinux types for containers."""

    def check(spec: Object) -> Violation | None:
        types: set[str] = set()
        fixed: set[str] = set()

        def bad(holder: Object) -> bool:
            options = security(holder).get("seLinuxOptions") or {}
            kinds = {options.get("type", "")} - {"", *allowed}
            names = {name for name in ("user", "role") if options.get(name)}
            types.update(kinds)
            fixed.update(names)
            return bool(kinds or names)

        holders = holders_of(spec, bad)
        if not holders:
            return None
        parts = [named("type", sorted(types))] if types else []
        parts += [f"{name} may not be set" for name in ("user", "role") if name in fixed]
        where = f"{' and '.join(holders)} set forbidden securityContext.seLinuxOptions: {'; '.join(parts)}"
        return "seLinuxOptions", where

    return check


# The rows of the restricted level, which enforces hardening practices.
RESTRICTED_VOLUMES = refuse(
    "restricted volume types",
    # Whatever is not listed is refused, so that new types of volumes are not allowed by accident.
    lambda volume: {*volume} - {"name", *STANDARDS["volumes"]},
    "{holders} {use} restricted volume type{s} {values}",
    volumes=True,
)
ESCALATION = refuse(
    "allowPrivilegeEscalation != false",
    lambda container: security(container).get("allowPrivilegeEscalation") is not False,
    "{holders} must set securityContext.allowPrivilegeEscalation=false",
)
NOT_DROPPED = refuse(
    "unrestricted capabilities",
    lambda container: "ALL" not in _capabilities(container, "drop"),
    '{holders} must set securityContext.capabilities.drop=["ALL"]',
)
# Web servers need it to listen on ports below 1024 without root.
NOT_BINDING = refuse(
    "unrestricted capabilities",
    lambda container: _capabilities(container, "add") - {"NET_BIND_SERVICE"},
    "{holders} must not include {values} in securityContext.capabilities.add",
)
RUN_AS_ROOT = first_of(
    refuse(
        "runAsNonRoot != true",
        lambda holder: security(holder).get("runAsNonRoot") is False,
        "{holders} must not set securityContext.runAsNonRoot=false",
        pod=True,
    ),
    demand(
        "runAsNonRoot != true",
        lambda holder: security(holder).get("runAsNonRoot"),
        "securityContext.runAsNonRoot=true",
    ),
)
RUN_AS_USER = refuse(
    "runAsUser=0",
    lambda holder: security(holder).get("runAsUser") == 0,
    "{holders} must not set runAsUser=0",
    pod=True,
)
CHOSEN_SECCOMP = first_of(
    BAD_SECCOMP,
    demand(
        "seccompProfile",
        lambda holder: True if security(holder).get("seccompProfile") else None,
        'securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"',
    ),
)


def kept_capabilities(spec: Object) -> Violation | None:
    """Demand that all capabilities are dropped, and that at most NET_BIND_SERVICE is added."""
    violations = [check(spec) for check in (NOT_DROPPED, NOT_BINDING)]
    places = [violation[1] for violation in violations if violation is not None]
    return ("unrestricted capabilities", "; ".join(places)) if places else None
