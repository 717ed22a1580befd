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

LABEL = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
DNS_DOMAIN = re.compile(rf"{LABEL}(?:\.{LABEL})*")
NETBIOS_DOMAIN = re.compile(r"""[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}""")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
BAD_IN_USER = re.compile(r"""["/\\:;|=,+*?<>@\[\]]""")
MAX_SPEC_KIB = 64
MAX_DOMAIN = 256
MAX_USER = 104
ALL_OR_NONE = "If pod contains any hostProcess containers then all containers must be HostProcess containers"


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
        errors.invalid(f"{path}.gmsaCredentialSpec", spec, "gmsaCredentialSpec cannot be an empty string")
    elif spec is not None and len(spec.encode()) > MAX_SPEC_KIB * 1024:
        why = f"gmsaCredentialSpec size must be under {MAX_SPEC_KIB} KiB"
        errors.invalid(f"{path}.gmsaCredentialSpec", spec, why)
    if options.get("runAsUserName") is not None:
        for why in _wrong_with_user(options["runAsUserName"]):
            errors.invalid(f"{path}.runAsUserName", options["runAsUserName"], f"runAsUserName{why}")


def _wrong_with_user(name: str) -> Iterator[str]:
    """The problems of a user name, which may have a domain."""
    if not name:
        yield " cannot be an empty string"
        return
    if CONTROL.search(name):
        yield " cannot contain control characters"
        return
    if name.count("\\") > 1:
        yield " cannot contain more than one backslash"
        return
    domain, backslash, user = name.rpartition("\\")
    if len(domain) >= MAX_DOMAIN:
        yield f"'s Domain length must be under {MAX_DOMAIN} characters"
    if backslash and not (NETBIOS_DOMAIN.fullmatch(domain) or DNS_DOMAIN.fullmatch(domain)):
        yield "'s Domain doesn't match the NetBios nor the DNS format"
    if not user:
        yield "'s User cannot be empty"
    elif len(user) > MAX_USER:
        yield f"'s User length must not be longer than {MAX_USER} characters"
    if user and not user.strip(". "):
        yield "'s User cannot contain only periods or spaces"
    if BAD_IN_USER.search(user):
        yield """'s User cannot contain the following characters: "/\\:;|=,+*?<>@[]"""


def check_host_processes(spec: Object, path: str, errors: FieldErrors) -> None:
    """Check HostProcess containers: all or none, and on the host network."""
    whole = ((spec.get("securityContext") or {}).get("windowsOptions") or {}).get("hostProcess")
    counted = hosted = 0
    for container, place in every_container(spec, path):
        counted += 1
        own = ((container.get("securityContext") or {}).get("windowsOptions") or {}).get("hostProcess")
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
