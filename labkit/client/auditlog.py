"""Read a cluster's audit log, and find a request's event in it.

A log has one JSON event per line, the newest last. It is read backwards, because callers
look for recent events.
Source: https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/
"""

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol

from kube_embedded import files

BLOCK_BYTES = 64 * 1024
MAX_BYTES = 16 * 1024 * 1024
"""The number of bytes that are read from the end of a log."""


class AuditLog(Protocol):
    """A cluster's audit log, as far as it can be read."""

    def event(self, audit_id: str) -> dict[str, Any] | None:
        """Return the last event with an audit id, which is the ``Audit-Id`` header of an answer; None without one."""

    def events(self) -> Iterable[dict[str, Any]]:
        """Return its events, the newest first."""
        ...


class AuditFile:
    """An audit log in a file of this machine; one that cannot be read is empty."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def event(self, audit_id: str) -> dict[str, Any] | None:
        """Return the last event with an audit id."""
        return pick(backwards(self._path), audit_id) if audit_id else None

    def events(self) -> Iterator[dict[str, Any]]:
        """Return its events, the newest first."""
        return parse_events(backwards(self._path))


def pick(lines: Iterable[bytes], audit_id: str) -> dict[str, Any] | None:
    """Return the event with an audit id in some lines of a log, the newest first."""
    text = audit_id.encode()
    # Most lines are ruled out by a search for the id, because parsing each line as JSON is slower.
    candidates = parse_events(line for line in lines if text in line)
    return next((event for event in candidates if event.get("auditID") == audit_id), None)


def parse_events(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Yield the events in some lines of a log; other lines are skipped."""
    for line in lines:
        try:
            event = json.loads(line)
        # The last line can be incomplete while the server writes it, and the first one is cut at MAX_BYTES.
        except ValueError:
            continue
        if isinstance(event, dict):
            yield event


def backwards(path: Path) -> Iterator[bytes]:
    """Yield a file's lines, the last first; none when it cannot be read."""
    try:
        stream = os.fdopen(files.open_file(path, os.O_RDONLY), "rb")
    except OSError:
        return
    with stream:
        position = stream.seek(0, os.SEEK_END)
        stop = max(0, position - MAX_BYTES)
        rest = b""
        while position > stop:
            size = min(BLOCK_BYTES, position)
            position = stream.seek(position - size)
            first, *lines = (stream.read(size) + rest).split(b"\n")
            # The first piece of a block can be the end of a line that begins in the block before it.
            rest = first
            yield from (line for line in reversed(lines) if line)
        # At MAX_BYTES the piece that is left is half a line, unless the file begins there.
        if position == 0 and rest:
            yield rest
