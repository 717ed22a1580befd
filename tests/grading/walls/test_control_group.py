"""Control groups, in directories made to look like the kernel's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from labkit.grading.walls import control_group
from labkit.grading.walls.control_group import Hierarchy
from labkit.grading.walls.isolation import Limits

LIMITS = Limits(memory_bytes=1 << 30, disk_bytes=64 << 20, processes=48)
MEMORY = str((1 << 30) + (96 << 20))


@pytest.fixture
def process(tmp_path: Path) -> Path:
    """A process's directory, without any hierarchy."""
    directory = tmp_path / "self"
    directory.mkdir()
    (directory / "mountinfo").write_text(f"20 1 0:5 / {tmp_path} rw - tmpfs tmpfs rw\n")
    (directory / "cgroup").write_text("")
    return directory


def mount(
    process: Path, mount_point: Path, kind: str, options: str, membership: str, root: str = "/"
) -> None:
    """Add a hierarchy."""
    with (process / "mountinfo").open("a") as file:
        file.write(
            f"30 20 0:29 {root} {mount_point} rw,nosuid shared:9 - {kind} cgroup rw,{options}\n"
        )
    with (process / "cgroup").open("a") as file:
        file.write(f"{membership}\n")


def read(directory: Path) -> dict[str, str]:
    """The files of a directory."""
    return {path.name: path.read_text() for path in directory.iterdir() if path.is_file()}


def test_a_delegated_group_of_version_2_is_used(process: Path, tmp_path: Path) -> None:
    """The process lies in a scope; its siblings may have limits, since the group above enables the controllers."""
    top = tmp_path / "cgroup"
    scope = top / "app.slice/shell.scope"
    scope.mkdir(parents=True)
    for directory, enabled in ((top, "memory pids"), (scope.parent, "memory pids"), (scope, "")):
        (directory / "cgroup.subtree_control").write_text(f"{enabled}\n")
        (directory / "cgroup.procs").touch()
    mount(process, top, "cgroup2", "nsdelegate", "0::/app.slice/shell.scope")
    found = control_group.hierarchies(process)
    assert found == [Hierarchy(scope.parent, ("memory", "pids"), unified=True)]
    assert control_group.create("labkit-1-0", LIMITS, found) is not None
    assert read(scope.parent / "labkit-1-0") == {"memory.max": MEMORY, "pids.max": "50"}


def test_a_kernel_that_counts_no_kills_has_none(tmp_path: Path) -> None:
    for content, count in (("low 0\noom_kill 3\n", 3), ("low 0\n", 0)):
        (tmp_path / "memory.events").write_text(content)
        events = control_group.ControlGroup([tmp_path]).open_events()
        assert control_group.kills(events) == count
        os.close(events)
    assert control_group.kills(-1) == 0


def test_processor_time_and_swap_are_limited_where_the_kernel_can(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one/memory.swap.max").write_text("max")
    found = [Hierarchy(tmp_path, ("memory", "pids", "cpu"), unified=True)]
    assert control_group.create("one", LIMITS, found) is not None
    assert read(tmp_path / "one") == {
        "memory.max": MEMORY,
        "memory.swap.max": "0",
        "pids.max": "50",
        "cpu.max": "100000 100000",
        "cpu.weight": "33",
    }


def test_the_hierarchies_of_version_1_are_used_beside_each_other(
    process: Path, tmp_path: Path
) -> None:
    for name in ("memory/user", "cpu,cpuacct", "freezer"):
        (tmp_path / name).mkdir(parents=True)
    mount(process, tmp_path / "memory", "cgroup", "memory", "4:memory:/docker/a/user", "/docker/a")
    mount(process, tmp_path / "cpu,cpuacct", "cgroup", "cpu,cpuacct", "3:cpu,cpuacct:/")
    mount(process, tmp_path / "freezer", "cgroup", "freezer", "2:freezer:/")
    found = control_group.hierarchies(process)
    assert found == [
        Hierarchy(tmp_path / "memory/user", ("memory",), unified=False),
        Hierarchy(tmp_path / "cpu,cpuacct", ("cpu",), unified=False),
    ]
    group = control_group.create("one", LIMITS, found)
    assert group is not None
    assert read(tmp_path / "memory/user/one") == {"memory.limit_in_bytes": MEMORY}
    processor = {"cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": "100000", "cpu.shares": "335"}
    assert read(tmp_path / "cpu,cpuacct/one") == processor


def test_without_a_hierarchy_that_counts_memory_there_is_none(
    process: Path, tmp_path: Path
) -> None:
    assert control_group.hierarchies(tmp_path / "nowhere") == []
    assert control_group.hierarchies(process) == []
    (tmp_path / "unified").mkdir()
    (tmp_path / "unified/cgroup.subtree_control").write_text("pids")
    mount(process, tmp_path / "unified", "cgroup2", "nsdelegate", "0::/")
    assert control_group.hierarchies(process) == []
    assert (
        control_group.create("one", LIMITS, [Hierarchy(tmp_path, ("pids",), unified=True)]) is None
    )
    assert not (tmp_path / "one").exists()


def test_a_group_that_cannot_be_limited_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "one/memory.max").mkdir(parents=True)  # such as a file that may not be written
    assert (
        control_group.create("one", LIMITS, [Hierarchy(tmp_path, ("memory",), unified=True)])
        is None
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("memory.events", "low 0\nhigh 0\nmax 3\noom 1\noom_kill 2\noom_group_kill 0\n"),
        ("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"),
    ],
)
def test_kills_for_want_of_memory_are_counted(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    events = control_group.ControlGroup([tmp_path]).open_events()
    assert control_group.kills(events) == 2
    os.close(events)
    assert (
        control_group.kills(control_group.ControlGroup([tmp_path / "nowhere"]).open_events()) == 0
    )
