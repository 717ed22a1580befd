"""One machine that opens connections and sends little on them takes nothing from the others."""

from __future__ import annotations

import asyncio
import errno
import resource
import socket
import threading
from contextlib import ExitStack, closing
from functools import partial
from typing import Any

import pytest

from kube_embedded.tests.support.until import until
from labkit.classroom import connections, server
from labkit.classroom.connections import client, ignore_full_table, raise_descriptor_limit
from tests.classroom.room import Room, key


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("fe80::1%eth0", "fe80::2", True),
        ("fd00::1:1", "fd00::2:1", True),
        ("2001:db8:0:1:2:3:4:5", "2001:db8:0:1::1", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("", "192.0.2.1", False),
    ],
)
def test_a_client_is_an_address_or_a_network_of_ipv6(one: str, other: str, same: bool) -> None:
    assert (client(one) == client(other)) is same


def half_sent(
    room: Room, text: str = "GET /vote HTTP/1.1\r\nX: ", source: str = "127.0.0.1"
) -> socket.socket:
    """A connection with a part of a request."""
    connection = socket.create_connection(("127.0.0.1", room.port), 30, (source, 0))
    connection.sendall(text.encode())
    return connection


def is_ended(connection: socket.socket) -> bool:
    """Return whether the server has ended a connection."""
    connection.setblocking(False)
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.6)
    monkeypatch.setattr(connections, "GRACE_SECONDS", 0.1)
    monkeypatch.setattr(server, "BODY_SECONDS", 0.2)


def test_a_head_that_does_not_end_and_one_that_never_begins_are_ended(
    impatient: None, room: Room
) -> None:
    for text in ("", "G", "GET /vote HTTP/1.1\r\nX: "):
        with closing(half_sent(room, text)) as connection:
            until(partial(is_ended, connection))


def test_a_body_that_does_not_come_is_refused(impatient: None, room: Room) -> None:
    head = "PUT /api/vote HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"
    with closing(half_sent(room, head)) as connection:
        assert connection.recv(1000).startswith(b"HTTP/1.1 408 ")


def test_twenty_of_an_address_may_wait_and_others_are_served(impatient: None, room: Room) -> None:
    with ExitStack() as kept:
        many = [kept.enter_context(closing(half_sent(room, source="127.0.0.2"))) for _ in range(50)]
        until(lambda: sum(map(is_ended, many)) >= 30)
        assert room.call("GET", "/vote")[0] == 200
        with closing(half_sent(room, "GET /vote HTTP/1.1\r\nHost: x\r\n\r\n", "127.0.0.2")) as asks:
            assert asks.recv(100).startswith(b"HTTP/1.1 200 ")


def test_an_address_has_so_many_connections_and_gets_them_back(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", 5)
    request = "GET /vote HTTP/1.1\r\nHost: x\r\n\r\n"
    with ExitStack() as kept:
        for _ in range(5):
            asks = kept.enter_context(closing(half_sent(room, request)))
            assert asks.recv(100).startswith(b"HTTP/1.1 200 ")
        with closing(half_sent(room, request)) as one_more:
            until(lambda: is_ended(one_more))
        with closing(half_sent(room, request, "127.0.0.3")) as other:
            assert other.recv(100).startswith(b"HTTP/1.1 200 ")
    until(lambda: room.call("GET", "/vote")[0] == 200)


def test_sixty_phones_behind_one_address_get_in_beside_half_sent_requests(room: Room) -> None:
    room.ask(ask="Yes?", options=["yes", "no"])
    statuses: list[int] = []
    body = {"code": room.store.code, "question": 1, "round": 1, "choice": 0}

    def vote(number: int) -> None:
        status, _ = room.call("PUT", "/api/vote", {**body, "token": key(number)})
        statuses.append(status)

    with ExitStack() as kept:
        for _ in range(400):
            kept.enter_context(closing(half_sent(room)))
        phones = [threading.Thread(target=vote, args=(number,)) for number in range(60)]
        for phone in phones:
            phone.start()
        for phone in phones:
            phone.join()
    assert statuses == [200] * 60


def test_a_full_table_of_descriptors_prints_no_traceback(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    loop = asyncio.new_event_loop()
    full: dict[str, Any] = {"message": "accept", "exception": OSError(errno.EMFILE, "full")}
    ignore_full_table(loop, full)
    assert not caplog.records
    ignore_full_table(loop, {"message": "other", "exception": OSError(errno.EIO, "x")})
    assert len(caplog.records) == 1
    loop.close()


def test_the_class_may_have_as_many_descriptors_as_the_machine_lets_it() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 512), hard))
        raise_descriptor_limit()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
