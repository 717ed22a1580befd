"""Rules for the sources of volumes, except those that pods alone can have.

Of sources for which this lab has no storage only the required fields are checked.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from labkit.embedded.apiserver.registry.errors import FieldErrors, between
from labkit.embedded.apiserver.registry.names import dns_subdomain
from labkit.embedded.apiserver.registry.strategies.fields.paths import (
    check_descending,
    check_no_backsteps,
)
from labkit.embedded.apiserver.registry.strategies.fields.rules import (
    Rule,
    choice,
    every,
    fields,
    if_set,
    must,
    present,
    rule,
    zero,
)

DEPRECATED = {
    "photonPersistentDisk": "deprecated in v1.11, non-functional in v1.16+",
    "gitRepo": "deprecated in v1.11, and disabled by default in v1.33+",
    "scaleIO": "deprecated in v1.16, non-functional in v1.22+",
    "flocker": "deprecated in v1.22, non-functional in v1.25+",
    "storageos": "deprecated in v1.22, non-functional in v1.25+",
    "quobyte": "deprecated in v1.22, non-functional in v1.25+",
    "glusterfs": "deprecated in v1.25, non-functional in v1.26+",
    "cephfs": "deprecated in v1.28, non-functional in v1.31+",
    "rbd": "deprecated in v1.28, non-functional in v1.31+",
}
"""Deprecated sources in the order of the warnings."""
HOST_PORTS = "must be a host:port pair or multiple pairs separated by commas"
HOST_PATH_TYPE = choice(
    "",
    "BlockDevice",
    "CharDevice",
    "Directory",
    "DirectoryOrCreate",
    "File",
    "FileOrCreate",
    "Socket",
)
# The message begins at 1 although the real server, too, reads 0 as the whole disk.
PARTITION = must(lambda number: 0 <= number <= 255, between(1, 255))
ABSOLUTE = must(lambda path: path.startswith("/"), "must be an absolute path")


def source_warning(field: str) -> str:
    """Return the warning about a deprecated source, which it names as Go's struct does."""
    return f"{'storageOS' if field == 'storageos' else field}: {DEPRECATED[field]}"


def _check_host_path(source: Any, path: str, errors: FieldErrors) -> None:
    if not source.get("path"):
        # The real server looks no further: the type of a missing path is not checked.
        errors.required(f"{path}.path")
        return
    check_no_backsteps(source["path"], f"{path}.path", errors)
    HOST_PATH_TYPE(source.get("type"), f"{path}.type", errors)


def _check_quobyte(source: Any, path: str, errors: FieldErrors) -> None:
    registry = source.get("registry", "")
    if not registry:
        errors.required(f"{path}.registry", HOST_PORTS)
    elif len(source.get("tenant", "").encode()) >= 65:
        # "Required" for a text that is too long: the real server says so.
        errors.required(
            f"{path}.tenant", "must be a UUID and may not exceed a length of 64 characters"
        )
    else:
        for pair in registry.split(","):
            if pair.count(":") != 1:
                errors.invalid(f"{path}.registry", registry, HOST_PORTS)
    errors.check_present(f"{path}.volume", source.get("volume"))


def _check_flex_options(options: Any, path: str, errors: FieldErrors) -> None:
    for key in options or ():
        domain = "." + key.partition("/")[0].lower()
        if domain.endswith((".kubernetes.io", ".k8s.io")):
            detail = "kubernetes.io and k8s.io namespaces are reserved"
            errors.invalid(f"{path}[{key}]", key, detail)


DRIVER = every(
    present,
    zero("", rule(FieldErrors.check_length, 63)),
    # Upper case is allowed in the names of drivers alone.
    if_set(lambda name: dns_subdomain(name.lower())),
)

SHARED: Mapping[str, Rule] = {
    "hostPath": _check_host_path,
    "gitRepo": fields(repository=present, directory=zero("", check_descending)),
    "gcePersistentDisk": fields(pdName=present, partition=PARTITION),
    "awsElasticBlockStore": fields(volumeID=present, partition=PARTITION),
    "flocker": fields(),
    "nfs": fields(server=present, path=every(present, zero("", ABSOLUTE))),
    "rbd": fields(monitors=present, image=present),
    "quobyte": _check_quobyte,
    "cephfs": fields(monitors=present),
    "fc": fields(),
    "flexVolume": fields(driver=present, options=_check_flex_options),
    "vsphereVolume": fields(volumePath=present),
    "photonPersistentDisk": fields(pdID=present),
    "portworxVolume": fields(volumeID=present),
    "azureDisk": fields(diskName=present, diskURI=present),
    "scaleIO": fields(gateway=present, system=present, volumeName=present),
    "csi": fields(driver=DRIVER),
}

NAMES_IN_CAUSES = {"gcePersistentDisk": "persistentDisk"}
"""Sources that causes name otherwise."""
SECOND_NAMES = {"cephfs": "cephFS", "downwardAPI": "downwarAPI"}
"""The same in the cause that a volume has one source already; one is a slip of the real server."""


def check_sources(
    volume: dict[str, Any], sources: Mapping[str, Rule], path: str, errors: FieldErrors
) -> None:
    """Check that a volume has one valid source; ``sources`` are in the order of the checks."""
    used = [field for field in sources if volume.get(field) is not None]
    for field in used[:1]:
        sources[field](volume[field], f"{path}.{NAMES_IN_CAUSES.get(field, field)}", errors)
    for field in used[1:]:
        detail = "may not specify more than 1 volume type"
        errors.forbidden(f"{path}.{SECOND_NAMES.get(field, field)}", detail)
    errors.check_present(path, used, "must specify a volume type")
