"""Save labkit's snapshot in a page's storage after each change."""

import asyncio
import sys
from collections.abc import Callable
from typing import Protocol

from labkit.core.errors import LabkitError
from labkit.core.language import listed, text
from labkit.core.page import AT_HOME

SNAPSHOT, SET_ASIDE, PROGRESS = "snapshot", "set-aside", "progress"


class Storage(Protocol):
    """A page's storage for bytes, such as IndexedDB."""

    def read(self, name: str) -> bytes | None:
        """Return the bytes of that name; None without any."""

    def write(self, name: str, data: bytes, /) -> None:
        """Replace the bytes of that name atomically.

        Raises:
            OSError: The storage is full.
        """


class SnapshotStore:
    """Writes the snapshot of the lab into the page's storage.

    Args:
        storage: The page's storage.
        pack: Makes the snapshot.
        progress: Returns the bytes of the progress. They are saved separately as well: the landing page reads them,
            and they survive a damaged snapshot.
    """

    def __init__(
        self, storage: Storage, pack: Callable[[], bytes], progress: Callable[[], bytes]
    ) -> None:
        self._storage = storage
        self._pack = pack
        self._progress = progress
        self._due = self._full = False

    def save_soon(self) -> None:
        """Save when the cell has ended; without an event loop, at once."""
        if self._due:
            return
        try:
            # One save for all changes of a cell: the loop goes on only when the cell ends or awaits.
            asyncio.get_running_loop().call_soon(self._save)
            self._due = True
        except RuntimeError:
            self._save()

    def load(self, name: str = SNAPSHOT) -> bytes | None:
        """Return the snapshot, or the bytes of another name; None without any."""
        return self._storage.read(name)

    def set_aside(self, data: bytes, why: str) -> str:
        """Copy a snapshot that cannot be used to another name.

        Args:
            data: The snapshot.
            why: Why it cannot be used.

        Returns:
            A sentence for the learner.
        """
        try:
            self._storage.write(SET_ASIDE, data)
        except OSError as error:
            failed = text("it could not be set aside either ({error})", error.strerror or error)
            why = listed([why, failed], "; ")
        return text(
            "What this page had kept cannot be used: {why}. The cluster begins afresh.", why
        )

    def _save(self) -> None:
        self._due = False
        try:
            self._storage.write(SNAPSHOT, self._pack())
            self._storage.write(PROGRESS, self._progress())
            self._full = False
        except OSError as error:
            if not self._full:  # one message until a save succeeds
                what = text("This page cannot keep your work: it ends with the page.")
                sys.stdout.write(
                    f"{LabkitError(what, why=error.strerror or str(error), todo=AT_HOME)}\n"
                )
            self._full = True
