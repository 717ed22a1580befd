"""Find a request's event in an audit log.

A log holds one JSON event a line, the newest last. It is read backwards, because the
event that is asked for is a recent one.
Source: https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from labkit.core import ownership

BLOCK_BYTES = 64 * 1024
MAX_BYTES = 16 * 1024 * 1024
"""How far back from its end a log is read, in bytes."""


def find(path: Path, audit_id: str) -> dict[str, Any] | None:
    """The last event with an audit id, which is the ``Audit-Id`` header of an answer."""
    return pick(backwards(path), audit_id) if audit_id else None


def pick(lines: Iterable[bytes], audit_id: str) -> dict[str, Any] | None:
    """The first of a log's lines, the newest first, that is the event with an audit id."""
    wanted = audit_id.encode()
    found = parsed(line for line in lines if wanted in line)
    return next((event for event in found if event.get("auditID") == audit_id), None)


def events(path: Path) -> Iterator[dict[str, Any]]:
    """A log's events, the newest first; lines that hold none are skipped."""
    return parsed(backwards(path))


def parsed(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """The events in some lines of a log; lines that hold none are skipped."""
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            yield event


def backwards(path: Path) -> Iterator[bytes]:
    """A file's lines, the last first; none when it cannot be read."""
    try:
        stream = os.fdopen(ownership.open_file(path, os.O_RDONLY), "rb")
    except OSError:
        return
    with stream:
        position = stream.seek(0, os.SEEK_END)
        stop, rest = max(0, position - MAX_BYTES), b""
        while position > stop:
            size = min(BLOCK_BYTES, position)
            position = stream.seek(position - size)
            first, *lines = (stream.read(size) + rest).split(b"\n")
            rest = first
            yield from (line for line in reversed(lines) if line)
        if position == 0 and rest:
            yield rest
