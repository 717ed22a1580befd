"""Requests as the parser finds them in what arrives, in whatever pieces; and that most are answered at once."""

from __future__ import annotations

import asyncio
import http.client

import pytest

from kube_embedded.apiserver.serving.connection import HttpServer
from kube_embedded.apiserver.serving.http import Frontend
from kube_embedded.apiserver.serving.incoming import (
    BAD_REQUEST,
    MAX_HEADER_BYTES,
    MAX_HEADER_COUNT,
    MAX_UNREAD_BYTES,
    PIECE_BYTES,
    TOO_LARGE,
    BadBody,
    HttpRequest,
    RequestParser,
)
from kube_embedded.machinery.pki.keys import Keys
from kube_embedded.machinery.request import Response
from kube_embedded.tests.support.wire import connect, serving

GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
ODD = b"FOO /c HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKED = b"POST /d HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNKS = b"2;x=y\r\nab\r\n1\r\nc\r\n0\r\nTrailer: x\r\n\r\n"


class Source:
    """Stands for the connection of a request."""

    def resume_reading(self) -> None:
        """Nothing was paused."""


def found(parser: RequestParser) -> list[tuple[str, str, bytes]]:
    """Method, target and body of each request."""
    return [read(each) for each in parser.requests if isinstance(each, HttpRequest)]


def read(request: HttpRequest) -> tuple[str, str, bytes]:
    request.connection = Source()  # type: ignore[assignment]  # nothing else of it is used
    assert request.complete
    return request.method, request.target, asyncio.run(request.read())


def parsed(*pieces: bytes, line_bytes: int = 100) -> RequestParser:
    parser = RequestParser(line_bytes)
    for piece in pieces:
        assert parser.feed(piece) == b""
    return parser


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_pieces_of_any_size(size: int) -> None:
    data = GET + POST + CHUNKED + CHUNKS + GET
    parser = parsed(*(data[start : start + size] for start in range(0, len(data), size)))
    assert found(parser) == [
        ("GET", "/a", b""),
        ("POST", "/b", b"abc"),
        ("POST", "/d", b"abc"),
        ("GET", "/a", b""),
    ]


def test_only_where_a_request_begins_a_method_is_looked_for() -> None:
    parser = parsed(GET, ODD, GET + b"GE", b"T /e HTTP/1.1\r\n", b"Host: x\r\n\r\n", ODD)
    assert [method for method, *_ in found(parser)] == ["GET", "FOO", "GET", "GET", "FOO"]


def test_what_follows_the_last_request_is_ignored() -> None:
    last = GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    parser = parsed(last + GET, GET, b"\0")
    assert len(found(parser)) == len(parser.requests) == 1


def test_a_refusal_comes_after_the_requests_before_it() -> None:
    parser = parsed(GET + b"nonsense\r\n\r\n", GET)
    assert [isinstance(each, HttpRequest) for each in parser.requests] == [True, False]
    assert parser.requests[1] == BAD_REQUEST


@pytest.mark.parametrize(
    ("data", "refusal"),
    [
        (b"GET /" + b"a" * 100, TOO_LARGE),
        (GET.replace(b"x", b"x\r\nA: " + b"a" * (MAX_HEADER_BYTES + 1)), TOO_LARGE),
        (GET.replace(b"x", b"x\r\nA: " + b"a" * MAX_UNREAD_BYTES), TOO_LARGE),
        (GET.replace(b"x", b"x" + b"\r\nA: a" * MAX_HEADER_COUNT), BAD_REQUEST),
        (CHUNKED.replace(b"chunked", b"chunked\r\nTransfer-Encoding: chunked"), BAD_REQUEST),
    ],
)
def test_what_is_too_large_or_no_http(data: bytes, refusal: bytes) -> None:
    assert list(parsed(data).requests) == [refusal]


@pytest.mark.parametrize("rest", [b"zz\r\n", b"1;" + b"a" * MAX_UNREAD_BYTES])
def test_a_body_that_breaks_off(rest: bytes) -> None:
    parser = parsed(CHUNKED, rest)
    (request,) = parser.requests
    assert isinstance(request, HttpRequest)
    with pytest.raises(BadBody):
        read(request)


UPGRADE = b"Connection: Upgrade\r\nUpgrade: other\r\n"


@pytest.mark.parametrize("size", [1, 1000])
@pytest.mark.parametrize(("head", "body"), [(POST[:-3], b"abc"), (CHUNKED, CHUNKS)])
def test_an_upgrade_does_not_hide_a_body(head: bytes, body: bytes, size: int) -> None:
    data = head.replace(b"Host", UPGRADE + b"Host") + body + GET
    parser = parsed(*(data[start : start + size] for start in range(0, len(data), size)))
    assert [body for *_, body in found(parser)] == [b"abc", b""]
    assert not any(isinstance(each, HttpRequest) and each.upgrades for each in parser.requests)


def test_what_follows_an_upgrade_is_returned() -> None:
    parser = RequestParser(100)
    assert parser.feed(GET + GET.replace(b"Host", UPGRADE + b"Host") + b"\x82\0") == b"\x82\0"
    assert [each.upgrades for each in parser.requests if isinstance(each, HttpRequest)] == [
        False,
        True,
    ]
    # Without an upgrade the connection goes on.
    assert parser.feed(GET) == b""
    assert len(found(parser)) == 3


class Sent(asyncio.Transport):
    """A transport that notes how often something is sent."""

    count = 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.count += 1

    def is_closing(self) -> bool:
        return False

    def resume_reading(self) -> None:
        """Nothing was paused."""


@pytest.mark.parametrize("first", [POST + GET, POST, GET + POST])
@pytest.mark.parametrize("last", [GET, POST])
def test_what_arrives_while_a_request_is_answered_is_its_successor(
    first: bytes, last: bytes
) -> None:
    async def sent() -> int:
        server = HttpServer(Frontend(lambda request: Response(200), lambda: None))
        connection, transport = server(), Sent()
        connection.connection_made(transport)
        connection.data_received(first + last[:10])
        connection.data_received(last[10:-1])
        connection.data_received(last[-1:])
        for _ in range(20):
            await asyncio.sleep(0)
        connection.data_received(GET)
        await asyncio.sleep(0)
        connection.connection_lost(None)
        return transport.count

    assert asyncio.run(sent()) == (first + last).count(b"HTTP/1.1") + 1


def test_requests_on_one_connection_are_all_answered_at_once(
    keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once: list[bool] = []
    answer_now = Frontend.answer_now

    def counting(frontend: Frontend, request: HttpRequest) -> bool:
        at_once.append(answer_now(frontend, request))
        return at_once[-1]

    monkeypatch.setattr(Frontend, "answer_now", counting)
    with (
        serving(
            keys, lambda _request: Response(200, {"Content-Type": "text/plain"}, b"hi")
        ) as local,
        connect(local.port, keys.ca_certificate) as connection,
    ):
        for _ in range(12):
            connection.sendall(GET)
            response = http.client.HTTPResponse(connection)
            response.begin()
            assert (response.status, response.read()) == (200, b"hi")
    assert at_once == [True] * 12


@pytest.mark.parametrize("start", [b"GET /", b"GET / HTTP/1.1\r\nA: ", b"GET / HTTP/1.1\r\n"])
def test_a_head_in_very_many_pieces_is_refused(start: bytes) -> None:
    """Each piece of a header is copied together with those before it, which takes square time."""
    parser = RequestParser(MAX_HEADER_BYTES)
    parser.feed(start)
    most = MAX_UNREAD_BYTES // PIECE_BYTES
    for _ in range(most - 1):
        parser.feed(b"a")
    assert not parser.requests
    parser.feed(b"a")
    assert [*parser.requests] == [TOO_LARGE]


def test_a_body_may_arrive_byte_by_byte() -> None:
    body = b"a" * (MAX_UNREAD_BYTES // PIECE_BYTES + 1)
    parser = RequestParser(MAX_HEADER_BYTES)
    parser.feed(b"POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body))
    for number in range(len(body)):
        parser.feed(body[number : number + 1])
    assert found(parser) == [("POST", "/b", body)]
