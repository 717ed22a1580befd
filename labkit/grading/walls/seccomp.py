"""A seccomp filter against system calls that a learner's code does not need.

They allocate memory that no resource limit counts: anonymous files, System V shared memory,
queues and semaphores, io_uring, keys, file systems in new namespaces, and pages that only a pipe
holds. Buffers of sockets and pipes are limited to their default size; there are sockets for this machine and
its network namespace only, and not for its hypervisor. The filter holds for the process that
installs it and for its descendants, and cannot be removed.

Source: https://docs.kernel.org/userspace-api/seccomp_filter.html
"""

import ctypes
import errno
import os
import struct
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
ALLOW, REFUSE = 0x7FFF0000, 0x00050000
"""Return values of a filter; a refusal contains the error number."""

DENIED = REFUSE | errno.EPERM
UNKNOWN = REFUSE | errno.ENOSYS
NO_FAMILY = REFUSE | errno.EAFNOSUPPORT
NO_PROTOCOL = REFUSE | errno.EPROTONOSUPPORT

LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
"""BPF opcodes: load a word of ``struct seccomp_data``, three comparisons, return."""

NUMBER, ARCHITECTURE, FIRST_ARGUMENT, SECOND_ARGUMENT, THIRD_ARGUMENT = 0, 4, 16, 24, 32
"""Offsets in ``struct seccomp_data``; of the arguments' lower halves, which is all that the kernel takes of an int."""

X32_BIT = 0x40000000
"""System call numbers from here on belong to the x32 ABI."""

NEW_NAMESPACES = 0x7E020000
"""The flags of ``clone`` that create namespaces."""


SOL_SOCKET = 1
SOCKET_OPTIONS = (7, 8, 32, 33, 26, 50, 51, 52, 60)
"""SO_SNDBUF, SO_RCVBUF, both with FORCE; SO_ATTACH_FILTER, _BPF, _REUSEPORT_CBPF, _REUSEPORT_EBPF; SO_ZEROCOPY."""

F_SETPIPE_SZ = 1031

AF_UNIX, AF_INET, AF_INET6, AF_NETLINK = 1, 2, 10, 16
NETLINK_ROUTE = 0
PROTOCOLS = (0, 1, 6, 17, 58)
"""The default, ICMP, TCP, UDP, ICMPv6. Others have settings of their own for memory."""

Instruction = tuple[int, int, int, int]
"""Opcode, how many instructions to skip if true, if false, and a value."""


class Machine(NamedTuple):
    """The numbers of one architecture: its audit id, four system calls that are looked into, and those refused."""

    audit: int
    clone: int
    setsockopt: int
    fcntl: int
    socket: tuple[int, int]
    refused: tuple[int, ...]


CLONE3 = 435
"""The same on every architecture. A filter cannot read its flags; after ENOSYS, libraries use ``clone``."""

EVERYWHERE = (425, 430, 447)
"""io_uring_setup, fsopen, memfd_secret."""

MACHINES = {
    # memfd_create, shmget, semget, msgget, unshare, setns, mount, add_key, keyctl, bpf,
    # vmsplice, perf_event_open, userfaultfd, fanotify_init
    "x86_64": Machine(
        0xC000003E,
        clone=56,
        setsockopt=54,
        fcntl=72,
        socket=(41, 53),
        refused=(*EVERYWHERE, 319, 29, 64, 68, 272, 308, 165, 248, 250, 321, 278, 298, 323, 300),
    ),
    "aarch64": Machine(
        0xC00000B7,
        clone=220,
        setsockopt=208,
        fcntl=25,
        socket=(198, 199),
        refused=(*EVERYWHERE, 279, 194, 190, 186, 97, 268, 40, 217, 219, 280, 75, 241, 282, 262),
    ),
}
"""``socket`` has the numbers of socket and socketpair."""


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def warm_up() -> None:
    """Assemble the filter before forks inherit it."""
    machine = MACHINES.get(os.uname().machine)
    if machine:
        program(machine)


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
    return bool(
        libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(instructions), 0, 0) == 0
    )


@cache
def program(machine: Machine) -> bytes:
    """Assemble the filter: BPF instructions of 8 bytes each."""
    # A process can make calls of other ABIs (32 bits, x32), where the same number is another call. They get ENOSYS,
    # as from a kernel that lacks them, so that libraries fall back; EPERM would end programs that only tried.
    lines: list[Instruction] = [
        (LOAD, 0, 0, ARCHITECTURE),
        (EQUAL, 1, 0, machine.audit),
        (RETURN, 0, 0, UNKNOWN),
        (LOAD, 0, 0, NUMBER),
        (AT_LEAST, 0, 1, X32_BIT),
        (RETURN, 0, 0, UNKNOWN),
        (EQUAL, 0, 1, CLONE3),
        (RETURN, 0, 0, UNKNOWN),
    ]
    for number in machine.refused:
        lines += [(EQUAL, 0, 1, number), (RETURN, 0, 0, DENIED)]
    lines += _only(machine.setsockopt, _setsockopt())
    lines += _only(
        machine.fcntl, [(LOAD, 0, 0, SECOND_ARGUMENT), *_return_if_equal((F_SETPIPE_SZ,), DENIED)]
    )
    for number in machine.socket:
        lines += _only(number, _socket())
    lines += [
        (EQUAL, 0, 3, machine.clone),
        (LOAD, 0, 0, FIRST_ARGUMENT),
        (ANY_BIT, 0, 1, NEW_NAMESPACES),
        (RETURN, 0, 0, DENIED),
        (RETURN, 0, 0, ALLOW),
    ]
    return b"".join(struct.pack("=HBBI", *line) for line in lines)


def _only(number: int, lines: list[Instruction]) -> list[Instruction]:
    """Apply instructions to one system call, which is allowed if they do not return."""
    # BPF jumps forward only, by a number of instructions: past these and past the RETURN that ends them.
    return [(EQUAL, 0, len(lines) + 1, number), *lines, (RETURN, 0, 0, ALLOW)]


def _return_if_equal(values: Sequence[int], result: int) -> list[Instruction]:
    return [line for value in values for line in ((EQUAL, 0, 1, value), (RETURN, 0, 0, result))]


def _setsockopt() -> list[Instruction]:
    """Refuse the options that make the kernel hold more for a socket."""
    return [
        (LOAD, 0, 0, SECOND_ARGUMENT),
        (EQUAL, 1, 0, SOL_SOCKET),
        (RETURN, 0, 0, ALLOW),
        (LOAD, 0, 0, THIRD_ARGUMENT),
        *_return_if_equal(SOCKET_OPTIONS, DENIED),
    ]


def _socket() -> list[Instruction]:
    """Refuse all sockets except Unix ones, the usual Internet protocols, and the list of addresses."""
    of_netlink = [
        (LOAD, 0, 0, THIRD_ARGUMENT),
        *_return_if_equal((NETLINK_ROUTE,), ALLOW),
        (RETURN, 0, 0, NO_PROTOCOL),
    ]
    return [
        (LOAD, 0, 0, FIRST_ARGUMENT),
        *_return_if_equal((AF_UNIX,), ALLOW),
        (EQUAL, 0, len(of_netlink), AF_NETLINK),
        *of_netlink,
        (EQUAL, 2, 0, AF_INET),
        (EQUAL, 1, 0, AF_INET6),
        (RETURN, 0, 0, NO_FAMILY),
        (LOAD, 0, 0, THIRD_ARGUMENT),
        *_return_if_equal(PROTOCOLS, ALLOW),
        (RETURN, 0, 0, NO_PROTOCOL),
    ]
