"""Make temporary directories that are removed even after their program was killed.

A program locks its directory as long as it lives. The next one removes directories that are no longer locked, and so
does ``labkit clean``; a server whose state is in such a directory ends at once, and removes it.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from kube_embedded.files import is_held

PROGRAM_LOCK = "labkit-program.lock"
"""The file in a temporary directory that its program locks."""


@contextmanager
def scratch_directory(prefix: str, within: Path | None = None) -> Iterator[Path]:
    """Make a private temporary directory for a block, after removing the directories of killed programs next to it.

    Its name begins with ``prefix``; it is made in the system's temporary directory, or ``within`` another.
    """
    import fcntl

    within = within or Path(tempfile.gettempdir())
    for left in abandoned(within):
        shutil.rmtree(left, ignore_errors=True)
    with ExitStack() as stack:
        directory = Path(tempfile.mkdtemp(prefix=prefix, dir=within))
        stack.callback(shutil.rmtree, directory, ignore_errors=True)
        lock = os.open(directory / "unlocked", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        stack.callback(os.close, lock)
        fcntl.flock(lock, fcntl.LOCK_EX)
        (directory / "unlocked").rename(
            directory / PROGRAM_LOCK
        )  # so that this name always belongs to a locked file
        yield directory


def abandoned(within: Path) -> list[Path]:
    """Return the user's own temporary directories in a directory whose program has ended without removing them."""
    with suppress(OSError):
        entries = [Path(entry) for entry in os.scandir(within) if _is_own(entry)]
        return sorted(path for path in entries if not is_held(path / PROGRAM_LOCK))
    return []


def _is_own(entry: os.DirEntry[str]) -> bool:
    with suppress(OSError):
        own = (
            entry.is_dir(follow_symlinks=False)
            and entry.stat(follow_symlinks=False).st_uid == os.geteuid()
        )
        return own and Path(entry, PROGRAM_LOCK).is_file()
    return False
