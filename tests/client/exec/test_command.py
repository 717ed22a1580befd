"""Exec, against the recorded frames of a real kubelet."""

from __future__ import annotations

import asyncio
import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from aiohttp import WSMsgType, web

from labkit.client.client import Client
from labkit.client.exec import command
from labkit.client.exec.completed import CompletedExec
from labkit.client.exec.connection import COUNTED
from labkit.client.exec.failures import UnknownProtocol, lacks_program
from labkit.client.transport import Endpoint, ExecOutput
from labkit.core.errors import ExecFailed, Unreachable

RECORDED = json.loads((Path(__file__).parents[2] / "parity" / "data" / "exec.json").read_text())
BY_NAME: dict[str, dict[str, Any]] = {entry["name"]: entry for entry in RECORDED}


class Kubelet:
    """Answers one recorded exchange, whatever the command."""

    def __init__(
        self, recorded: dict[str, Any], *, hang: bool = False, speaks: str = "v5.channel.k8s.io"
    ) -> None:
        self.recorded, self.hang, self.speaks = recorded, hang, speaks
        self.queries: list[list[tuple[str, str]]] = []
        self.received: list[tuple[int, bytes]] = []

    async def exec(self, request: web.Request) -> web.StreamResponse:
        self.queries.append(parse_qsl(request.query_string))
        recorded = self.recorded
        if self.speaks not in request.headers["Sec-WebSocket-Protocol"]:
            # As v1.20 does: no body, and the command is not started.
            return web.Response(status=403)
        if "status" in recorded:
            kind = recorded["headers"].get("content-type", "text/plain").partition(";")[0]
            return web.Response(status=recorded["status"], text=recorded["body"], content_type=kind)
        socket = web.WebSocketResponse(protocols=[self.speaks])
        await socket.prepare(request)
        for _ in recorded["sent"]:
            message = await socket.receive()
            assert message.type == WSMsgType.BINARY
            self.received.append((message.data[0], message.data[1:]))
        for frame in recorded["frames"]:
            await socket.send_bytes(bytes([frame["channel"]]) + frame["data"].encode())
        if self.hang:
            await socket.receive()  # until the client has had enough
        await socket.close()
        return socket

    async def pod(self, _request: web.Request) -> web.Response:
        containers = [{"name": "main"}, {"name": "ambassador"}]
        return web.json_response(
            {"kind": "Pod", "metadata": {}, "spec": {"containers": containers}}
        )


@contextmanager
def serving(kubelet: Kubelet) -> Iterator[Client]:
    loop = asyncio.new_event_loop()
    ready = threading.Event()
    ports: list[int] = []
    stop = asyncio.Event()

    async def main() -> None:
        app = web.Application()
        path = "/api/v1/namespaces/{namespace}/pods/{pod}"
        app.router.add_get(f"{path}/exec", kubelet.exec)
        app.router.add_get(path, kubelet.pod)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        ports.append(runner.addresses[0][1])
        ready.set()
        await stop.wait()
        await runner.cleanup()

    thread = threading.Thread(target=lambda: loop.run_until_complete(main()))
    thread.start()
    assert ready.wait(30)
    try:
        yield Client(Endpoint(f"http://127.0.0.1:{ports[0]}"))
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


def test_output_and_exit_code_zero() -> None:
    kubelet = Kubelet(BY_NAME["echo ['v5.channel.k8s.io']"])
    with serving(kubelet) as client:
        done = command.run(client, "default/curl", ["echo", "hi"])
    assert (done.returncode, done.stdout, done.stderr, done.args) == (0, "hi\n", "", ["echo", "hi"])
    assert kubelet.queries[0] == [
        ("command", "echo"),
        ("command", "hi"),
        ("container", "main"),
        ("stdout", "true"),
        ("stderr", "true"),
    ]


def test_both_streams_and_another_exit_code() -> None:
    with serving(Kubelet(BY_NAME["exit 3 v5.channel.k8s.io"])) as client:
        done = command.run(client, "default/curl", ["sh", "-c", "..."])
    assert (done.returncode, done.stdout, done.stderr, done.ok) == (3, "out\n", "err\n", False)


def test_standard_input_is_sent_and_closed() -> None:
    kubelet = Kubelet(BY_NAME["stdin v5.channel.k8s.io"])
    with serving(kubelet) as client:
        done = command.run(client, "default/curl", ["cat"], stdin="hello\n")
    assert done.stdout == "hello\n"
    assert kubelet.received == [(0, b"hello\n"), (255, b"\0")]


V4 = "v4.channel.k8s.io"


def test_an_old_server_cannot_be_told_the_inputs_end_so_it_is_counted() -> None:
    frames = [{"channel": 1, "data": "hällo"}, {"channel": 3, "data": '{"status":"Success"}'}]
    kubelet = Kubelet({"sent": [1], "frames": frames}, speaks=V4)
    with serving(kubelet) as client:
        done = command.run(client, "default/curl", ["cat", "-"], stdin="hällo")
    assert (done.args, done.returncode, done.stdout) == (["cat", "-"], 0, "hällo")
    assert kubelet.received == [(0, "hällo".encode())]
    words = [value for key, value in kubelet.queries[-1] if key == "command"]
    assert words == ["sh", "-c", COUNTED, "6", "cat", "-"]
    real = subprocess.run(
        [*words[:5], "-"], input=b"h\xc3\xa4llo and more", capture_output=True, check=True
    )
    assert real.stdout == "hällo".encode()


def test_on_an_old_server_a_missing_program_is_an_error_and_its_exit_code_127_is_none() -> None:
    ended = {
        "channel": 3,
        "data": '{"status":"Failure","details":{"causes":[{"reason":"ExitCode","message":"127"}]}}',
    }
    for written, missing in (
        ("exec: bash: not found\n", True),
        ("bash: line 1: nosuch: command not found\n", False),
    ):
        kubelet = Kubelet(
            {"sent": [1], "frames": [{"channel": 2, "data": written}, ended]}, speaks=V4
        )
        with serving(kubelet) as client:
            if missing:
                with pytest.raises(ExecFailed) as caught:
                    command.run(client, "default/curl", ["bash", "-c", "nosuch"], stdin="x")
                assert lacks_program(caught.value, "bash")
            else:
                assert (
                    command.run(
                        client, "default/curl", ["bash", "-c", "nosuch"], stdin="x"
                    ).returncode
                    == 127
                )


def test_an_old_server_needs_no_detour_where_nothing_is_fed() -> None:
    frames = [{"channel": 1, "data": "hi"}, {"channel": 3, "data": '{"status":"Success"}'}]
    kubelet = Kubelet({"sent": [], "frames": frames}, speaks=V4)
    with serving(kubelet) as client:
        assert command.run(client, "default/curl", ["echo", "hi"]).stdout == "hi"
    assert len(kubelet.queries) == 1


@pytest.mark.parametrize(
    ("name", "status", "why", "todo"),
    [
        ("bad container", 400, "container zz is not valid for pod curl", "spec.containers tells"),
        ("missing pod", 404, 'pods "ghost" not found', "Is the pod there"),
        ("finished pod", 500, 'container not found ("main")', "Is the pod there"),
        ("no command", 500, "args must not be empty", "image has"),
        ("no such command", 500, "nosuch", "image has"),
    ],
)
def test_a_refusal_is_an_error_with_the_servers_words(
    name: str, status: int, why: str, todo: str
) -> None:
    with (
        serving(Kubelet(BY_NAME[f"{name} v5.channel.k8s.io"])) as client,
        pytest.raises(ExecFailed) as caught,
    ):
        command.run(client, "default/curl", ["ls"])
    assert caught.value.status == status
    assert why in caught.value.why
    assert todo in caught.value.todo


def test_a_refusal_is_final_where_input_would_be_fed() -> None:
    kubelet = Kubelet(BY_NAME["missing pod v5.channel.k8s.io"])
    with serving(kubelet) as client, pytest.raises(ExecFailed) as caught:
        command.run(client, "default/ghost", ["cat"], stdin="x")
    assert caught.value.status == 404
    assert 'pods "ghost" not found' in caught.value.why
    assert len(kubelet.queries) == 1


@pytest.mark.parametrize(("code", "why"), [(101, ""), (404, 'pods "ghost" not found')])
def test_a_server_in_this_process_refuses_with_its_code(code: int, why: str) -> None:
    body = {"kind": "Status", "message": why} if why else {"status": "Success"}
    client = Client(Endpoint("http://127.0.0.1:1"))
    output = ExecOutput(code, json.dumps(body).encode(), b"out\n")
    client.transport.exec = lambda *_: output  # type: ignore[method-assign]
    if code == 101:
        done = command.run(client, "default/ghost", ["ls"], container="main")
        assert (done.stdout, done.returncode) == ("out\n", 0)
        return
    with pytest.raises(ExecFailed) as caught:
        command.run(client, "default/ghost", ["ls"], container="main")
    assert (caught.value.status, caught.value.why) == (404, why)


def test_a_server_that_speaks_no_known_protocol_has_refused() -> None:
    kubelet = Kubelet(BY_NAME["echo ['v5.channel.k8s.io']"], speaks="v9.channel.k8s.io")
    for stdin, tries in ((None, 1), ("x", 3)):
        with serving(kubelet) as client, pytest.raises(ExecFailed) as caught:
            command.run(client, "default/curl", ["cat"], stdin=stdin)
        assert caught.value.status == 403
        assert not isinstance(caught.value, UnknownProtocol)
        assert len(kubelet.queries) == tries


def test_a_missing_shell_makes_it_try_the_next() -> None:
    missing = {
        "frames": [
            {
                "channel": 3,
                "data": '{"status":"Failure","code":500,"message":"exec: \\"bash\\": not found"}',
            }
        ],
        "sent": [],
    }
    kubelet = Kubelet(missing)
    with serving(kubelet) as client, pytest.raises(ExecFailed):
        command.run_shell(client, "default/curl", "ls | wc")
    commands = [[value for key, value in query if key == "command"] for query in kubelet.queries]
    assert commands == [["bash", "-c", "ls | wc"], ["sh", "-c", "ls | wc"]]


def test_a_command_that_takes_too_long_is_cut_off() -> None:
    with serving(
        Kubelet({"frames": [{"channel": 1, "data": "so far"}], "sent": []}, hang=True)
    ) as client:
        done = command.run(
            client, "default/curl", ["sleep", "9"], container="main", timeout_seconds=2
        )
    assert (done.returncode, done.stdout) == (command.TIMED_OUT, "so far")
    assert "cut off after 2 s" in done.stderr


def test_a_connection_that_ends_early_is_said() -> None:
    kubelet = Kubelet({"frames": [{"channel": 1, "data": "half"}], "sent": []})
    with (
        serving(kubelet) as client,
        pytest.raises(ExecFailed, match="ended before the command did"),
    ):
        command.run(client, "default/curl", ["ls"], container="main")


def test_nothing_listening_is_said() -> None:
    with pytest.raises(Unreachable):
        command.run(
            Client(Endpoint("http://127.0.0.1:9")), "default/curl", ["ls"], container="main"
        )


def test_the_result_shows_itself_without_tokens() -> None:
    token = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwcyJ9.c2lnbmF0dXJlLXNpZ25hdHVyZQ"
    done = CompletedExec(["bash", "-c", "cat token"], 0, token, "", "default/curl", "main")
    assert done.stdout == token
    for text in (repr(done), done._repr_html_(), str(done.summary())):
        assert "c2lnbmF0dXJl" not in text
    assert "ran  cat token" in repr(done)


def test_a_printed_status_tells_the_http_status() -> None:
    def printed(text: str) -> int:
        return CompletedExec(["x"], 0, text, "").status

    assert printed('{"kind":"Status","code":403}') == 403
    assert printed('{"kind":"ServiceList","items":[]}') == 200
    assert printed("hello") == 0
    assert printed("[1]") == 0
