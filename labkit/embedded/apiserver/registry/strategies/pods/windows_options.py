"""Validation of Windows options.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go`` (``validateWindowsSecurityContextOptions``,
``validateWindowsHostProcessPod``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.names import dns_subdomain
from labkit.embedded.machinery.request import Object

BAD_IN_USER = re.compile(r"""["/\\:;|=,+*?<>@\[\]]""")
ALL_OR_NONE = (
    "If pod contains any hostProcess containers then all containers must be HostProcess containers"
)


def every_container(spec: Object, path: str) -> Iterator[tuple[Object, str]]:
    """Each container of any kind with its path, init containers first."""
    for form in ("initContainers", "containers", "ephemeralContainers"):
        for index, container in enumerate(spec.get(form) or ()):
            yield container, f"{path}.{form}[{index}]"


def check_windows_options(options: Object | None, path: str, errors: FieldErrors) -> None:
    """Check the Windows options of a security context."""
    if options is None:
        return
    name, spec = options.get("gmsaCredentialSpecName"), options.get("gmsaCredentialSpec")
    errors.check_format(f"{path}.gmsaCredentialSpecName", name, dns_subdomain)
    if spec == "":
        errors.invalid(
            f"{path}.gmsaCredentialSpec", spec, "gmsaCredentialSpec cannot be an empty string"
        )
    if options.get("runAsUserName") is not None:
        for why in _wrong_with_user(options["runAsUserName"]):
            errors.invalid(f"{path}.runAsUserName", options["runAsUserName"], f"runAsUserName{why}")


def _wrong_with_user(name: str) -> Iterator[str]:
    """The problems of a user name, which may have a domain."""
    if not name:
        yield " cannot be an empty string"
        return
    if BAD_IN_USER.search(name.rpartition("\\")[2]):
        yield """'s User cannot contain the following characters: "/\\:;|=,+*?<>@[]"""


def check_host_processes(spec: Object, path: str, errors: FieldErrors) -> None:
    """Check HostProcess containers: all or none, and on the host network."""
    whole = ((spec.get("securityContext") or {}).get("windowsOptions") or {}).get("hostProcess")
    counted = hosted = 0
    for container, place in every_container(spec, path):
        counted += 1
        own = ((container.get("securityContext") or {}).get("windowsOptions") or {}).get(
            "hostProcess"
        )
        if whole is not None and own is not None and whole != own:
            shown = "true" if whole else "false"
            why = f"pod hostProcess value must be identical if both are specified, was {shown}"
            errors.invalid(f"{place}.securityContext.windowsOptions.hostProcess", own, why)
        hosted += bool(whole if own is None else own)
    if not hosted:
        return
    if hosted != counted:
        errors.invalid(path, "", ALL_OR_NONE)
    if not spec.get("hostNetwork"):
        why = "hostNetwork must be true if pod contains any hostProcess containers"
        errors.invalid(f"{path}.hostNetwork", False, why)
