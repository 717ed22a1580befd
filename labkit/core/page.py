"""Detect a page of a browser (Pyodide), and refuse the features that cannot work there."""

import sys
from pathlib import Path
from typing import Protocol

from .errors import UsageError
from .language import text

IN_PAGE = sys.platform == "emscripten"
"""True in a page: one process without threads, sockets and file locks, and one user. Tests of the page set it."""


class Page(Protocol):
    """The part of ``labkit.backends.page.Page`` that other modules notify."""

    def changed(self, path: Path) -> None:
        """Save the state if a file of it has changed."""


current: Page | None = None
"""The page that was entered and not left. Only ``labkit.backends.page.Page`` sets it."""

AT_HOME = text(
    "At home it works: install labkit, and bring your progress along with export_progress()."
)


def refusal(what: str) -> UsageError:
    """Return the error for a feature that needs another program or a socket."""
    return UsageError(
        text("{what} cannot work in a page of a browser.", what),
        why="a page starts no programs and opens no connections",
        todo=AT_HOME,
    )
