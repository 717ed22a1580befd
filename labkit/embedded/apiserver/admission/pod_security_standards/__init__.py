"""The checks of the Pod Security Standards, and the versions of the standards that each belongs to.

A namespace may ask for the standards of an older minor version of Kubernetes. A future version means
the newest.

Source: k8s.io/pod-security-admission ``policy``; the Kubernetes page *Pod Security Standards*.
"""

from __future__ import annotations

from typing import NamedTuple

from labkit.embedded.apiserver.admission.pod_security_standards.baseline import (
    SAFE_SYSCTLS,
    added_capabilities,
    app_armor,
    host_namespaces,
    host_path_volumes,
    host_ports,
    host_process,
    hosts_of_probes,
    labelled_by,
    privileged,
    sysctls_but,
)
from labkit.embedded.apiserver.admission.pod_security_standards.holders import (
    Check,
    Violation,
    but_in_user_namespaces,
    but_on_windows,
)
from labkit.embedded.apiserver.admission.pod_security_standards.restricted import (
    bad_seccomp,
    chosen_seccomp,
    kept_capabilities,
    privilege_escalation,
    proc_mount,
    restricted_volumes,
    run_as_root,
    run_as_user,
)
from labkit.embedded.machinery.request import Object

LATEST = 10**9


class Rule(NamedTuple):
    """A check, and the first and the last minor version of the standards that it belongs to."""

    check: Check
    first: int = 0
    last: int = LATEST


SE_LINUX = (
    Rule(labelled_by("container_init_t", "container_kvm_t", "container_t"), last=30),
    Rule(labelled_by("container_engine_t", "container_init_t", "container_kvm_t", "container_t"), 31),
)
SYSCTLS = tuple(
    Rule(sysctls_but(frozenset(name for name, since in SAFE_SYSCTLS.items() if since <= first)), first, last)
    for first, last in ((0, 26), (27, 28), (29, 31), (32, LATEST))
)
BASELINE = (
    Rule(added_capabilities),
    Rule(host_namespaces),
    Rule(host_path_volumes),
    Rule(host_ports),
    Rule(hosts_of_probes, 34),
    Rule(privileged),
    Rule(proc_mount, last=34),
    Rule(but_in_user_namespaces(proc_mount), 35),
    *SE_LINUX,
    Rule(bad_seccomp, 19),
    *SYSCTLS,
    Rule(host_process),
)
RESTRICTED = (
    Rule(added_capabilities, last=21),
    Rule(host_namespaces),
    Rule(host_ports),
    Rule(hosts_of_probes, 34),
    Rule(privileged),
    Rule(proc_mount, last=34),
    *SE_LINUX,
    *SYSCTLS,
    Rule(host_process),
    Rule(privilege_escalation, 8, 24),
    Rule(but_on_windows(privilege_escalation), 25),
    Rule(kept_capabilities, 22, 24),
    Rule(but_on_windows(kept_capabilities), 25),
    Rule(proc_mount, 35),
    Rule(restricted_volumes),
    Rule(run_as_root, last=34),
    Rule(but_in_user_namespaces(run_as_root), 35),
    Rule(run_as_user, 23, 34),
    Rule(but_in_user_namespaces(run_as_user), 35),
    Rule(chosen_seccomp, 19, 24),
    Rule(but_on_windows(chosen_seccomp), 25),
)
"""Restricted checks replace the weaker ones of the baseline."""


def found_violations(spec: Object, level: str, annotations: Object, version: str = "latest") -> list[Violation]:
    """Return the violations of a level by a pod: reasons and places.

    ``annotations`` may hold AppArmor profiles; ``version`` is ``latest`` or such as ``v1.25``.
    """
    rules = {"baseline": BASELINE, "restricted": RESTRICTED}.get(level, ())
    minor = LATEST if version == "latest" else min(LATEST, int(version.removeprefix("v1.")))
    found = [app_armor(spec, annotations)] if rules else []
    found += [rule.check(spec) for rule in rules if rule.first <= minor <= rule.last]
    return [violation for violation in found if violation is not None]


def violations(spec: Object, level: str, annotations: Object | None = None, version: str = "latest") -> str:
    """The violations of a level by a pod, as messages list them; empty if there are none."""
    found = found_violations(spec, level, annotations or {}, version)
    return ", ".join(f"{reason} ({where})" for reason, where in found)
