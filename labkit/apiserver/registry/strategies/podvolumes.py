"""The volumes of a pod.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go``.
"""

from __future__ import annotations

from collections.abc import Iterator

from labkit.apiserver.registry.errors import FieldErrors
from labkit.apiserver.registry.names import dns_label
from labkit.apiserver.registry.strategies.references import VOLUME_FIELD_PATHS, check_field_ref, check_resource_ref
from labkit.apiserver.request import Object
from labkit.apiserver.schema.values import amount

NEEDED = {
    "azureFile": ("secretName", "shareName"),
    "cephfs": ("monitors",),
    "ephemeral": ("volumeClaimTemplate",),
    "gitRepo": ("repository",),
    "iscsi": ("targetPortal", "iqn"),
    "rbd": ("monitors", "image"),
}
"""What volumes of some types cannot be without."""


def check_volumes(volumes: list[Object], path: str, errors: FieldErrors) -> dict[str, Object]:
    """The volumes of a pod.

    Returns:
        Those with good names, by name.
    """
    known: dict[str, Object] = {}
    for index, volume in enumerate(volumes):
        place = f"{path}[{index}]"
        before = len(errors)
        _check_source(volume, place, errors)
        name = volume.get("name", "")
        if not name:
            errors.required(f"{place}.name")
        else:
            for message in dns_label(name):
                errors.invalid(f"{place}.name", name, message)
            if name in known:
                errors.duplicate(f"{place}.name", name)
        if len(errors) == before:
            known[name] = volume
    return known


def _check_source(volume: Object, path: str, errors: FieldErrors) -> None:
    count = 0
    for field, source in sorted(volume.items(), key=lambda item: item[0] != "emptyDir"):
        if field == "name" or source is None:
            continue
        count += 1
        if count > 1:
            errors.forbidden(f"{path}.{field}", "may not specify more than 1 volume type")
            continue
        place = f"{path}.{field}"
        if field == "hostPath":
            check_host_path(source, place, errors)
        elif field == "secret":
            if not source.get("secretName"):
                errors.required(f"{place}.secretName")
            _check_mode(source.get("defaultMode"), f"{place}.defaultMode", errors)
            _check_items(source.get("items") or [], f"{place}.items", errors)
        elif field == "configMap":
            if not source.get("name"):
                errors.required(f"{place}.name")
            _check_mode(source.get("defaultMode"), f"{place}.defaultMode", errors)
            _check_items(source.get("items") or [], f"{place}.items", errors)
        elif field == "persistentVolumeClaim":
            if not source.get("claimName"):
                errors.required(f"{place}.claimName")
        elif field == "projected":
            _check_projected(source, place, errors)
        elif field == "downwardAPI":
            _check_mode(source.get("defaultMode"), f"{place}.defaultMode", errors)
            for index, item in enumerate(source.get("items") or ()):
                _check_downward(item, f"{place}.items[{index}]", errors)
        elif field in NEEDED:
            for name in NEEDED[field]:
                if not source.get(name):
                    errors.required(f"{place}.{name}")
        elif field == "nfs":
            check_nfs(source, place, errors)
        elif field == "emptyDir" and amount(source.get("sizeLimit", 0)) < 0:
            errors.forbidden(f"{place}.sizeLimit", "SizeLimit field must be a valid resource quantity")


def check_nfs(source: Object, path: str, errors: FieldErrors) -> None:
    """A directory of a file server."""
    for name in ("server", "path"):
        if not source.get(name):
            errors.required(f"{path}.{name}")
    directory = source.get("path", "")
    if not directory.startswith("/"):
        errors.invalid(f"{path}.path", directory, "must be an absolute path")


def check_host_path(source: Object, path: str, errors: FieldErrors) -> None:
    """A path on the node."""
    place = source.get("path", "")
    if not place:
        errors.required(f"{path}.path")
    elif ".." in place.split("/"):
        errors.invalid(f"{path}.path", place, "must not contain '..'")
    kind = source.get("type") or ""
    kinds = ("", "DirectoryOrCreate", "Directory", "FileOrCreate", "File", "Socket", "CharDevice", "BlockDevice")
    if kind not in kinds:
        errors.not_supported(f"{path}.type", kind, sorted(kinds))


def _check_mode(mode: int | None, path: str, errors: FieldErrors) -> None:
    if mode is not None and not 0 <= mode <= 0o777:
        errors.invalid(path, mode, "must be a number between 0 and 0777 (octal), both inclusive")


def _check_items(items: list[Object], path: str, errors: FieldErrors) -> None:
    for index, item in enumerate(items):
        if not item.get("key"):
            errors.required(f"{path}[{index}].key")
        _check_relative(item.get("path", ""), f"{path}[{index}].path", errors)
        _check_mode(item.get("mode"), f"{path}[{index}].mode", errors)


def _check_relative(value: str, path: str, errors: FieldErrors) -> None:
    if not value:
        errors.required(path)
        return
    if value.startswith("/"):
        errors.invalid(path, value, "must be a relative path")
    if ".." in value.split("/"):
        errors.invalid(path, value, "must not contain '..'")
    elif value.startswith(".."):
        errors.invalid(path, value, "must not start with '..'")


def _check_downward(item: Object, path: str, errors: FieldErrors) -> None:
    _check_relative(item.get("path", ""), f"{path}.path", errors)
    if item.get("fieldRef") is not None:
        check_field_ref(item["fieldRef"], VOLUME_FIELD_PATHS, f"{path}.fieldRef", errors)
        if item.get("resourceFieldRef") is not None:
            errors.invalid(path, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously")
    elif item.get("resourceFieldRef") is not None:
        check_resource_ref(item["resourceFieldRef"], f"{path}.resourceFieldRef", errors, volume=True)
    else:
        errors.required(path, "one of fieldRef and resourceFieldRef is required")
    _check_mode(item.get("mode"), f"{path}.mode", errors)


def _check_projected(source: Object, path: str, errors: FieldErrors) -> None:
    _check_mode(source.get("defaultMode"), f"{path}.defaultMode", errors)
    seen: set[str] = set()
    for index, projection in enumerate(source.get("sources") or ()):
        place = f"{path}.sources[{index}]"
        given = [field for field, value in projection.items() if value is not None]
        for field in given[1:]:
            errors.forbidden(f"{place}.{field}", "may not specify more than 1 volume type per source")
        token = projection.get("serviceAccountToken")
        if token is not None:
            seconds = token.get("expirationSeconds") or 0
            if seconds < 600:
                errors.invalid(
                    f"{place}.serviceAccountToken.expirationSeconds",
                    seconds,
                    "may not specify a duration less than 10 minutes",
                )
            if seconds > 2**32:
                errors.invalid(
                    f"{place}.serviceAccountToken.expirationSeconds",
                    seconds,
                    "may not specify a duration larger than 2^32 seconds",
                )
            if not token.get("path"):
                errors.required(f"{path}.path")
            else:
                _check_relative(token["path"], f"{path}.path", errors)
        for field in ("secret", "configMap"):
            part = projection.get(field)
            if part is not None:
                if not part.get("name"):
                    errors.required(f"{place}.{field}.name")
                _check_items(part.get("items") or [], f"{place}.{field}.items", errors)
        for number, item in enumerate((projection.get("downwardAPI") or {}).get("items") or ()):
            _check_downward(item, f"{place}.downwardAPI.items[{number}]", errors)
        for shown, file in _files(projection):
            if file in seen:
                errors.invalid(path, shown, "conflicting duplicate paths")
            seen.add(file)


def _files(projection: Object) -> Iterator[tuple[str, str]]:
    """The files of a projection, each with what messages show for it: its source's name or itself."""
    for field in ("secret", "configMap", "downwardAPI"):
        part = projection.get(field) or {}
        for item in part.get("items") or ():
            if item.get("path"):
                yield part.get("name") or item["path"], item["path"]
    token = (projection.get("serviceAccountToken") or {}).get("path")
    if token:
        yield token, token
