"""A program in a real terminal: its screen as lines of text, and its keyboard.

It understands what rich writes: moves of the cursor, styles, the alternate screen.
"""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from kube_embedded.tests.support.until import SECONDS

ROOT = Path(__file__).parents[2]
CONTROL = re.compile(r"\x1b\[([?\d;]*)([A-Za-z])|[\r\n]|[^\x1b\r\n]+|\x1b.*")


class Terminal:
    """``labkit`` with these words, in a terminal of this size."""

    def __init__(
        self,
        *words: str,
        columns: int = 80,
        rows: int = 24,
        environment: Mapping[str, str] | None = None,
        ignored: Sequence[signal.Signals] = (),
    ) -> None:
        self.raw = self._rest = ""
        self._grid: dict[tuple[int, int], str] = {}
        self._cursor = (0, 0)
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._columns = columns
        self._begin, self._begin_child = os.pipe()
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.read(self._begin, 1)  # until the terminal has its size
            os.chdir(ROOT)
            for number in ignored:
                signal.signal(number, signal.SIG_IGN)
            kept = {
                name: value
                for name, value in os.environ.items()
                if name not in ("COLUMNS", "LINES", "NO_COLOR")
            }
            variables = {**kept, "TERM": "xterm-256color", **(environment or {})}
            os.execve(sys.executable, [sys.executable, "-m", "labkit", *words], variables)
        self.resize(columns, rows)
        os.write(self._begin_child, b".")

    def resize(self, columns: int, rows: int) -> None:
        self._columns, self._grid = columns, {}
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    @property
    def screen(self) -> str:
        """The visible lines, without trailing blanks."""
        last = max((place[0] for place in self._grid), default=0)
        lines = [
            "".join(self._grid.get((y, x), " ") for x in range(self._columns))
            for y in range(last + 1)
        ]
        return "\n".join(line.rstrip() for line in lines)

    def _draw(self, text: str) -> str:
        """Draw the output; return an escape sequence that is incomplete so far."""
        row, column = self._cursor
        for match in CONTROL.finditer(text):
            part, numbers, kind = match[0], match[1], match[2]
            if part.startswith("\x1b") and not kind:
                self._cursor = row, column
                return text[match.start() :]
            if kind == "H":
                row, column = (
                    (int(number) - 1 for number in numbers.split(";")) if numbers else (0, 0)
                )
            elif kind == "J" or numbers == "?1049":
                self._grid, row, column = {}, 0, 0
            elif part == "\n":
                row += 1
            elif part == "\r":
                column = 0
            elif not kind:
                self._grid |= {
                    (row, column + offset): character for offset, character in enumerate(part)
                }
                column += len(part)
        self._cursor = row, column
        return ""

    def read(self, seconds: float) -> bool:
        """Read the output of this time; return False if there is none, or the program has ended."""
        if not select.select([self.terminal], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self.terminal, 65536)
        except OSError:
            return False
        text = self._decoder.decode(data)
        self.raw += text
        self._rest = self._draw(self._rest + text)
        return bool(data)

    def wait(self, text: str) -> str:
        """Wait until a text is visible and drawing has stopped; return the screen.

        Raises:
            AssertionError: It does not come.
        """
        deadline = time.monotonic() + SECONDS
        while text not in self.screen or self.read(0.05):
            assert time.monotonic() < deadline, f"no {text!r} in:\n{self.screen}"
            self.read(0.1)
        return self.screen

    def press(self, keys: str, text: str) -> str:
        """Press keys, and wait for a text."""
        os.write(self.terminal, keys.encode())
        return self.wait(text)

    def end(self, keys: str = "") -> int:
        """Press keys that end the program; return its exit code."""
        os.write(self.terminal, keys.encode())
        deadline = time.monotonic() + SECONDS
        while not (ended := os.waitpid(self.pid, os.WNOHANG))[0]:
            self.read(0.1)
            if time.monotonic() > deadline:
                os.kill(self.pid, signal.SIGKILL)
        while self.read(0.1):
            pass
        return os.waitstatus_to_exitcode(ended[1])

    def hang_up(self) -> None:
        """Close the terminal, as its window does."""
        os.close(self.terminal)
        self.terminal = -1

    def close(self) -> None:
        """End the program, if it still runs."""
        try:
            if os.waitpid(self.pid, os.WNOHANG)[0] == 0:
                os.kill(self.pid, signal.SIGTERM)
                os.waitpid(self.pid, 0)
        except ChildProcessError:
            pass
        for descriptor in (self.terminal, self._begin, self._begin_child):
            with suppress(OSError):  # hung up
                os.close(descriptor)
