"""Walls around a learner's process: namespaces, limits, a user of its own.

Three levels, the strongest that the platform gives:

``root``   Linux, grader as root: own process, mount, network and IPC namespaces, a user
           id of its own, and a root file system that holds Python and nothing else.
``user``   Linux, ordinary user, where user namespaces are allowed: the same namespaces,
           but the learner's code runs under the grader's own user id.
``plain``  Elsewhere: resource limits and a process group only. The code can read what the
           grader's user can read, and can reach other ports of the machine.

Sources: namespaces(7), user_namespaces(7), setrlimit(2), prctl(2), seccomp(2).
"""

from __future__ import annotations

import ctypes
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

SETTINGS = (
    *("group", "hosts", "host.conf", "nsswitch.conf", "passwd", "protocols", "resolv.conf", "services"),
    *("alternatives", "ld.so.cache", "localtime", "mime.types", "ssl", "pki", "ca-certificates", "crypto-policies"),
)
"""What of ``/etc`` is shown. The rest is how the machine is set up, and may hold a password that all its users know."""

NICENESS = 5
"""The grader and the guards come first: a learner's busy loops slow only each other."""

ALLOCATOR = {"MALLOC_ARENA_MAX": "2"}
"""Otherwise glibc reserves 64 MiB for each thread, and the limit of the address space counts what is reserved."""

FIRST_USER_ID = 310_000
USER_IDS_OF_A_GRADER, GRADERS = 256, 1024
USER_IDS = range(FIRST_USER_ID, FIRST_USER_ID + USER_IDS_OF_A_GRADER * GRADERS)
"""What learners' processes run as, where the grader is root."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one submission may use.

    Args:
        seconds: Wall-clock time for the whole notebook.
        cpu_seconds: Processor time of one process.
        memory_bytes: Address space of one process, and resident memory of all.
        processes: Processes and threads at once.
        disk_bytes: Files in its directory.
        output_bytes: What it may print.
    """

    seconds: float = 60.0
    cpu_seconds: int = 60
    memory_bytes: int = 1 << 30
    processes: int = 48
    disk_bytes: int = 64 << 20
    output_bytes: int = 1 << 20


def level() -> str:
    """The strongest level this platform gives: ``root``, ``user`` or ``plain``."""
    if sys.platform != "linux":
        return "plain"
    flags = CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWIPC
    if os.geteuid() == 0:
        return "root" if _works(flags) else "plain"
    return "user" if _works(flags | CLONE_NEWUSER) else "plain"


def prepare() -> None:
    """Look up once what is the same for every submission."""
    if sys.platform == "linux":
        _needed()
        _libc()


def enter_namespaces(strength: str) -> None:
    """Leave the machine's namespaces; the next fork is process 1 of the new one.

    Args:
        strength: As ``level`` gives it.

    Raises:
        OSError: The kernel refuses.
    """
    if strength == "plain":
        return
    flags = CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWIPC
    if strength == "user":
        user, group = os.geteuid(), os.getegid()
        _unshare(flags | CLONE_NEWUSER)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    else:
        _unshare(flags)
    _loopback_up()


def furnish(strength: str, room: Path, home: Path, limits: Limits, hidden: Iterable[Path]) -> None:
    """Move into a room of one's own: a root file system with nothing in it but Python.

    What is needed is bound in at its own path, read-only; all else of the machine,
    submissions and answers among it, is not there. The home is a temporary file system.

    Args:
        strength: As ``level`` gives it.
        room: An empty directory to build in.
        home: Where the notebook runs.
        limits: How large the home may grow.
        hidden: Directories of what is needed that are covered up all the same.

    Raises:
        OSError: The kernel refuses.
    """
    if strength == "plain":
        home.mkdir(parents=True, exist_ok=True)
        return
    _mount("none", "/", "", MS_REC | MS_PRIVATE)
    _mount("tmpfs", str(room), "tmpfs", MS_NOSUID, "size=1m,nr_inodes=1024,mode=755")
    # Before what is needed, which may lie below one of them.
    for place, share in ((home, 1), (Path("/tmp"), 4), (Path("/dev/shm"), 4)):
        target = room / place.relative_to("/")
        target.mkdir(parents=True, exist_ok=True)
        size = f"size={limits.disk_bytes // share},nr_inodes=8192,mode=1777"
        _mount("tmpfs", str(target), "tmpfs", MS_NOSUID | MS_NODEV, size)
    for source in _needed():
        _bind(source, room)
    for place in hidden:
        target = room / place.relative_to("/")
        if target.is_dir():
            _mount("tmpfs", str(target), "tmpfs", MS_NOSUID | MS_NODEV, "size=4k,nr_inodes=2,mode=755")
    (room / "dev/pts").mkdir()
    _mount("devpts", str(room / "dev/pts"), "devpts", MS_NOSUID, "newinstance,ptmxmode=0666,mode=620")
    (room / "dev/ptmx").symlink_to("pts/ptmx")
    (room / "proc").mkdir(exist_ok=True)
    _mount("proc", str(room / "proc"), "proc", MS_NOSUID | MS_NODEV)
    _mount("none", str(room), "", MS_REMOUNT | MS_RDONLY | MS_NOSUID)
    os.chdir(room)
    _checked(_libc().syscall(PIVOT_ROOT[os.uname().machine], b".", b"."), "pivot_root")
    _checked(_libc().umount2(b".", MNT_DETACH), "umount")
    os.chdir("/")


def home() -> Path:
    """Where a notebook believes it lives, behind walls: a place that is nobody's on this machine.

    The grader's own account may be called ``learner``, and keep labkit or Python in its home.
    """
    places = (Path(f"/home/learner{number or ''}") for number in count())
    return next(place for place in places if not any(needed.is_relative_to(place) for needed in _needed()))


@cache
def _needed() -> list[Path]:
    """The directories and devices a Python process needs, outermost first."""
    package = Path(__file__).resolve().parents[1]
    wanted = [Path(name) for name in ("/usr", "/bin", "/sbin", "/lib", "/lib64")]
    wanted += [Path("/etc") / name for name in SETTINGS]
    wanted += [Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve(), package, package.parent / "clusters"]
    wanted += [Path("/dev") / name for name in ("null", "zero", "random", "urandom")]
    found: list[Path] = []
    for place in sorted({place for place in wanted if place.exists()}, key=lambda place: len(place.parts)):
        if not any(place.is_relative_to(other) for other in found):
            found.append(place)
    return found


def _bind(source: Path, room: Path) -> None:
    """Show a directory or a device of the machine in the room, read-only; links stay links."""
    target = room / source.relative_to("/")
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


def user_id(grader: int, place: int) -> int:
    """The user that one place's notebooks run as.

    The kernel counts a user's processes wherever they are, so graders that work beside
    each other need users of their own: a fork bomb at one would stop notebooks at another.

    Args:
        grader: The process id of the prepared interpreter, which each grader has one of.
        place: Which of the grader's places this is.
    """
    return USER_IDS[grader % GRADERS * USER_IDS_OF_A_GRADER + place % USER_IDS_OF_A_GRADER]


def confine(strength: str, user: int, limits: Limits) -> None:
    """Give up what the learner's code must not have. There is no way back.

    Args:
        strength: As ``level`` gives it.
        user: The user id to take, where that is ours to choose; see ``user_id``.
        limits: What the process may use.

    Raises:
        OSError: The kernel refuses.
    """
    if strength == "root":
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    elif strength == "user":
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
        seccomp.refuse(_libc())


def adopt_orphans() -> None:
    """Make processes that outlive their parents children of this one, so that it can end them."""
    if sys.platform == "linux":
        _prctl(PR_SET_CHILD_SUBREAPER, 1)


def end_family(child: int) -> None:
    """Kill a child and all that came from it.

    In a process namespace the kernel does it when process 1 dies; elsewhere the orphans
    are looked for until there are none.

    Args:
        child: Its process id.
    """
    with suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    # Returns when all of the child's process namespace is gone.
    with suppress(ChildProcessError):
        os.waitpid(child, 0)
    for _ in range(64):
        family = descendants(os.getpid())
        for process in family:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if not family:
            return
        time.sleep(0.01)


def descendants(parent: int) -> list[int]:
    """All processes that came from a process and still live."""
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
    """The resident memory of some processes together."""
    page = os.sysconf("SC_PAGE_SIZE")
    total = 0
    for process in processes:
        with suppress(OSError, ValueError, IndexError):
            total += int(Path(f"/proc/{process}/statm").read_text().split()[1]) * page
    return total


def _works(flags: int) -> bool:
    """Whether the kernel lets us: tried in a child that ends at once."""
    child = os.fork()
    if child == 0:
        code = 1
        with suppress(OSError):
            _unshare(flags)
            code = 0
        os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _loopback_up() -> None:
    import fcntl

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
