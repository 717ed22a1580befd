"""Problems of commands, and the ways out of one: ``exit``, ``return``, ``break``."""

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


class _Leave(Exception):
    """A shell or a function ends with an exit status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status & 0xFF


class ExitShell(_Leave):
    """``exit``: the shell ends."""


class ReturnFromFunction(_Leave):
    """``return`` from a function."""


class LoopControl(Exception):
    """``break``, or ``continue`` (``again``), of so many loops."""

    def __init__(self, levels: int, *, again: bool) -> None:
        super().__init__(levels)
        self.levels = levels
        self.again = again
