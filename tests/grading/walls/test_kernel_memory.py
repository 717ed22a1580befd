"""Submissions that fill the machine's memory through the kernel: sockets, pipes and queues that no process' size shows.

Each attack stops by itself when it has shown that more is held than a submission may have.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from kube_embedded.tests.support.slow import slow_but
from labkit.grading.graders.grader import Grader
from labkit.grading.walls import control_group
from labkit.grading.walls.isolation import Limits
from tests.grading.support import grade, submit, weaken

EXERCISE = "ex4-roles"
SMALL = Limits(seconds=20.0, cpu_seconds=10, memory_bytes=256 << 20, processes=10)

QUICK = ("unix-pairs", "tcp-connections", "netlink-messages")
"""What `make test` tries."""

HOARD = f"""
import fcntl, mmap, os, socket, struct, time
LIMIT, CHILDREN = {SMALL.memory_bytes}, 9
counts = mmap.mmap(-1, 8 * CHILDREN)

def available():
    with open("/proc/meminfo") as file:
        return next(int(line.split()[1]) << 10 for line in file if line.startswith("MemAvailable"))

def held():
    return sum(struct.unpack(f"{{CHILDREN}}Q", counts))

def escaped():
    return held() > LIMIT or BEFORE - available() > {400 << 20}

def fill(end):
    end.setblocking(False)
    count = 0
    for size in (65536, 4096):
        try:
            while True:
                count += end.send(bytes(size))
        except OSError:
            pass
    return count

def hoard():
    for child in range(CHILDREN):
        if os.fork() == 0:
            kept, count = [], 0
            try:
                while not escaped():
                    count += more(kept)
                    counts[8 * child : 8 * child + 8] = struct.pack("Q", count)
            except OSError:
                pass
            time.sleep(10)
            os._exit(0)
    before = -1
    while before != held():
        before = held()
        time.sleep(0.5)
    print("held", held() >> 20, "MiB; available", (BEFORE - available()) >> 20, "MiB less")
    print("escaped" if escaped() else "bounded")

def raised(end, most=1 << 22):
    for option in (7, 8):
        try:
            end.setsockopt(socket.SOL_SOCKET, option, most)
        except OSError:
            pass
    return end

def same(end):
    return end

BEFORE = available()
"""

MORE = {
    "unix-pairs": """
def more(kept, change=same):
    ends = [change(end) for end in socket.socketpair()]
    kept += ends
    return sum(fill(end) for end in ends)
""",
    "unix-sockets-that-nobody-accepts": """
def more(kept, change=same):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind("")
    listener.listen(128)
    kept.append(listener)
    count = 0
    while not escaped():
        with change(socket.socket(socket.AF_UNIX)) as client:
            client.setblocking(False)
            try:
                client.connect(listener.getsockname())
            except OSError:
                return count
            count += fill(client)
    return count
""",
    "unix-datagrams": """
def more(kept, change=same):
    receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    receiver.bind("")
    kept.append(receiver)
    count = 0
    while not escaped():
        with change(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as sender:
            sender.setblocking(False)
            try:
                count += sender.sendto(bytes(200_000), receiver.getsockname())
            except OSError:
                break
    return count
""",
    "unix-sockets-on-their-way": """
import array
def more(kept, change=same):
    if not kept:
        kept += socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    ends = [change(end) for end in socket.socketpair()]
    count = sum(fill(end) for end in ends)
    kept[0].setblocking(False)
    right = array.array("i", [end.fileno() for end in ends])
    try:
        kept[0].sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, right)])
    except OSError:
        kept += ends
    return count
""",
    "tcp-connections": """
def more(kept, change=same):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        client = change(socket.create_connection(listener.getsockname()))
        ends = [client, change(listener.accept()[0])]
    kept += ends
    return sum(fill(end) for end in ends)
""",
    "tcp-connections-closed-at-one-end": """
def more(kept, change=same):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        client = change(socket.create_connection(listener.getsockname()))
        kept.append(listener.accept()[0])
    count = fill(kept[-1]) + fill(client)
    client.close()
    return count
""",
    "tcp-connections-that-nobody-accepts": """
def more(kept, change=same):
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    kept.append(listener)
    count = 0
    while not escaped():
        with change(socket.socket()) as client:
            client.settimeout(0.05)
            try:
                client.connect(listener.getsockname())
            except OSError:
                return count
            count += fill(client)
    return count
""",
    "udp-datagrams": """
def more(kept, change=same):
    receiver = change(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    receiver.bind(("127.0.0.1", 0))
    kept.append(receiver)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(200):
            sender.sendto(bytes(60_000), receiver.getsockname())
    port = f"0100007F:{receiver.getsockname()[1]:04X}"
    for line in open("/proc/self/net/udp"):
        if port in line:
            return int(line.split()[4].partition(":")[2], 16)
    return 0
""",
    "netlink-answers": """
def more(kept, change=same):
    asker = change(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0))
    asker.setblocking(False)
    kept.append(asker)
    request = struct.pack("=LHHLLBxHiII", 32, 18, 0x301, 1, 0, 0, 0, 0, 0, 0)
    try:
        for _ in range(3000):
            asker.sendto(request, (0, 0))
    except OSError:
        pass
    for line in open("/proc/self/net/netlink"):
        if line.split()[2] == str(asker.getsockname()[0]):
            return int(line.split()[4])
    return 0
""",
    "netlink-messages": """
def more(kept, change=same):
    receiver = change(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 2))
    receiver.bind((0, 0))
    kept.append(receiver)
    count = 0
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 2) as sender:
        sender.setblocking(False)
        try:
            for _ in range(200):
                count += sender.sendto(bytes(60_000), receiver.getsockname())
        except OSError:
            pass
    return count
""",
    "pipes": """
def more(kept, change=same):
    ends = os.pipe()
    kept += ends
    if change is raised:
        try:
            fcntl.fcntl(ends[1], 1031, 1 << 20)
        except OSError:
            pass
    os.set_blocking(ends[1], False)
    count = 0
    try:
        while True:
            count += os.write(ends[1], bytes(65536))
    except OSError:
        return count
""",
}


@pytest.fixture(scope="module")
def without_groups() -> Iterator[Grader]:
    """An entered grader on a machine without control groups."""
    if sys.platform != "linux":
        pytest.skip("these are Linux's sockets")
    with ExitStack() as cleanup:
        with pytest.MonkeyPatch.context() as monkeypatch:
            weaken(monkeypatch, "control groups")
            grader = cleanup.enter_context(Grader(limits=SMALL, slots=1))
        if grader.level == "plain":
            pytest.skip("no namespaces here (docs/grading.md)")
        yield grader


@pytest.mark.parametrize("size", slow_but(["default", "raised"], "raised"))
@pytest.mark.parametrize("attack", slow_but(MORE, *QUICK))
def test_the_kernels_memory_is_bounded_without_a_control_group(
    attack: str, size: str, without_groups: Grader, tmp_path: Path
) -> None:
    more = (
        MORE[attack].replace("change=same", "change=raised") if size == "raised" else MORE[attack]
    )
    submit(tmp_path, "eve", EXERCISE, [f"{HOARD}\n{more}\nhoard()"])
    for _ in range(3):  # others use the machine's memory meanwhile
        result = grade(without_groups, tmp_path)["eve"]
        if "bounded" in result.output:
            return
    pytest.fail(f"{result.ended}: {result.output}")


def test_descriptors_and_processes_are_few_enough_for_the_memory_limit() -> None:
    for limits in (Limits(), Limits().for_kernel, SMALL):
        assert limits.descriptors >= 64
        assert (limits.processes + 2) * limits.descriptors * (
            208 << 10
        ) * 3 // 2 < limits.memory_bytes


@pytest.mark.slow
def test_children_share_one_memory_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each child alone is within the limit. The parent saw none of them after the root directory was replaced."""
    weaken(monkeypatch, "control groups")
    source = """
import os, threading, time
def child():
    if os.fork() == 0:
        kept = bytearray(b"x") * (70 << 20)
        time.sleep(8)
        os._exit(0)
threads = [threading.Thread(target=child) for _ in range(4)]  # not only the first thread has children
for thread in threads:
    thread.start()
time.sleep(5)
print("still here")
"""
    submit(tmp_path, "eve", EXERCISE, [source])
    with Grader(limits=SMALL, slots=1) as grader:
        result = grade(grader, tmp_path)["eve"]
    assert result.ended == "memory limit", result.output
    assert "still here" not in result.output


def test_a_control_group_counts_what_the_kernel_holds(tmp_path: Path) -> None:
    if not any("memory" in found.controllers for found in control_group.hierarchies()):
        pytest.skip("the tests may make no control group here")
    tiny = Limits(
        seconds=20.0, cpu_seconds=10, memory_bytes=160 << 20, disk_bytes=4 << 20, processes=10
    )
    source = HOARD.replace(str(SMALL.memory_bytes), str(400 << 20)) + MORE["unix-pairs"]
    submit(tmp_path, "eve", EXERCISE, [f"{source}\nkept = [bytearray(b'x') * (70 << 20)]\nhoard()"])
    with Grader(limits=tiny, slots=1) as grader:
        result = grade(grader, tmp_path)["eve"]
        groups = [
            found.directory / f"labkit-{grader.workers.fork_server_pid}-0"
            for found in control_group.hierarchies()
        ]
        assert all(group.is_dir() for group in groups)
    assert result.ended == "memory limit", (result.ended, result.output)
    assert not any(group.exists() for group in groups)


@pytest.mark.slow
def test_a_fork_server_that_was_killed_leaves_no_control_group(tmp_path: Path) -> None:
    submit(tmp_path, "ann", EXERCISE, ["1"])
    with Grader(limits=SMALL, slots=1) as grader:
        grade(grader, tmp_path)
        name = f"labkit-{grader.workers.fork_server_pid}-0"
        os.kill(grader.workers.fork_server_pid, signal.SIGKILL)
    assert not [found for found in control_group.hierarchies() if (found.directory / name).exists()]
