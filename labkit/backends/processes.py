"""Look at processes of this machine, distinguish slow ones from stuck ones, and end them."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import suppress

from labkit.core.language import text


class Activity:
    """The progress of a process: a stuck one uses no processor time for some seconds."""

    def __init__(self, pid: int, patience_seconds: float) -> None:
        self._pid = pid
        self._patience = patience_seconds
        self._begun = self._since = time.monotonic()
        # Processor time, not elapsed time, because on a busy machine a healthy start is slow, too.
        self._used = cpu_seconds(pid)

    @property
    def age(self) -> float:
        """The seconds since this object was created."""
        return time.monotonic() - self._begun

    @property
    def is_stuck(self) -> bool:
        """Return whether it made no progress for these seconds; poll this property."""
        if (used := cpu_seconds(self._pid)) != self._used:
            self._used, self._since = used, time.monotonic()
        return time.monotonic() - self._since > self._patience


def load() -> str:
    """Describe this machine's load; return an empty text if it is usual."""
    processors = os.cpu_count() or 1
    waiting = os.getloadavg()[0]
    if waiting <= 2 * processors:
        return ""
    return text(
        "{waiting} processes wait for {processors} processors", f"{waiting:.0f}", processors
    )


def end_process(process: subprocess.Popen[bytes], patience_seconds: float) -> None:
    """End a child of this process, and wait until it is gone."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(patience_seconds)
    process.kill()
    process.wait()


def exists(pid: object) -> bool:
    """Return whether a process of that id exists."""
    # To kill(2), 0 and negative numbers are process groups; 1 is init, or a container's own program.
    if not isinstance(pid, int) or pid <= 1:
        return False
    try:
        os.kill(pid, 0)
    except OSError as error:
        # A process that refuses the signal exists, and belongs to another user.
        return isinstance(error, PermissionError)
    return True


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has used; 0 if it does not exist."""
    import psutil

    with suppress(psutil.Error):
        # User and system time, without what children have used.
        return float(sum(psutil.Process(pid).cpu_times()[:2]))
    return 0.0
