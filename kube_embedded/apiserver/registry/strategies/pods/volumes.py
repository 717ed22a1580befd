"""Rules for the volumes of a pod.

Of sources for which this lab has no storage only the required fields are checked.
Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go``.
"""

from collections.abc import Mapping
from typing import Any

from kube_embedded.machinery.schema.values import amount

from ...errors import FieldErrors, between
from ...names import dns_label, dns_subdomain
from ..fields.by_schema import CLAIM_SPEC
from ..fields.numbers import check_token_seconds
from ..fields.paths import check_descending, check_no_backsteps, check_not_reserved
from ..fields.rules import Rule, choice, each, every, fields, if_set, must, present, rule, zero
from .containers import PULL_POLICY
from .environment import VOLUME_FIELDS, field_ref, resource_ref

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


def _check_size(size: Any, path: str, errors: FieldErrors) -> None:
    if amount(size or 0) < 0:
        errors.forbidden(path, "SizeLimit field must be a valid resource quantity")


# pkg/apis/core/validation/validation.go: validateKeyToPath, validateSecretVolumeSource, validateConfigMapVolumeSource
MODE = must(
    lambda mode: 0 <= mode <= 0o777, "must be a number between 0 and 0777 (octal), both inclusive"
)
FILE = every(present, check_not_reserved)
ITEM = fields(key=present, path=FILE, mode=MODE)
SECRET = fields(secretName=present, defaultMode=MODE, items=each(ITEM))
CONFIG_MAP = fields(name=present, defaultMode=MODE, items=each(ITEM))

# pkg/apis/core/validation/validation.go: validateDownwardAPIVolumeFile
FIELD_REF = field_ref(*VOLUME_FIELDS)
RESOURCE_REF = resource_ref(volume=True)


def _check_reference(file: Any, path: str, errors: FieldErrors) -> None:
    field = file.get("fieldRef")
    resource = file.get("resourceFieldRef")
    if field is not None:
        FIELD_REF(field, f"{path}.fieldRef", errors)
        if resource is not None:
            detail = "fieldRef and resourceFieldRef can not be specified simultaneously"
            errors.invalid(path, "resource", detail)
    elif resource is not None:
        RESOURCE_REF(resource, f"{path}.resourceFieldRef", errors)
    else:
        errors.required(path, "one of fieldRef and resourceFieldRef is required")


DOWNWARD_FILE = every(fields(path=FILE), _check_reference, fields(mode=MODE))


def _check_downward(source: Any, path: str, errors: FieldErrors) -> None:
    MODE(source.get("defaultMode"), f"{path}.defaultMode", errors)
    # The causes name the volume, not its items.
    for file in source.get("items") or ():
        DOWNWARD_FILE(file, path, errors)


# pkg/apis/core/validation/validation.go: validateProjectionSources
def _check_projected(volume: Any, path: str, errors: FieldErrors) -> None:
    files: set[str] = set()

    def take(file: str, source: str) -> None:
        if file and file in files:
            errors.invalid(path, source, "conflicting duplicate paths")
        files.add(file)

    MODE(volume.get("defaultMode"), f"{path}.defaultMode", errors)
    for index, source in enumerate(volume.get("sources") or ()):
        field_path = f"{path}.sources[{index}]"
        for field in ("secret", "configMap"):
            part = source.get(field)
            if part is not None:
                present(part.get("name"), f"{field_path}.{field}.name", errors)
                for number, item in enumerate(part.get("items") or ()):
                    ITEM(item, f"{field_path}.{field}.items[{number}]", errors)
                    take(item.get("path", ""), part.get("name", ""))
        for item in (source.get("downwardAPI") or {}).get("items") or ():
            DOWNWARD_FILE(item, f"{field_path}.downwardAPI", errors)
            take(item.get("path", ""), item.get("path", ""))
        token = source.get("serviceAccountToken")
        if token is not None:
            seconds = f"{field_path}.serviceAccountToken.expirationSeconds"
            check_token_seconds(token.get("expirationSeconds") or 0, seconds, errors)
            # The causes of its path name the volume.
            FILE(token.get("path"), f"{path}.path", errors)
        if sum(part is not None for part in source.values()) > 1:
            errors.forbidden(field_path, "may not specify more than 1 volume type per source")


def _check_host_path(source: Any, path: str, errors: FieldErrors) -> None:
    if not source.get("path"):
        # The real server looks no further: the type of a missing path is not checked.
        errors.required(f"{path}.path")
        return
    check_no_backsteps(source["path"], f"{path}.path", errors)
    HOST_PATH_TYPE(source.get("type"), f"{path}.type", errors)


def _check_registry(registry: Any, path: str, errors: FieldErrors) -> None:
    errors.check_present(path, registry, HOST_PORTS)
    for pair in registry.split(",") if registry else ():
        if pair.count(":") != 1:
            errors.invalid(path, registry, HOST_PORTS)


DRIVER = every(
    present,
    zero("", rule(FieldErrors.check_length, 63)),
    # Upper case is allowed in the names of drivers alone.
    if_set(lambda name: dns_subdomain(name.lower())),
)

SECRET_BY_NAME = fields(name=present)
# pkg/apis/core/validation/validation.go: validateVolumeSource. The order decides which one of several sources is checked.
SOURCES: Mapping[str, Rule] = {
    "emptyDir": fields(sizeLimit=_check_size),
    "hostPath": _check_host_path,
    "gitRepo": fields(repository=present, directory=zero("", check_descending)),
    "gcePersistentDisk": fields(pdName=present, partition=PARTITION),
    "awsElasticBlockStore": fields(volumeID=present, partition=PARTITION),
    "secret": SECRET,
    "nfs": fields(server=present, path=every(present, zero("", ABSOLUTE))),
    "iscsi": fields(targetPortal=present, iqn=present),
    "glusterfs": fields(endpoints=present, path=present),
    "flocker": fields(),
    "persistentVolumeClaim": fields(claimName=present),
    "rbd": fields(monitors=present, image=present),
    "cinder": fields(volumeID=present, secretRef=SECRET_BY_NAME),
    "cephfs": fields(monitors=present),
    "quobyte": fields(registry=_check_registry, volume=present),
    "downwardAPI": _check_downward,
    "fc": fields(),
    "flexVolume": fields(driver=present),
    "configMap": CONFIG_MAP,
    "azureFile": fields(secretName=present, shareName=present),
    "vsphereVolume": fields(volumePath=present),
    "photonPersistentDisk": fields(pdID=present),
    "portworxVolume": fields(volumeID=present),
    "azureDisk": fields(diskName=present, diskURI=present),
    "storageos": fields(volumeName=present, secretRef=SECRET_BY_NAME),
    "projected": _check_projected,
    "scaleIO": fields(gateway=present, system=present, volumeName=present),
    "csi": fields(driver=DRIVER),
    # The metadata of the claim is not checked.
    "ephemeral": fields(volumeClaimTemplate=every(present, fields(spec=CLAIM_SPEC))),
    "image": fields(reference=present, pullPolicy=PULL_POLICY),
}
NAMES_IN_CAUSES = {"gcePersistentDisk": "persistentDisk"}
"""Sources that causes name otherwise."""
SECOND_NAMES = {"cephfs": "cephFS", "downwardAPI": "downwarAPI"}
"""The same in the cause that a volume has one source already; one is a slip of the real server."""


# A template need not name an image: a controller above it may set it later.
TEMPLATE_SOURCES = {**SOURCES, "image": fields(pullPolicy=PULL_POLICY)}


def check_volumes(
    volumes: list[dict[str, Any]], path: str, errors: FieldErrors, *, is_pod: bool
) -> dict[str, dict[str, Any]]:
    """Check the volumes of a template or, if ``is_pod``, of a pod, and return the valid ones by name."""
    sources = SOURCES if is_pod else TEMPLATE_SOURCES
    valid: dict[str, dict[str, Any]] = {}
    for index, volume in enumerate(volumes):
        field_path = f"{path}[{index}]"
        name = volume.get("name", "")
        before = len(errors)
        _check_source(volume, sources, field_path, errors)
        errors.check_required(f"{field_path}.name", name, dns_label)
        if name in valid:
            errors.duplicate(f"{field_path}.name", name)
        if len(errors) == before:
            valid[name] = volume
    return valid


def _check_source(
    volume: dict[str, Any], sources: Mapping[str, Rule], path: str, errors: FieldErrors
) -> None:
    """Check that a volume has one valid source."""
    used = [field for field in sources if volume.get(field) is not None]
    for field in used[:1]:
        sources[field](volume[field], f"{path}.{NAMES_IN_CAUSES.get(field, field)}", errors)
    for field in used[1:]:
        detail = "may not specify more than 1 volume type"
        errors.forbidden(f"{path}.{SECOND_NAMES.get(field, field)}", detail)
    errors.check_present(path, used, "must specify a volume type")
