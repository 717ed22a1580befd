"""The isolation of a learner's process: namespaces, limits, and a user id of its own.

There are three levels; the strongest that the platform supports is used:

``root``   Linux, grader as root: process, mount, network and IPC namespaces of its own, a
           user id of its own, and a root file system with only Python.
``user``   Linux, ordinary user, where user namespaces are allowed: the same namespaces,
           but the learner's code runs under the grader's user id.
``plain``  Elsewhere: resource limits and a process group only. The code can read and write what the
           grader's user can, end that user's processes, and reach other ports of the machine.

Sources: namespaces(7), user_namespaces(7), setrlimit(2), prctl(2), seccomp(2), tcp(7).
"""

from __future__ import annotations

import fcntl
import os
import resource
import shutil
import signal
import socket
import struct
import sys
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from . import seccomp
from .syscalls import (
    CLONE_NEWIPC,
    CLONE_NEWNET,
    CLONE_NEWNS,
    CLONE_NEWPID,
    CLONE_NEWUSER,
    PR_SET_NO_NEW_PRIVS,
    PR_SET_PDEATHSIG,
    libc,
    prctl,
    unshare,
)

SIOCSIFFLAGS, IFF_UP, IFF_RUNNING = 0x8914, 0x1, 0x40

NICENESS = 5
"""The grader and the supervisors have priority: a learner's busy loops slow only other learners' loops."""

ALLOCATORS = {"MALLOC_ARENA_MAX": "2", "GOGC": "off", "GOMEMLIMIT": "256MiB"}
"""By default glibc reserves 64 MiB for each thread, which counts as address space. Go collects no garbage before
a program has so much memory: kubectl mostly ends before, and collecting would be a fifth of its processor time."""

FIRST_USER_ID = 310_000
USER_IDS_PER_GRADER, MAX_GRADERS = 256, 1024
USER_IDS = range(FIRST_USER_ID, FIRST_USER_ID + USER_IDS_PER_GRADER * MAX_GRADERS)
"""The user ids of learners' processes, where the grader is root."""

MIN_DESCRIPTORS, MAX_DESCRIPTORS = 64, 256
"""The bounds of a process's open files; fewer are allowed if the default buffers of sockets are large."""

OTHER_PROCESSES = 2
"""Process 1, and descriptors on their way between processes, which count once for a user."""

NETWORK_SETTINGS = {
    "core/somaxconn": "0",
    "core/optmem_max": "20480",
    "unix/max_dgram_qlen": "0",
    "ipv4/tcp_wmem": "4096 16384 65536",
    "ipv4/tcp_rmem": "4096 65536 131072",
    "ipv4/ipfrag_low_thresh": "131072",
    "ipv4/ipfrag_high_thresh": "262144",
    "ipv6/ip6frag_low_thresh": "131072",
    "ipv6/ip6frag_high_thresh": "262144",
}
"""Settings below ``/proc/sys/net`` that each network namespace has, in bytes and in messages.

They bound the kernel's memory for a descriptor. Otherwise a process could fill sockets that wait to be accepted, or a
datagram socket's queue, and close its own ends; so only the first connection and the first message wait.
``udp_mem``, ``tcp_mem`` and the default size of other sockets' buffers belong to the whole machine."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The resources of one submission's processes, and how its notebook is executed.

    Args:
        seconds: Wall-clock time for the whole notebook.
        cpu_seconds: Processor time of one process.
        memory_bytes: Address space of one process, resident memory of all, and the kernel's memory for their
            descriptors.
        processes: Processes and threads at once.
        disk_bytes: Files in its home directory.
        output_bytes: Output that is stored; more is dropped, and the output ends with a line that reports it.
        kernel: If true, every notebook runs in a real kernel, also those that need none.
    """

    seconds: float = 60.0
    cpu_seconds: int = 60
    memory_bytes: int = 1 << 30
    processes: int = 48
    disk_bytes: int = 64 << 20
    output_bytes: int = 1 << 20
    kernel: bool = False

    @property
    def descriptors(self) -> int:
        """The number of files that a process can have open.

        Were they all sockets, in all processes, each with a full buffer, the kernel would hold less
        than ``memory_bytes`` for them.
        """
        count = self.memory_bytes // ((self.processes + OTHER_PROCESSES) * _socket_bytes())
        return min(max(count, MIN_DESCRIPTORS), MAX_DESCRIPTORS)

    @property
    def for_kernel(self) -> Limits:
        """The limits of a notebook in a real kernel, which has 62 files open by itself: fewer processes."""
        return replace(self, processes=self.processes * 5 // 6)


@cache
def _socket_bytes() -> int:
    """Return the most memory that the kernel holds for one socket of a default size.

    A sender can begin its last message, of half a buffer, when the buffer lacks one byte.
    """
    default = 212_992
    for name in ("wmem_default", "rmem_default"):
        with suppress(OSError, ValueError):
            default = max(default, int(Path(f"/proc/sys/net/core/{name}").read_text()))
    return default * 3 // 2 + (8 << 10)


def strongest_level() -> str:
    """Return the strongest level that this platform supports: ``root``, ``user`` or ``plain``."""
    if sys.platform != "linux":
        return "plain"
    flags = CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWIPC
    if os.geteuid() == 0:
        return "root" if _can_unshare(flags) else "plain"
    return "user" if _can_unshare(flags | CLONE_NEWUSER) else "plain"


def enter_namespaces(level: str) -> None:
    """Enter new namespaces; the next child is process 1 of the process namespace.

    Raises:
        OSError: The kernel refuses.
    """
    if level == "plain":
        return
    flags = CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWIPC
    if level == "user":
        user = os.geteuid()
        group = os.getegid()
        unshare(flags | CLONE_NEWUSER)
        # An ordinary user can map groups only after giving up setgroups(2), see user_namespaces(7). They become
        # root in the namespace, since the mounts of ``root_directory`` need that.
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    else:
        unshare(flags)
    _loopback_up()


def start_init(level: str) -> int:
    """Start process 1 of the process namespace, and return its process id; 0 without a namespace.

    It ends with this process, and the kernel kills all others of the namespace then. The learner's process
    cannot be it: process 1 ignores the signals that it sends itself, so that a crash would not look like one.
    It inherits that ``SIGCHLD`` is ignored, by which the kernel forgets the children that others leave to it.
    """
    if level == "plain":
        return 0
    # The other end is closed as this process ends, and cat ends with it.
    end, _other_end = os.pipe()
    actions = [(os.POSIX_SPAWN_DUP2, end, 0), (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    init = os.posix_spawn(_cat(), ["cat"], {}, file_actions=[*actions, (os.POSIX_SPAWN_DUP2, 1, 2)])
    os.close(end)
    return init


@cache
def _cat() -> str:
    return shutil.which("cat") or "/bin/cat"


def limit_network(level: str) -> None:
    """Bound the memory of the network namespace's sockets; sockets that listen already have their backlog.

    Where ``/proc/sys`` is read-only, or a kernel has a setting for the whole machine, it stays as it is.
    """
    if level == "plain":
        return
    for name, value in NETWORK_SETTINGS.items():
        with suppress(OSError):
            setting = os.open(f"/proc/sys/net/{name}", os.O_WRONLY)
            os.write(setting, value.encode())
            os.close(setting)


def user_id(fork_server_pid: int, slot: int) -> int:
    """Choose the user id of a slot's notebooks.

    ``RLIMIT_NPROC`` counts a user's processes in all namespaces, so graders that run at the same
    time need different users: a fork bomb in one would stop notebooks in another.

    Args:
        fork_server_pid: The grader's fork server, by which graders differ.
        slot: Which of the grader's slots it is.
    """
    return USER_IDS[
        fork_server_pid % MAX_GRADERS * USER_IDS_PER_GRADER + slot % USER_IDS_PER_GRADER
    ]


def drop_privileges(level: str, user: int) -> None:
    """Change the user and install the seccomp filter; neither can be undone.

    At the level ``root`` it becomes ``user``; see ``user_id``.

    Raises:
        OSError: The kernel refuses.
    """
    if level == "root":
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    elif level == "user":
        # The namespaces belong to the first user namespace. In a second one no capability reaches them: the
        # learner's code cannot undo the mounts, although it has all capabilities here.
        unshare(CLONE_NEWUSER)
        Path("/proc/self/uid_map").write_text("1000 0 1")
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/gid_map").write_text("1000 0 1")
    os.nice(NICENESS)
    if sys.platform == "linux":
        # Otherwise the kernel refuses an ordinary user's filter, and obeys set-user-ID files.
        prctl(PR_SET_NO_NEW_PRIVS, 1)
        # Not before the user is changed: that resets it.
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        seccomp.install(libc())


def limit_resources(limits: Limits) -> None:
    """Set the limits of this process and of those that it starts; they cannot be raised again."""
    for limit, most in (
        (resource.RLIMIT_CPU, limits.cpu_seconds),
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_FSIZE, limits.disk_bytes),
        (resource.RLIMIT_NOFILE, limits.descriptors),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, limits.processes),
    ):
        with suppress(ValueError, OSError):
            resource.setrlimit(limit, (most, most))


def _can_unshare(flags: int) -> bool:
    """Return whether the kernel allows these namespaces."""
    # Only trying shows it, and a process cannot leave its new namespaces: so a child tries, and exits.
    child = os.fork()
    if child == 0:
        code = 1
        with suppress(OSError):
            unshare(flags)
            code = 0
        os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sH14s", b"lo", IFF_UP | IFF_RUNNING, b"\0" * 14)
        fcntl.ioctl(control, SIOCSIFFLAGS, request)
