"""Rules for volume sources that pods and persistent volumes share.

Of sources for which this lab has no storage only the required fields are checked.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go``.
"""

from __future__ import annotations

from collections.abc import Mapping

from labkit.embedded.apiserver.registry.errors import FieldErrors, between
from labkit.embedded.apiserver.registry.names import dns_subdomain
from labkit.embedded.apiserver.registry.strategies.fields.paths import (
    check_descending,
    check_no_backsteps,
)
from labkit.embedded.apiserver.registry.strategies.storage.source_rules import Rule, needs
from labkit.embedded.machinery.request import Object

HOST_PATH_TYPES = (
    "",
    "BlockDevice",
    "CharDevice",
    "Directory",
    "DirectoryOrCreate",
    "File",
    "FileOrCreate",
    "Socket",
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


def source_warning(field: str) -> str:
    """The warning about a deprecated source, which it names as Go's struct does."""
    return f"{'storageOS' if field == 'storageos' else field}: {DEPRECATED[field]}"


def host_path(source: Object, path: str, errors: FieldErrors) -> None:
    """Check a hostPath volume."""
    if not source.get("path"):
        errors.required(f"{path}.path")
        return
    check_no_backsteps(source["path"], f"{path}.path", errors)
    errors.check_choice(f"{path}.type", source.get("type"), HOST_PATH_TYPES)


def git_repository(source: Object, path: str, errors: FieldErrors) -> None:
    """Check a gitRepo volume."""
    needs("repository")(source, path, errors)
    check_descending(source.get("directory", ""), f"{path}.directory", errors)


def partitioned(field: str) -> Rule:
    """Make a rule for a disk with partitions, named by a field."""

    def rule(source: Object, path: str, errors: FieldErrors) -> None:
        needs(field)(source, path, errors)
        partition = source.get("partition", 0)
        if not 0 <= partition <= 255:
            errors.invalid(f"{path}.partition", partition, between(1, 255))

    return rule


def nfs(source: Object, path: str, errors: FieldErrors) -> None:
    """Check an NFS volume."""
    needs("server", "path")(source, path, errors)
    directory = source.get("path", "")
    if not directory.startswith("/"):
        errors.invalid(f"{path}.path", directory, "must be an absolute path")


def quobyte(source: Object, path: str, errors: FieldErrors) -> None:
    """Check a Quobyte volume."""
    registry = source.get("registry", "")
    if not registry:
        errors.required(f"{path}.registry", HOST_PORTS)
    elif len(source.get("tenant", "").encode()) >= 65:
        errors.required(
            f"{path}.tenant", "must be a UUID and may not exceed a length of 64 characters"
        )
    else:
        for pair in registry.split(","):
            if pair.count(":") != 1:
                errors.invalid(f"{path}.registry", registry, HOST_PORTS)
    needs("volume")(source, path, errors)


def flex(source: Object, path: str, errors: FieldErrors) -> None:
    """Check a FlexVolume."""
    needs("driver")(source, path, errors)
    for key in source.get("options") or ():
        domain = "." + key.partition("/")[0].lower()
        if domain.endswith((".kubernetes.io", ".k8s.io")):
            errors.invalid(
                f"{path}.options[{key}]", key, "kubernetes.io and k8s.io namespaces are reserved"
            )


def check_driver_name(name: str, path: str, errors: FieldErrors) -> None:
    """Check the name of a CSI driver."""
    errors.check_present(path, name)
    errors.check_length(path, name, 63)
    errors.check_if_given(path, name, lambda name: dns_subdomain(name.lower()))


def csi(source: Object, path: str, errors: FieldErrors) -> None:
    """Check an inline CSI volume."""
    check_driver_name(source.get("driver", ""), f"{path}.driver", errors)


SHARED: Mapping[str, Rule] = {
    "hostPath": host_path,
    "gcePersistentDisk": partitioned("pdName"),
    "awsElasticBlockStore": partitioned("volumeID"),
    "flocker": needs(),
    "nfs": nfs,
    "rbd": needs("monitors", "image"),
    "quobyte": quobyte,
    "cephfs": needs("monitors"),
    "fc": needs(),
    "flexVolume": flex,
    "vsphereVolume": needs("volumePath"),
    "photonPersistentDisk": needs("pdID"),
    "portworxVolume": needs("volumeID"),
    "azureDisk": needs("diskName", "diskURI"),
    "scaleIO": needs("gateway", "system", "volumeName"),
}
"""The sources whose rules are the same in a pod and in a persistent volume."""
