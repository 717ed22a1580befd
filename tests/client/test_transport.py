"""Many requests at once: in order, concurrent, over idle connections that the server can have closed."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from labkit.client import transport
from labkit.client.transport import Endpoint, Transport
from labkit.core.errors import Unreachable


class Echo(BaseHTTPRequestHandler):
    """Echo the request's body, and count the requests."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    connections: ClassVar[set[int]] = set()
    together: ClassVar[list[int]] = [0, 0]
    hang_up_after: ClassVar[int] = 0
    asked: ClassVar[list[bytes]] = []
    lock: ClassVar[threading.Lock] = threading.Lock()
    heard: ClassVar[threading.Event] = threading.Event()
    speaks: ClassVar[threading.Event] = threading.Event()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.lock:
            self.connections.add(self.client_address[1])
            self.together[0] += 1
            self.together[1] = max(self.together)
            self.asked.append(body)
            count = len(self.asked)
        self.heard.set()
        time.sleep(0.002)
        self.speaks.wait(30)
        with self.lock:
            self.together[0] -= 1
        self.send_response(201)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        # Without a word beforehand, as a server whose patience with idle connections ends.
        self.close_connection = bool(self.hang_up_after) and count == self.hang_up_after

    def log_message(self, *_arguments: object) -> None:
        """Do not log."""


class Quiet(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore clients that closed the connection."""


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    Echo.connections.clear()
    Echo.asked.clear()
    Echo.together[:] = [0, 0]
    Echo.hang_up_after = 0
    Echo.heard.clear()
    Echo.speaks.set()
    made = Quiet(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


@pytest.fixture
def asking(server: ThreadingHTTPServer) -> Iterator[Transport]:
    made = Transport(Endpoint(f"http://127.0.0.1:{server.server_port}/below"))
    yield made
    made.close()


def open_sockets() -> int:
    """Return the number of this process's client connections to the server."""
    gc.collect()
    return sum(
        isinstance(found, HTTPConnection) and found.sock is not None for found in gc.get_objects()
    )


def questions(count: int) -> list[bytes]:
    return [f"question {number}".encode() for number in range(count)]


def test_answers_come_in_order_and_questions_overlap(asking: Transport) -> None:
    replies = asking.send_all("POST", "/reviews", questions(200), {})
    assert [reply.data for reply in replies] == questions(200)
    assert {reply.status for reply in replies} == {201}
    assert len(Echo.connections) == transport.MAX_THREADS
    assert Echo.together[1] > 1


def test_a_few_questions_open_one_connection_and_keep_it(asking: Transport) -> None:
    for _ in range(3):
        assert len(asking.send_all("POST", "/reviews", questions(5), {})) == 5
    assert len(Echo.connections) == 1
    assert asking.send_all("POST", "/reviews", [], {}) == []


@pytest.mark.parametrize("when", [5, 6])
def test_a_question_on_a_closed_connection_is_asked_again(asking: Transport, when: int) -> None:
    Echo.hang_up_after = when
    first = asking.send_all("POST", "/reviews", questions(5), {})
    second = asking.send_all("POST", "/reviews", questions(5), {})
    assert [reply.data for reply in (*first, *second)] == questions(5) * 2
    assert len(Echo.connections) == 2


def test_a_server_that_is_gone_is_unreachable(server: ThreadingHTTPServer) -> None:
    made = Transport(Endpoint(f"http://127.0.0.1:{server.server_port}"))
    made.send_all("POST", "/reviews", questions(3), {})
    server.shutdown()
    server.server_close()
    made.close()
    with pytest.raises(Unreachable, match="Nothing listens"):
        made.send_all("POST", "/reviews", questions(3), {})
    made.close()


@pytest.mark.parametrize(("count", "asked"), [(1, 1), (200, transport.MAX_THREADS)])
def test_a_server_that_falls_silent_is_not_asked_twice(
    asking: Transport, monkeypatch: pytest.MonkeyPatch, count: int, asked: int
) -> None:
    monkeypatch.setattr(transport, "READ_SECONDS", 0.5)
    Echo.speaks.clear()
    try:
        with pytest.raises(Unreachable, match="No answer"):
            asking.send_all("POST", "/reviews", questions(count), {})
        assert Echo.heard.wait(30)
        assert len(Echo.asked) == asked
    finally:
        Echo.speaks.set()


def test_a_forgotten_transport_leaves_no_connection_open(server: ThreadingHTTPServer) -> None:
    forgotten = Transport(Endpoint(f"http://127.0.0.1:{server.server_port}"))
    forgotten.send_all("POST", "/reviews", questions(1), {})
    sockets = open_sockets()
    del forgotten
    gc.collect()
    assert open_sockets() == sockets - 1
