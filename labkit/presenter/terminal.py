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
            read = (
                self._input.read_keys() if ready else self._input.flush_keys()
            )  # Escape comes without a rest
            self._keys.extend(str(getattr(press.key, "value", press.key)) for press in read)
        if self._input.closed:
            return "c-d"
        return self._keys.popleft() if self._keys else None


@contextmanager
def keys() -> Iterator[Terminal]:
    """Read keys without echo in a block, where Ctrl-C stays what it is and Ctrl-Z does nothing."""
    before = termios.tcgetattr(sys.stdin)
    suspend = signal.signal(signal.SIGTSTP, signal.SIG_IGN)
    tty.setcbreak(sys.stdin, termios.TCSANOW)  # what was typed already stays
    try:
        from prompt_toolkit.input import create_input

        yield Terminal(create_input())
    finally:
        signal.signal(signal.SIGTSTP, suspend)
        with suppress(termios.error):  # the terminal is gone
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def restore() -> None:
    """Show the cursor and the first screen again, which a demo that was killed may have left hidden."""
    sys.stdout.write("\x1b[?1047l\x1b[?25h")
    sys.stdout.flush()
    with suppress(OSError):  # where there is no terminal
        if (
            os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
        ):  # in the background, the change would stop this process
            modes = termios.tcgetattr(sys.stdin)
            modes[3] |= termios.ECHO | termios.ICANON | termios.ISIG
            termios.tcsetattr(sys.stdin, termios.TCSANOW, modes)
