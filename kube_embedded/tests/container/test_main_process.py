"""A container's first process: when it waits, what wakes it, and its exit code."""

from __future__ import annotations

from kube_embedded.container.logs import Log
from kube_embedded.container.main_process import MainProcess
from kube_embedded.tests.container.harness import NOW, container


def start(script: str) -> tuple[MainProcess, list[bytes]]:
    """A process with an open input, and what it writes."""
    place = container()
    place.command = ["sh", "-c", script]
    log = Log(lambda: NOW)
    written: list[bytes] = []
    log.subscribe(written.append)
    return MainProcess(place, log, stdin=True), written


def test_input_does_not_wake_a_process_that_sleeps() -> None:
    process, written = start("sleep 100; echo got $(head -n 1); exit 4")
    process.feed(b"x\n")
    assert (process.status, written) == (None, [])
    process.resume(NOW + 99)
    assert (process.status, written) == (None, [])
    process.resume(NOW + 100)
    assert (process.status, b"".join(written)) == (4, b"got x\n")


def test_input_wakes_a_process_that_reads() -> None:
    process, written = start("echo got $(head -n 1); sleep 100; echo late")
    process.resume(NOW + 9)
    assert written == []
    process.feed(b"x\n")
    assert (process.status, b"".join(written)) == (None, b"got x\n")
    process.feed(b"y\n")
    assert b"".join(written) == b"got x\n"


def test_the_end_of_the_input_wakes_a_process_that_reads() -> None:
    process, _ = start("cat; exit 7")
    process.feed(b"")
    assert process.status == 7
