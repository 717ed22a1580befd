from __future__ import annotations

import http.client
import json
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from kube_embedded.tests.support.until import SECONDS
from labkit.client.client import Client
from labkit.client.proxy import Proxy
from labkit.client.transport import Credentials, Endpoint
from labkit.core.errors import UsageError
from tests.client.fake import Fake, Reply, Request, fake_api


def answer(request: Request) -> Reply:
    if request.path.startswith("/watch"):
        return Reply(
            200,
            [b'{"type":"ADDED"}\n', b'{"type":"DELETED"}\n'],
            {"Content-Type": "application/json"},
        )
    return Reply(200, {"path": request.path, "body": request.body.decode()}, {"Audit-Id": "a-1"})


@pytest.fixture
def api() -> Iterator[Fake]:
    with fake_api(answer) as fake:
        yield fake


@pytest.fixture
def proxy(api: Fake) -> Iterator[Proxy]:
    with Proxy(Client(api.endpoint, Credentials(token="t0k3n"), name="admin")) as running:
        yield running


def call(
    proxy: Proxy, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, str, http.client.HTTPMessage]:
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=SECONDS)
    try:
        connection.request(
            method, path, body, {key.replace("_", "-"): value for key, value in headers.items()}
        )
        response = connection.getresponse()
        return response.status, response.read().decode(), response.headers
    finally:
        connection.close()


def test_the_proxy_adds_its_credential_and_takes_nobody_elses(proxy: Proxy, api: Fake) -> None:
    status, body, headers = call(
        proxy, "GET", "/api?x=1", Authorization="Bearer mine", Accept="text/x"
    )
    assert (status, json.loads(body)["path"], headers["Audit-Id"]) == (200, "/api?x=1", "a-1")
    assert api.requests[0].headers["authorization"] == "Bearer t0k3n"
    assert api.requests[0].headers["accept"] == "text/x"


HOP_BY_HOP = (
    *("Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization"),
    *("TE", "Trailers", "Upgrade"),
)


def test_headers_of_one_connection_do_not_pass_nor_does_a_programs_own_credential() -> None:
    """RFC 9110, 7.6.1; without a credential of its own the proxy's requests are anonymous."""
    sent = dict.fromkeys(HOP_BY_HOP, "x")

    def reply(_request: Request) -> Reply:
        return Reply(200, {}, {**sent, "Audit-Id": "a-1"})

    with fake_api(reply) as api, Proxy(Client(api.endpoint)) as running:
        status, _, headers = call(
            running,
            "GET",
            "/x",
            None,
            Authorization="Bearer mine",
            Connection="close",
            X_Own="1",
            **sent,
        )
        (received,) = (each.headers for each in api.requests if each.path == "/x")
    assert status == 200
    assert received["x-own"] == "1"
    assert received["host"] == api.endpoint.server.partition("://")[2]
    assert received.get("connection", "") != "close"
    assert {name for name in (*HOP_BY_HOP, "Authorization") if name.lower() in received} == set()
    assert headers["Audit-Id"] == "a-1"
    assert [name for name in HOP_BY_HOP if name in headers] == []
    assert len(headers.get_all("Content-Length", [])) == 1


def test_bodies_pass_both_ways(proxy: Proxy) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        status, body, _ = call(proxy, method, "/x", b"hello", Content_Type="text/plain")
        assert (status, json.loads(body)["body"]) == (200, "hello")


def test_a_head_request_has_no_body(proxy: Proxy) -> None:
    status, body, headers = call(proxy, "HEAD", "/x")
    assert (status, body) == (200, "")
    assert int(headers["Content-Length"]) > 0


def test_a_stream_passes_as_a_stream(proxy: Proxy) -> None:
    status, body, headers = call(proxy, "GET", "/watch")
    assert (status, headers["Transfer-Encoding"]) == (200, "chunked")
    assert [json.loads(line)["type"] for line in body.splitlines()] == ["ADDED", "DELETED"]


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil", "", "10.0.0.1:8001"]
)
def test_a_foreign_host_header_is_refused(proxy: Proxy, api: Fake, host: str) -> None:
    status, body, _ = call(proxy, "GET", "/api", Host=host)
    assert (status, "Forbidden" in body) == (403, True)
    assert api.requests == []


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "[::1]", "localhost:8001", "127.0.0.1:1"]
)
def test_loopback_names_are_let_in(proxy: Proxy, host: str) -> None:
    assert call(proxy, "GET", "/api", Host=host)[0] == 200


def test_a_web_page_elsewhere_is_refused(proxy: Proxy) -> None:
    assert call(proxy, "GET", "/api", Origin="https://evil.example")[0] == 403
    assert call(proxy, "GET", "/api", Origin="null")[0] == 403
    assert call(proxy, "GET", "/api", Origin="http://localhost:8888")[0] == 200


@pytest.mark.parametrize(
    "path", ["@evil.example/api", ".evil.example/api", "http://evil.example/api", "*"]
)
def test_no_path_leads_to_another_server(proxy: Proxy, api: Fake, path: str) -> None:
    """The credential would be sent there: the path is appended to the server's address."""
    status, body, _ = call(proxy, "GET", path, Host="localhost")
    assert (status, body) == (403, "Forbidden: the path must begin with a slash\n")
    assert api.requests == []


@pytest.mark.parametrize(
    "path", ["/api/v1/namespaces/d/pods/curl/exec", "/api/v1/namespaces/d/pods/c/attach?x=1"]
)
def test_exec_and_attach_do_not_pass(proxy: Proxy, path: str) -> None:
    assert call(proxy, "POST", path)[0] == 403


def test_bodies_have_a_length_and_a_limit(proxy: Proxy) -> None:
    assert call(proxy, "POST", "/x", None, Content_Length="x")[0] == 411
    assert call(proxy, "POST", "/x", None, Transfer_Encoding="chunked")[0] == 411
    assert call(proxy, "POST", "/x", None, Content_Length=str(10**9))[0] == 413


def test_a_server_that_is_gone_is_a_bad_gateway() -> None:
    with Proxy(Client(Endpoint("http://127.0.0.1:9"))) as proxy:
        status, body, _ = call(proxy, "GET", "/api")
        asked = proxy.get("/api")
        assert (asked.status, asked.as_user) == (502, "unknown"), (
            "nobody has said who the caller is"
        )
    assert (status, "Nothing listens" in body) == (502, True)


def test_a_port_that_is_taken_is_said(proxy: Proxy) -> None:
    with pytest.raises(UsageError, match=f"cannot listen on port {proxy.port}"):
        Proxy(proxy.caller, port=proxy.port)


def test_after_closing_nobody_listens(api: Fake) -> None:
    proxy = Proxy(Client(api.endpoint)).start()
    proxy.close()
    with pytest.raises(OSError):  # noqa: PT011 - which one depends on the system
        call(proxy, "GET", "/api")
    assert "proxy at http://127.0.0.1" in repr(proxy)


def ask_socket(path: Path, target: str) -> tuple[int, str]:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(30)
        connection.connect(str(path))
        connection.sendall(
            f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
        )
        response = http.client.HTTPResponse(connection)
        response.begin()
        return response.status, response.read().decode()


def test_a_unix_socket_is_its_owners_alone(api: Fake, tmp_path: Path) -> None:
    client = Client(api.endpoint, Credentials(token="t0k3n"), name="admin")
    path, before = tmp_path / "proxy.sock", os.umask(0)
    try:
        with Proxy(client, unix_socket=path) as running:
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            status, body = ask_socket(path, "/api?x=1")
            assert (status, json.loads(body)["path"]) == (200, "/api?x=1")
            assert ask_socket(path, "/api/v1/namespaces/x/pods/y/exec")[0] == 403
            assert (running.port, running.url) == (0, f"unix:{path}")
            with pytest.raises(UsageError, match=f"curl --unix-socket {path} http://localhost/api"):
                running.get("/api")
    finally:
        os.umask(before)
    assert not path.exists()


def test_where_a_unix_socket_may_lie(api: Fake, tmp_path: Path) -> None:
    client = Client(api.endpoint, Credentials(token="t0k3n"), name="admin")
    old = tmp_path / "old.sock"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(old))
    with Proxy(client, unix_socket=old):
        assert ask_socket(old, "/api")[0] == 200
    (tmp_path / "file").write_text("kept")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    for name in ("file", "link"):
        with pytest.raises(UsageError, match="something else lies there"):
            Proxy(client, unix_socket=tmp_path / name)
    assert (tmp_path / "file").read_text() == "kept"
    with pytest.raises(UsageError, match="at most 107 bytes"):
        Proxy(client, unix_socket=tmp_path / ("x" * 120))
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    with pytest.raises(UsageError, match="every user of this machine can replace"):
        Proxy(client, unix_socket=tmp_path / "open" / "proxy.sock")
