"""The server's log files: ``server.log`` for people, ``audit.log`` for events.

Both are 0600, bounded, and hold no token.
"""

import fcntl
import logging
import os
import re
from pathlib import Path

import orjson

from kube_embedded import files

from ...machinery.request import Object

STDERR = 2
MAX_GATHERED = 256
MAX_LOG_BYTES = 4 * 1024 * 1024
MAX_AUDIT_BYTES = 32 * 1024 * 1024
"""A file that reaches its limit becomes ``NAME.1``, replacing the previous one."""

SECRETS = re.compile(
    r"(eyJ[\w-]{8,}\.[\w-]+\.)[\w-]+|((?:bearer|token)[\"']?\s*[:= ]\s*[\"']?)[\w.~+/-]{12,}=*",
    re.IGNORECASE,
)


def without_secrets(text: str) -> str:
    """Remove the signatures of tokens from a text."""
    return SECRETS.sub(lambda found: f"{found[1] or found[2]}<signature>", text)


class LineFile:
    """A private file of lines, each appended by one write, that can grow to ``limit`` bytes."""

    def __init__(self, path: Path, limit: int) -> None:
        self._path = path
        self._limit = limit
        self._descriptor = -1
        self._size = 0
        self._open()

    def write(self, line: bytes) -> None:
        """Append a line, given with its newline; a full disk loses it."""
        try:
            # One rename limits the log to two files: there is no log rotation daemon to rely on.
            if self._size + len(line) > self._limit:
                self._rotate()
            self._size += os.write(self._descriptor, line)
        except OSError:
            return

    def close(self) -> None:
        """Close the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _open(self) -> None:
        self._descriptor = files.open_file(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        # The mode of open() counts only for new files, and is subject to the umask.
        os.fchmod(self._descriptor, 0o600)
        self._size = os.fstat(self._descriptor).st_size

    def _rotate(self) -> None:
        self.close()
        try:
            self._path.replace(self._path.with_name(self._path.name + ".1"))
        finally:
            self._open()


class AuditFile(LineFile):
    """An audit sink: one event a line.

    Events are buffered until ``flush``, which the server calls before it sends anything: a client that has an answer
    finds its event in the log.
    """

    def __init__(self, path: Path, limit: int = MAX_AUDIT_BYTES) -> None:
        super().__init__(path, limit)
        self._gathered: list[bytes] = []

    def __call__(self, event: Object) -> None:
        """Buffer an event."""
        self._gathered.append(orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE))
        if len(self._gathered) >= MAX_GATHERED:
            self.flush()

    def flush(self) -> None:
        """Write the buffered events."""
        if self._gathered:
            lines = b"".join(self._gathered)
            self._gathered = []
            self.write(lines)

    def close(self) -> None:
        """Write the buffered events and close the file."""
        self.flush()
        super().close()


class LogHandler(logging.Handler):
    """Log records as lines of a ``LineFile``, without secrets."""

    def __init__(self, file: LineFile) -> None:
        super().__init__()
        self._file = file
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        try:
            self._file.write(
                without_secrets(self.format(record)).encode("utf-8", "replace") + b"\n"
            )
        except Exception:
            self.handleError(record)


def log_to(path: Path) -> None:
    """Send all log records to ``server.log``. Where standard error is that file too, it appends from now on."""
    # A logging error would be written to standard error, which can be this very file.
    logging.raiseExceptions = False
    root = logging.getLogger()
    root.handlers[:] = [LogHandler(LineFile(path, MAX_LOG_BYTES))]
    root.setLevel(logging.INFO)
    # Broken connections are not worth a line.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    if os.path.samestat(os.fstat(STDERR), path.stat()):
        # The starting process opened the file without O_APPEND: its position would overwrite newer lines.
        flags = fcntl.fcntl(STDERR, fcntl.F_GETFL)
        fcntl.fcntl(STDERR, fcntl.F_SETFL, flags | os.O_APPEND)
