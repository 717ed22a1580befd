"""Undo process state that tests inherit and that would change their results."""

from __future__ import annotations

import signal


def heed_signals() -> None:
    """Start the tests' programs without ignored signals.

    ``nohup``, cron, a shell's ``&`` and some CI have their children ignore SIGINT, SIGQUIT or SIGHUP. A handler,
    unlike "ignore", is not inherited by what is executed; for these processes themselves nothing changes.
    """
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, _go_on)


def _go_on(*_: object) -> None:
    """Do nothing."""
