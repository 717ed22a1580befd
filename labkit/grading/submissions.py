"""Finding submissions, and reading what is in them. Nothing in them is trusted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit.errors import UsageError
from labkit.grading.tasks import EXERCISES

LARGEST = 8 << 20
"""Bytes of a notebook at the most."""

_NAME = re.compile(r"[^A-Za-z0-9._@-]+")


class Unreadable(Exception):
    """A submission that is no notebook."""


@dataclass(frozen=True, slots=True)
class Submission:
    """One learner's notebook of one exercise.

    Args:
        learner: Whose: the folder's name, or what stands before ``__`` in the file's.
        exercise: The exercise's id.
        path: The notebook.
    """

    learner: str
    exercise: str
    path: Path


def find(folder: Path) -> list[Submission]:
    """All submissions below a folder, sorted by learner and exercise.

    Three layouts: ``LEARNER/EXERCISE.ipynb``, nbgrader's ``LEARNER/ASSIGNMENT/EXERCISE.ipynb``,
    and single files ``LEARNER__EXERCISE.ipynb``. A symbolic link is not followed.

    Args:
        folder: Where to look, or one notebook.

    Raises:
        UsageError: There is no such folder, or no submission in it.
    """
    if not folder.exists():
        raise UsageError(f"There is no {folder}.", todo="Name the folder that holds the submissions.")
    found = sorted(_walk(folder), key=lambda entry: (entry.learner, entry.exercise))
    if not found:
        known = ", ".join(exercise.id for exercise in EXERCISES)
        raise UsageError(
            f"There is no submission in {folder}.",
            why="a submission is LEARNER/EXERCISE.ipynb or LEARNER__EXERCISE.ipynb",
            todo=f"Keep the exercises' file names: {known}.",
        )
    return found


def cells_of(path: Path) -> list[str]:
    """The sources of a notebook's code cells.

    Raises:
        Unreadable: It is no notebook, or a huge one.
    """
    try:
        if path.is_symlink():
            raise Unreadable("it is a symbolic link")
        if path.stat().st_size > LARGEST:
            raise Unreadable(f"it is larger than {LARGEST >> 20} MiB")
        document = json.loads(path.read_bytes())
        return [_source(cell) for cell in document["cells"] if cell.get("cell_type") == "code"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Unreadable(f"{type(error).__name__}: it is no notebook") from error


def _source(cell: dict[str, Any]) -> str:
    source = cell.get("source", "")
    text = source if isinstance(source, str) else "".join(source)
    return text.encode("utf-8", "replace").decode()


def _walk(folder: Path) -> Iterator[Submission]:
    known = {exercise.id for exercise in EXERCISES}
    files = [folder] if folder.is_file() else sorted(folder.rglob("*.ipynb"))
    for path in files:
        if ".ipynb_checkpoints" in path.parts:
            continue
        learner, double, stem = path.stem.partition("__")
        if not double:
            stem = path.stem
            parts = path.relative_to(folder).parts if path != folder else (path.parent.name, path.name)
            learner = parts[0] if len(parts) > 1 else ""
        if stem in known and _clean(learner):
            yield Submission(_clean(learner), stem, path)


def _clean(learner: str) -> str:
    """A learner's name as it may be a file's name; no dots in front, no separators."""
    return _NAME.sub("_", learner).lstrip(".")[:80]
