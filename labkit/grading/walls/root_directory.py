"""The root directory of a learner's process: only Python, labkit and the files that they require."""

import os
import shutil
import stat
import sys
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from itertools import count
from pathlib import Path

from kube_embedded import files

from .isolation import Limits
from .packages import PackageDirectory
from .syscalls import (
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

VISIBLE_SETTINGS = [
    "group",
    "hosts",
    "host.conf",
    "nsswitch.conf",
    "passwd",
    "protocols",
    "resolv.conf",
    "services",
    "alternatives",
    "ld.so.cache",
    "localtime",
    "mime.types",
    "ssl",
    "pki",
    "ca-certificates",
    "crypto-policies",
]
"""The entries of ``/etc`` that are visible. Others can hold secrets that all users of the machine may read."""

MASKED_IN_PROC = [
    "cmdline",
    "config.gz",
    "diskstats",
    "interrupts",
    "iomem",
    "kallsyms",
    "key-users",
    "keys",
    "modules",
    "partitions",
    "timer_list",
]
"""Files of ``/proc`` that appear empty: they describe the machine, and how it was started."""


def warm_up() -> None:
    """Fill the caches before forks inherit them."""
    if sys.platform == "linux":
        _required_paths()
        _masked_in_proc()
        libc()


def mount_root(
    level: str,
    root: Path,
    home: Path,
    limits: Limits,
    hidden: Iterable[Path],
    packages: Iterable[PackageDirectory],
) -> None:
    """Replace the root file system by one with only Python.

    The files that a Python process requires are bind-mounted read-only at their own paths; the machine's other
    files, such as submissions and solutions, do not exist. The home directory is a temporary file system.

    Args:
        level: The isolation level.
        root: An empty directory to mount the new root at.
        home: The home directory.
        limits: The size of the home directory.
        hidden: Directories that are covered although they are in a required one.
        packages: The directories of packages of which a part is left out.

    Raises:
        OSError: The kernel refuses.
    """
    if level == "plain":
        home.mkdir(parents=True, exist_ok=True)
        return
    # systemd mounts / as shared, so that the mounts below would appear on the machine, too.
    mount("none", "/", "", MS_REC | MS_PRIVATE)
    mount("tmpfs", str(root), "tmpfs", MS_NOSUID, "size=1m,nr_inodes=1024,mode=755")
    # Before the required paths, which can be below one of them, such as a Python in /tmp.
    for path, share in ((home, 1), (Path("/tmp"), 4), (Path("/dev/shm"), 4)):
        target = root / path.relative_to("/")
        target.mkdir(parents=True, exist_ok=True)
        size = f"size={limits.disk_bytes // share},nr_inodes=8192,mode=1777"
        mount("tmpfs", str(target), "tmpfs", MS_NOSUID | MS_NODEV, size)
    for source, mode in _required_paths().items():
        _bind_mount(str(source), mode, f"{root}{source}")
    for entry in packages:
        _mount_packages(entry, root)
    for path in hidden:
        _cover(root / path.relative_to("/"))
    (root / "dev/pts").mkdir()
    mount(
        "devpts", str(root / "dev/pts"), "devpts", MS_NOSUID, "newinstance,ptmxmode=0666,mode=620"
    )
    (root / "dev/ptmx").symlink_to("pts/ptmx")
    _mount_proc(str(root / "proc"))
    # Read-only as soon as it is complete: the learner cannot mount or create anything there.
    mount("none", str(root), "", MS_REMOUNT | MS_RDONLY | MS_NOSUID)
    os.chdir(root)
    # Not chroot: the old root would still be mounted, and a process with root's rights can leave a chroot.
    pivot_root()
    os.chdir("/")


def sandbox_home() -> Path:
    """Choose a notebook's home directory inside its root: one that contains no required path.

    The grader's own account can be called ``learner``, with labkit or Python in its home.
    """
    homes = (Path(f"/home/learner{number or ''}") for number in count())
    return next(
        home for home in homes if not any(path.is_relative_to(home) for path in _required_paths())
    )


def is_visible(path: Path) -> bool:
    """Return whether a learner's process sees an absolute path of this machine; links are not followed."""
    return any(path.is_relative_to(required) for required in _required_paths())


@cache
def _required_paths() -> dict[Path, int]:
    """List the directories and devices that a Python process requires, outermost first, with their mode."""
    package = Path(__file__).resolve().parents[2]
    names = [
        "/usr",
        "/bin",
        "/sbin",
        "/lib",
        "/lib64",
        "/dev/null",
        "/dev/zero",
        "/dev/random",
        "/dev/urandom",
    ]
    names += [f"/etc/{name}" for name in VISIBLE_SETTINGS]
    paths = {Path(name) for name in names}
    # A virtual environment's Python is a link to the base installation's.
    paths |= {Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve()}
    paths |= {package, package.parent / "clusters", Path(files.__file__).resolve().parent}
    kubectl = shutil.which("kubectl")
    if kubectl:
        paths |= {Path(kubectl), Path(kubectl).resolve()}
    modes: dict[Path, int] = {}
    for path in sorted(filter(Path.exists, paths), key=lambda path: len(path.parts)):
        if not any(path.is_relative_to(other) for other in modes):
            modes[path] = path.lstat().st_mode
    return modes


def _bind_mount(source: str, mode: int, target: str) -> None:
    """Mount a directory or a device read-only; copy a symbolic link."""
    # The kernel ignores MS_RDONLY in a bind mount; a second call is needed, which remounts it.
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if stat.S_ISLNK(mode):
        os.symlink(os.readlink(source), target)
        return
    if stat.S_ISDIR(mode):
        os.makedirs(target, exist_ok=True)
    else:
        os.mknod(target)
    mount(source, target, "", MS_BIND | MS_REC)
    # A device that is mounted read-only can be written to nevertheless: only its file stays as it is.
    mount("none", target, "", MS_BIND | MS_REMOUNT | MS_NOSUID | MS_RDONLY)


def _cover(directory: Path) -> None:
    """Mount an empty directory over one, if it is there."""
    if directory.is_dir():
        mount(
            "tmpfs", str(directory), "tmpfs", MS_NOSUID | MS_NODEV, "size=4k,nr_inodes=2,mode=755"
        )


def _mount_packages(packages: PackageDirectory, root: Path) -> None:
    """Replace a directory of packages below the new root by one without those that labkit does not need."""
    source = Path(packages.directory)
    target = root / Path(packages.directory).relative_to("/")
    if not packages.needed:
        _cover(target)
        return
    if packages.whiteouts:
        with suppress(OSError):
            lower = f"lowerdir={packages.whiteouts}:{source}"
            mount("overlay", str(target), "overlay", MS_RDONLY | MS_NOSUID | MS_NODEV, lower)
            return
    # Without overlays, slower: each that is needed, from its read-only mount.
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
    mount("none", str(target), "", MS_BIND | MS_REMOUNT | MS_NOSUID | MS_NODEV | MS_RDONLY)


def _mount_proc(target: str) -> None:
    os.mkdir(target)
    mount("proc", target, "proc", MS_NOSUID | MS_NODEV)
    for name in _masked_in_proc():
        mount(os.devnull, f"{target}/{name}", "", MS_BIND)


@cache
def _masked_in_proc() -> list[str]:
    """List the files of ``MASKED_IN_PROC`` that this kernel has."""
    return [name for name in MASKED_IN_PROC if os.path.exists(f"/proc/{name}")]
