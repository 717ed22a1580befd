"""The root directory of a learner's process: Python, labkit and what they require, and nothing else."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from itertools import count
from pathlib import Path

from labkit.grading.isolation import Limits
from labkit.grading.packages import PackageDirectory
from labkit.grading.syscalls import (
    MS_BIND,
    MS_NODEV,
    MS_NOSUID,
    MS_PRIVATE,
    MS_RDONLY,
    MS_REC,
    MS_REMOUNT,
    libc,
    mount,
    pivot_root,
)

VISIBLE_SETTINGS = (
    *("group", "hosts", "host.conf", "nsswitch.conf", "passwd", "protocols", "resolv.conf", "services"),
    *("alternatives", "ld.so.cache", "localtime", "mime.types", "ssl", "pki", "ca-certificates", "crypto-policies"),
)
"""The entries of ``/etc`` that are visible. Others may have secrets that all users of the machine can read."""

MASKED_IN_PROC = (
    *("cmdline", "config.gz", "diskstats", "interrupts", "iomem", "kallsyms"),
    *("key-users", "keys", "modules", "partitions", "timer_list"),
)
"""Files of ``/proc`` that are empty: how the machine was started, and what it is made of."""


def warm_up() -> None:
    """Fill the caches, before forks inherit them."""
    if sys.platform == "linux":
        _required_paths()
        libc()


def mount_root(
    level: str, root: Path, home: Path, limits: Limits, hidden: Iterable[Path], packages: Iterable[PackageDirectory]
) -> None:
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
        packages: The directories of packages of which a part is left out.

    Raises:
        OSError: The kernel refuses.
    """
    if level == "plain":
        home.mkdir(parents=True, exist_ok=True)
        return
    mount("none", "/", "", MS_REC | MS_PRIVATE)
    mount("tmpfs", str(root), "tmpfs", MS_NOSUID, "size=1m,nr_inodes=1024,mode=755")
    # Before the required paths, which may lie below one of them.
    for path, share in ((home, 1), (Path("/tmp"), 4), (Path("/dev/shm"), 4)):
        target = root / path.relative_to("/")
        target.mkdir(parents=True, exist_ok=True)
        size = f"size={limits.disk_bytes // share},nr_inodes=8192,mode=1777"
        mount("tmpfs", str(target), "tmpfs", MS_NOSUID | MS_NODEV, size)
    for source in _required_paths():
        _bind_mount(source, root)
    for entry in packages:
        _mount_packages(entry, root)
    for path in hidden:
        _cover(root / path.relative_to("/"))
    (root / "dev/pts").mkdir()
    mount("devpts", str(root / "dev/pts"), "devpts", MS_NOSUID, "newinstance,ptmxmode=0666,mode=620")
    (root / "dev/ptmx").symlink_to("pts/ptmx")
    _mount_proc(root / "proc")
    mount("none", str(root), "", MS_REMOUNT | MS_RDONLY | MS_NOSUID)
    os.chdir(root)
    pivot_root()
    os.chdir("/")


def sandbox_home() -> Path:
    """Choose a notebook's home directory inside its root: one that contains no required path.

    The grader's own account may be called ``learner``, with labkit or Python in its home.
    """
    homes = (Path(f"/home/learner{number or ''}") for number in count())
    return next(home for home in homes if not any(path.is_relative_to(home) for path in _required_paths()))


def is_visible(path: Path) -> bool:
    """Whether an absolute path of this machine is visible to a learner's process; links are not followed."""
    return any(path.is_relative_to(required) for required in _required_paths())


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
    mount(str(source), str(target), "", MS_BIND | MS_REC)
    flags = MS_BIND | MS_REMOUNT | MS_NOSUID
    mount("none", str(target), "", flags | (0 if source.is_char_device() else MS_RDONLY))


def _cover(directory: Path) -> None:
    """Mount an empty directory over one, if it is there."""
    if directory.is_dir():
        mount("tmpfs", str(directory), "tmpfs", MS_NOSUID | MS_NODEV, "size=4k,nr_inodes=2,mode=755")


def _mount_packages(packages: PackageDirectory, root: Path) -> None:
    """Replace a directory of packages below the new root by one without those that labkit does not need."""
    source, target = Path(packages.directory), root / Path(packages.directory).relative_to("/")
    if not packages.needed:
        _cover(target)
        return
    if packages.whiteouts:
        with suppress(OSError):
            lower = f"lowerdir={packages.whiteouts}:{source}"
            mount("overlay", str(target), "overlay", MS_RDONLY | MS_NOSUID | MS_NODEV, lower)
            return
    # Without overlays, slower: each that is needed, from the read-only mount that it lies in.
    below = os.open(target, os.O_PATH)
    mount("tmpfs", str(target), "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,mode=755")
    for name in packages.needed:
        entry = Path(f"/proc/self/fd/{below}/{name}")
        if entry.is_dir():
            (target / name).mkdir()
        elif entry.exists():
            (target / name).touch()
        else:
            continue
        mount(str(entry), str(target / name), "", MS_BIND)
    os.close(below)


def _mount_proc(target: Path) -> None:
    target.mkdir(exist_ok=True)
    mount("proc", str(target), "proc", MS_NOSUID | MS_NODEV)
    for name in MASKED_IN_PROC:
        if (target / name).exists():
            mount(os.devnull, str(target / name), "", MS_BIND)
