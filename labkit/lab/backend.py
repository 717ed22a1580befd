"""The backend that was chosen, which is handed the lessons' objects."""

from __future__ import annotations

from pathlib import Path

from labkit.backends import choice
from labkit.backends.base import Backend, Manifest, Options


def make(name: str, home: Path, options: Options) -> Backend:
    """The backend of that name, one of ``NAMES``."""
    return choice.make(name, home, options, _objects)


def chosen(home: Path, name: str | None = None) -> Backend:
    """The backend that was chosen last, or one by its name, with its kept options.

    Raises:
        UsageError: When there is no such backend.
    """
    kept = choice.Choice.of(home, name, Options())
    return make(kept.backend, home, kept.options)


def _objects() -> list[Manifest]:
    from labkit.lessons.library import library  # the command line starts without the lessons

    return library().objects()
