"""Clean up after SIGTERM and SIGHUP as after Ctrl-C."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGTERM, signal.SIGHUP)
"""The signals of ``kill``, and of a terminal that is closed."""


@contextmanager
def interrupt_on_signals() -> Iterator[None]:
    """Raise KeyboardInterrupt in the block on SIGTERM and SIGHUP.

    A signal that is ignored or handled already retains its handler. Only the main thread can handle signals;
    in other threads this function has no effect.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number, handler in before.items():
        # nohup ignores SIGHUP, and that has to remain so.
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
