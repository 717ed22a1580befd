"""Ends that are asked for: what has begun is cleaned up, as after Ctrl-C."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

ENDS = (signal.SIGTERM, signal.SIGHUP)
"""What comes when a process is ended, and when its terminal is closed."""


@contextmanager
def cleaned_up() -> Iterator[None]:
    """Let SIGTERM and a closed terminal interrupt the block as Ctrl-C does.

    What is ignored (by ``nohup``) stays so, and elsewhere than in the main thread, where no
    signal may be handled, nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in ENDS}
    for number, handler in before.items():
        if handler is signal.SIG_DFL:
            signal.signal(number, _interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is signal.SIG_DFL:
                signal.signal(number, handler)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
