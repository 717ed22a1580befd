"""The directory of labkit's state: keys, kubeconfigs, progress.

``LABKIT_HOME`` names it; without that it is the user's data directory. It is checked
before any of its files is opened: see ``kube_embedded.ownership``. Directories are created with
mode 0700 and files with 0600, and files are replaced atomically, so that after a crash a file
has the old or the new content and never half of it.
"""

import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kube_embedded import files, ownership

from . import page
from .errors import HomeError, UsageError
from .language import text

CLUSTER = "labkit"
"""The name of embedded clusters: of their nodes, and of the contexts in their kubeconfigs."""

ownership.names = ownership.Names("labkit", "LABKIT_HOME", "LABKIT_TRUSTED_GROUP")

JOINED = Path("class") / "joined.json"
"""The file about the class that a lab has joined; without it, the modules for classes are not loaded."""


def home_path() -> Path:
    """Return the directory of labkit's state, whether or not it exists yet.

    Raises:
        HomeError: When another user could change its content.
    """
    named = os.environ.get("LABKIT_HOME")
    if named:
        return check_home(Path(named).expanduser().absolute())
    import platformdirs

    return check_home(Path(platformdirs.user_data_dir("labkit", appauthor=False)))


def check_home(home: Path) -> Path:
    """Check a state directory before any of its files is opened; every entry to labkit calls this.

    The directory need not exist yet.

    Raises:
        HomeError: When it is not the user's own, or another user could change its content.
    """
    with _refusals_of(home):
        _say(ownership.enter(home))
        ownership.check_content(home)
    return home


def ensure_private(directory: Path) -> Path:
    """Create a directory, and its missing parents, with access for the owner alone.

    Raises:
        HomeError: When it cannot be made, is not a directory, or is open to other users.
    """
    with _refusals_of(directory):
        _say(ownership.enter(directory, create=True))
    return directory


@contextlib.contextmanager
def _refusals_of(path: Path) -> Iterator[None]:
    """Raise refusals of the file system, and of ``ownership``, as a HomeError."""
    try:
        yield
    except ownership.Unsafe as problem:
        raise HomeError(
            text("labkit does not use {path}.", path), why=problem.why, todo=problem.todo
        ) from problem
    except OSError as error:
        raise home_error(path, error) from error


def _say(mended: str) -> None:
    if mended:
        sys.stderr.write(f"labkit: {mended}\n")


def home_error(path: Path, error: OSError) -> HomeError:
    """Return the error for an OSError in labkit's own directory, with what to do."""
    todo = text("Make it writable, free some space, or set LABKIT_HOME to another directory.")
    if isinstance(error, files.NotPlain):
        todo = text("Look at what it is, and move it away.")
    return HomeError(
        text("labkit cannot use {path}.", path), why=error.strerror or str(error), todo=todo
    )


def place_error(path: Path, error: Exception) -> UsageError:
    """Return the error for a path that the learner named, which ``LABKIT_HOME`` does not change."""
    return UsageError(
        text("labkit cannot use {path}.", path),
        why=getattr(error, "strerror", None) or str(error),
        todo="Name another place, or check the permissions and the free space of this one.",
    )


def unreadable(file: Path, error: Exception) -> UsageError:
    """Return the error for a file that the learner named and that is no readable text."""
    return UsageError(
        text("{file} cannot be read.", file),
        why=getattr(error, "strerror", None) or str(error),
        todo="Name a text file that you may read.",
    )


def write_private(path: Path, text: str) -> None:
    """Replace a file atomically, readable by its owner only, in a directory that is created when missing.

    Raises:
        HomeError: When it cannot be written.
    """
    ensure_private(path.parent)
    with _refusals_of(path):
        # In the same directory, because a rename is atomic only within a file system.
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(text)
                stream.flush()
                # Otherwise the name could lead to an empty file after a power cut.
                os.fsync(stream.fileno())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    changed(path)


def write_json(path: Path, document: object) -> None:
    """Replace a file by a JSON document that people can read; see ``write_private``."""
    write_private(path, json.dumps(document, indent=1) + "\n")


def changed(path: Path) -> None:
    """Notify the page, which saves a copy of the state, that a file has changed."""
    if page.current:
        page.current.changed(path)


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object; return an empty one if the file is missing or damaged."""
    try:
        with _refusals_of(path), contextlib.suppress(FileNotFoundError):
            value = json.loads(files.read_text(path))
            return value if isinstance(value, dict) else {}
    except ValueError:
        pass
    return {}


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on a file during the block; create the file if it is missing.

    Raises:
        HomeError: When it cannot be opened.
    """
    import fcntl

    ensure_private(path.parent)
    if page.IN_PAGE:  # which has one process, and no locks
        yield
        return
    with _refusals_of(path):
        descriptor = files.open_file(path, os.O_RDWR | os.O_CREAT)
    try:
        # flock, not lockf: a lock of lockf ends when the process closes any descriptor of the file.
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def is_locked(path: Path) -> bool:
    """Return whether a process holds a lock on a file; False if the file is missing."""
    try:
        return files.is_locked(path)
    except OSError as error:
        raise home_error(path, error) from error
