"""Problems of commands, and the ways out of one: ``exit``, ``break``."""

from __future__ import annotations

from labkit.embedded.container.files.inodes import FileError
from labkit.embedded.container.shell.streams import StreamError


class ExpansionError(Exception):
    """A word cannot be expanded; the command is not run. A ``fatal`` error (``set -u``, ``${x:?}``) ends a script."""

    def __init__(self, message: str, *, fatal: bool = False, status: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.fatal = fatal
        self.status = status


PROBLEMS = (ExpansionError, StreamError, FileError)
"""The problems of a command before or while it runs."""


class ExitShell(Exception):
    """``exit``: the shell ends with an exit status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status & 0xFF


class LoopControl(Exception):
    """``break``, or ``continue`` (``again``), of so many loops."""

    def __init__(self, levels: int, *, again: bool) -> None:
        super().__init__(levels)
        self.levels = levels
        self.again = again
