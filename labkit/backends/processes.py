"""Processes of this machine: whether one is there, whether a slow one is stuck, and how one is ended."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")


class Activity:
    """Whether a process makes progress: a stuck one uses no processor time for some seconds."""

    def __init__(self, pid: int, patience_seconds: float) -> None:
        self._pid, self._patience = pid, patience_seconds
        self._begun = self._since = time.monotonic()
        self._use = cpu_use(pid)

    @property
    def age(self) -> float:
        """For how many seconds it has been looked at."""
        return time.monotonic() - self._begun

    @property
    def is_stuck(self) -> bool:
        """Whether it made no progress for these seconds; to be asked again and again."""
        if (use := cpu_use(self._pid)) != self._use:
            self._use, self._since = use, time.monotonic()
        return time.monotonic() - self._since > self._patience


def load() -> str:
    """How busy this machine is, in words; empty where that is nothing unusual."""
    processors, waiting = os.cpu_count() or 1, os.getloadavg()[0]
    return f"{waiting:.0f} processes wait for {processors} processors" if waiting > 2 * processors else ""


def end_process(process: subprocess.Popen[bytes], patience_seconds: float) -> None:
    """End a child of this process, and wait until it is gone."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(patience_seconds)
    process.kill()
    process.wait()


def exists(pid: object) -> bool:
    """Whether there is a process of that id."""
    if not isinstance(pid, int) or pid <= 1:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def cpu_use(pid: int) -> str:
    """The processor time and the page faults of a process. Sources: proc_pid_stat(5), ps(1)."""
    if (PROC / "self").exists():
        try:
            return " ".join((PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()[7:15])
        except OSError:
            return ""
    return subprocess.run(["ps", "-o", "time=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
