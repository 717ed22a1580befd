"""Pack the state directory into a snapshot, because a page loses its files when it is closed.

A snapshot is a zip archive of the files (objects, keys, progress, journal, the end of the audit log); the archive's
comment has the version.
"""

import io
import json
import os
import zipfile
from pathlib import Path

from kube_embedded.files import open_file
from labkit.core import home as homes
from labkit.core.language import text
from labkit.core.version import __version__

VERSION = 1
"""The version of a snapshot; a new layout of the database is a new version of the snapshot, too."""

DATABASE, AUDIT_LOG = "state.db", "audit.log"
SKIPPED = ("kube-cache", "notebooks", ".", f"{DATABASE}-")
"""Prefixes of the names of files that are left out."""

MAX_AUDIT_BYTES = 256 * 1024
"""The size of the audit log's end that a snapshot contains."""


def pack(home: Path, database: bytes | None = None) -> bytes:
    """Return a snapshot of a state directory.

    Args:
        home: The state directory.
        database: The content of a running cluster's database, because its file can be out of date.
    """
    data = io.BytesIO()
    # Not compressed: after a small change most blocks of the archive are the same as before.
    with zipfile.ZipFile(data, "w") as archive:
        archive.comment = json.dumps({"snapshot": VERSION, "labkit": __version__}).encode()
        for name in _files(home):
            archive.writestr(
                name, database if database and name == DATABASE else _content(home, name)
            )
    return data.getvalue()


def unpack(data: bytes, home: Path) -> str:
    """Replace a state directory's files by a snapshot's.

    Returns:
        The problem with the snapshot, in which case no file has changed; otherwise empty.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            comment = json.loads(archive.comment)
            # Older snapshots can be read; newer ones can have an unknown layout.
            if comment["snapshot"] > VERSION:
                return text(
                    "labkit {earlier} made it, and this is labkit {version}",
                    comment["labkit"],
                    __version__,
                )
            files = {
                name: archive.read(name)
                for name in archive.namelist()
                # Otherwise a snapshot that was tampered with could write outside the home.
                if ".." not in name and name[0] != "/"
            }
    except (zipfile.BadZipFile, ValueError, KeyError, TypeError):
        return text("it is damaged")
    for name in _files(home):
        (home / name).unlink()
    for name, content in files.items():
        homes.ensure_private((home / name).parent)
        with os.fdopen(open_file(home / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "wb") as file:
            file.write(content)
    return ""


def _files(home: Path) -> list[str]:
    """Return the names of a snapshot's files, below the directory.

    This runs after each cell, so it avoids ``Path``, which is slow. The database is the first: its pages have the
    same place in each snapshot, so that few of the blocks change.
    """
    names = []
    start = len(f"{home}/")
    for folder, below, files in os.walk(home):
        below[:] = [name for name in below if not name.startswith(SKIPPED)]
        names += [f"{folder}/{name}"[start:] for name in files if not name.startswith(SKIPPED)]
    return sorted(names, key=lambda name: (name != DATABASE, name))


def _content(home: Path, name: str) -> bytes:
    data = (home / name).read_bytes()
    if name == AUDIT_LOG and len(data) > MAX_AUDIT_BYTES:
        # The first line is cut, and half an event is none.
        return data[-MAX_AUDIT_BYTES:].partition(b"\n")[2]
    return data
