"""The helper that waits for goodbyes."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import pytest

from tests.support import aio


@pytest.fixture
def open_socket() -> Iterator[socket.socket]:
    """One end of a silent connection."""
    one, other = socket.socketpair()
    with one, other:
        yield one


def test_the_loop_is_not_closed_before_the_last_connection(open_socket: socket.socket) -> None:
    left: list[bool] = []

    async def work() -> str:
        loop = asyncio.get_running_loop()
        loop.add_reader(open_socket, lambda: None)
        loop.call_later(0.05, lambda: left.append(loop.remove_reader(open_socket)))
        return "done"

    assert aio.run(work()) == "done"
    assert left == [True]


def test_a_connection_that_stays_is_told(open_socket: socket.socket) -> None:
    async def work() -> None:
        asyncio.get_running_loop().add_reader(open_socket, lambda: None)

    with pytest.raises(AssertionError, match="not closed: 1"):
        aio.run(work(), patience_seconds=0.05)
