"""System calls that Python 3.11 lacks; they raise ``OSError`` as Python's do.

Sources: unshare(2), mount(2), pivot_root(2), prctl(2).
"""

import ctypes
import os
from functools import cache

# include/uapi/linux/sched.h
CLONE_NEWNS = 0x00020000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

# include/uapi/linux/mount.h
MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_REMOUNT = 32
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18

MNT_DETACH = 2

# glibc has no function for it, so it is called by its number.
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}

# include/uapi/linux/prctl.h
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38


@cache
def libc() -> ctypes.CDLL:
    """Return the C library of this process."""
    return ctypes.CDLL(None, use_errno=True)


def unshare(flags: int) -> None:
    """Move this process into new namespaces."""
    _checked(libc().unshare(flags), "unshare")


def mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    """Mount a file system. An empty ``kind`` or ``data`` is a null pointer."""
    result = libc().mount(
        source.encode(), target.encode(), kind.encode() or None, flags, data.encode() or None
    )
    _checked(result, f"mount {target}")


def pivot_root() -> None:
    """Make the working directory, a mount point, the root; the previous root is detached."""
    _checked(libc().syscall(PIVOT_ROOT[os.uname().machine], b".", b"."), "pivot_root")
    _checked(libc().umount2(b".", MNT_DETACH), "umount")


def prctl(option: int, value: int) -> None:
    """Change an attribute of this process."""
    _checked(libc().prctl(option, value, 0, 0, 0), "prctl")


def _checked(result: int, call: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")
