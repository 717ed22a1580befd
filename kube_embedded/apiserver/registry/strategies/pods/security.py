"""Rules for the security contexts of pods and containers."""

import re
from typing import Any

from kube_embedded.machinery.request import Object

from ...errors import FieldErrors
from ...names import dns_subdomain
from ..fields.paths import check_descending
from ..fields.rules import (
    between,
    choice,
    each,
    every,
    fields,
    matches,
    must,
    optional,
    required_choice,
)
from ..fields.struct_diff import go_struct
from .specs import every_container

ID = between(0, 2**31 - 1)

# pkg/apis/core/validation/validation.go: validateWindowsSecurityContextOptions
BAD_IN_USER = re.compile(r"""["/\\:;|=,+*?<>@\[\]]""")
WINDOWS = fields(
    gmsaCredentialSpecName=matches(dns_subdomain),
    gmsaCredentialSpec=must(bool, "gmsaCredentialSpec cannot be an empty string"),
    runAsUserName=every(
        must(bool, "runAsUserName cannot be an empty string"),
        must(
            lambda name: not BAD_IN_USER.search(name.rpartition("\\")[2]),
            """runAsUserName's User cannot contain the following characters: "/\\:;|=,+*?<>@[]""",
        ),
    ),
)

PROFILE_TYPES = ("Localhost", "RuntimeDefault", "Unconfined")


def _check_seccomp_file(profile: Any, path: str, errors: FieldErrors) -> None:
    file = profile.get("localhostProfile")
    field_path = f"{path}.localhostProfile"
    if profile.get("type") != "Localhost":
        if file is not None:
            printed = go_struct("core.v1.SeccompProfile", profile)
            errors.invalid(field_path, printed, "can only be set when seccomp type is Localhost")
    elif file is None:
        errors.required(field_path, "must be set when seccomp type is Localhost")
    else:
        check_descending(file, field_path, errors)


# pkg/apis/core/validation/validation.go: validateSeccompProfileField
SECCOMP = optional(
    every(
        fields(
            type=required_choice(
                *PROFILE_TYPES, detail="type is required when seccompProfile is set"
            )
        ),
        _check_seccomp_file,
    )
)


def _check_app_armor_name(profile: Any, path: str, errors: FieldErrors) -> None:
    name = profile.get("localhostProfile")
    field_path = f"{path}.localhostProfile"
    if profile.get("type") in ("RuntimeDefault", "Unconfined"):
        if name is not None:
            errors.invalid(field_path, name, "can only be set when AppArmor type is Localhost")
    elif profile.get("type") == "Localhost":
        errors.check_present(field_path, name, "must be set when AppArmor type is Localhost")


# pkg/apis/core/validation/validation.go: ValidateAppArmorProfileField
APP_ARMOR = optional(
    every(
        fields(
            type=required_choice(
                *PROFILE_TYPES, detail="type is required when appArmorProfile is set"
            )
        ),
        _check_app_armor_name,
    )
)

# pkg/apis/core/validation/validation.go: validateSysctls
SYSCTL = r"([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?"


SYSCTLS_OF_HOST = {
    "hostNetwork": ("net.",),
    "hostIPC": ("kernel.shm", "kernel.msg", "kernel.sem", "fs.mqueue."),
}
"""The sysctls of a namespace that a pod can share with its node."""


def _check_sysctls(spec: Object, settings: list[Object], path: str, errors: FieldErrors) -> None:
    names: set[str] = set()
    for index, setting in enumerate(settings):
        field_path = f"{path}[{index}].name"
        name = setting.get("name", "")
        errors.check_present(field_path, name)
        if name and (len(name) > 253 or not re.fullmatch(SYSCTL, name)):
            detail = f"must have at most 253 characters and match regex ^{SYSCTL}$"
            errors.invalid(field_path, name, detail)
        elif name:
            errors.check_unique(field_path, name, names)
        for field, prefixes in SYSCTLS_OF_HOST.items():
            if spec.get(field) and name.replace("/", ".").startswith(prefixes):
                errors.invalid(field_path, name, f"may not be specified when '{field}' is true")


# pkg/apis/core/validation/validation.go: validatePodSpecSecurityContext, whose checks of the host's
# namespaces come between these two tables
IDS = fields(fsGroup=ID, runAsUser=ID, runAsGroup=ID, supplementalGroups=each(ID))
POD_OPTIONS = fields(
    fsGroupChangePolicy=choice("Always", "OnRootMismatch"),
    seccompProfile=SECCOMP,
    windowsOptions=WINDOWS,
    appArmorProfile=APP_ARMOR,
    supplementalGroupsPolicy=choice("Merge", "Strict"),
    # MountOption is of a feature gate that is off in 1.36.
    seLinuxChangePolicy=choice("Recursive"),
)


def check_pod_security(spec: Object, path: str, errors: FieldErrors) -> None:
    """Check the security context of a pod."""
    context = spec.get("securityContext") or {}
    field_path = f"{path}.securityContext"
    IDS(context, field_path, errors)
    if spec.get("shareProcessNamespace") and spec.get("hostPID"):
        detail = "ShareProcessNamespace and HostPID cannot both be enabled"
        errors.invalid(f"{field_path}.shareProcessNamespace", True, detail)
    _check_sysctls(spec, context.get("sysctls") or [], f"{field_path}.sysctls", errors)
    POD_OPTIONS(context, field_path, errors)


# pkg/apis/core/validation/validation.go: ValidateSecurityContext
CONTAINER_IDS = fields(runAsUser=ID, runAsGroup=ID, procMount=choice("Default", "Unmasked"))
CONTAINER_OPTIONS = fields(windowsOptions=WINDOWS, appArmorProfile=APP_ARMOR)


def check_container_security(
    context: Object | None, path: str, errors: FieldErrors, *, host_users: bool
) -> None:
    """Check the security context of a container; with ``host_users``, the pod's users are the node's."""
    if context is None:
        return
    CONTAINER_IDS(context, path, errors)
    if host_users and context.get("procMount") == "Unmasked":
        detail = "`hostUsers` must be false to use `Unmasked`"
        errors.invalid(f"{path}.procMount", "Unmasked", detail)
    SECCOMP(context.get("seccompProfile"), f"{path}.seccompProfile", errors)
    if context.get("allowPrivilegeEscalation") is False:
        printed = go_struct("core.v1.SecurityContext", context)
        start = "cannot set `allowPrivilegeEscalation` to false and"
        if context.get("privileged"):
            errors.invalid(path, printed, f"{start} `privileged` to true")
        for capability in (context.get("capabilities") or {}).get("add") or ():
            if capability == "CAP_SYS_ADMIN":
                errors.invalid(path, printed, f"{start} `capabilities.Add` CAP_SYS_ADMIN")
    CONTAINER_OPTIONS(context, path, errors)


ALL_OR_NONE = (
    "If pod contains any hostProcess containers then all containers must be HostProcess containers"
)


def _host_process(holder: Object) -> bool | None:
    context = holder.get("securityContext") or {}
    host_process: bool | None = (context.get("windowsOptions") or {}).get("hostProcess")
    return host_process


def check_host_processes(spec: Object, path: str, errors: FieldErrors) -> None:
    """Check HostProcess containers: all or none, and on the host network (``validateWindowsHostProcessPod``)."""
    of_pod = _host_process(spec)
    effective = []
    for container, field_path in every_container(spec, path):
        own = _host_process(container)
        if of_pod is not None and own is not None and of_pod != own:
            was = "true" if of_pod else "false"
            detail = f"pod hostProcess value must be identical if both are specified, was {was}"
            errors.invalid(f"{field_path}.securityContext.windowsOptions.hostProcess", own, detail)
        effective.append(bool(of_pod if own is None else own))
    if not any(effective):
        return
    if not all(effective):
        errors.invalid(path, "", ALL_OR_NONE)
    if not spec.get("hostNetwork"):
        detail = "hostNetwork must be true if pod contains any hostProcess containers"
        errors.invalid(f"{path}.hostNetwork", False, detail)
