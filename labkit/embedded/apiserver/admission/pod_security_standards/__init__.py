"""The checks of the Pod Security Standards, and the versions of the standards that each belongs to.

A namespace may ask for the standards of an older minor version of Kubernetes. A future version means
the newest.

Source: k8s.io/pod-security-admission ``policy``; the Kubernetes page *Pod Security Standards*.
"""

from __future__ import annotations

from typing import NamedTuple

from labkit.embedded.apiserver.admission.pod_security_standards import baseline, holders, restricted
from labkit.embedded.machinery.request import Object

LATEST = 10**9


class Rule(NamedTuple):
    """A check, and the first and the last minor version of the standards that it belongs to."""

    check: holders.Check
    first: int = 0
    last: int = LATEST


SE_LINUX = (
    Rule(baseline.labelled_by("container_init_t", "container_kvm_t", "container_t"), last=30),
    Rule(
        baseline.labelled_by(
            "container_engine_t", "container_init_t", "container_kvm_t", "container_t"
        ),
        31,
    ),
)
SYSCTLS = tuple(
    Rule(
        baseline.sysctls_but(
            frozenset(name for name, since in baseline.SAFE_SYSCTLS.items() if since <= first)
        ),
        first,
        last,
    )
    for first, last in ((0, 26), (27, 28), (29, 31), (32, LATEST))
)
BASELINE = (
    Rule(baseline.added_capabilities),
    Rule(baseline.host_namespaces),
    Rule(baseline.host_path_volumes),
    Rule(baseline.host_ports),
    Rule(baseline.hosts_of_probes, 34),
    Rule(baseline.privileged),
    Rule(restricted.proc_mount, last=34),
    Rule(holders.but_in_user_namespaces(restricted.proc_mount), 35),
    *SE_LINUX,
    Rule(restricted.bad_seccomp, 19),
    *SYSCTLS,
    Rule(baseline.host_process),
)
RESTRICTED = (
    Rule(baseline.added_capabilities, last=21),
    Rule(baseline.host_namespaces),
    Rule(baseline.host_ports),
    Rule(baseline.hosts_of_probes, 34),
    Rule(baseline.privileged),
    Rule(restricted.proc_mount, last=34),
    *SE_LINUX,
    *SYSCTLS,
    Rule(baseline.host_process),
    Rule(restricted.privilege_escalation, 8, 24),
    Rule(holders.but_on_windows(restricted.privilege_escalation), 25),
    Rule(restricted.kept_capabilities, 22, 24),
    Rule(holders.but_on_windows(restricted.kept_capabilities), 25),
    Rule(restricted.proc_mount, 35),
    Rule(restricted.restricted_volumes),
    Rule(restricted.run_as_root, last=34),
    Rule(holders.but_in_user_namespaces(restricted.run_as_root), 35),
    Rule(restricted.run_as_user, 23, 34),
    Rule(holders.but_in_user_namespaces(restricted.run_as_user), 35),
    Rule(restricted.chosen_seccomp, 19, 24),
    Rule(holders.but_on_windows(restricted.chosen_seccomp), 25),
)
"""Restricted checks replace the weaker ones of the baseline."""


def found_violations(
    spec: Object, level: str, annotations: Object, version: str = "latest"
) -> list[holders.Violation]:
    """Return the violations of a level by a pod: reasons and places.

    ``annotations`` may hold AppArmor profiles; ``version`` is ``latest`` or such as ``v1.25``.
    """
    rules = {"baseline": BASELINE, "restricted": RESTRICTED}.get(level, ())
    minor = LATEST if version == "latest" else min(LATEST, int(version.removeprefix("v1.")))
    found = [baseline.app_armor(spec, annotations)] if rules else []
    found += [rule.check(spec) for rule in rules if rule.first <= minor <= rule.last]
    return [violation for violation in found if violation is not None]


def violations(
    spec: Object, level: str, annotations: Object | None = None, version: str = "latest"
) -> str:
    """The violations of a level by a pod, as messages list them; empty if there are none."""
    found = found_violations(spec, level, annotations or {}, version)
    return ", ".join(f"{reason} ({where})" for reason, where in found)
