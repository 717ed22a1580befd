"""What the pod security standards forbid.

Source: k8s.io/pod-security-admission ``policy``; the Kubernetes page *Pod Security Standards*.
"""

from __future__ import annotations

from labkit.apiserver.admission.podstandards.baseline import (
    added_capabilities,
    app_armor,
    host_namespaces,
    host_path_volumes,
    host_ports,
    host_process,
    hosts_of_probes,
    privileged,
    se_linux,
    shared_proc_mount,
    sysctls,
    unconfined_seccomp,
)
from labkit.apiserver.admission.podstandards.holders import Check, Violation
from labkit.apiserver.admission.podstandards.restricted import (
    chosen_seccomp,
    kept_capabilities,
    privilege_escalation,
    proc_mount,
    restricted_volumes,
    run_as_root,
    run_as_user,
)
from labkit.apiserver.request import Object

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
    """What a pod does that a level forbids.

    Args:
        spec: Of the pod.
        level: ``privileged``, ``baseline`` or ``restricted``.
        annotations: Of the pod: profiles stood there once.

    Returns:
        What is wrong, and where; empty for a level that forbids nothing.
    """
    checks = {"baseline": BASELINE, "restricted": RESTRICTED}.get(level, ())
    first = [app_armor(spec, annotations)] if checks else []
    return [violation for violation in (*first, *(check(spec) for check in checks)) if violation is not None]


def violations(spec: Object, level: str, annotations: Object | None = None) -> str:
    """What a pod does that a level forbids, as messages say it; empty if nothing."""
    found = found_violations(spec, level, annotations or {})
    return ", ".join(f"{reason} ({where})" for reason, where in found)
