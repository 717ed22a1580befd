"""The isolation of a learner's process: namespaces, limits, and a user id of its own.

There are three levels; the strongest that the platform supports is used:

``root``   Linux, grader as root: process, mount, network and IPC namespaces of its own, a
           user id of its own, and a root file system that holds Python and nothing else.
``user``   Linux, ordinary user, where user namespaces are allowed: the same namespaces,
           but the learner's code runs under the grader's user id.
``plain``  Elsewhere: resource limits and a process group only. The code can read what the
           grader's user can read, and can reach other ports of the machine.

Sources: namespaces(7), user_namespaces(7), setrlimit(2), prctl(2), seccomp(2).
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import resource
import signal
import socket
import struct
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path

from labkit.grading import seccomp

CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWUSER = 0x00020000, 0x08000000, 0x10000000
CLONE_NEWPID, CLONE_NEWNET = 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 32, 4096, 16384, 1 << 18
MNT_DETACH = 2
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 36, 38
SIOCSIFFLAGS, IFF_UP, IFF_RUNNING = 0x8914, 0x1, 0x40

VISIBLE_SETTINGS = (
    *("group", "hosts", "host.conf", "nsswitch.conf", "passwd", "protocols", "resolv.conf", "services"),
    *("alternatives", "ld.so.cache", "localtime", "mime.types", "ssl", "pki", "ca-certificates", "crypto-policies"),
)
"""The entries of ``/etc`` that are visible. Others may have secrets that all users of the machine can read."""

NICENESS = 5
"""The grader and the supervisors have priority: a learner's busy loops slow only those of others."""

ALLOCATOR = {"MALLOC_ARENA_MAX": "2"}
"""By default glibc reserves 64 MiB for each thread, which counts as address space."""

FIRST_USER_ID = 310_000
USER_IDS_PER_GRADER, MAX_GRADERS = 256, 1024
USER_IDS = range(FIRST_USER_ID, FIRST_USER_ID + USER_IDS_PER_GRADER * MAX_GRADERS)
"""The user ids of learners' processes, where the grader is root."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one submission's processes may use.

    Args:
        seconds: Wall-clock time for the whole notebook.
        cpu_seconds: Processor time of one process.
        memory_bytes: Address space of one process, and resident memory of all.
        processes: Processes and threads at once.
        disk_bytes: Files in its home directory.
        output_bytes: Output that is kept.
    """

    seconds: float = 60.0
    cpu_seconds: int = 60
    memory_bytes: int = 1 << 30
    processes: int = 48
    disk_bytes: int = 64 << 20
    output_bytes: int = 1 << 20


def strongest_level() -> str:
    """Return the strongest level that this platform supports: ``root``, ``user`` or ``plain``."""
    if sys.platform != "linux":
        return "plain"
    flags = CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWIPC
    if os.geteuid() == 0:
        return "root" if _can_unshare(flags) else "plain"
    return "user" if _can_unshare(flags | CLONE_NEWUSER) else "plain"


def warm_up() -> None:
    """Fill the caches, before forks inherit them."""
    if sys.platform == "linux":
        _required_paths()
        _libc()


def enter_namespaces(level: str) -> None:
    """Enter new namespaces; the next fork is process 1 of the process namespace.

    Args:
        level: The isolation level.

    Raises:
        OSError: The kernel refuses.
    """
    if level == "plain":
        return
    flags = CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWIPC
    if level == "user":
        user, group = os.geteuid(), os.getegid()
        _unshare(flags | CLONE_NEWUSER)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    else:
        _unshare(flags)
    _loopback_up()


def mount_root(level: str, root: Path, home: Path, limits: Limits, hidden: Iterable[Path]) -> None:
    """Replace the root file system by one that holds Python and nothing else.

    What a Python process requires is bind-mounted read-only at its own path; the rest of the
    machine's files, submissions and solutions among them, do not exist. The home directory is a
    temporary file system.

    Args:
        level: The isolation level.
        root: An empty directory to mount the new root at.
        home: The home directory.
        limits: The size of the home directory.
        hidden: Directories that are covered although they lie in one that is required.

    Raises:
        OSError: The kernel refuses.
    """
    if level == "plain":
        home.mkdir(parents=True, exist_ok=True)
        return
    _mount("none", "/", "", MS_REC | MS_PRIVATE)
    _mount("tmpfs", str(root), "tmpfs", MS_NOSUID, "size=1m,nr_inodes=1024,mode=755")
    # Before the required paths, which may lie below one of them.
    for path, share in ((home, 1), (Path("/tmp"), 4), (Path("/dev/shm"), 4)):
        target = root / path.relative_to("/")
        target.mkdir(parents=True, exist_ok=True)
        size = f"size={limits.disk_bytes // share},nr_inodes=8192,mode=1777"
        _mount("tmpfs", str(target), "tmpfs", MS_NOSUID | MS_NODEV, size)
    for source in _required_paths():
        _bind_mount(source, root)
    for path in hidden:
        target = root / path.relative_to("/")
        if target.is_dir():
            _mount("tmpfs", str(target), "tmpfs", MS_NOSUID | MS_NODEV, "size=4k,nr_inodes=2,mode=755")
    (root / "dev/pts").mkdir()
    _mount("devpts", str(root / "dev/pts"), "devpts", MS_NOSUID, "newinstance,ptmxmode=0666,mode=620")
    (root / "dev/ptmx").symlink_to("pts/ptmx")
    (root / "proc").mkdir(exist_ok=True)
    _mount("proc", str(root / "proc"), "proc", MS_NOSUID | MS_NODEV)
    _mount("none", str(root), "", MS_REMOUNT | MS_RDONLY | MS_NOSUID)
    os.chdir(root)
    _checked(_libc().syscall(PIVOT_ROOT[os.uname().machine], b".", b"."), "pivot_root")
    _checked(_libc().umount2(b".", MNT_DETACH), "umount")
    os.chdir("/")


def sandbox_home() -> Path:
    """Choose a notebook's home directory inside its root: one that contains no required path.

    The grader's own account may be called ``learner``, with labkit or Python in its home.
    """
    homes = (Path(f"/home/learner{number or ''}") for number in count())
    return next(home for home in homes if not any(path.is_relative_to(home) for path in _required_paths()))


@cache
def _required_paths() -> list[Path]:
    """List the directories and devices that a Python process requires, outermost first."""
    package = Path(__file__).resolve().parents[1]
    wanted = [Path(name) for name in ("/usr", "/bin", "/sbin", "/lib", "/lib64")]
    wanted += [Path("/etc") / name for name in VISIBLE_SETTINGS]
    wanted += [Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve(), package, package.parent / "clusters"]
    wanted += [Path("/dev") / name for name in ("null", "zero", "random", "urandom")]
    found: list[Path] = []
    for path in sorted({path for path in wanted if path.exists()}, key=lambda path: len(path.parts)):
        if not any(path.is_relative_to(other) for other in found):
            found.append(path)
    return found


def _bind_mount(source: Path, root: Path) -> None:
    """Mount a directory or a device at its own path below the new root, read-only; copy a symbolic link."""
    target = root / source.relative_to("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_symlink():
        target.symlink_to(source.readlink())
        return
    if source.is_dir():
        target.mkdir(exist_ok=True)
    else:
        target.touch()
    _mount(str(source), str(target), "", MS_BIND | MS_REC)
    flags = MS_BIND | MS_REMOUNT | MS_NOSUID
    _mount("none", str(target), "", flags | (0 if source.is_char_device() else MS_RDONLY))


def user_id(fork_server_pid: int, slot: int) -> int:
    """Choose the user id of a slot's notebooks.

    ``RLIMIT_NPROC`` counts a user's processes in all namespaces, so graders that run at the same
    time need different users: a fork bomb in one would stop notebooks in another.

    Args:
        fork_server_pid: The grader's fork server, by which graders differ.
        slot: Which of the grader's slots it is.
    """
    return USER_IDS[fork_server_pid % MAX_GRADERS * USER_IDS_PER_GRADER + slot % USER_IDS_PER_GRADER]


def drop_privileges(level: str, user: int, limits: Limits) -> None:
    """Change the user, set the resource limits and install the seccomp filter; none can be undone.

    Args:
        level: The isolation level.
        user: The user id at the level ``root``; see ``user_id``.
        limits: What the process may use.

    Raises:
        OSError: The kernel refuses.
    """
    if level == "root":
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    elif level == "user":
        _unshare(CLONE_NEWUSER)
        Path("/proc/self/uid_map").write_text("1000 0 1")
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/gid_map").write_text("1000 0 1")
    os.nice(NICENESS)
    for what, most in (
        (resource.RLIMIT_CPU, limits.cpu_seconds),
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_FSIZE, limits.disk_bytes),
        (resource.RLIMIT_NOFILE, 256),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, limits.processes),
    ):
        with suppress(ValueError, OSError):
            resource.setrlimit(what, (most, most))
    if sys.platform == "linux":
        _prctl(PR_SET_NO_NEW_PRIVS, 1)
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        seccomp.install(_libc())


def become_subreaper() -> None:
    """Become the parent of descendants that outlive theirs, so that this process can kill them."""
    if sys.platform == "linux":
        _prctl(PR_SET_CHILD_SUBREAPER, 1)


def kill_descendants(child: int) -> None:
    """Kill a child and all its descendants.

    In a process namespace the kernel does it when process 1 dies; elsewhere descendants are
    searched and killed until there are none.

    Args:
        child: Its process id.
    """
    with suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    # Returns when all of the child's process namespace is gone.
    with suppress(ChildProcessError):
        os.waitpid(child, 0)
    for _ in range(64):
        remaining = descendants(os.getpid())
        for process in remaining:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if not remaining:
            return
        time.sleep(0.01)


def descendants(parent: int) -> list[int]:
    """List the living descendants of a process."""
    found: list[int] = []
    queue = [parent]
    while queue:
        children = Path(f"/proc/{queue[0]}/task/{queue.pop(0)}/children")
        with suppress(OSError):
            for word in children.read_text().split():
                found.append(int(word))
                queue.append(int(word))
    return found


def resident_bytes(processes: Iterable[int]) -> int:
    """Add up the resident memory of processes."""
    page = os.sysconf("SC_PAGE_SIZE")
    total = 0
    for process in processes:
        with suppress(OSError, ValueError, IndexError):
            total += int(Path(f"/proc/{process}/statm").read_text().split()[1]) * page
    return total


def _can_unshare(flags: int) -> bool:
    """Return whether the kernel allows these namespaces: tried in a child that exits at once."""
    child = os.fork()
    if child == 0:
        code = 1
        with suppress(OSError):
            _unshare(flags)
            code = 0
        os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sH14s", b"lo", IFF_UP | IFF_RUNNING, b"\0" * 14)
        fcntl.ioctl(control, SIOCSIFFLAGS, request)


def _unshare(flags: int) -> None:
    _checked(_libc().unshare(flags), "unshare")


def _mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    result = _libc().mount(source.encode(), target.encode(), kind.encode() or None, flags, data.encode() or None)
    _checked(result, f"mount {target}")


def _prctl(option: int, value: int) -> None:
    _checked(_libc().prctl(option, value, 0, 0, 0), "prctl")


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
