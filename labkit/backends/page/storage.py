"""The page's copy of the state directory: one snapshot, written after each change.

A page's files are gone when it is closed, so the page gives a way to keep bytes. A snapshot is a zip archive of the
files (objects, keys, progress, journal, the end of the audit log), whose comment has its version.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from labkit.core import home as homes
from labkit.core import ownership
from labkit.core.errors import LabkitError
from labkit.core.page import AT_HOME
from labkit.core.version import __version__

if TYPE_CHECKING:
    from labkit.backends.page.cluster import Running

VERSION = 1
"""The version of a snapshot; a new one of the database's layout is one of this, too."""

DATABASE, AUDIT_LOG = "state.db", "audit.log"
SKIPPED = ("kube-cache", "notebooks", ".", f"{DATABASE}-")
"""How the names of files begin that are not kept."""

MAX_AUDIT_BYTES = 256 * 1024
"""How much of the audit log's end is kept."""

SNAPSHOT, SET_ASIDE = "snapshot", "set-aside"

Read = Callable[[str], bytes | None]
Write = Callable[[str, bytes], None]

running: dict[Path, Running] = {}
"""The clusters of this process, by state directory."""


class Keeper:
    """Keeps the snapshot of a state directory."""

    def __init__(self, home: Path, read: Read, write: Write) -> None:
        self._home, self._read, self._write = home, read, write
        self._due = self._full = False

    def changed(self, path: Path) -> None:
        """Save when the cell has ended; at once where no loop runs."""
        if self._due or self._home not in path.parents:
            return
        try:
            asyncio.get_running_loop().call_soon(self._save)
            self._due = True
        except RuntimeError:
            self._save()

    def restore(self) -> str | None:
        """Replace the files by what is kept; a sentence about what could not be. None where nothing is kept."""
        data, cluster = self._read(SNAPSHOT), running.get(self._home)
        if not data:
            return None
        if cluster:
            cluster.close()
        why = _unpack(data, self._home)
        if cluster:
            cluster.open()
        if not why:
            return ""
        try:
            self._write(SET_ASIDE, data)
        except OSError as error:
            why += f", nor set aside ({error.strerror or error})"
        return f"What this page had kept cannot be used: {why}. The lab begins afresh."

    def _save(self) -> None:
        self._due = False
        try:
            self._write(SNAPSHOT, snapshot(self._home))
            self._full = False
        except OSError as error:
            if not self._full:  # said once
                what = "This page cannot keep your work: it ends with the page."
                sys.stdout.write(f"{LabkitError(what, why=error.strerror or str(error), todo=AT_HOME)}\n")
            self._full = True


keeper: Keeper | None = None
"""The page's, once it gave a storage."""


def install(read: Read, write: Write, home: Path | None = None) -> str:
    """Keep the lab's state in a storage of the page from now on, and restore what is kept there.

    Args:
        read: Takes a name, and returns its bytes, or None.
        write: Takes a name and its new bytes, and replaces them atomically; an OSError means that there is no room.
        home: The state directory; ``LABKIT_HOME`` when left out.

    Returns:
        A sentence for the learner; empty when all is well.
    """
    global keeper
    keeper = Keeper(homes.ensure_private(home or homes.home_path()), read, write)
    homes.observers[:] = [keeper.changed]
    return keeper.restore() or ""


def refresh() -> bool:
    """Go on, with the clients there are, from what another page has kept; False where nothing usable is kept."""
    return keeper is not None and keeper.restore() == ""


def snapshot(home: Path | None = None) -> bytes:
    """The state directory as bytes."""
    home = home or homes.home_path()
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.comment = json.dumps({"snapshot": VERSION, "labkit": __version__}).encode()
        for name in _files(home):
            archive.writestr(name, _content(home, name))
    return made.getvalue()


def _files(home: Path) -> list[str]:
    """The names of the files that are kept, below the directory. It is asked after each cell, and paths are slow.

    The database is the first: its pages stay where they are in the snapshot, so that few of its blocks change.
    """
    found, start = [], len(f"{home}/")
    for folder, below, names in os.walk(home):
        below[:] = [name for name in below if not name.startswith(SKIPPED)]
        found += [f"{folder}/{name}"[start:] for name in names if not name.startswith(SKIPPED)]
    return sorted(found, key=lambda name: (name != DATABASE, name))


def _content(home: Path, name: str) -> bytes:
    if name == DATABASE and home in running:
        return running[home].content()
    data = (home / name).read_bytes()
    if name == AUDIT_LOG and len(data) > MAX_AUDIT_BYTES:
        return data[-MAX_AUDIT_BYTES:].partition(b"\n")[2]
    return data


def _unpack(data: bytes, home: Path) -> str:
    """Replace the files by a snapshot's; what is wrong with it, empty when nothing is."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            made = json.loads(archive.comment)
            if made["snapshot"] > VERSION:
                return f"labkit {made['labkit']} made it, and this is labkit {__version__}"
            files = {name: archive.read(name) for name in archive.namelist() if ".." not in name and name[0] != "/"}
    except (zipfile.BadZipFile, ValueError, KeyError, TypeError):
        return "it is damaged"
    for name in _files(home):
        (home / name).unlink()
    for name, content in files.items():
        homes.ensure_private((home / name).parent)
        with os.fdopen(ownership.open_file(home / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "wb") as file:
            file.write(content)
    return ""
