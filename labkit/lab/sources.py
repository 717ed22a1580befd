"""The objects that a learner names: a lesson's files, a file of their own, YAML text, or Python."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from labkit.client import manifests
from labkit.core.errors import UsageError
from labkit.core.language import text
from labkit.lessons.library import Library

MANIFEST_SUFFIXES = (".yaml", ".yml", ".json")
"""The extensions of manifest files."""

Objects = list[dict[str, Any]]


def objects_of(
    what: str | Mapping[str, Any] | Iterable[Mapping[str, Any]], library: Library
) -> Objects:
    """The objects that are named; the arguments are those of ``Lab.apply``.

    Raises:
        UsageError: There is no such lesson or file, or it holds no objects.
    """
    if not isinstance(what, str):
        return manifests.from_python(what)
    if "\n" in what or ": " in what:
        return manifests.parse(what)
    own = _own_file(what)
    return [entry for file in ([own] if own else library.files(what)) for entry in read(file)]


def read(file: Path) -> Objects:
    """The objects in a file; a UsageError if it cannot be read, or is no manifest."""
    try:
        content = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise UsageError(
            text("{file} cannot be read.", file),
            why=why,
            todo="Name a text file that you may read.",
        ) from error
    return manifests.parse(content, file.name)


def _own_file(what: str) -> Path | None:
    """The learner's own file of that name; None where there is none."""
    try:
        own = Path(what).expanduser()
        return own if own.suffix in MANIFEST_SUFFIXES and own.is_file() else None
    except (
        OSError,
        RuntimeError,
        ValueError,
    ):  # a name that is too long, ~ of a user who is not there
        return None
