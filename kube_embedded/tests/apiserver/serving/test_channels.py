"""Exec over WebSocket, frame by frame, against a session that a test plays."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from wsproto.events import Event, Ping

from kube_embedded.apiserver.serving import channels, websocket
from kube_embedded.machinery.pki.keys import Keys
from kube_embedded.machinery.request import ExecIO, Response
from kube_embedded.tests.support.until import until
from kube_embedded.tests.support.wire import (
    PING,
    PONG,
    Frame,
    Local,
    WebSocket,
    connect,
    read_all,
    serving,
)

SUCCESS = {"metadata": {}, "status": "Success"}
PATH = "/api/v1/namespaces/default/pods/curl/exec?command=x"


@dataclass
class Session:
    """A command that is a function of a test."""

    command: Callable[[ExecIO], Awaitable[dict[str, Any]]]
    stdin: bool = True
    stdout: bool = True
    stderr: bool = True
    tty: bool = False
    ended: list[str] = field(default_factory=list)

    async def run(self, io: ExecIO) -> dict[str, Any]:
        try:
            status = await self.command(io)
            self.ended.append("finished")
            return status
        except asyncio.CancelledError:
            self.ended.append("cancelled")
            raise


@contextmanager
def session(
    keys: Keys,
    command: Callable[[ExecIO], Awaitable[dict[str, Any]]],
    protocols: str | None,
    *,
    stdin: bool = True,
    stdout: bool = True,
) -> Iterator[tuple[WebSocket, Session, Local]]:
    running = Session(command, stdin, stdout)
    with serving(keys, lambda request: Response(upgrade=running)) as local:
        socket = WebSocket(connect(local.port, keys.ca_certificate), PATH, protocols)
        try:
            yield socket, running, local
        finally:
            socket.close()


async def echo(io: ExecIO) -> dict[str, Any]:
    """Says what it reads, like ``cat``."""
    while data := await io.read_stdin():
        await io.write(1, data)
    return SUCCESS


async def greet(io: ExecIO) -> dict[str, Any]:
    await io.write(1, b"out\n")
    await io.write(2, b"err\n")
    return SUCCESS


async def fail(io: ExecIO) -> dict[str, Any]:
    return {
        "metadata": {},
        "status": "Failure",
        "message": "command [sh -c a >&2] failed",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": "3"}]},
    }


def test_nothing_is_sent_before_the_client_reads(
    keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "GREETING_SECONDS", 60.0)
    begun: list[bool] = []

    async def note(io: ExecIO) -> dict[str, Any]:
        begun.append(True)
        return await greet(io)

    running = Session(note)
    with serving(keys, lambda request: Response(upgrade=running)) as local:
        connection = connect(local.port, keys.ca_certificate)
        socket = WebSocket(connection, PATH, "v5.channel.k8s.io", answers_pings=False)
        assert socket.receive() == Frame(PING, b"")
        assert begun == []
        socket.send(b"", PONG)
        assert socket.frames()[:2] == [Frame(2, b"\x01"), Frame(2, b"\x01out\n")]
        socket.close()


@pytest.mark.parametrize(
    ("agent", "grace"), [("kubectl/v1.32.3 (linux/amd64) kubernetes/32cc146", 60.0), ("curl", 0.0)]
)
def test_client_go_gets_time_for_its_streams(
    keys: Keys, monkeypatch: pytest.MonkeyPatch, agent: str, grace: float
) -> None:
    monkeypatch.setattr(channels, "STREAMS_SECONDS", 60.0)
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    class Socket:
        heard = asyncio.Event()

        async def send(self, event: Event) -> None:
            assert isinstance(event, Ping)
            self.heard.set()

    session = Session(greet)
    io = channels.ChannelIO(Socket(), channels.PROTOCOLS["v5.channel.k8s.io"], session)  # type: ignore[arg-type]
    monkeypatch.setattr(asyncio, "sleep", sleep)
    asyncio.run(io.greet(agent))
    assert sum(slept) == grace


def test_a_client_that_answers_no_ping_is_not_kept_waiting(keys: Keys) -> None:
    with serving(keys, lambda request: Response(upgrade=Session(greet))) as local:
        connection = connect(local.port, keys.ca_certificate)
        socket = WebSocket(connection, PATH, "v5.channel.k8s.io", answers_pings=False)
        assert [frame.data for frame in socket.frames()[:3]] == [b"", b"\x01", b"\x01out\n"]
        socket.close()


def test_a_ping_is_answered(keys: Keys) -> None:
    with session(keys, echo, "v5.channel.k8s.io") as (socket, _, _):
        assert socket.receive() == Frame(2, b"\x01")
        socket.send(b"there?", PING)
        assert socket.receive() == Frame(PONG, b"there?")


def closing(code: int = 1000) -> Frame:
    return Frame(8, code.to_bytes(2, "big"))


@pytest.mark.parametrize("protocol", ["v5.channel.k8s.io", "v4.channel.k8s.io"])
def test_a_command_that_succeeds(
    keys: Keys, protocol: str, caplog: pytest.LogCaptureFixture
) -> None:
    with session(keys, greet, protocol, stdin=False) as (socket, _, _):
        assert socket.status == 101
        assert socket.headers["sec-websocket-protocol"] == protocol
        assert "server" not in socket.headers
        assert socket.frames() == [
            Frame(2, b"\x01"),
            Frame(2, b"\x01out\n"),
            Frame(2, b"\x02err\n"),
            Frame(2, b'\x03{"metadata":{},"status":"Success"}'),
            closing(),
        ]
    assert caplog.text == ""


def test_the_end_of_a_command_that_fails_is_a_status_as_go_writes_it(keys: Keys) -> None:
    with session(keys, fail, "v5.channel.k8s.io") as (socket, _, _):
        last = socket.frames()[-2].data
    assert last[0] == 3
    assert b"sh -c a \\u003e\\u00262" in last
    assert json.loads(last[1:])["reason"] == "NonZeroExitCode"


def test_the_old_protocol_has_no_status(keys: Keys) -> None:
    with session(keys, greet, "channel.k8s.io") as (socket, _, _):
        assert socket.frames()[-2:] == [Frame(2, b"\x02err\n"), closing()]
    with session(keys, fail, "channel.k8s.io") as (socket, _, _):
        assert socket.frames() == [
            Frame(2, b"\x01"),
            Frame(2, b"\x03command [sh -c a >&2] failed"),
            closing(),
        ]


@pytest.mark.parametrize("protocol", ["base64.channel.k8s.io", "v4.base64.channel.k8s.io"])
def test_base64_in_text_frames(keys: Keys, protocol: str) -> None:
    async def one(io: ExecIO) -> dict[str, Any]:
        await io.write(1, await io.read_stdin())
        return SUCCESS

    with session(keys, one, protocol) as (socket, _, _):
        socket.send(b"0!not base64!", 1)
        socket.send(b"0" + base64.b64encode(b"hi\n"), 1)
        frames = socket.frames()
    assert frames[:2] == [Frame(1, b"1"), Frame(1, b"1aGkK")]
    assert (len(frames) == 4) == (protocol.startswith("v4"))


def test_who_offers_nothing_gets_the_oldest_protocol_by_its_empty_name(keys: Keys) -> None:
    with session(keys, greet, None) as (socket, _, _):
        assert socket.headers["sec-websocket-protocol"] == ""
        assert socket.frames()[1] == Frame(2, b"\x01out\n")


def test_the_first_known_protocol_is_chosen(keys: Keys) -> None:
    with session(keys, greet, "nope, v4.channel.k8s.io,v5.channel.k8s.io") as (socket, _, _):
        assert socket.headers["sec-websocket-protocol"] == "v4.channel.k8s.io"


def test_unknown_protocols_are_refused(keys: Keys) -> None:
    with session(keys, greet, "nope") as (socket, running, _):
        assert (socket.status, socket.body) == (403, b"")
        assert "content-type" not in socket.headers
    assert running.ended == []


def test_stdin_is_half_closed_in_version_5(keys: Keys) -> None:
    with session(keys, echo, "v5.channel.k8s.io") as (socket, running, _):
        socket.send(b"\x00hello\n")
        socket.send(b"\x04" + b'{"Width":80,"Height":24}')
        socket.send(b"\xff\x00")
        assert [frame.data for frame in socket.frames()[:-1]] == [
            b"\x01",
            b"\x01hello\n",
            b'\x03{"metadata":{},"status":"Success"}',
        ]
    assert running.ended == ["finished"]


def test_version_4_cannot_close_stdin_and_a_client_that_leaves_ends_the_command(keys: Keys) -> None:
    with session(keys, echo, "v4.channel.k8s.io") as (socket, running, _):
        socket.send(b"\x00hello\n")
        socket.send(b"\xff\x00")
        assert socket.receive() == Frame(2, b"\x01")
        assert socket.receive() == Frame(2, b"\x01hello\n")
        assert running.ended == []
        socket.close()
        until(lambda: running.ended == ["cancelled"])


def test_a_close_frame_ends_the_command(keys: Keys) -> None:
    with session(keys, echo, "v5.channel.k8s.io") as (socket, running, local):
        socket.receive()
        socket.send((1000).to_bytes(2, "big"), 8)
        until(lambda: running.ended == ["cancelled"])
        until(lambda: len(local.server.sessions) == 0)


def test_streams_that_were_not_asked_for_stay_silent(keys: Keys) -> None:
    with session(keys, greet, "v5.channel.k8s.io", stdin=False, stdout=False) as (socket, _, _):
        assert [frame.data[:4] for frame in socket.frames()[:2]] == [b"\x02", b"\x02err"]


def test_without_stdin_the_input_is_at_its_end(keys: Keys) -> None:
    with session(keys, echo, "v4.channel.k8s.io", stdin=False) as (socket, _, _):
        assert len(socket.frames()) == 3


def test_long_output_comes_in_pieces_and_whole(keys: Keys) -> None:
    async def long(io: ExecIO) -> dict[str, Any]:
        await io.write(1, b"x" * 1_000_000)
        return SUCCESS

    with session(keys, long, "v5.channel.k8s.io") as (socket, _, _):
        frames = socket.frames()
    assert max(len(frame.data) for frame in frames) <= channels.WRITE_BYTES + 1
    assert sum(frame.data.count(b"x") for frame in frames) == 1_000_000


def test_input_that_nobody_reads_does_not_pile_up(keys: Keys) -> None:
    async def deaf(io: ExecIO) -> dict[str, Any]:
        await io.sleep(0.2)
        return SUCCESS

    with session(keys, deaf, "v5.channel.k8s.io") as (socket, _, _):
        for _ in range(40):
            socket.send(b"\x00" + b"a" * 100_000)
        assert socket.frames()[-1] == closing()


def test_a_session_that_breaks_says_internal_error(
    keys: Keys, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(io: ExecIO) -> dict[str, Any]:
        raise RuntimeError("boom")

    with session(keys, broken, "v5.channel.k8s.io") as (socket, _, _):
        status = json.loads(socket.frames()[-2].data[1:])
    assert (status["status"], status["reason"]) == ("Failure", "InternalError")
    assert "boom" not in status["message"]
    assert "boom" in caplog.text


@pytest.mark.parametrize(
    ("head", "says"),
    [
        ("GET {} HTTP/1.1\r\n", b'"message":"Upgrade request required"'),
        (
            "POST {} HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n",
            b"over WebSocket only",
        ),
    ],
)
def test_other_ways_are_refused(keys: Keys, head: str, says: bytes) -> None:
    running = Session(greet)
    with (
        serving(keys, lambda request: Response(upgrade=running)) as local,
        connect(local.port, keys.ca_certificate) as connection,
    ):
        connection.sendall(f"{head.format(PATH)}Host: x\r\n\r\n".encode())
        said = connection.recv(65536)
        assert said.startswith(b"HTTP/1.1 400 Bad Request\r\n")
        assert says in said
        # The connection goes on.
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert b"Upgrade request required" in read_all(connection)


def test_a_refused_upgrade_is_an_ordinary_answer(keys: Keys) -> None:
    with serving(
        keys, lambda request: Response(404, {"Content-Type": "application/json"}, b"{}")
    ) as local:
        socket = WebSocket(connect(local.port, keys.ca_certificate), PATH, "v5.channel.k8s.io")
        assert (socket.status, socket.body) == (404, b"{}")
        socket.close()


def test_post_upgrades_too(keys: Keys) -> None:
    running = Session(greet)
    with serving(keys, lambda request: Response(upgrade=running)) as local:
        socket = WebSocket(
            connect(local.port, keys.ca_certificate), PATH, "v4.channel.k8s.io", method="POST"
        )
        assert socket.status == 101
        assert len(socket.frames()) == 5
        socket.close()


def test_only_so_many_at_a_time(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channels, "MAX_SESSIONS", 2)
    with serving(keys, lambda request: Response(upgrade=Session(echo))) as local:
        open_sockets = []
        for _ in range(2):
            socket = WebSocket(connect(local.port, keys.ca_certificate), PATH, "v5.channel.k8s.io")
            assert socket.receive() == Frame(2, b"\x01")
            open_sockets.append(socket)
        refused = WebSocket(connect(local.port, keys.ca_certificate), PATH, "v5.channel.k8s.io")
        assert (refused.status, refused.headers["retry-after"]) == (429, "1")
        assert json.loads(refused.body)["reason"] == "TooManyRequests"
        for socket in (*open_sockets, refused):
            socket.close()
        until(lambda: len(local.server.sessions) == 0)


def test_frames_that_break_the_rules_end_the_session(keys: Keys) -> None:
    with session(keys, echo, "v5.channel.k8s.io") as (socket, running, _):
        socket.receive()
        socket.send_raw(b"\x82\x03abc")  # not masked
        socket.send_raw(b"\xff\xff\xff\xff")
        until(lambda: running.ended == ["cancelled"])


def test_a_message_in_pieces_is_whole_and_has_a_limit(
    keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket, "MAX_MESSAGE_BYTES", 10)
    with session(keys, echo, "v5.channel.k8s.io") as (socket, running, _):
        socket.receive()
        socket.send_raw(b"\x02\x83\0\0\0\0\0ab" + b"\x89\x80\0\0\0\0" + b"\x80\x81\0\0\0\0c")
        assert socket.receive() == Frame(PONG, b"")
        assert socket.receive() == Frame(2, b"\x01abc")
        socket.send(b"\0" + b"a" * 10)
        assert socket.receive() == closing(1009)
        until(lambda: running.ended == ["cancelled"])


@pytest.mark.parametrize(
    ("version", "key"), [("8", "MDEyMzQ1Njc4OWFiY2RlZg=="), ("13", "short"), ("13", "")]
)
def test_a_bad_handshake_is_refused(keys: Keys, version: str, key: str) -> None:
    with (
        serving(keys, lambda request: Response(upgrade=Session(greet))) as local,
        connect(local.port, keys.ca_certificate) as connection,
    ):
        lines = f"Sec-WebSocket-Version: {version}\r\nSec-WebSocket-Key: {key}\r\n"
        upgrade = "Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        connection.sendall(f"GET {PATH} HTTP/1.1\r\n{upgrade}{lines}\r\n".encode())
        said = read_all(connection)
    assert said.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert said.endswith(b"\r\n\r\nbad handshake")


def test_a_ping_after_the_end_is_not_answered(keys: Keys) -> None:
    with session(keys, greet, "v5.channel.k8s.io") as (socket, _, _):
        while socket.receive() != closing():
            pass
        socket.send(b"there?", PING)
        socket.send((1000).to_bytes(2, "big"), 8)
        assert socket.receive() is None
