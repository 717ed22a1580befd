"""Validation of volumes of files that the kubelet writes: Secrets, ConfigMaps, the downward API, tokens.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go`` (``validateProjectionSources``).
"""

from __future__ import annotations

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.strategies.fields.numbers import check_token_seconds
from labkit.embedded.apiserver.registry.strategies.fields.paths import check_not_reserved
from labkit.embedded.apiserver.registry.strategies.pods import references
from labkit.embedded.apiserver.registry.strategies.storage.source_rules import needs
from labkit.embedded.machinery.request import Object


def downward_volume(source: Object, path: str, errors: FieldErrors) -> None:
    """Check a downward API volume; the causes of its items name the volume."""
    _check_mode(source.get("defaultMode"), f"{path}.defaultMode", errors)
    for file in source.get("items") or ():
        _check_downward(file, path, errors)


def projected_volume(source: Object, path: str, errors: FieldErrors) -> None:
    """Check a projected volume: no two sources write the same file."""
    _check_mode(source.get("defaultMode"), f"{path}.defaultMode", errors)
    files: set[str] = set()

    def take(file: str, place: str) -> None:
        if file and file in files:
            errors.invalid(path, place, "conflicting duplicate paths")
        files.add(file)

    for index, projection in enumerate(source.get("sources") or ()):
        place = f"{path}.sources[{index}]"
        for field in ("secret", "configMap"):
            part = projection.get(field)
            if part is None:
                continue
            needs("name")(part, f"{place}.{field}", errors)
            for number, item in enumerate(part.get("items") or ()):
                _check_key(item, f"{place}.{field}.items[{number}]", errors)
                take(item.get("path", ""), part.get("name", ""))
        for item in (projection.get("downwardAPI") or {}).get("items") or ():
            _check_downward(item, f"{place}.downwardAPI", errors)
            take(item.get("path", ""), item.get("path", ""))
        if projection.get("serviceAccountToken") is not None:
            _check_token(
                projection["serviceAccountToken"], f"{place}.serviceAccountToken", path, errors
            )
        if sum(value is not None for value in projection.values()) > 1:
            errors.forbidden(place, "may not specify more than 1 volume type per source")


def _check_token(token: Object, path: str, volume: str, errors: FieldErrors) -> None:
    """Check a projected token; causes of its path name the volume."""
    check_token_seconds(token.get("expirationSeconds") or 0, f"{path}.expirationSeconds", errors)
    errors.check_present(f"{volume}.path", token.get("path"))
    check_not_reserved(token.get("path", ""), f"{volume}.path", errors)


def _check_mode(mode: int | None, path: str, errors: FieldErrors) -> None:
    if mode is not None and not 0 <= mode <= 0o777:
        errors.invalid(path, mode, "must be a number between 0 and 0777 (octal), both inclusive")


def check_keys(source: Object, path: str, errors: FieldErrors) -> None:
    """Check the keys that a ConfigMap or Secret volume shows as files."""
    _check_mode(source.get("defaultMode"), f"{path}.defaultMode", errors)
    for index, item in enumerate(source.get("items") or ()):
        _check_key(item, f"{path}.items[{index}]", errors)


def _check_key(item: Object, path: str, errors: FieldErrors) -> None:
    needs("key", "path")(item, path, errors)
    check_not_reserved(item.get("path", ""), f"{path}.path", errors)
    _check_mode(item.get("mode"), f"{path}.mode", errors)


def _check_downward(file: Object, path: str, errors: FieldErrors) -> None:
    needs("path")(file, path, errors)
    check_not_reserved(file.get("path", ""), f"{path}.path", errors)
    if file.get("fieldRef") is not None:
        references.check_field_ref(
            file["fieldRef"], references.VOLUME_FIELD_PATHS, f"{path}.fieldRef", errors
        )
        if file.get("resourceFieldRef") is not None:
            errors.invalid(
                path,
                "resource",
                "fieldRef and resourceFieldRef can not be specified simultaneously",
            )
    elif file.get("resourceFieldRef") is not None:
        references.check_resource_ref(
            file["resourceFieldRef"], f"{path}.resourceFieldRef", errors, volume=True
        )
    else:
        errors.required(path, "one of fieldRef and resourceFieldRef is required")
    _check_mode(file.get("mode"), f"{path}.mode", errors)
