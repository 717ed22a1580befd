"""Rules for volume sources that pods and persistent volumes share.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go``.
"""

from __future__ import annotations

from collections.abc import Mapping

from labkit.embedded.apiserver.registry.errors import FieldErrors, between
from labkit.embedded.apiserver.registry.names import dns_label
from labkit.embedded.apiserver.registry.strategies.fields.paths import check_descending, check_no_backsteps
from labkit.embedded.apiserver.registry.strategies.storage.source_rules import Rule, names_secret, needs
from labkit.embedded.machinery.request import Object

HOST_PATH_TYPES = ("", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket")
MANAGED_DISK = "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}"
BLOB_DISK = "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd"
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


def local(source: Object, path: str, errors: FieldErrors) -> None:
    """Check a local volume."""
    needs("path")(source, path, errors)
    check_no_backsteps(source.get("path", ""), f"{path}.path", errors)


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


def glusterfs_volume(source: Object, path: str, errors: FieldErrors) -> None:
    """Check a persistent Gluster volume."""
    needs("endpoints", "path")(source, path, errors)
    namespace = source.get("endpointsNamespace")
    if namespace is None:
        return
    place = f"{path}.endpointsNamespace"
    if not namespace:
        errors.invalid(place, namespace, "if the endpointnamespace is set, it must be a valid namespace name")
    errors.check_if_given(place, namespace, dns_label)


def flocker(source: Object, path: str, errors: FieldErrors) -> None:
    """Check a Flocker volume."""
    name, identity = source.get("datasetName", ""), source.get("datasetUUID", "")
    if not name and not identity:
        errors.required(path, "one of datasetName and datasetUUID is required")
    if name and identity:
        errors.invalid(path, "resource", "datasetName and datasetUUID can not be specified simultaneously")
    if "/" in name:
        errors.invalid(f"{path}.datasetName", name, "must not contain '/'")


def quobyte(source: Object, path: str, errors: FieldErrors) -> None:
    """Check a Quobyte volume."""
    registry = source.get("registry", "")
    if not registry:
        errors.required(f"{path}.registry", HOST_PORTS)
    elif len(source.get("tenant", "").encode()) >= 65:
        errors.required(f"{path}.tenant", "must be a UUID and may not exceed a length of 64 characters")
    else:
        for pair in registry.split(","):
            if pair.count(":") != 1:
                errors.invalid(f"{path}.registry", registry, HOST_PORTS)
    needs("volume")(source, path, errors)


def fibre_channel(source: Object, path: str, errors: FieldErrors) -> None:
    """Check a Fibre Channel volume."""
    targets, names = source.get("targetWWNs") or [], source.get("wwids") or []
    if not targets and not names:
        errors.required(f"{path}.targetWWNs", "must specify either targetWWNs or wwids, but not both")
    if targets and names:
        errors.invalid(f"{path}.targetWWNs", targets, "targetWWNs and wwids can not be specified simultaneously")
    if targets:
        unit = source.get("lun")
        if unit is None:
            errors.required(f"{path}.lun", "lun is required if targetWWNs is specified")
        errors.check_between(f"{path}.lun", unit, 0, 255)


def flex(source: Object, path: str, errors: FieldErrors) -> None:
    """Check a FlexVolume."""
    needs("driver")(source, path, errors)
    for key in source.get("options") or ():
        domain = "." + key.partition("/")[0].lower()
        if domain.endswith((".kubernetes.io", ".k8s.io")):
            errors.invalid(f"{path}.options[{key}]", key, "kubernetes.io and k8s.io namespaces are reserved")


def azure_file_volume(source: Object, path: str, errors: FieldErrors) -> None:
    """Check a persistent Azure File volume."""
    needs("secretName", "shareName")(source, path, errors)
    if source.get("secretNamespace") == "":
        errors.required(f"{path}.secretNamespace")


def azure_disk(source: Object, path: str, errors: FieldErrors) -> None:
    """Check an Azure Disk volume."""
    needs("diskName", "diskURI")(source, path, errors)
    kind, address = source.get("kind"), source.get("diskURI", "")
    errors.check_choice(f"{path}.cachingMode", source.get("cachingMode"), ("None", "ReadOnly", "ReadWrite"))
    errors.check_choice(f"{path}.kind", kind, ("Dedicated", "Managed", "Shared"))
    if kind == "Managed" and not address.startswith("/subscriptions/"):
        errors.not_supported(f"{path}.diskURI", address, [MANAGED_DISK])
    if kind is not None and kind != "Managed" and not address.startswith("https://"):
        errors.not_supported(f"{path}.diskURI", address, [BLOB_DISK])


def storage_os(*secret: str) -> Rule:
    """Make a rule for a StorageOS volume."""

    def rule(source: Object, path: str, errors: FieldErrors) -> None:
        needs("volumeName")(source, path, errors)
        for field in ("volumeName", "volumeNamespace"):
            errors.check_if_given(f"{path}.{field}", source.get(field), dns_label)
        names_secret(*secret)(source, path, errors)

    return rule


SHARED: Mapping[str, Rule] = {
    "hostPath": host_path,
    "gcePersistentDisk": partitioned("pdName"),
    "awsElasticBlockStore": partitioned("volumeID"),
    "flocker": flocker,
    "nfs": nfs,
    "rbd": needs("monitors", "image"),
    "quobyte": quobyte,
    "cephfs": needs("monitors"),
    "fc": fibre_channel,
    "flexVolume": flex,
    "vsphereVolume": needs("volumePath"),
    "photonPersistentDisk": needs("pdID"),
    "portworxVolume": needs("volumeID"),
    "azureDisk": azure_disk,
    "scaleIO": needs("gateway", "system", "volumeName"),
}
"""The sources whose rules are the same in a pod and in a persistent volume."""
