"""Find one request's event in an audit log.

A log holds one JSON event a line, the newest last. It is read backwards from its
end, since the request one asks about was made a moment ago.
Source: https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from labkit.core import ownership

BLOCK = 64 * 1024
FARTHEST = 16 * 1024 * 1024
"""How far back to look."""


def find(path: Path, audit_id: str) -> dict[str, Any] | None:
    """The last event with this id, or None.

    Args:
        path: The log.
        audit_id: The ``Audit-Id`` header of an answer.
    """
    return pick(backwards(path), audit_id) if audit_id else None


def pick(lines: Iterator[bytes], audit_id: str) -> dict[str, Any] | None:
    """The first of these lines that is the event with this id.

    Args:
        lines: Lines of a log, the newest first.
        audit_id: The ``Audit-Id`` header of an answer.
    """
    wanted = audit_id.encode()
    for line in lines:
        if wanted not in line:
            continue
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict) and event.get("auditID") == audit_id:
            return event
    return None


def events(path: Path) -> Iterator[dict[str, Any]]:
    """A log's events, the newest first; lines that are none are passed over.

    Args:
        path: The log.
    """
    for line in backwards(path):
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            yield event


def backwards(path: Path) -> Iterator[bytes]:
    """A file's lines, the last first; nothing when it cannot be read."""
    try:
        stream = os.fdopen(ownership.open_file(path, os.O_RDONLY), "rb")
    except OSError:
        return
    with stream:
        position = stream.seek(0, os.SEEK_END)
        stop, rest = max(0, position - FARTHEST), b""
        while position > stop:
            size = min(BLOCK, position)
            position = stream.seek(position - size)
            first, *lines = (stream.read(size) + rest).split(b"\n")
            rest = first
            yield from (line for line in reversed(lines) if line)
        if position == 0 and rest:
            yield rest
