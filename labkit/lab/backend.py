"""The backend that was chosen, which is handed the lessons' objects."""

from pathlib import Path

from labkit.backends import choice
from labkit.backends.base import Backend, Manifest, Options


def make(name: str, home: Path, options: Options) -> Backend:
    """Return the backend of that name, one of ``NAMES``."""
    return choice.make(name, home, options, _objects)


def chosen(home: Path, name: str | None = None) -> Backend:
    """Return the backend that was chosen last, or a named one, with its stored options.

    Raises:
        UsageError: No backend has this name.
    """
    kept = choice.Choice.of(home, name, Options())
    return make(kept.backend, home, kept.options)


def _objects() -> list[Manifest]:
    # Imported late: most commands start a backend without reading any lesson.
    from labkit.lessons.library import library

    return library().objects()
