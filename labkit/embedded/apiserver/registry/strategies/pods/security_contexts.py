"""Validation of security contexts.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go`` (``validatePodSpecSecurityContext``,
``ValidateSecurityContext``).
"""

from __future__ import annotations

import re

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.strategies.fields.paths import check_descending
from labkit.embedded.apiserver.registry.strategies.fields.struct_diff import internal
from labkit.embedded.apiserver.registry.strategies.pods.windows_options import check_windows_options
from labkit.embedded.machinery.request import Object
from labkit.embedded.machinery.schema import schemas

SYSCTL = r"([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
PROFILE_TYPES = ("Localhost", "RuntimeDefault", "Unconfined")
MAX_ID = 2**31 - 1
MAX_PATH_BYTES = 4095


def check_pod_security(spec: Object, path: str, errors: FieldErrors) -> None:
    """Check the security context of a pod."""
    context, place = spec.get("securityContext") or {}, f"{path}.securityContext"
    for field in ("fsGroup", "runAsUser", "runAsGroup"):
        errors.check_between(f"{place}.{field}", context.get(field), 0, MAX_ID)
    for index, group in enumerate(context.get("supplementalGroups") or ()):
        errors.check_between(f"{place}.supplementalGroups[{index}]", group, 0, MAX_ID)
    if spec.get("shareProcessNamespace") and spec.get("hostPID"):
        why = "ShareProcessNamespace and HostPID cannot both be enabled"
        errors.invalid(f"{place}.shareProcessNamespace", True, why)
    _check_sysctls(spec, f"{place}.sysctls", errors)
    policy, groups = context.get("fsGroupChangePolicy"), context.get("supplementalGroupsPolicy")
    errors.check_choice(f"{place}.fsGroupChangePolicy", policy, ("Always", "OnRootMismatch"))
    _check_seccomp(context.get("seccompProfile"), f"{place}.seccompProfile", errors)
    check_windows_options(context.get("windowsOptions"), f"{place}.windowsOptions", errors)
    _check_app_armor(context.get("appArmorProfile"), f"{place}.appArmorProfile", errors)
    errors.check_choice(f"{place}.supplementalGroupsPolicy", groups, ("Merge", "Strict"))
    errors.check_choice(
        f"{place}.seLinuxChangePolicy", context.get("seLinuxChangePolicy"), ("Recursive",)
    )


def check_container_security(
    context: Object | None, path: str, host_users: bool, errors: FieldErrors
) -> None:
    """Check the security context of a container."""
    if context is None:
        return
    for field in ("runAsUser", "runAsGroup"):
        errors.check_between(f"{path}.{field}", context.get(field), 0, MAX_ID)
    errors.check_choice(f"{path}.procMount", context.get("procMount"), ("Default", "Unmasked"))
    if host_users and context.get("procMount") == "Unmasked":
        errors.invalid(
            f"{path}.procMount", "Unmasked", "`hostUsers` must be false to use `Unmasked`"
        )
    _check_seccomp(context.get("seccompProfile"), f"{path}.seccompProfile", errors)
    if context.get("allowPrivilegeEscalation") is False:
        shown = internal(schemas()["core.v1.SecurityContext"], context)
        start = "cannot set `allowPrivilegeEscalation` to false and"
        if context.get("privileged"):
            errors.invalid(path, shown, f"{start} `privileged` to true")
        for capability in (context.get("capabilities") or {}).get("add") or ():
            if capability == "CAP_SYS_ADMIN":
                errors.invalid(path, shown, f"{start} `capabilities.Add` CAP_SYS_ADMIN")
    check_windows_options(context.get("windowsOptions"), f"{path}.windowsOptions", errors)
    _check_app_armor(context.get("appArmorProfile"), f"{path}.appArmorProfile", errors)


def _check_sysctls(spec: Object, path: str, errors: FieldErrors) -> None:
    """Check sysctls: valid names, no duplicates, none of a namespace shared with the host."""
    seen: set[str] = set()
    for index, setting in enumerate((spec.get("securityContext") or {}).get("sysctls") or ()):
        place, name = f"{path}[{index}].name", setting.get("name", "")
        if not name:
            errors.required(place)
        elif len(name) > 253 or not re.fullmatch(SYSCTL, name):
            errors.invalid(
                place, name, f"must have at most 253 characters and match regex ^{SYSCTL}$"
            )
        elif name in seen:
            errors.duplicate(place, name)
        dotted = name.replace("/", ".")
        if spec.get("hostNetwork") and dotted.startswith("net."):
            errors.invalid(place, name, "may not be specified when 'hostNetwork' is true")
        elif spec.get("hostIPC") and dotted.startswith(
            ("kernel.shm", "kernel.msg", "kernel.sem", "fs.mqueue.")
        ):
            errors.invalid(place, name, "may not be specified when 'hostIPC' is true")
        seen.add(name)


def _check_seccomp(profile: Object | None, path: str, errors: FieldErrors) -> None:
    """Check a seccomp profile."""
    if profile is None:
        return
    kind, file = profile.get("type", ""), profile.get("localhostProfile")
    errors.check_required_choice(
        f"{path}.type", kind, PROFILE_TYPES, "type is required when seccompProfile is set"
    )
    if kind == "Localhost":
        if file is None:
            errors.required(
                f"{path}.localhostProfile", "must be set when seccomp type is Localhost"
            )
        else:
            check_descending(file, f"{path}.localhostProfile", errors)
    elif file is not None:
        shown = internal(schemas()["core.v1.SeccompProfile"], profile)
        errors.invalid(
            f"{path}.localhostProfile", shown, "can only be set when seccomp type is Localhost"
        )


def _check_app_armor(profile: Object | None, path: str, errors: FieldErrors) -> None:
    """Check an AppArmor profile."""
    if profile is None:
        return
    kind, name, place = (
        profile.get("type", ""),
        profile.get("localhostProfile"),
        f"{path}.localhostProfile",
    )
    errors.check_required_choice(
        f"{path}.type", kind, PROFILE_TYPES, "type is required when appArmorProfile is set"
    )
    if kind in ("RuntimeDefault", "Unconfined"):
        if name is not None:
            errors.invalid(place, name, "can only be set when AppArmor type is Localhost")
    elif kind == "Localhost":
        if name is not None and name != name.strip():
            errors.invalid(place, name, "must not be padded with whitespace")
        elif not name:
            errors.required(place, "must be set when AppArmor type is Localhost")
        if name is not None and len(name) > MAX_PATH_BYTES:
            errors.too_long(place, MAX_PATH_BYTES)
