"""A cluster's directory: private to its owner, used by one process at a time.

Every problem with it is found here, before anything is written, and reported in one sentence with a remedy.
"""

import errno
import fcntl
import os
import time
from pathlib import Path

from kube_embedded import files, ownership

LOCK_PATIENCE_SECONDS = 0.5
"""How long to retry the lock: others test it by taking it for an instant."""

FREE_BYTES = 1024 * 1024
"""The free space that a start needs; about the size of the first database."""


class StateProblem(Exception):
    """The directory cannot be used; the message contains the reason and the remedy."""


class StateInUse(StateProblem):
    """Another server runs on this directory."""


def write_private(path: Path, data: bytes) -> None:
    """Atomically write a file that only its owner can read."""
    # In the same directory, since a rename is atomic only within one file system.
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = files.open_file(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def private_directory(path: Path) -> Path:
    """Make a directory with mode 0700, or check one that exists; its absolute path.

    Raises:
        StateProblem: It cannot be made or used.
    """
    path = path.absolute()
    try:
        ownership.enter(path, create=True)
    except ownership.Unsafe as problem:
        raise StateProblem(
            f"{path} is not used, and it holds keys: {problem.why}. {problem.todo}"
        ) from problem
    except (FileExistsError, NotADirectoryError) as error:
        raise StateProblem(
            f"{error.filename or path} is a file, and a directory is needed. "
            "Move it away, or set --home to another directory."
        ) from error
    except OSError as error:
        raise unusable(path, error) from error
    return path


def open_home(path: Path) -> Path:
    """Prepare the state directory.

    Raises:
        StateProblem: It belongs to another user, is read-only or full, is not a directory, or has other content.
    """
    home = private_directory(path)
    try:
        ownership.check_content(home)
    except ownership.Unsafe as problem:
        raise StateProblem(f"{home} is not used: {problem.why}. {problem.todo}") from problem
    if not (home / "pki").exists() and any(
        (home / name).exists() for name in (".git", ".ssh", ".bashrc", ".profile")
    ):
        raise StateProblem(
            f"{home} is used for something else. Set --home to an empty directory or a new one."
        )
    try:
        # Neither access() nor the mode reveals read-only mounts, quotas or full disks. Writing does.
        probe = home / f".probe.{os.getpid()}"
        descriptor = files.open_file(probe, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        try:
            os.write(descriptor, b"\0" * 4096)
            free = os.fstatvfs(descriptor)
        finally:
            os.close(descriptor)
            probe.unlink()
        if free.f_bavail * free.f_frsize < FREE_BYTES:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(home))
    except OSError as error:
        raise unusable(home, error) from error
    return home


def unusable(path: Path, error: OSError) -> StateProblem:
    """The error for a failure of the file system."""
    where = error.filename or path
    ways = {
        errno.ENOSPC: "Free some space, or set --home to a directory on another disk.",
        errno.EROFS: "Set --home to a directory that can be written.",
    }
    way = ways.get(error.errno or 0, "Make it writable, or set --home to another directory.")
    if isinstance(error, files.NotPlain):
        way = "Look at what it is, and move it away."
    return StateProblem(f"{where} cannot be used: {error.strerror or error}. {way}")


def lock(home: Path) -> int:
    """Lock the directory for this process.

    Returns:
        The lock's file descriptor; closing it releases the lock.

    Raises:
        StateInUse: Another process has it.
        StateProblem: The lock file cannot be created.
    """
    path = home / "lock"
    try:
        descriptor = files.open_file(path, os.O_RDWR | os.O_CREAT)
    except OSError as error:
        raise unusable(path, error) from error
    deadline = time.monotonic() + LOCK_PATIENCE_SECONDS
    while True:
        try:
            # flock and not lockf: POSIX locks end when any descriptor of the file is closed in this process.
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        except BlockingIOError as error:
            if time.monotonic() > deadline:
                os.close(descriptor)
                raise StateInUse(
                    f"Another server runs on {home}. Stop it, or set --home to another directory."
                ) from error
            time.sleep(0.02)
