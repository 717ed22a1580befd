"""The journal: the learner's requests through labkit since the cluster's last reset.

The audit log is the better witness, but not every cluster has a readable one, and none has the exit codes of
commands. The journal is stored next to the progress, so that it survives a restart of the kernel; it contains
neither bodies nor tokens.
"""

import errno
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from kube_embedded import files
from labkit.core.home import changed, home_error, locked, write_private

MAX_BYTES = 1 << 20
"""The size at which the older half of a journal is dropped."""

BEGIN = "begin"


class Journal:
    """The requests to one cluster.

    Args:
        path: The file: a JSON object a line, the oldest first. It is created at the first entry.
        cluster: Distinguishes clusters: the journal of another one counts as empty.
        clock: Seconds since the epoch.
    """

    def __init__(
        self, path: Path, cluster: str = "", *, clock: Callable[[], float] = time.time
    ) -> None:
        self.path = path
        self._cluster = cluster
        self._clock = clock

    def begin(self) -> None:
        """Forget everything: the cluster has been reset, and evidence counts from now on."""
        self._write([{"kind": BEGIN, "at": self._clock(), "cluster": self._cluster}])

    @property
    def began(self) -> float:
        """When the cluster was last reset, in seconds since the epoch; 0 if it never was."""
        # A journal that was begun by add has no reset: its time is 0, so that all evidence counts.
        first = self._first()
        return float(first.get("at", 0)) if first.get("kind") == BEGIN else 0.0

    def add(self, entry: Mapping[str, Any]) -> None:
        """Add an entry, such as ``Answer.summary()`` or ``CompletedExec.summary()``.

        Raises:
            HomeError: The file cannot be written.
        """
        with locked(self.path.with_name(f".{self.path.name}.lock")):
            if not self._first():
                self._write([{"kind": BEGIN, "at": 0, "cluster": self._cluster}])
            line = (
                json.dumps({"at": self._clock(), **entry}, ensure_ascii=False, default=str) + "\n"
            )
            try:
                size = _append(self.path, line.encode())
            except OSError as error:
                raise home_error(self.path, error) from error
            # Half at a time, so that the file is rewritten rarely.
            if size > MAX_BYTES:
                first, *entries = self._lines()
                self._write([first, *entries[len(entries) // 2 :]])
            changed(self.path)

    def entries(self) -> list[dict[str, Any]]:
        """The entries since the last reset, oldest first."""
        return [line for line in self._lines() if line.get("kind") != BEGIN]

    def _first(self) -> dict[str, Any]:
        """The line that begins the journal; empty without one of this cluster."""
        return next(self._lines(), {})

    def _lines(self) -> Iterator[dict[str, Any]]:
        """The lines that can be read, if they are this cluster's; a damaged one is skipped."""
        ours = False
        with (
            suppress(OSError, ValueError),
            os.fdopen(files.open_file(self.path, os.O_RDONLY), encoding="utf-8") as lines,
        ):
            for line in lines:
                with suppress(ValueError):
                    value = json.loads(line)
                    if isinstance(value, dict):
                        # The first line names the cluster. Evidence of another cluster must not pass a step on
                        # this one.
                        ours = ours or value.get("cluster") == self._cluster
                        if not ours:
                            return
                        yield value

    def _write(self, lines: list[dict[str, Any]]) -> None:
        write_private(
            self.path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        )


def _append(path: Path, line: bytes) -> int:
    """Append a line to a file unless the volume is full, and return the file's new size."""
    descriptor = files.open_file(path, os.O_WRONLY | os.O_APPEND)
    try:
        before = os.fstat(descriptor).st_size
        if os.write(descriptor, line) != len(line):
            # Part of a line would spoil the one that is written after it.
            os.ftruncate(descriptor, before)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return before + len(line)
    finally:
        os.close(descriptor)
