"""The ways out of a command: ``exit``, ``return``, ``break`` and ``continue``."""

from __future__ import annotations


class ExitShell(Exception):
    """``exit``: the shell ends.

    Args:
        status: Its exit status.
    """

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status & 0xFF


class ReturnFromFunction(Exception):
    """``return`` from a function or a sourced script."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status & 0xFF


class LoopControl(Exception):
    """``break`` or ``continue``.

    Args:
        levels: How many loops.
        again: It was ``continue``.
    """

    def __init__(self, levels: int, *, again: bool) -> None:
        super().__init__(levels)
        self.levels = levels
        self.again = again
