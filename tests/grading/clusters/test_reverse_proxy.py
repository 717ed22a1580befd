"""The head of a request as the grader's reverse proxy writes it, and the heads that it refuses."""

from __future__ import annotations

import json
import socket
from types import SimpleNamespace
from typing import Any, cast

import pytest

from labkit.client.client import Client
from labkit.grading.clusters.reverse_proxy import _drain, _field, _refused, _rewritten

CALLER = cast(
    "Client",
    SimpleNamespace(
        endpoint=SimpleNamespace(server="https://10.0.0.1:6443/prefix/"),
        credentials=SimpleNamespace(headers=lambda: {"Authorization": "Bearer grader"}),
    ),
)


def rewritten(
    method: str, headers: dict[str, str], *, certified: bool = True, writes: bool = False
) -> list[str]:
    """The lines that the cluster gets."""
    fields = [*headers.items()]
    head = _rewritten(method, "/api", fields, CALLER, certified=certified, writes=writes)
    assert head.endswith(b"\r\n\r\n")
    return head.decode().split("\r\n")[:-2]


def test_a_write_asks_for_json_and_ends_its_connection() -> None:
    headers = {"Accept": "application/vnd.kubernetes.protobuf", "X-A": "b"}
    sent = rewritten("POST", headers, writes=True)
    assert sent == [
        "POST /prefix/api HTTP/1.1",
        "Host: 10.0.0.1:6443",
        "Connection: close",
        "Accept-Encoding: identity",
        "Accept: application/json",
        "Authorization: Bearer grader",
        "X-A: b",
    ]


def test_a_read_keeps_what_it_accepts() -> None:
    assert "Accept: text/plain" in rewritten("GET", {"Accept": "text/plain"})


def test_an_upgrade_is_passed_on() -> None:
    sent = rewritten("POST", {"Upgrade": "websocket", "X-A": "b", "Accept": "text/plain"})
    assert "Connection: Upgrade, close" in sent
    assert "Upgrade: websocket" in sent
    assert "Accept: text/plain" in sent


def test_a_write_is_no_upgrade() -> None:
    assert "Connection: close" in rewritten("POST", {"Upgrade": "websocket"}, writes=True)


@pytest.mark.parametrize(("certified", "sent"), [(True, "Bearer grader"), (False, "Bearer own")])
def test_an_administrator_has_the_graders_token_and_others_their_own(
    certified: bool, sent: str
) -> None:
    headers = {"authorization": "Bearer own", "X-Remote-User": "root", "x-remote-group": "all"}
    lines = rewritten("GET", headers, certified=certified)
    assert [line for line in lines if line.lower().startswith(("auth", "x-remote"))] == [
        f"{'Authorization' if certified else 'authorization'}: {sent}"
    ]


def test_a_header_is_a_name_and_a_value_without_white_space_around_it() -> None:
    assert _field("X-A: b: c ") == ("X-A", "b: c")
    assert _field("X-A:") == ("X-A", "")


@pytest.mark.parametrize("line", ["no colon", ": no name", "A : blank before the colon", " A: b"])
def test_a_header_that_is_none_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="no header"):
        _field(line)


def test_a_refusal_is_a_403_of_the_api() -> None:
    head, _, body = _refused("no nodes are made here").decode().partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 403 Forbidden\r\n")
    assert f"Content-Length: {len(body)}" in head
    status: dict[str, Any] = json.loads(body)
    assert (status["code"], status["reason"]) == (403, "Forbidden")
    assert status["message"] == "The grader does not pass this on: no nodes are made here."


def test_the_rest_of_a_refused_request_is_read() -> None:
    """Otherwise the connection would be reset, and the answer lost."""
    proxy, learner = socket.socketpair()
    with proxy, learner:
        learner.sendall(bytes(100_000))
        learner.shutdown(socket.SHUT_WR)
        _drain(cast("Any", proxy))
        assert proxy.recv(1) == b""
