"""A seccomp filter against system calls that a learner's code has no need of.

They allocate memory that no resource limit counts: anonymous files, System V shared memory,
queues and semaphores, io_uring, keys, and file systems in new namespaces. The filter holds for
the process that installs it and for its descendants, and cannot be removed.

Source: https://docs.kernel.org/userspace-api/seccomp_filter.html
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from typing import NamedTuple

PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
ALLOW, REFUSE = 0x7FFF0000, 0x00050000
"""Return values of a filter; a refusal contains the error number."""

LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
"""BPF opcodes: load a word of ``struct seccomp_data``, three comparisons, return."""

NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16
"""Offsets in ``struct seccomp_data``."""

X32_BIT = 0x40000000
"""System call numbers from here on belong to the x32 ABI."""

NEW_NAMESPACES = 0x7E020000
"""The flags of ``clone`` that create namespaces."""


class Machine(NamedTuple):
    """The numbers of one architecture: its audit id, ``clone``, and the refused system calls."""

    audit: int
    clone: int
    refused: tuple[int, ...]


CLONE3 = 435
"""The same on every architecture. A filter cannot read its flags; after ENOSYS, libraries use ``clone``."""

EVERYWHERE = (425, 430, 447)
"""io_uring_setup, fsopen, memfd_secret."""

MACHINES = {
    # memfd_create, shmget, semget, msgget, unshare, setns, mount, add_key, keyctl, bpf
    "x86_64": Machine(0xC000003E, 56, (*EVERYWHERE, 319, 29, 64, 68, 272, 308, 165, 248, 250, 321)),
    "aarch64": Machine(0xC00000B7, 220, (*EVERYWHERE, 279, 194, 190, 186, 97, 268, 40, 217, 219, 280)),
}


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def install(libc: ctypes.CDLL) -> bool:
    """Install the filter in this process, which must have ``no_new_privs`` set.

    Returns:
        Whether it is installed: not where the architecture is unknown or the kernel lacks seccomp.
    """
    machine = MACHINES.get(os.uname().machine)
    if machine is None:
        return False
    code = program(machine)
    instructions = _Program(len(code) // 8, code)
    return bool(libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(instructions), 0, 0) == 0)


def program(machine: Machine) -> bytes:
    """Assemble the filter: BPF instructions of 8 bytes each."""
    unknown, denied = REFUSE | errno.ENOSYS, REFUSE | errno.EPERM
    lines = [
        (LOAD, 0, 0, ARCHITECTURE),
        (EQUAL, 1, 0, machine.audit),
        (RETURN, 0, 0, unknown),
        (LOAD, 0, 0, NUMBER),
        (AT_LEAST, 0, 1, X32_BIT),
        (RETURN, 0, 0, unknown),
        (EQUAL, 0, 1, CLONE3),
        (RETURN, 0, 0, unknown),
    ]
    for number in machine.refused:
        lines += [(EQUAL, 0, 1, number), (RETURN, 0, 0, denied)]
    lines += [
        (EQUAL, 0, 3, machine.clone),
        (LOAD, 0, 0, FIRST_ARGUMENT),
        (ANY_BIT, 0, 1, NEW_NAMESPACES),
        (RETURN, 0, 0, denied),
        (RETURN, 0, 0, ALLOW),
    ]
    return b"".join(struct.pack("=HBBI", *line) for line in lines)
