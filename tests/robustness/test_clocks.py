"""Clocks that are wrong, and then right: the command line and a running server, with libfaketime."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPSConnection
from pathlib import Path

import pytest

from kube_embedded.tests.support.server import Server, start_server
from kube_embedded.tests.support.slow import slow_but
from kube_embedded.tests.support.until import SECONDS
from tests.support.faketime import FAKETIME, MovableClock

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(
    FAKETIME is None,
    reason="faketime is not here; kube_embedded/tests/apiserver/serving/test_pki.py sets a clock of its own",
)
CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "home"
    yield path
    labkit(path, "down")


def labkit(home: Path, *words: str, clock: str = "") -> subprocess.CompletedProcess[str]:
    prefix = [str(FAKETIME), "-f", clock] if clock else []
    return subprocess.run(
        [*prefix, sys.executable, "-m", "labkit", *words],
        cwd=ROOT,
        env={**os.environ, "LABKIT_HOME": str(home), "FAKETIME_DONT_FAKE_MONOTONIC": "1"},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


@pytest.mark.parametrize(
    ("jump", "left_running"),
    slow_but([("+1d", False), ("+20y", True), ("-1d", True), ("-20y", False)], ("-20y", False)),
)
def test_a_clock_that_was_wrong_once_locks_nobody_out(
    home: Path, jump: str, left_running: bool
) -> None:
    first = labkit(home, "up", clock=jump)
    assert first.returncode == 0, first.stderr
    made = labkit(home, "reset", "--to", "W17", clock=jump)
    assert made.returncode == 0, made.stderr
    kept = {name: (home / "pki" / name).read_bytes() for name in ("ca.key", "sa.key")}
    if not left_running:
        assert labkit(home, "down", clock=jump).returncode == 0
    for words in (
        ("reset",),
        ("reset", "--to", "W17"),
        ("exec", "curl", "--", "true"),
        ("status",),
    ):
        done = labkit(home, *words)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
    assert {name: (home / "pki" / name).read_bytes() for name in kept} == kept


@pytest.fixture
def movable(tmp_path: Path) -> Iterator[tuple[Server, MovableClock]]:
    """A server whose clock can be moved."""
    clock = MovableClock(tmp_path / "clock")
    server = start_server(tmp_path / "home", environment=clock.environment)
    try:
        yield server, clock
    finally:
        server.stop()


def accepted(server: Server) -> HTTPSConnection:
    """A connection of the administrator, whose new certificate is written a moment after the server's."""
    deadline = time.monotonic() + SECONDS
    while True:
        fresh = server.connect(server.admin_identity())
        fresh.request("GET", "/version")
        answer = fresh.getresponse()
        answer.read()
        if answer.status == 200 or time.monotonic() > deadline:
            return fresh
        fresh.close()
        time.sleep(0.1)


@pytest.mark.slow
@pytest.mark.parametrize("jump", slow_but(["+1d", "-1d", "-20y"], "-20y"))
def test_a_running_server_follows_a_clock_that_jumps(
    movable: tuple[Server, MovableClock], jump: str
) -> None:
    """It renews its certificate within seconds, by the clock it has, and no watch is cut."""
    server, clock = movable
    certificate = server.home / "pki" / "apiserver.crt"
    authority = (server.home / "pki" / "ca.crt").read_bytes()
    identity = server.admin_identity()
    connection = server.connect(identity)
    connection.request("GET", f"{CONFIG_MAPS}?watch=1&resourceVersion=0")
    response = connection.getresponse()
    for moved, renews in ((jump, jump != "+1d"), ("+0", jump != "-1d")):
        renews = renews and not (moved == "+0" and jump == "+1d")
        before = certificate.read_bytes()
        clock.move(moved)
        deadline = time.monotonic() + (SECONDS if renews else 6)
        while certificate.read_bytes() == before and time.monotonic() < deadline:
            time.sleep(0.1)
        assert (certificate.read_bytes() != before) is renews, moved
    assert ((server.home / "pki" / "ca.crt").read_bytes() == authority) is jump.endswith("d")
    name = "after-the-jump"
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
    fresh = accepted(server)
    fresh.request("POST", CONFIG_MAPS, json.dumps(body), {"Content-Type": "application/json"})
    assert fresh.getresponse().status == 201
    while name not in (line := response.readline().decode()):
        assert line, "the watch has ended"
    fresh.close()
    connection.close()
    assert server.process.poll() is None
    assert "Traceback" not in server.log()
