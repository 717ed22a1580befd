"""The keys of a terminal, one at a time."""

from __future__ import annotations

import os
import select
import signal
import sys
import termios
import tty
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prompt_toolkit.input import Input


class Terminal:
    """Keys as prompt_toolkit reads them."""

    def __init__(self, keys: Input) -> None:
        self._input = keys
        self._keys: deque[str] = deque()

    def key(self, timeout_seconds: float) -> str | None:
        """Wait for a character, or a name of ``prompt_toolkit.keys.Keys``; return None after the timeout."""
        if not self._keys:
            ready = select.select([self._input.fileno()], [], [], timeout_seconds)[0]
            # Escape alone is also the beginning of other keys' sequences: after the timeout, flush_keys
            # gives it as a key of its own.
            read = self._input.read_keys() if ready else self._input.flush_keys()
            self._keys.extend(str(getattr(press.key, "value", press.key)) for press in read)
        if self._input.closed:
            return "c-d"
        return self._keys.popleft() if self._keys else None


@contextmanager
def keys() -> Iterator[Terminal]:
    """Read keys without echo in a block, in which Ctrl-C interrupts as usual and Ctrl-Z has no effect."""
    before = termios.tcgetattr(sys.stdin)
    suspend = signal.signal(signal.SIGTSTP, signal.SIG_IGN)
    # TCSANOW: the default, TCSAFLUSH, would discard keys that were pressed before.
    tty.setcbreak(sys.stdin, termios.TCSANOW)
    try:
        from prompt_toolkit.input import create_input

        yield Terminal(create_input())
    finally:
        signal.signal(signal.SIGTSTP, suspend)
        # The window of the terminal can be closed by now.
        with suppress(termios.error):
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def restore() -> None:
    """Show the cursor and the normal screen again, in case a killed demo has left them hidden."""
    sys.stdout.write("\x1b[?1047l\x1b[?25h")
    sys.stdout.flush()
    # OSError: standard input is not a terminal.
    with suppress(OSError):
        # A background process that changes a terminal's modes is stopped by SIGTTOU.
        if os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp():
            modes = termios.tcgetattr(sys.stdin)
            modes[3] |= termios.ECHO | termios.ICANON | termios.ISIG
            termios.tcsetattr(sys.stdin, termios.TCSANOW, modes)
