"""The levels of the Pod Security Standards, and the versions of the standards that each check belongs to.

A namespace can select the standards of an older minor version of Kubernetes. A future version means the newest.

Source: k8s.io/pod-security-admission ``policy/registry.go``; the Kubernetes page *Pod Security Standards*.
"""

from typing import NamedTuple

from kube_embedded.machinery.request import Object

from . import checks
from .holders import Check, Violation, but_in_user_namespaces, but_on_windows

LATEST = 10**9


class Rule(NamedTuple):
    """A check, and the first and the last minor version of the standards that it belongs to."""

    check: Check
    first: int = 0
    last: int = LATEST


SE_LINUX_TYPES = ("container_init_t", "container_kvm_t", "container_t")
SE_LINUX = (
    Rule(checks.labelled_by(*SE_LINUX_TYPES), last=30),
    Rule(checks.labelled_by("container_engine_t", *SE_LINUX_TYPES), 31),
)
SYSCTLS = tuple(
    Rule(checks.sysctls_of(first), first, last)
    for first, last in ((0, 26), (27, 28), (29, 31), (32, LATEST))
)
# Messages list the violations in the order of these rows: baseline checks first, by their names.
BASELINE = (
    Rule(checks.ADDED_CAPABILITIES),
    Rule(checks.host_namespaces),
    Rule(checks.HOST_PATHS),
    Rule(checks.HOST_PORTS),
    # The host of a probe can be any address that the kubelet reaches: refused since 1.34.
    Rule(checks.PROBED_HOSTS, 34),
    Rule(checks.PRIVILEGED),
    Rule(checks.PROC_MOUNT, last=34),
    # In a user namespace, root in the container is unprivileged on the node, so some rules are relaxed since 1.35.
    Rule(but_in_user_namespaces(checks.PROC_MOUNT), 35),
    *SE_LINUX,
    Rule(checks.BAD_SECCOMP, 19),
    *SYSCTLS,
    Rule(checks.HOST_PROCESS),
)
# Restricted checks replace the weaker ones of the baseline.
RESTRICTED = (
    Rule(checks.ADDED_CAPABILITIES, last=21),
    Rule(checks.host_namespaces),
    Rule(checks.HOST_PORTS),
    Rule(checks.PROBED_HOSTS, 34),
    Rule(checks.PRIVILEGED),
    Rule(checks.PROC_MOUNT, last=34),
    *SE_LINUX,
    *SYSCTLS,
    Rule(checks.HOST_PROCESS),
    # Pods name their operating system since 1.25, and these settings do not exist on Windows.
    Rule(checks.ESCALATION, 8, 24),
    Rule(but_on_windows(checks.ESCALATION), 25),
    Rule(checks.kept_capabilities, 22, 24),
    Rule(but_on_windows(checks.kept_capabilities), 25),
    Rule(checks.PROC_MOUNT, 35),
    Rule(checks.RESTRICTED_VOLUMES),
    Rule(checks.RUN_AS_ROOT, last=34),
    Rule(but_in_user_namespaces(checks.RUN_AS_ROOT), 35),
    Rule(checks.RUN_AS_USER, 23, 34),
    Rule(but_in_user_namespaces(checks.RUN_AS_USER), 35),
    Rule(checks.CHOSEN_SECCOMP, 19, 24),
    Rule(but_on_windows(checks.CHOSEN_SECCOMP), 25),
)
LEVELS: dict[str, tuple[Rule, ...]] = {"baseline": BASELINE, "restricted": RESTRICTED}


def found_violations(
    spec: Object, level: str, annotations: Object, version: str = "latest"
) -> list[Violation]:
    """Return a pod's violations of a level, as reasons and field paths.

    ``annotations`` can contain AppArmor profiles; ``version`` is ``latest`` or a minor version such as ``v1.25``.
    """
    rules = LEVELS.get(level, ())
    minor = LATEST if version == "latest" else min(LATEST, int(version.removeprefix("v1.")))
    # AppArmor comes first, as its check is the first by name; it alone reads annotations.
    results = [checks.app_armor(spec, annotations)] if rules else []
    results += [rule.check(spec) for rule in rules if rule.first <= minor <= rule.last]
    return [violation for violation in results if violation is not None]


def violations(
    spec: Object, level: str, annotations: Object | None = None, version: str = "latest"
) -> str:
    """The violations of a level by a pod, as messages list them; empty if there are none."""
    results = found_violations(spec, level, annotations or {}, version)
    return ", ".join(f"{reason} ({where})" for reason, where in results)
