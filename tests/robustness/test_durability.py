"""A server that is killed, or whose disk is full, loses no acknowledged write."""

from __future__ import annotations

import os
import random
import resource
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kube_embedded.tests.support.server import Server, start_server
from kube_embedded.tests.support.until import SECONDS
from tests.robustness.writers import CONFIG_MAPS, Writer, contradictions

WRITERS = 4


def crash_rounds(home: Path, rounds: int, seed: int) -> int:
    """Kill the server after a random number of writes, start it again, look; and so on.

    Args:
        home: The state directory, the same in all rounds.
        rounds: How often.
        seed: Of the moments.

    Returns:
        How many writes were acknowledged.
    """
    choose = random.Random(seed)
    writers = [Writer(f"w{number}", seed + 1000 * number) for number in range(WRITERS)]
    server = start_server(home, node=False)
    try:
        for number in range(rounds):
            threads = [writer.start(server) for writer in writers]
            wait_for_writes(writers, choose.randrange(1, 200))
            server.kill()
            for thread in threads:
                thread.join(60)
            assert [writer.trouble for writer in writers] == [""] * WRITERS
            server = start_server(home, node=False)
            assert contradictions(writers, server) == [], f"round {number}, seed {seed}"
            assert_audited(home, writers)
    finally:
        server.stop()
    return sum(writer.count for writer in writers)


def wait_for_writes(writers: list[Writer], count: int) -> None:
    """Wait until so many more writes have begun, or one has failed."""

    def begun() -> int:
        return sum(writer.count for writer in writers)

    goal, deadline = begun() + count, time.monotonic() + SECONDS
    while begun() < goal and not any(writer.trouble for writer in writers):
        assert time.monotonic() < deadline, f"{goal - begun()} writes of {count} have not begun"
        time.sleep(0.001)


def assert_audited(home: Path, writers: list[Writer]) -> None:
    """Every acknowledged write has left its audit event."""
    log = b"".join(
        path.read_bytes() for path in (home / "audit.log.1", home / "audit.log") if path.exists()
    )
    for writer in writers:
        missing = [audit_id for audit_id in writer.audit_ids if audit_id.encode() not in log]
        writer.audit_ids.clear()
        assert missing == []


@pytest.mark.slow
def test_a_server_that_is_killed_keeps_what_it_acknowledged(tmp_path: Path) -> None:
    seed = random.randrange(1 << 30)
    assert crash_rounds(tmp_path / "home", 5, seed) > 20


@pytest.mark.soak
def test_five_hundred_crashes(tmp_path: Path) -> None:
    seed = random.randrange(1 << 30)
    for part in range(10):
        # A fresh directory now and then: the first moments of a database are moments too.
        assert crash_rounds(tmp_path / str(part), 50, seed + part) > 200


@pytest.mark.soak
def test_a_start_that_is_killed_can_be_repeated(tmp_path: Path) -> None:
    """Keys, database, snapshot and kubeconfig: whatever was half made is made whole."""
    choose = random.Random()
    command = [sys.executable, "-m", "kube_embedded", "--no-node", "--home"]
    for number in range(30):
        home = tmp_path / str(number)
        process = subprocess.Popen([*command, str(home)], cwd=Path(__file__).parents[2])
        time.sleep(choose.uniform(0.05, 1.0))
        process.kill()
        process.wait()
        server = start_server(home, node=False)
        assert server.call("GET", "/api/v1/namespaces/default").status == 200
        assert server.call("POST", "/kube-embedded/snapshots/pristine/restore").status < 300
        server.stop()


def fill(
    server: Server, limit: int = 400, number: int = 0
) -> tuple[dict[str, str], dict[str, object]]:
    """Write large objects until one is refused.

    Returns:
        The acknowledged objects with their resource versions, and the refusal.
    """
    kept: dict[str, str] = {}
    for each in range(number, number + limit):
        name = f"big-{each}"
        body = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name},
            "data": {"a": "x" * 200_000},
        }
        reply = server.call("POST", CONFIG_MAPS, body)
        if reply.status != 201:
            return kept, reply.json()
        kept[name] = reply.json()["metadata"]["resourceVersion"]
    raise AssertionError("the disk never was full")


def present(server: Server) -> dict[str, str]:
    items = server.call("GET", CONFIG_MAPS).json()["items"]
    found = {
        item["metadata"]["name"]: item
        for item in items
        if item["metadata"]["name"].startswith("big-")
    }
    assert all(len(item["data"]["a"]) == 200_000 for item in found.values())
    return {name: item["metadata"]["resourceVersion"] for name, item in found.items()}


def assert_clear(refusal: dict[str, object]) -> None:
    assert refusal["kind"] == "Status"
    assert refusal["reason"] == "InternalError"
    assert "the cluster's state cannot be written, nothing was changed" in str(refusal["message"])


def test_a_file_that_may_not_grow_refuses_writes_and_loses_nothing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    start_server(home, node=False).stop()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (6_000_000, hard))
    try:
        server = start_server(home, node=False)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    try:
        kept, refusal = fill(server)
        assert kept
        assert_clear(refusal)
        assert present(server) == kept
    finally:
        server.kill()
    server = start_server(home, node=False)
    try:
        assert present(server) == kept
        assert server.call("DELETE", f"{CONFIG_MAPS}/big-0").status == 200
        assert "Traceback" not in server.log()
    finally:
        server.stop()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MiB."""
    mount = shutil.which("mount")
    if os.geteuid() != 0 or mount is None:
        pytest.skip("only root can mount a small disk; the file size limit above stands for it")
    done = subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(tmp_path)], capture_output=True
    )
    if done.returncode != 0:
        pytest.skip("no mount is allowed here; the file size limit above stands for it")
    try:
        yield tmp_path
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


@pytest.mark.slow
def test_a_full_disk_refuses_writes_and_loses_nothing(small_disk: Path) -> None:
    server = start_server(small_disk / "home", node=False)
    try:
        kept, refusal = fill(server)
        assert_clear(refusal)
        assert present(server) == kept
        for again in range(1, 4):  # deletions free room for others, again and again
            for name in list(kept)[:5]:
                assert server.call("DELETE", f"{CONFIG_MAPS}/{name}").status == 200
                del kept[name]
            more, refusal = fill(server, number=1000 * again)
            assert_clear(refusal)
            assert more
            kept |= more
            assert present(server) == kept
        subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
        one = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "again"}}
        assert server.call("POST", CONFIG_MAPS, one).status == 201, "it goes on once there is space"
        server.kill()
        server = start_server(small_disk / "home", node=False)
        assert present(server) == kept
        assert server.call("GET", f"{CONFIG_MAPS}/again").status == 200
    finally:
        server.stop()


def test_a_disk_that_is_full_at_the_start_is_said(small_disk: Path) -> None:
    with (small_disk / "filler").open("wb") as filler:
        filler.write(b"\0" * (8 * 1024 * 1024 - 8192))
    command = [
        sys.executable,
        "-m",
        "kube_embedded",
        "--home",
        str(small_disk / "home"),
        "--no-node",
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=SECONDS, cwd=Path(__file__).parents[2]
    )
    assert done.returncode == 4, done.stderr
    assert "No space left on device" in done.stderr
    assert "Free some space" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_older_database_is_refused_with_the_way_out(tmp_path: Path) -> None:
    start_server(tmp_path, node=False).stop()
    database = sqlite3.connect(tmp_path / "state.db")
    database.execute("PRAGMA user_version=0")
    database.close()
    command = [sys.executable, "-m", "kube_embedded", "--home", str(tmp_path), "--no-node"]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=SECONDS, cwd=Path(__file__).parents[2]
    )
    assert done.returncode == 5
    assert "an older version made it" in done.stderr
    assert "begin with a fresh cluster" in done.stderr
