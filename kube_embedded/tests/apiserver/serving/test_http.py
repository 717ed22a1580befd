"""HTTP in and out, over real TLS, byte by byte."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from pathlib import Path

import pytest

from kube_embedded.apiserver.serving import connection as connection_module
from kube_embedded.apiserver.serving import http
from kube_embedded.machinery.pki.keys import Keys
from kube_embedded.machinery.request import MAX_BODY_BYTES, Request, Response, ShownCertificate
from kube_embedded.machinery.sharing import LARGE_BYTES
from kube_embedded.tests.support.until import SECONDS
from kube_embedded.tests.support.wire import connect, read_all, serving

TEXT = {"Content-Type": "text/plain"}


def exchange(
    keys: Keys, data: bytes, answer: Response | None = None
) -> tuple[bytes, list[Request]]:
    with (
        serving(keys, lambda request: answer or Response(200, dict(TEXT), b"hi")) as local,
        connect(local.port, keys.ca_certificate) as connection,
    ):
        # Who sends too much may be cut off before it is all sent.
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            connection.sendall(data)
        return read_all(connection), local.cluster.seen


def get(target: str, *headers: str) -> bytes:
    lines = [f"GET {target} HTTP/1.1", "Host: x", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode("utf-8", "surrogateescape")


def test_an_answer_looks_like_gos(keys: Keys) -> None:
    response = Response(
        200,
        {"Audit-Id": "1", "Content-Type": "text/plain", "Cache-Control": "no-cache, private"},
        b"hi",
    )
    said, _ = exchange(keys, get("/version"), response)
    head, _, body = said.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "HTTP/1.1 200 OK"
    assert lines[1:4] == [
        "Audit-Id: 1",
        "Cache-Control: no-cache, private",
        "Content-Type: text/plain",
    ]
    assert lines[4].startswith("Date: ")
    assert lines[5:] == ["Content-Length: 2", "Connection: close"]
    assert body == b"hi"


def test_the_request_as_the_core_sees_it(keys: Keys) -> None:
    lines = (
        "User-Agent: me",
        "Impersonate-Group: a",
        "Impersonate-Group: b",
        "Accept: application/json",
        "Accept: text/html",
        "Impersonate-Extra-Scopes: view",
    )
    _, (request,) = exchange(
        keys, get("/api/v1/pods/a%2Fb%20c?x=1&x=2&y=a+b&flag&bad=%zz&semi;colon=1", *lines)
    )
    assert request.method == "GET"
    assert request.path == "/api/v1/pods/a/b c"
    assert request.query == {"x": ["1", "2"], "y": ["a b"], "flag": [""]}
    assert request.raw_uri == "/api/v1/pods/a%2Fb%20c?x=1&x=2&y=a+b&flag&bad=%zz&semi;colon=1"
    assert request.headers["user-agent"] == "me"
    assert request.headers["accept"] == "application/json"
    assert request.header_values["impersonate-group"] == ["a", "b"]
    assert request.header_values["impersonate-extra-scopes"] == ["view"]
    assert request.certificate is None
    assert request.source_ip == "127.0.0.1"


def test_a_client_certificate_is_seen(keys: Keys, identity: Path) -> None:
    with (
        serving(keys, lambda request: Response(200)) as local,
        connect(local.port, keys.ca_certificate, identity) as connection,
    ):
        connection.sendall(get("/"))
        read_all(connection)
    certificate = local.cluster.seen[0].certificate
    assert isinstance(certificate, ShownCertificate)
    assert (
        ssl.DER_cert_to_PEM_cert(certificate.chain[0])
        == identity.read_text().partition("-----BEGIN PRIVATE")[0]
    )


def test_a_renewed_certificate_is_shown_to_new_connections(keys: Keys) -> None:
    renewed = keys.renewed()
    with (
        serving(keys, lambda request: Response(200)) as local,
        connect(local.port, keys.ca_certificate) as before,
    ):
        local.loop.call(local.server.renew, renewed)
        with connect(local.port, keys.ca_certificate) as after:
            shown = [
                ssl.DER_cert_to_PEM_cert(each.getpeercert(binary_form=True) or b"")
                for each in (before, after)
            ]
    assert [text.encode() for text in shown] == [
        keys.server_certificate,
        renewed.server_certificate,
    ]


def test_requests_share_a_connection_and_their_headers_do_not_leak(keys: Keys) -> None:
    with (
        serving(
            keys,
            lambda request: Response(200, dict(TEXT), request.headers.get("x", "none").encode()),
        ) as local,
        connect(local.port, keys.ca_certificate) as connection,
    ):
        file = connection.makefile("rb")
        bodies = []
        for header in ("X: 1\r\n", "X: 1\r\n", "", "X: 2\r\n"):
            connection.sendall(f"GET / HTTP/1.1\r\nHost: x\r\n{header}\r\n".encode())
            length = 0
            while line := file.readline().strip():
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            bodies.append(file.read(length))
        file.close()
    assert bodies == [b"1", b"1", b"none", b"2"]


def test_pipelined_requests_are_answered_in_order(keys: Keys) -> None:
    with (
        serving(keys, lambda request: Response(200, dict(TEXT), request.path.encode())) as local,
        connect(local.port, keys.ca_certificate) as connection,
    ):
        connection.sendall(
            b"GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n" + get("/c")
        )
        said = read_all(connection)
    assert [part[:2] for part in said.split(b"\r\n\r\n")[1:]] == [b"/a", b"/b", b"/c"]


def test_head_has_the_length_and_no_body(keys: Keys) -> None:
    said, _ = exchange(keys, b"HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert b"Content-Length: 2\r\n" in said
    assert said.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("status", [204, 304])
def test_some_answers_have_no_body(keys: Keys, status: int) -> None:
    said, _ = exchange(keys, get("/"), Response(status, {}, b"ignored"))
    assert said.endswith(b"\r\n\r\n")
    assert b"Content-Length" not in said


def test_http_1_0(keys: Keys) -> None:
    said, _ = exchange(keys, b"GET / HTTP/1.0\r\n\r\n")
    assert said.startswith(b"HTTP/1.0 200 OK\r\n")
    assert said.endswith(b"hi")


def test_warnings_are_quoted_and_each_has_its_header(keys: Keys) -> None:
    response = Response(200, dict(TEXT), b"", warnings=('unknown field "a"', "b", "b", "bad\nline"))
    said, _ = exchange(keys, get("/"), response)
    assert [line for line in said.decode().split("\r\n") if line.startswith("Warning")] == [
        'Warning: 299 - "unknown field \\"a\\""',
        'Warning: 299 - "b"',
    ]


def test_a_header_cannot_smuggle_another(keys: Keys) -> None:
    said, _ = exchange(keys, get("/"), Response(200, {"Location": "/x\r\nSet-Cookie: a=b"}, b""))
    assert b"\r\nSet-Cookie" not in said
    assert b"Location: /x  Set-Cookie: a=b\r\n" in said


REFUSED = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n400 Bad Request"


@pytest.mark.parametrize(
    "data",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nbad header\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
        b"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET relative HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nA: b\x00c\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused_in_gos_words(keys: Keys, data: bytes) -> None:
    said, seen = exchange(keys, data)
    assert said == REFUSED
    assert seen == []


@pytest.mark.parametrize("version", ["0.9", "2.0"])
def test_other_versions_of_http_are_refused_in_gos_words(keys: Keys, version: str) -> None:
    said, seen = exchange(keys, f"GET / HTTP/{version}\r\nHost: x\r\n\r\n".encode())
    assert said.startswith(
        b"HTTP/1.1 505 HTTP Version Not Supported: unsupported protocol version\r\n"
    )
    assert said.endswith(b"\r\n\r\n505 HTTP Version Not Supported: unsupported protocol version")
    assert seen == []


def test_a_request_line_without_a_version_is_refused(keys: Keys) -> None:
    # As HTTP/0.9, which it is. Go finds the line malformed, and its status is 400.
    said, seen = exchange(keys, b"GET /\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 505 HTTP Version Not Supported")
    assert seen == []


def test_of_repeated_content_types_the_first_counts(keys: Keys) -> None:
    # As Header.Get of Go's net/http.
    said = get("/", "Content-Type: application/json", "Content-Type: application/yaml")
    _, (request,) = exchange(keys, said)
    assert request.headers["content-type"] == "application/json"


def test_a_path_can_be_connected_to(keys: Keys) -> None:
    said = b"CONNECT /version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    _, (request,) = exchange(keys, said)
    assert (request.method, request.path) == ("CONNECT", "/version")


def test_hosts(keys: Keys) -> None:
    said, seen = exchange(keys, b"GET / HTTP/1.1\r\n\r\n")
    assert said.endswith(b"\r\n\r\n400 Bad Request: missing required Host header")
    said, seen = exchange(keys, b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
    assert said.endswith(b"\r\n\r\n400 Bad Request: too many Host headers")
    assert seen == []


def test_headers_without_end_are_refused(keys: Keys) -> None:
    one = b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * (1 << 20) + b"bcd\r\n\r\n"
    many = b"GET / HTTP/1.1\r\nHost: x\r\n" + b"".join(
        b"A%d: %b\r\n" % (i, b"a" * 9000) for i in range(500)
    )
    for data in (one, many):
        said, seen = exchange(keys, data)
        assert said.startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")
        assert seen == []


def test_a_long_query_is_fine(keys: Keys) -> None:
    said, (request,) = exchange(keys, get("/?a=" + "b" * 500_000))
    assert said.startswith(b"HTTP/1.1 200")
    assert len(request.query["a"][0]) == 500_000


def test_a_body_in_chunks(keys: Keys) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    data = head + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    _, (request,) = exchange(keys, data)
    assert request.body == b"abcde"


@pytest.mark.parametrize("size", [b"5", b"ffffffffffffffff"])
def test_a_get_that_closes_its_connection_does_not_wait_for_a_body(keys: Keys, size: bytes) -> None:
    head = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    said, (request,) = exchange(keys, head + size + b"\r\nab")
    assert said.startswith(b"HTTP/1.1 200")
    assert request.body == b""


def test_a_compressed_body_is_left_alone(keys: Keys) -> None:
    data = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"
    _, (request,) = exchange(keys, data)
    assert request.body == b"abc"


def test_continue_is_said_before_the_body(keys: Keys) -> None:
    with (
        serving(keys, lambda request: Response(200, dict(TEXT), request.body)) as local,
        connect(local.port, keys.ca_certificate) as connection,
    ):
        connection.sendall(
            b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
        )
        assert connection.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"abc")
        assert read_all(connection).endswith(b"\r\n\r\nabc")


def test_other_expectations_fail(keys: Keys) -> None:
    said, seen = exchange(
        keys, b"POST / HTTP/1.1\r\nHost: x\r\nExpect: miracles\r\nContent-Length: 3\r\n\r\nabc"
    )
    assert said.startswith(b"HTTP/1.1 417 Expectation Failed\r\n")
    assert seen == []


def test_of_a_huge_body_only_enough_is_kept_to_see_that(keys: Keys) -> None:
    size = MAX_BODY_BYTES + 1_000_000
    data = f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n".encode() + b"a" * size
    said, (request,) = exchange(keys, data, Response(413, dict(TEXT), b"too large"))
    assert len(request.body) == MAX_BODY_BYTES + 1
    assert said.startswith(b"HTTP/1.1 413 Request Entity Too Large\r\n")
    assert b"Connection: close" in said


def test_a_body_that_does_not_come_is_given_up(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "BODY_SECONDS", 0.2)
    data = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"
    said, seen = exchange(keys, data)
    assert said.startswith(b"HTTP/1.1 504 Gateway Timeout\r\n")
    assert b'"reason":"Timeout"' in said
    assert seen == []


@pytest.mark.parametrize(
    ("data", "seconds"),
    [(b"", 0.3), (b"GET / HT", 0.3), (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 3.0)],
)
def test_idle_connections_and_slow_heads_are_closed(
    keys: Keys, monkeypatch: pytest.MonkeyPatch, data: bytes, seconds: float
) -> None:
    monkeypatch.setattr(connection_module, "IDLE_SECONDS", seconds)
    said, seen = exchange(keys, data)
    assert len(seen) == said.count(b"HTTP/1.1 200") == data.count(b"\r\n\r\n")


def test_a_defect_is_an_internal_error_without_a_traceback(
    keys: Keys, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(request: Request) -> Response:
        raise RuntimeError("boom")

    with serving(keys, broken) as local, connect(local.port, keys.ca_certificate) as connection:
        connection.sendall(get("/", "Authorization: Bearer secret-secret"))
        said = read_all(connection)
    assert said.startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
    assert b'"reason":"InternalError"' in said
    assert b"boom" not in said
    assert "RuntimeError: boom" in caplog.text
    assert "secret-secret" not in caplog.text


def test_plain_http_gets_a_sentence(keys: Keys) -> None:
    with (
        serving(keys, lambda request: Response(200)) as local,
        socket.create_connection(("127.0.0.1", local.port), timeout=SECONDS) as connection,
    ):
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        said = read_all(connection)
    assert (
        said == b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
    )
    assert local.cluster.seen == []


def test_garbage_instead_of_tls_is_dropped(keys: Keys) -> None:
    with serving(keys, lambda request: Response(200)) as local:
        for data in (b"\x00\x01\x02", b"\x16\x03\x01\xff\xff" + b"\xff" * 100):
            with socket.create_connection(("127.0.0.1", local.port), timeout=SECONDS) as connection:
                connection.sendall(data)
                assert b"HTTP" not in read_all(connection)
        with connect(local.port, keys.ca_certificate) as connection:
            connection.sendall(get("/"))
            assert read_all(connection).startswith(b"HTTP/1.1 200")


def test_methods_that_go_knows_come_through(keys: Keys) -> None:
    for method in ("OPTIONS", "TRACE", "PATCH", "DELETE"):
        _, (request,) = exchange(
            keys, f"{method} /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
        )
        assert (request.method, request.path) == (method, "/x")


@pytest.mark.parametrize("method", ["FOO", "get", "M-SEARCH", "PROPFIND", "P", "GETT", "x!~"])
def test_any_method_comes_through(keys: Keys, method: str) -> None:
    one = f"{method} /a HTTP/1.1\r\nHost: x\r\n".encode()
    said, seen = exchange(keys, one + b"Connection: close\r\n\r\n")
    assert [request.method for request in seen] == [method]
    assert said.startswith(b"HTTP/1.1 200 OK")
    with_body = one + b"Content-Length: 2\r\n\r\nhi" + get("/b")
    _, seen = exchange(keys, with_body)
    assert [(request.method, request.body) for request in seen] == [(method, b"hi"), ("GET", b"")]


def test_odd_methods_on_a_connection_that_is_kept(keys: Keys) -> None:
    with serving(keys, lambda request: Response(200, dict(TEXT), b"hi")) as local:
        with connect(local.port, keys.ca_certificate) as connection:
            for _ in range(20):  # each may come before the server's task waits for it
                connection.sendall(b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n")
                connection.sendall(b"FOO /a HTTP/1.1\r\nxyz")
                assert connection.recv(4096).endswith(b"hi")
                connection.sendall(b"FOO /b HTTP/1.1\r\nHost: x\r\nA: ")
                connection.sendall(b"BAR /c HTTP/1.1\r\n\r\n")
                assert connection.recv(4096).endswith(b"hi")
        seen = [
            (request.method, request.path, request.body, request.headers.get("a"))
            for request in local.cluster.seen
        ]
    once = [("POST", "/a", b"FOO /a HTTP/1.1\r\nxyz", None), ("FOO", "/b", b"", "BAR /c HTTP/1.1")]
    assert seen == once * 20


def test_an_odd_method_in_pieces(keys: Keys) -> None:
    with serving(keys, lambda request: Response(200, dict(TEXT), b"hi")) as local:
        with connect(local.port, keys.ca_certificate) as connection:
            for piece in (
                b"FOO /a HTTP/1.1\r\n",
                b"Host: x\r\nfoo",
                b": bar\r\nConnection: close\r\n\r\n",
            ):
                connection.sendall(piece)
                time.sleep(0.05)
            read_all(connection)
        assert [(request.method, request.headers["foo"]) for request in local.cluster.seen] == [
            ("FOO", "bar")
        ]


def test_absolute_targets_and_odd_paths(keys: Keys) -> None:
    targets = {
        "https://elsewhere/api?x=1": "/api",
        "//api/v1": "//api/v1",
        "/api/../secret": "/api/../secret",
        "/a%00b": "/a\x00b",
        "/%ff%fe": "/\ufffd\ufffd",
        "/%C3%BC": "/ü",
    }
    for target, path in targets.items():
        said, seen = exchange(keys, get(target))
        assert said.startswith(b"HTTP/1.1 200"), target
        assert seen[0].path == path


def test_only_so_many_large_bodies_are_read_at_a_time(
    keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "MAX_LARGE_BODIES", 1)
    size = LARGE_BYTES + 1
    head = b"POST /%b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%b\r\n"
    asks = b"Expect: 100-continue\r\nContent-Length: %d\r\n" % size
    with (
        serving(
            keys, lambda request: Response(200, dict(TEXT), b"%d" % len(request.body))
        ) as local,
        connect(local.port, keys.ca_certificate) as first,
        connect(local.port, keys.ca_certificate) as second,
        connect(local.port, keys.ca_certificate) as third,
    ):
        first.sendall(head % (b"first", asks))
        assert first.recv(100).startswith(b"HTTP/1.1 100")
        second.sendall(head % (b"second", asks))
        third.sendall(head % (b"third", b"Content-Length: 2\r\n") + b"hi")
        assert read_all(third).endswith(b"2")
        second.setblocking(False)
        with pytest.raises(ssl.SSLWantReadError):
            second.recv(100)
        second.settimeout(SECONDS)
        first.sendall(b"a" * size)
        assert read_all(first).endswith(b"%d" % size)
        assert second.recv(100).startswith(b"HTTP/1.1 100")
        second.sendall(b"a" * size)
        assert read_all(second).endswith(b"%d" % size)
    assert [request.path for request in local.cluster.seen] == ["/third", "/first", "/second"]
