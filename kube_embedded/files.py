"""Files: the private ones of a server, and the tables of this package."""

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from .ownership import ALONE, owner
from .text import text


class NotPlain(OSError):
    """The path is not a regular file of the user."""


def open_file(path: Path, flags: int) -> int:
    """Open a regular file of the user, not a link, a pipe or another user's file; a new one has mode 0600.

    ``ownership.enter`` must have checked its directory; the flags are the same as for ``os.open``.

    Raises:
        NotPlain: It is anything else.
        OSError: As for ``os.open``.
    """
    # O_NONBLOCK, or opening a pipe would wait for its other end. O_TRUNC only after the checks: it would empty a file
    # before we know whose it is.
    always = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
    try:
        descriptor = os.open(path, (flags & ~os.O_TRUNC) | always, 0o600)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise NotPlain(
                errno.ELOOP, "it is a symbolic link, and none is followed here", str(path)
            ) from error
        if error.errno == errno.ENXIO:
            raise NotPlain(errno.ENXIO, "it is no regular file", str(path)) from error
        raise
    info = os.fstat(descriptor)
    writes = flags & (os.O_WRONLY | os.O_RDWR)
    why = ""
    if not stat.S_ISREG(info.st_mode):
        why = "it is no regular file"
    elif not ALONE and info.st_uid not in (0, os.geteuid()):
        why = text("it belongs to {uid}", owner(info.st_uid))
    # Reading through another name is harmless; writing would change a file elsewhere.
    elif writes and info.st_nlink > 1:
        why = "it has another name as well (a hard link), and would be changed there too"
    if why:
        os.close(descriptor)
        raise NotPlain(errno.EPERM, why, str(path))
    if flags & os.O_TRUNC:
        os.ftruncate(descriptor, 0)
    return descriptor


def read_text(path: Path) -> str:
    """Read a file of the user's own as UTF-8; see ``open_file``."""
    with os.fdopen(open_file(path, os.O_RDONLY), encoding="utf-8") as file:
        return file.read()


def is_locked(path: Path) -> bool:
    """Return whether a process holds a lock (flock) on a file; False if the file is missing.

    Raises:
        OSError: It cannot be opened; see ``open_file``.
    """
    import fcntl

    try:
        descriptor = open_file(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        # A shared lock, so that two programs that look at the same time are not taken for its holder.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def is_held(path: Path) -> bool:
    """Return whether a process holds a lock on a file; True if that cannot be tested."""
    try:
        return is_locked(path)
    except OSError:
        # In doubt a directory stays: deleting one that is in use is worse.
        return True


def place() -> str:
    """Return an id of the set of processes in which this one's id is unique; empty if the system does not report one.

    A directory can be on a volume that is shared by containers and machines, each of which has processes of its own
    with the same ids. Sources: pid_namespaces(7), proc_sys_kernel(5).
    """
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    return ""


def read_json(module: str, name: str) -> Any:
    """Return the content of a file in the directory of a module, which passes its ``__file__``."""
    return orjson.loads(Path(module).with_name(name).read_bytes())
