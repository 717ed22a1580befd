"""Share a running command's state with the user's other commands, by a private file with a lock."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from .errors import LabkitError
from .home import home_path, is_locked, locked, read_json, write_json

DEMO = Path("demo")
ROOM = Path("class") / "room"
"""The directories of a demo's progress and of a class's shared view, below ``LABKIT_HOME``."""

LOCK, NOW = "lock", "now.json"

Share = Callable[[dict[str, Any]], None]
"""Replaces the shared content."""


@contextmanager
def shared(name: Path) -> Iterator[Share | None]:
    """Share in a block, below a name; yield None if another command does, or ``LABKIT_HOME`` cannot be used."""
    with ExitStack() as stack:
        share: Share | None = None
        with suppress(LabkitError):
            folder = home_path() / name
            if not is_locked(folder / LOCK):
                stack.enter_context(locked(folder / LOCK))
                stack.callback(_clear, folder)
                share = partial(_write, folder / NOW)
        yield share


def read_shared(name: Path) -> dict[str, Any] | None:
    """Return the content that is shared below a name; None if no command shares it.

    Raises:
        HomeError: ``LABKIT_HOME`` cannot be used.
    """
    folder = home_path() / name
    return read_json(folder / NOW) if is_locked(folder / LOCK) else None


def _write(file: Path, content: dict[str, Any]) -> None:
    with suppress(LabkitError):  # a full disk does not end the command
        write_json(file, content)


def _clear(folder: Path) -> None:
    with suppress(OSError):
        for file in (NOW, LOCK):
            (folder / file).unlink(missing_ok=True)
        folder.rmdir()
