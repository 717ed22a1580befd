"""The objects that a learner names: a lesson's files, a file of their own, YAML text, or Python."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from labkit.client import manifests
from labkit.core.home import unreadable
from labkit.lessons.library import Library

MANIFEST_SUFFIXES = (".yaml", ".yml", ".json")
"""The extensions of manifest files."""

Objects = list[dict[str, Any]]


def objects_of(
    what: str | Mapping[str, Any] | Iterable[Mapping[str, Any]], library: Library
) -> Objects:
    """Return the objects that a learner names; the arguments are those of ``Lab.apply``.

    Raises:
        UsageError: No lesson or file has this name, or it holds no objects.
    """
    if not isinstance(what, str):
        return manifests.from_python(what)
    # YAML in one line has a mapping, which needs a colon and a space; no lesson's name has one.
    if "\n" in what or ": " in what:
        return manifests.parse(what)
    # A learner's own file comes first: they made it, and may have copied a lesson's name.
    own = _own_file(what)
    return [entry for file in ([own] if own else library.files(what)) for entry in read(file)]


def read(file: Path) -> Objects:
    """Return the objects in a file; raise UsageError if it cannot be read or is not a manifest."""
    try:
        content = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise unreadable(file, error) from error
    return manifests.parse(content, file.name)


def _own_file(what: str) -> Path | None:
    """Return the learner's own file of that name, or None."""
    try:
        own = Path(what).expanduser()
        return own if own.suffix in MANIFEST_SUFFIXES and own.is_file() else None
    # The name can be too long, hold a null byte, or have the ~ of an unknown user.
    except (OSError, RuntimeError, ValueError):
        return None
