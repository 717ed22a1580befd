"""The descendants of this process: their memory, and their end."""

import os
import re
import signal
import sys
import time
from contextlib import suppress

from ..walls.syscalls import PR_SET_CHILD_SUBREAPER, prctl

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

    Without ``/proc``, none are found.
    """

    def __init__(self) -> None:
        # A child that replaces the root replaces its parent's as well, and the new ``/proc`` is of a process namespace
        # in which this process has no number. So the machine's ``/proc`` stays open.
        try:
            self._proc = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            self._proc = -1

    def find(self) -> list[int]:
        """List the living descendants, of every thread."""
        found: list[int] = []
        # A stack: the notebook's children come before process 1's, which are orphans that it has started.
        waiting = [os.getpid()]
        while waiting:
            process = waiting.pop()
            for thread in self._threads(process):
                children = [*map(int, self._read(f"{process}/task/{thread}/children").split())]
                found += children
                waiting += children
        return found

    def exceed(self, memory_bytes: int) -> bool:
        """Return whether their resident memory is more than this, pages that they share counted once."""
        resident = {process: self._resident(process) for process in self.find()}
        # First the cheap figure, which counts shared pages several times: mostly even that is below the limit.
        if sum(resident.values()) <= memory_bytes:
            return False
        shares = [self._proportional(process, whole) for process, whole in resident.items()]
        return sum(shares) > memory_bytes

    def waited_seconds(self) -> float:
        """Return how long one of the first descendants was ready to run without a processor; 0 if unknown.

        These are a notebook and its kernel, but not all processes that it has started.
        """
        # Its second figure: https://docs.kernel.org/scheduler/sched-stats.html
        times = [self._read(f"{process}/schedstat").split() for process in self.find()[:FIRST]]
        return max((int(figures[1]) / 1e9 for figures in times if len(figures) > 1), default=0.0)

    def kill(self, *children: int) -> None:
        """Kill the children with these process ids, and all descendants.

        In a process namespace the kernel does it when process 1 dies; elsewhere descendants are
        searched and killed until there are none.
        """
        for child in filter(None, children):
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            # For process 1, this returns when its whole process namespace is gone.
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
        """Return a process's share of its pages; all of them if the kernel does not report it."""
        match = PROPORTIONAL.search(self._read(f"{process}/smaps_rollup"))
        return int(match[1]) << 10 if match else resident

    def _read(self, path: str) -> bytes:
        with suppress(OSError):
            file = os.open(path, os.O_RDONLY, dir_fd=self._proc)
            try:
                return os.read(file, 1 << 16)
            finally:
                os.close(file)
        return b""
