"""System calls that a learner's code has no need of, refused by a seccomp filter.

They make memory that no other limit counts: files without a name, System V's shared memory,
queues and semaphores, rings, keys, and file systems in namespaces of one's own. The filter
holds for every process that comes from the one that takes it, and cannot be taken off.

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
"""What a filter returns; a refusal has the error's number in it."""

LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
"""BPF: load a word of the call, three comparisons, return."""

NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16
"""Where they stand in ``struct seccomp_data``."""

FOREIGN = 0x40000000
"""Numbers from here on are calls of x86's other ABI, x32."""

NEW_NAMESPACES = 0x7E020000
"""The flags of ``clone`` that ask for namespaces."""


class Machine(NamedTuple):
    """One architecture's numbers."""

    audit: int
    clone: int
    refused: tuple[int, ...]


CLONE3 = 435
"""The same everywhere. It hides its flags from filters; who is told that there is none takes ``clone``."""

EVERYWHERE = (425, 430, 447)
"""io_uring_setup, fsopen, memfd_secret."""

MACHINES = {
    # memfd_create, shmget, semget, msgget, unshare, setns, mount, add_key, keyctl, bpf
    "x86_64": Machine(0xC000003E, 56, (*EVERYWHERE, 319, 29, 64, 68, 272, 308, 165, 248, 250, 321)),
    "aarch64": Machine(0xC00000B7, 220, (*EVERYWHERE, 279, 194, 190, 186, 97, 268, 40, 217, 219, 280)),
}


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def refuse(libc: ctypes.CDLL) -> bool:
    """Take the filter. ``no_new_privs`` must be set.

    Args:
        libc: The C library.

    Returns:
        Whether the kernel took it; some are built without, and some machines we do not know.
    """
    machine = MACHINES.get(os.uname().machine)
    if machine is None:
        return False
    code = program(machine)
    instructions = _Program(len(code) // 8, code)
    return bool(libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(instructions), 0, 0) == 0)


def program(machine: Machine) -> bytes:
    """The filter in BPF.

    Args:
        machine: Whose numbers.
    """
    unknown, denied = REFUSE | errno.ENOSYS, REFUSE | errno.EPERM
    lines = [
        (LOAD, 0, 0, ARCHITECTURE),
        (EQUAL, 1, 0, machine.audit),
        (RETURN, 0, 0, unknown),
        (LOAD, 0, 0, NUMBER),
        (AT_LEAST, 0, 1, FOREIGN),
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
