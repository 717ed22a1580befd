"""A control group for a slot's notebooks, if the system lets the grader make one.

It bounds things that no resource limit counts: the kernel's memory for sockets, pipes and locks, files in
memory, and the processor time of all processes together. Without one, only the limits of ``isolation`` hold.

Sources: https://docs.kernel.org/admin-guide/cgroup-v2.html,
https://docs.kernel.org/admin-guide/cgroup-v1/memory.html
"""

import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .isolation import OTHER_PROCESSES, Limits

CONTROLLERS = ("memory", "pids", "cpu")

PERIOD_MICROSECONDS = 100_000
"""How often processor time is counted: a group gets as much of each period as one processor has."""

SHARES, WEIGHT = 335, 33
"""A group's part of a busy processor, in version 1 and 2: the same as for a process with ``isolation.NICENESS``."""

REMOVE_SECONDS = 2.0
"""How long to wait for the end of a group's processes."""

OPTIONAL = ("memory.swap.max", "memory.memsw.limit_in_bytes")
"""Settings that some kernels lack."""

OUT_OF_MEMORY_KILLS = re.compile(r"^oom_kill (\d+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """A mounted hierarchy of control groups.

    Args:
        directory: The directory in which new groups are created.
        controllers: The ``CONTROLLERS`` that it has.
        unified: True if it is version 2.
    """

    directory: Path
    controllers: tuple[str, ...]
    unified: bool


class ControlGroup:
    """One group, in every hierarchy that has a controller for it; a slot's notebooks use it one after the other."""

    def __init__(self, directories: Sequence[Path]) -> None:
        self._directories = directories

    def exists(self) -> bool:
        """Return whether it has not been removed."""
        return all(directory.is_dir() for directory in self._directories)

    def join(self) -> None:
        """Move this process, which has one thread, into the group.

        Raises:
            OSError: The kernel refuses.
        """
        for directory in self._directories:
            # 0 means the process that writes.
            (directory / "cgroup.procs").write_text("0")

    def open_events(self) -> int:
        """Open the file that counts kills for want of memory; -1 if there is none."""
        for directory in self._directories:
            for name in ("memory.events", "memory.oom_control"):
                with suppress(OSError):
                    return os.open(directory / name, os.O_RDONLY)
        return -1

    def remove(self) -> None:
        """Remove the group as soon as its processes have ended; give up after some seconds."""
        # The kernel has a group until its last process is reaped, a moment after that was killed.
        until = time.monotonic() + REMOVE_SECONDS
        left = list(self._directories)
        while left:
            left = [directory for directory in left if not _removed(directory)]
            if time.monotonic() > until:
                return
            if left:
                time.sleep(0.01)


def kills(events: int) -> int:
    """Read how many processes were killed for want of memory, from what ``open_events`` returned."""
    if events < 0:
        return 0
    found = OUT_OF_MEMORY_KILLS.search(os.pread(events, 4096, 0).decode())
    return int(found[1]) if found else 0


def hierarchies(self_directory: Path = Path("/proc/self")) -> list[Hierarchy]:
    """List the hierarchies in which this process can create groups; empty if none is mounted or permitted."""
    try:
        memberships = [
            line.split(":", 2) for line in (self_directory / "cgroup").read_text().splitlines()
        ]
        mounts = (self_directory / "mountinfo").read_text().splitlines()
    except OSError:
        return []
    own = {name: path for _, names, path in memberships for name in names.split(",")}
    found: list[Hierarchy] = []
    for line in mounts:
        before, _, after = line.partition(" - ")
        root, mount_point = before.split()[3:5]
        kind, _, options = after.split(" ", 2)
        if kind == "cgroup2" and "" in own:
            found += _unified(Path(mount_point), _below(root, own[""]))
        elif kind == "cgroup":
            names = tuple(name for name in CONTROLLERS if name in options.split(","))
            directory = Path(mount_point) / _below(root, own.get(names[0], "/")) if names else None
            if directory is not None and os.access(directory, os.W_OK):
                found.append(Hierarchy(directory, names, unified=False))
    return found


def create(name: str, limits: Limits, available: Sequence[Hierarchy]) -> ControlGroup | None:
    """Make a group and set its limits; None if no hierarchy counts memory.

    Args:
        name: Its name.
        limits: The limits of all its processes together.
        available: The hierarchies, from ``hierarchies``.
    """
    if not any("memory" in hierarchy.controllers for hierarchy in available):
        return None
    made: list[Path] = []
    try:
        for hierarchy in available:
            directory = hierarchy.directory / name
            directory.mkdir(exist_ok=True)
            made.append(directory)
            for file, value in _settings(limits, hierarchy):
                if (directory / file).exists() or file not in OPTIONAL:
                    (directory / file).write_text(value)
    except OSError:
        ControlGroup(made).remove()
        return None
    return ControlGroup(made)


def remove_groups(prefix: str) -> None:
    """Remove the groups with a prefix, of a process that was killed before it could remove them."""
    left = [path for hierarchy in hierarchies() for path in hierarchy.directory.glob(f"{prefix}*")]
    ControlGroup(left).remove()


def group_prefix(fork_server_pid: int) -> str:
    """Return the prefix of the names of a fork server's groups."""
    return f"labkit-{fork_server_pid}-"


def _settings(limits: Limits, hierarchy: Hierarchy) -> Iterator[tuple[str, str]]:
    """List the files of a group and their contents."""
    # Files in a tmpfs count as memory: the home directory's, and half as much in others.
    memory = str(limits.memory_bytes + limits.disk_bytes * 3 // 2)
    period = str(PERIOD_MICROSECONDS)
    settings = {
        "pids": [("pids.max", str(limits.processes + OTHER_PROCESSES))],
        "memory": [("memory.limit_in_bytes", memory), ("memory.memsw.limit_in_bytes", memory)],
        "cpu": [
            ("cpu.cfs_period_us", period),
            ("cpu.cfs_quota_us", period),
            ("cpu.shares", str(SHARES)),
        ],
    }
    if hierarchy.unified:
        settings["memory"] = [("memory.max", memory), ("memory.swap.max", "0")]
        settings["cpu"] = [("cpu.max", f"{period} {period}"), ("cpu.weight", str(WEIGHT))]
    for controller in hierarchy.controllers:
        yield from settings[controller]


def _unified(mount_point: Path, own: str) -> Iterator[Hierarchy]:
    """Find the innermost group around this process in which it can create groups with controllers."""
    # A group with processes in it cannot give controllers to its children, so it is often not this process's own.
    directory = mount_point / own
    while directory.is_relative_to(mount_point):
        with suppress(OSError):
            enabled = (directory / "cgroup.subtree_control").read_text().split()
            names = tuple(name for name in CONTROLLERS if name in enabled)
            if (
                "memory" in names
                and os.access(directory, os.W_OK)
                and os.access(directory / "cgroup.procs", os.W_OK)
            ):
                yield Hierarchy(directory, names, unified=True)
                return
        directory = directory.parent


def _below(root: str, path: str) -> str:
    """Return a group's path below the group that is mounted."""
    return os.path.relpath(path, root) if path.startswith(root) else "."


def _removed(directory: Path) -> bool:
    try:
        directory.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True
