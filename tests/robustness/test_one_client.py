"""The costs of one client for a server, measured in a separate process."""

from __future__ import annotations

import json
import re
import socket
import ssl
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from kube_embedded.tests.support.custom import (
    DEFINITIONS,
    GROUP,
    PLURAL,
    VERSION,
    crontab,
    plain_definition,
)
from kube_embedded.tests.support.server import Server, running_server

CRONTABS = f"/apis/{GROUP}/{VERSION}/namespaces/default/{PLURAL}"
PROTOBUF = "application/vnd.kubernetes.protobuf"


def memory(server: Server, what: str = "VmRSS") -> float:
    """The resident memory of a server in MiB, or its peak (``VmHWM``)."""
    found = re.search(
        rf"{what}:\s+(\d+) kB", Path(f"/proc/{server.process.pid}/status").read_text()
    )
    assert found is not None
    return int(found[1]) / 1024


@pytest.mark.parametrize("count", [10_000, pytest.param(200_000, marks=pytest.mark.slow)])
def test_defaults_do_not_make_a_small_request_a_large_object(count: int) -> None:
    text = {"type": "string", "default": "x" * 500_000}
    item = {"type": "object", "properties": {"a": text}}
    spec = {"type": "object", "properties": {"l": {"type": "array", "items": item}}}
    with running_server(node=False) as server:
        assert server.call("POST", DEFINITIONS, plain_definition(spec)).status == 201
        before = memory(server, "VmHWM")
        for query in ("", "?dryRun=All"):
            reply = server.call("POST", CRONTABS + query, crontab("a", l=[{}] * count))
            assert (
                reply.status,
                "trying to send message larger than max" in reply.json()["message"],
            ) == (500, True)
        assert memory(server, "VmHWM") - before < 100 + count / 1000
        assert server.call("GET", CRONTABS).json()["items"] == []


MAPS = "/api/v1/namespaces/default/configmaps"


def config_map(number: int, size: int) -> dict[str, Any]:
    return {"metadata": {"name": f"m{number}"}, "data": {"a": f"{number:04}" + "x" * size}}


def ask(server: Server, path: str, accept: str = "application/json") -> ssl.SSLSocket:
    """Send a request on a new connection without reading the response."""
    context = server.tls(server.identity("kubernetes-admin", ("system:masters",)))
    connection = context.wrap_socket(
        socket.create_connection(("127.0.0.1", server.port)), server_hostname="127.0.0.1"
    )
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nAccept: {accept}\r\n\r\n".encode())
    return connection


def slow_readers(server: Server, count: int, size: int, writes: int) -> None:
    """Lists and watches that nobody reads cost little, delay nobody, and what they cost comes back."""
    paths = [(MAPS, "application/json"), (f"{MAPS}?watch=1", "application/json")]
    paths += [
        (MAPS, PROTOBUF),
        (f"{MAPS}?watch=1", f"{PROTOBUF};stream=watch"),
        (f"{MAPS}/m1", "application/json"),
    ]
    for number in range(30):
        assert server.call("POST", MAPS, config_map(number, size)).status == 201
    server.call("GET", MAPS)
    before = memory(server)
    with ExitStack() as stack:
        asked = [
            stack.enter_context(ask(server, *paths[number % len(paths)])) for number in range(count)
        ]
        longest = 0.0
        for number in range(writes):
            begun = time.monotonic()
            assert server.call("PUT", f"{MAPS}/m{number}", config_map(number, size)).status == 200
            longest = max(longest, time.monotonic() - begun)
        more = memory(server) - before
        assert more < 100, (
            f"{count} readers: {more:.0f} MiB more, the slowest write took {longest:.2f} s"
        )
        assert all(is_open(each) for each in asked)
        read_list(asked[0], 30)
    deadline = time.monotonic() + 60
    while (left := memory(server) - before) > 20:
        assert time.monotonic() < deadline, f"{left:.0f} MiB are still held"
        time.sleep(0.5)
    assert server.call("GET", "/healthz").body == b"ok"


def is_open(connection: ssl.SSLSocket) -> bool:
    """Whether the server has sent something and not closed the connection."""
    return connection.recv(1) != b""


def read_list(connection: ssl.SSLSocket, count: int) -> None:
    """Read the rest of a list in chunks: it is whole."""
    text = b""
    while not text.endswith(b"\r\n0\r\n\r\n"):
        data = connection.recv(1 << 20)
        assert data
        text += data
    head, _, body = (b"H" + text).partition(b"\r\n\r\n")
    assert b"Transfer-Encoding: chunked" in head
    whole = b""
    while not body.startswith(b"0\r\n"):
        length, _, body = body.partition(b"\r\n")
        whole, body = whole + body[: int(length, 16)], body[int(length, 16) + 2 :]
    assert (
        sum(item["metadata"]["name"].startswith("m") for item in json.loads(whole)["items"])
        == count
    )


@pytest.mark.soak
def test_a_hundred_slow_readers() -> None:
    with running_server(node=False) as server:
        slow_readers(server, 100, 900_000, 20)


def test_some_slow_readers() -> None:
    with running_server(node=False) as server:
        slow_readers(server, 10, 300_000, 2)
