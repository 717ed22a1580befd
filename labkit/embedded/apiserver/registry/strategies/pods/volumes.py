"""Rules for the volumes of a pod."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.names import dns_label
from labkit.embedded.apiserver.registry.strategies.fields.by_schema import CLAIM_SPEC
from labkit.embedded.apiserver.registry.strategies.fields.numbers import check_token_seconds
from labkit.embedded.apiserver.registry.strategies.fields.paths import check_not_reserved
from labkit.embedded.apiserver.registry.strategies.fields.rules import (
    Rule,
    each,
    every,
    fields,
    must,
    present,
)
from labkit.embedded.apiserver.registry.strategies.storage.sources import SHARED, check_sources
from labkit.embedded.machinery.schema.values import amount

from .containers import PULL_POLICY
from .environment import (
    VOLUME_FIELDS,
    field_ref,
    resource_ref,
)


def _check_size(size: Any, path: str, errors: FieldErrors) -> None:
    if amount(size or 0) < 0:
        errors.forbidden(path, "SizeLimit field must be a valid resource quantity")


# pkg/apis/core/validation/validation.go: validateKeyToPath, validateSecretVolumeSource, validateConfigMapVolumeSource
MODE = must(
    lambda mode: 0 <= mode <= 0o777,
    "must be a number between 0 and 0777 (octal), both inclusive",
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


SECRET_BY_NAME = fields(name=present)
# pkg/apis/core/validation/validation.go: validateVolumeSource. The order decides which one of several sources is checked.
SOURCES: Mapping[str, Rule] = {
    "emptyDir": fields(sizeLimit=_check_size),
    "hostPath": SHARED["hostPath"],
    "gitRepo": SHARED["gitRepo"],
    "gcePersistentDisk": SHARED["gcePersistentDisk"],
    "awsElasticBlockStore": SHARED["awsElasticBlockStore"],
    "secret": SECRET,
    "nfs": SHARED["nfs"],
    "iscsi": fields(targetPortal=present, iqn=present),
    "glusterfs": fields(endpoints=present, path=present),
    "flocker": SHARED["flocker"],
    "persistentVolumeClaim": fields(claimName=present),
    "rbd": SHARED["rbd"],
    "cinder": fields(volumeID=present, secretRef=SECRET_BY_NAME),
    "cephfs": SHARED["cephfs"],
    "quobyte": SHARED["quobyte"],
    "downwardAPI": _check_downward,
    "fc": SHARED["fc"],
    "flexVolume": SHARED["flexVolume"],
    "configMap": CONFIG_MAP,
    "azureFile": fields(secretName=present, shareName=present),
    "vsphereVolume": SHARED["vsphereVolume"],
    "photonPersistentDisk": SHARED["photonPersistentDisk"],
    "portworxVolume": SHARED["portworxVolume"],
    "azureDisk": SHARED["azureDisk"],
    "storageos": fields(volumeName=present, secretRef=SECRET_BY_NAME),
    "projected": _check_projected,
    "scaleIO": SHARED["scaleIO"],
    "csi": SHARED["csi"],
    # The metadata of the claim is not checked.
    "ephemeral": fields(volumeClaimTemplate=every(present, fields(spec=CLAIM_SPEC))),
    "image": fields(reference=present, pullPolicy=PULL_POLICY),
}
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
        check_sources(volume, sources, field_path, errors)
        errors.check_required(f"{field_path}.name", name, dns_label)
        if name in valid:
            errors.duplicate(f"{field_path}.name", name)
        if len(errors) == before:
            valid[name] = volume
    return valid
