"""The processes below this one: their memory, and their end."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from contextlib import suppress

from labkit.grading.walls.syscalls import PR_SET_CHILD_SUBREAPER, prctl

PROPORTIONAL = re.compile(rb"^Pss: +(\d+) kB", re.MULTILINE)
"""A process's resident memory in ``smaps_rollup``, in which each page counts in parts for those that share it."""

FIRST = 3
"""Process 1 of a notebook's namespace, the notebook, and its kernel."""


def become_subreaper() -> None:
    """Become the parent of descendants that outlive theirs, so that this process can kill them."""
    if sys.platform == "linux":
        prctl(PR_SET_CHILD_SUBREAPER, 1)


class Descendants:
    """This process's descendants, also after the root file system has been replaced.

    A child that replaces it replaces its parent's as well; the ``/proc`` there knows this process
    under no number. So this keeps the machine's ``/proc`` open. Where there is none, none are found.
    """

    def __init__(self) -> None:
        try:
            self._proc = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            self._proc = -1

    def find(self) -> list[int]:
        """List the living descendants, of every thread."""
        found: list[int] = []
        waiting = [os.getpid()]
        while waiting:
            process = waiting.pop()
            for thread in self._threads(process):
                children = [
                    int(word) for word in self._read(f"{process}/task/{thread}/children").split()
                ]
                found += children
                waiting += children
        return found

    def exceed(self, memory_bytes: int) -> bool:
        """Return whether their resident memory is more than this, pages that they share counted once."""
        resident = {process: self._resident(process) for process in self.find()}
        if sum(resident.values()) <= memory_bytes:
            return False
        return (
            sum(self._proportional(process, whole) for process, whole in resident.items())
            > memory_bytes
        )

    def waited_seconds(self) -> float:
        """Return how long one of the first descendants was ready to run and had no processor; 0 if that is not known.

        A notebook and its kernel are among them, and not all that it has started.
        """
        words = [self._read(f"{process}/schedstat").split() for process in self.find()[:FIRST]]
        return max((int(times[1]) / 1e9 for times in words if len(times) > 1), default=0.0)

    def kill(self, *children: int) -> None:
        """Kill the children with these process ids, and all descendants.

        In a process namespace the kernel does it when process 1 dies; elsewhere descendants are
        searched and killed until there are none.
        """
        for child in filter(None, children):
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            # Returns, for process 1, when all of its process namespace is gone.
            with suppress(ChildProcessError):
                os.waitpid(child, 0)
        for _ in range(64):
            remaining = self.find()
            for process in remaining:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(process, signal.SIGKILL)
            with suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            if not remaining:
                return
            time.sleep(0.01)

    def _threads(self, process: int) -> list[str]:
        with suppress(OSError):
            directory = os.open(f"{process}/task", os.O_RDONLY | os.O_DIRECTORY, dir_fd=self._proc)
            try:
                return os.listdir(directory)
            finally:
                os.close(directory)
        return []

    def _resident(self, process: int) -> int:
        words = self._read(f"{process}/statm").split()
        return int(words[1]) * os.sysconf("SC_PAGE_SIZE") if len(words) > 1 else 0

    def _proportional(self, process: int, resident: int) -> int:
        """Return a process's share of its pages; the kernel may not tell, then all of them."""
        found = PROPORTIONAL.search(self._read(f"{process}/smaps_rollup"))
        return int(found[1]) << 10 if found else resident

    def _read(self, path: str) -> bytes:
        with suppress(OSError):
            file = os.open(path, os.O_RDONLY, dir_fd=self._proc)
            try:
                return os.read(file, 1 << 16)
            finally:
                os.close(file)
        return b""
