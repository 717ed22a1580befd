"""The one directory where labkit keeps state: keys, kubeconfigs, progress.

``LABKIT_HOME`` names it; without that it is the user's data directory. Directories
are created with mode 0700 and files with 0600, and files are replaced atomically,
so that a crash leaves the old or the new content and never half of it.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from labkit.core.errors import HomeError, UsageError


def home_path() -> Path:
    """Where labkit's state lives, whether or not it exists yet."""
    named = os.environ.get("LABKIT_HOME")
    if named:
        return Path(named).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_data_dir("labkit", appauthor=False))


def ensure_private(directory: Path) -> Path:
    """Create a directory that only its owner may enter.

    Args:
        directory: The directory; its missing parents are made too, as private.

    Returns:
        The same path.

    Raises:
        HomeError: When it cannot be made, is not a directory, or is others' as well.
    """
    missing = [entry for entry in (directory, *directory.parents) if not entry.exists()]
    try:
        for entry in reversed(missing):
            entry.mkdir(mode=0o700, exist_ok=True)
        directory.mkdir(mode=0o700, exist_ok=True)
        found = directory.stat()
        if found.st_uid == os.getuid() and found.st_mode & 0o077:
            if found.st_mode & stat.S_ISVTX or any(directory.iterdir()):  # /tmp, say, or a home directory
                raise HomeError(
                    f"labkit does not use {directory}.",
                    why="others may enter it, and it is not labkit's alone",
                    todo=f"Set LABKIT_HOME to a directory of its own, such as {directory / 'labkit'}.",
                )
            directory.chmod(0o700)
    except OSError as error:
        raise home_error(directory, error) from error
    return directory


def home_error(path: Path, error: OSError) -> HomeError:
    """Turn a file system's refusal into a sentence with the way out."""
    return HomeError(
        f"labkit cannot use {path}.",
        why=error.strerror or str(error),
        todo="Make it writable, free some space, or set LABKIT_HOME to another directory.",
    )


def place_error(path: Path, error: OSError) -> UsageError:
    """The same for a place that the learner named, which ``LABKIT_HOME`` has nothing to do with."""
    return UsageError(
        f"labkit cannot use {path}.",
        why=error.strerror or str(error),
        todo="Name another place, or give this one rights and room.",
    )


def write_private(path: Path, text: str) -> None:
    """Replace a file atomically, readable by its owner only.

    Args:
        path: The file; its directory is created when missing.
        text: The new content.

    Raises:
        HomeError: When it cannot be written.
    """
    ensure_private(path.parent)
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise home_error(path, error) from error


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object, or an empty one where the file is missing or damaged."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise home_error(path, error) from error
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on a file for the length of a block.

    Args:
        path: The lock file; created when missing.

    Raises:
        HomeError: When it cannot be opened.
    """
    import fcntl

    ensure_private(path.parent)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise home_error(path, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def held(path: Path) -> bool:
    """Whether some process holds a lock on a file.

    Args:
        path: The lock file; a missing one is held by nobody.
    """
    import fcntl

    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise home_error(path, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
