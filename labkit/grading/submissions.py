"""Finding submissions, and reading what is in them. Nothing in them is trusted."""

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

LARGEST = 8 << 20
"""Bytes of a notebook at the most."""

FORMAT = 4
"""The format of notebooks, since 2015. In earlier ones cells lay elsewhere."""

WRITTEN_NAME = r"""^ME = ["'](.*?)["']"""
"""Where a learner writes the name that they hand in under."""


class Unreadable(Exception):
    """A submission that is no notebook."""


@dataclass(frozen=True, slots=True)
class Submission:
    """One learner's notebook of one exercise.

    Args:
        learner: Whose: the folder's name, or what stands before ``__`` in the file's.
        exercise: The exercise's id.
        path: The notebook.
        origin: The folder or file, right below where was looked, that it came from.
    """

    learner: str
    exercise: str
    path: Path
    origin: str = ""


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
    there = [entry for entry in _walk(folder) if _is_one(entry)]
    found = _one_each(sorted(there, key=lambda entry: (entry.learner, entry.exercise, len(entry.path.parts))))
    if not found:
        known = ", ".join(exercise.id for exercise in EXERCISES)
        raise UsageError(
            f"There is no submission in {folder}.",
            why="a submission is LEARNER/EXERCISE.ipynb or LEARNER__EXERCISE.ipynb",
            todo=f"Keep the exercises' file names: {known}.",
        )
    return found


def passed_over(folder: Path) -> list[str]:
    """What somebody may have handed in, and ``find`` does not take, as sentences.

    Args:
        folder: As for ``find``.
    """
    entries = list(_walk(folder))
    said = [f"{shown(entry.path.relative_to(folder))} {_wrong(entry)}" for entry in entries if not _is_one(entry)]
    held = {entry.origin for entry in entries}
    folders = sorted(entry for entry in folder.iterdir() if entry.is_dir()) if folder.is_dir() else []
    return said + [f"{shown(entry.name)} holds no notebook" for entry in folders if entry.name not in held]


def shown(path: object) -> str:
    """A file's name for a terminal: somebody else chose it, and may have put commands to the terminal into it."""
    return "".join(char if char.isprintable() else "\ufffd" for char in str(path))


def _wrong(entry: Submission) -> str:
    return "names no learner" if not entry.learner and entry.exercise in IDS else "has no exercise's name"


def _is_one(entry: Submission) -> bool:
    return bool(entry.learner) and entry.exercise in IDS


def worked_as(path: Path) -> str:
    """The name that a learner wrote into the notebook (``ME = "…"``); empty where there is none.

    It is told to people. What is graded, and with which names, the folder decides.
    """
    try:
        found = (re.search(WRITTEN_NAME, source, re.MULTILINE) for source in cells_of(path))
    except Unreadable:
        return ""
    return next((learner_name(match[1]) for match in found if match), "")


def cells_of(path: Path) -> list[str]:
    """The sources of a notebook's code cells.

    Raises:
        Unreadable: It is no notebook, or a huge one.
    """
    try:
        document = json.loads(content_of(path))
        if document.get("nbformat", FORMAT) < FORMAT:
            raise Unreadable(f"it is a notebook of format {document['nbformat']}: open it in JupyterLab and save it")
        return [_source(cell) for cell in document["cells"] if cell.get("cell_type") == "code"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        why = "its text is not UTF-8" if isinstance(error, UnicodeDecodeError) else f"{type(error).__name__}"
        raise Unreadable(f"it is no notebook ({why})") from error


def content_of(path: Path) -> bytes:
    """The bytes of a file that somebody else made.

    Raises:
        Unreadable: It is no ordinary file (a pipe would never end), is too large, or cannot be opened.
    """
    try:
        # Opened as what it is: no link is followed, and nobody waits for a pipe's other end.
        number = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with open(number, "rb") as file:
            if not stat.S_ISREG(os.fstat(number).st_mode):
                raise Unreadable("it is no ordinary file")
            data = file.read(LARGEST + 1)
    except OSError as error:
        why = "it is a symbolic link" if path.is_symlink() else f"{error.strerror}"
        raise Unreadable(why) from error
    if len(data) > LARGEST:
        raise Unreadable(f"it is larger than {LARGEST >> 20} MiB: clear its outputs and save it")
    return data


def _source(cell: dict[str, Any]) -> str:
    source = cell.get("source", "")
    text = source if isinstance(source, str) else "".join(source)
    return text.encode("utf-8", "replace").decode()


def _one_each(entries: list[Submission]) -> list[Submission]:
    """One submission of a learner and exercise: of several in a learner's own folder the topmost.

    Raises:
        UsageError: Two folders would be one learner's, so that one would get the other's score.
    """
    found: dict[tuple[str, str], Submission] = {}
    for entry in entries:
        first = found.setdefault((entry.learner, entry.exercise), entry)
        if first.origin != entry.origin:
            raise UsageError(
                f"Two submissions would both be {entry.learner}'s {entry.exercise}.",
                why=f"{shown(first.path)} and {shown(entry.path)}",
                todo="Rename one of them.",
            )
    return list(found.values())


def _walk(folder: Path) -> Iterator[Submission]:
    """Every notebook, also one that is called as no exercise is, or is nobody's."""
    files = [folder] if folder.is_file() else sorted(folder.rglob("*.ipynb"))
    for path in files:
        if ".ipynb_checkpoints" in path.parts:
            continue
        parts = path.relative_to(folder).parts if path != folder else (path.name,)
        learner, double, stem = path.stem.partition("__")
        if len(parts) > 1:
            # What a learner calls a file in their own folder makes it nobody else's.
            learner, stem = parts[0], stem if double else path.stem
        elif not double:
            learner, stem = path.parent.name if path == folder else "", path.stem
        yield Submission(learner_name(learner), stem, path, parts[0])
