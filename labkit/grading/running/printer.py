"""A notebook's output on its way to the supervisor: in pieces, and without losing the last one.

The supervisor wakes for each piece, while the notebook waits. So text is collected in memory that both share: if the
notebook is killed, the supervisor finds there the text that was not printed yet. Once a notebook has started a
program, or written to a descriptor, each cell's text is printed at the cell's end, and so in the order of its origin.
"""

import mmap
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any

from . import messages

FLUSH_SECONDS = 0.02
PROGRAMS = (
    (subprocess, "_fork_exec"),
    *((os, name) for name in ("system", "posix_spawn", "execv", "execve", "write")),
)
ENDS = ((signal, "raise_signal"), *((os, name) for name in ("kill", "killpg", "abort", "_exit")))
"""Functions that print without ``os.fork``, and functions that end this process. An audit hook would be called
hundreds of times."""


class SharedPage:
    """A page of memory that the learner's process shares with its supervisor; writing to it wakes no process.

    It has the number of cells that have run, plus one once they can run, the length of the text that waits, and that
    text. The learner's process can write anything into it.
    """

    HEAD, NUMBER = 8, 4

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, mmap.PAGESIZE)
        self.size = mmap.PAGESIZE - self.HEAD

    @property
    def cells(self) -> int:
        """How many cells have run."""
        return max(0, int.from_bytes(self._memory[: self.NUMBER], "big") - 1)

    @cells.setter
    def cells(self, count: int) -> None:
        self._memory[: self.NUMBER] = (count + 1).to_bytes(self.NUMBER, "big")

    @property
    def ready(self) -> bool:
        """True if cells can run: a kernel is slow to start on a busy machine."""
        return any(self._memory[: self.NUMBER])

    @property
    def waiting(self) -> bytes:
        """The text that waits."""
        length = int.from_bytes(self._memory[self.NUMBER : self.HEAD], "big")
        return self._memory[self.HEAD : self.HEAD + min(length, self.size)]

    def add(self, text: bytes, length: int) -> None:
        """Add text to the waiting text, which has this length; at most ``size`` in all."""
        start = self.HEAD + length
        # The text first, so that a process that is killed in between has not lost text that was counted.
        self._memory[start : start + len(text)] = text
        self._memory[self.NUMBER : self.HEAD] = (length + len(text)).to_bytes(self.NUMBER, "big")

    def clear(self) -> None:
        """Forget the waiting text."""
        self._memory[self.NUMBER : self.HEAD] = bytes(self.NUMBER)


class Printer:
    """Prints the text of messages: when the page is full, before others print, and at the end."""

    def __init__(self, page: SharedPage) -> None:
        self._page = page
        # Its own descriptor, since cells can redirect or close standard output.
        self._file = os.dup(1)
        self._lock = threading.RLock()
        self._length = 0
        self._flushed = 0.0
        self._alone = True
        self._forked = False
        self._put = os.write
        os.register_at_fork(before=self._flushing(lambda: None), after_in_child=self._enter_child)
        for module, name in (*PROGRAMS, *ENDS):
            setattr(module, name, self._flushing(getattr(module, name)))

    def __call__(self, kind: str, content: dict[str, Any]) -> None:
        """Take a message's type and content."""
        text = messages.as_text(kind, content).encode("utf-8", "replace")
        with self._lock:
            if self._forked or self._length + len(text) > self._page.size:
                self.flush()
                self._write(text)
                return
            self._page.add(text, self._length)
            self._length += len(text)
            if text.endswith(b"\n") and time.monotonic() > self._flushed + FLUSH_SECONDS:
                self.end_cell()

    def end_cell(self) -> None:
        """Print the waiting text, if others print as well."""
        if not self._alone:
            self.flush()

    def flush(self) -> None:
        """Print the waiting text."""
        with self._lock:
            self._flushed = time.monotonic()
            if self._length:
                self._write(self._page.waiting)
                self._page.clear()
                self._length = 0

    def _write(self, text: bytes) -> None:
        # The learner's code can close it.
        with suppress(OSError):
            while text:
                text = text[self._put(self._file, text) :]

    def _enter_child(self) -> None:
        """In a fork, print at once: the page is its parent's."""
        self._forked = True
        self._lock = threading.RLock()

    def _flushing(self, start: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(start)
        def flush_and_start(*arguments: Any, **options: Any) -> Any:
            self._alone = False
            self.flush()
            return start(*arguments, **options)

        return flush_and_start
