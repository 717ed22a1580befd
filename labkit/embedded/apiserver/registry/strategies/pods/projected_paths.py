"""Warnings for volumes whose files overlap.

Source: k8s.io/kubernetes ``pkg/api/pod/warnings.go`` (``warningsForOverlappingVirtualPaths``).
"""

from __future__ import annotations

from collections.abc import Iterator

from labkit.embedded.machinery.golang.quote import go_quote
from labkit.embedded.machinery.request import Object

File = tuple[str, str]
"""(its path, where it comes from; empty if all files of the volume come from there)."""

MAX_COMPARED = 256
"""How many files of a volume are compared, each with each: a request may name tens of thousands."""


def overlapping_paths(volumes: list[Object]) -> Iterator[str]:
    """Warn of files in a pod's volumes with the same path, and of files that are directories of others."""
    for volume in volumes:
        name = go_quote(volume.get("name", ""))
        for field, form, named in (
            ("configMap", "ConfigMap", "name"),
            ("secret", "Secret", "secretName"),
            ("downwardAPI", "DownwardAPI", ""),
        ):
            source = volume.get(field) or {}
            shown = f"{form} {go_quote(source.get(named, ''))}" if named else form
            for overlap in _overlaps(
                [(item.get("path", ""), "") for item in source.get("items") or ()]
            ):
                yield f"volume {name} ({shown}): overlapping paths: {overlap}"
        yield from _projected(volume, name)


def _projected(volume: Object, name: str) -> Iterator[str]:
    files: list[File] = []
    for source in (volume.get("projected") or {}).get("sources") or ():
        if all(value is None for value in source.values()):
            yield f"volume {name} (Projected) has no sources provided"
        files += _files(source)
    for overlap in _overlaps(files):
        yield f"volume {name} (Projected): overlapping paths: {overlap}"


def _files(source: Object) -> list[File]:
    """The files of one projection."""
    for field, form in (("configMap", "ConfigMap"), ("secret", "Secret")):
        part = source.get(field) or {}
        if part.get("items") is not None:
            shown = f"{form} {go_quote(part.get('name', ''))}"
            return [(item.get("path", ""), shown) for item in part["items"]]
    items = (source.get("downwardAPI") or {}).get("items")
    if items is not None:
        return [(item.get("path", ""), "DownwardAPI") for item in items]
    token = source.get("serviceAccountToken")
    return [(token.get("path", ""), "ServiceAccountToken")] if token is not None else []


def _overlaps(files: list[File]) -> Iterator[str]:
    seen: list[File] = []
    for path, source in files[:MAX_COMPARED]:
        file = (path.rstrip("/"), source)
        for other in seen:
            one, two = f"{file[0]}/", f"{other[0]}/"
            if (
                file[0]
                and other[0]
                and (file == other or one.startswith(two) or two.startswith(one))
            ):
                yield f"{_printed(file)} with {_printed(other)}"
        seen.append(file)


def _printed(file: File) -> str:
    path, source = file
    return f"{go_quote(path)} ({source})" if source else go_quote(path)
