"""Find submissions and read their cells. Nothing in them is trusted."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit.core.errors import UsageError
from labkit.grading.seed import learner_name
from labkit.grading.tasks import EXERCISES

IDS = frozenset(exercise.id for exercise in EXERCISES)

MAX_BYTES = 8 << 20
"""The size of a notebook."""

NBFORMAT = 4
"""The notebook format since 2015; earlier ones have their cells elsewhere."""

DECLARED_NAME = r"""^ME = ["'](.*?)["']"""
"""The line in which learners write the name that they hand in under."""


class Unreadable(Exception):
    """A submission that is no notebook."""


@dataclass(frozen=True, slots=True)
class Submission:
    """One learner's notebook of one exercise.

    Args:
        learner: The folder's name, or the part before ``__`` of the file's.
        exercise: The exercise's id.
        path: The notebook.
        origin: The entry of the searched folder that it was found in.
    """

    learner: str
    exercise: str
    path: Path
    origin: str = ""


def find(folder: Path) -> list[Submission]:
    """Find all submissions below a folder, sorted by learner and exercise; the folder may be one notebook.

    Three layouts: ``LEARNER/EXERCISE.ipynb``, nbgrader's ``LEARNER/ASSIGNMENT/EXERCISE.ipynb``,
    and single files ``LEARNER__EXERCISE.ipynb``. A symbolic link is not followed.

    Raises:
        UsageError: There is no such folder, or no submission in it.
    """
    if not folder.exists():
        raise UsageError(f"There is no {folder}.", todo="Name the folder that holds the submissions.")
    entries = [entry for entry in _walk(folder) if _is_submission(entry)]
    found = _one_each(sorted(entries, key=lambda entry: (entry.learner, entry.exercise, len(entry.path.parts))))
    if not found:
        known = ", ".join(exercise.id for exercise in EXERCISES)
        raise UsageError(
            f"There is no submission in {folder}.",
            why="a submission is LEARNER/EXERCISE.ipynb or LEARNER__EXERCISE.ipynb",
            todo=f"Keep the exercises' file names: {known}.",
        )
    return found


def skipped(folder: Path) -> list[str]:
    """List, as sentences, what looks like a submission and is not found by ``find``."""
    entries = list(_walk(folder))
    lines = [
        f"{printable(entry.path.relative_to(folder))} {_wrong(entry)}" for entry in entries if not _is_submission(entry)
    ]
    held = {entry.origin for entry in entries}
    folders = sorted(entry for entry in folder.iterdir() if entry.is_dir()) if folder.is_dir() else []
    return lines + [f"{printable(entry.name)} holds no notebook" for entry in folders if entry.name not in held]


def printable(path: object) -> str:
    """Replace the control characters of a file's name: a terminal would obey them."""
    return "".join(char if char.isprintable() else "\ufffd" for char in str(path))


def _wrong(entry: Submission) -> str:
    return "names no learner" if not entry.learner and entry.exercise in IDS else "has no exercise's name"


def _is_submission(entry: Submission) -> bool:
    return bool(entry.learner) and entry.exercise in IDS


def declared_learner(path: Path) -> str:
    """Read the name that a learner wrote into the notebook (``ME = "…"``); empty where there is none.

    It is only shown. The folder decides whose submission it is.
    """
    try:
        found = (re.search(DECLARED_NAME, source, re.MULTILINE) for source in code_cells(path))
    except Unreadable:
        return ""
    return next((learner_name(match[1]) for match in found if match), "")


def code_cells(path: Path) -> list[str]:
    """Read the sources of a notebook's code cells.

    Raises:
        Unreadable: It is no notebook, or larger than ``MAX_BYTES``.
    """
    try:
        document = json.loads(read_untrusted(path))
        if document.get("nbformat", NBFORMAT) < NBFORMAT:
            raise Unreadable(f"it is a notebook of format {document['nbformat']}: open it in JupyterLab and save it")
        return [_source(cell) for cell in document["cells"] if cell.get("cell_type") == "code"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        why = "its text is not UTF-8" if isinstance(error, UnicodeDecodeError) else f"{type(error).__name__}"
        raise Unreadable(f"it is no notebook ({why})") from error


def read_untrusted(path: Path) -> bytes:
    """Read a file that somebody else made.

    Raises:
        Unreadable: It is no regular file, is larger than ``MAX_BYTES``, or cannot be opened.
    """
    try:
        # No link is followed, and a pipe is opened without waiting for its other end.
        number = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with open(number, "rb") as file:
            if not stat.S_ISREG(os.fstat(number).st_mode):
                raise Unreadable("it is no ordinary file")
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        why = "it is a symbolic link" if path.is_symlink() else f"{error.strerror}"
        raise Unreadable(why) from error
    if len(data) > MAX_BYTES:
        raise Unreadable(f"it is larger than {MAX_BYTES >> 20} MiB: clear its outputs and save it")
    return data


def _source(cell: dict[str, Any]) -> str:
    source = cell.get("source", "")
    text = source if isinstance(source, str) else "".join(source)
    return text.encode("utf-8", "replace").decode()


def _one_each(entries: list[Submission]) -> list[Submission]:
    """Keep one submission of each learner and exercise: of several in a learner's folder the topmost.

    Raises:
        UsageError: Two folders are the same learner's, so that one would get the other's score.
    """
    found: dict[tuple[str, str], Submission] = {}
    for entry in entries:
        first = found.setdefault((entry.learner, entry.exercise), entry)
        if first.origin != entry.origin:
            raise UsageError(
                f"Two submissions would both be {entry.learner}'s {entry.exercise}.",
                why=f"{printable(first.path)} and {printable(entry.path)}",
                todo="Rename one of them.",
            )
    return list(found.values())


def _walk(folder: Path) -> Iterator[Submission]:
    """List every notebook, also those without an exercise's name or a learner."""
    files = [folder] if folder.is_file() else sorted(folder.rglob("*.ipynb"))
    for path in files:
        if ".ipynb_checkpoints" in path.parts:
            continue
        parts = path.relative_to(folder).parts if path != folder else (path.name,)
        learner, double, stem = path.stem.partition("__")
        if len(parts) > 1:
            # A file's name in a learner's folder cannot make it another learner's.
            learner, stem = parts[0], stem if double else path.stem
        elif not double:
            learner, stem = path.parent.name if path == folder else "", path.stem
        yield Submission(learner_name(learner), stem, path, parts[0])
