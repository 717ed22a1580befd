"""A request in process means what it means over TLS."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from kube_embedded.apiserver.serving.inprocess import ask
from kube_embedded.machinery.request import PeerCertificate, Request, Response


def test_a_request_is_read_as_over_the_wire() -> None:
    seen: list[Request] = []

    def handle(request: Request) -> Response:
        seen.append(request)
        return Response(201, {"A": "b"}, b"made")

    alice = PeerCertificate("alice", (), "0")
    headers = [
        ("Impersonate-Group", "a"),
        ("impersonate-group", "b"),
        ("Accept", "x"),
        ("Accept", "y"),
    ]
    answer = ask(handle, "POST", "/a%2Fb?x=1&x=%zz", headers=headers, body=b"{}", certificate=alice)
    assert (answer.status, answer.headers, answer.body) == (201, {"A": "b"}, b"made")
    (request,) = seen
    assert (request.path, request.query, request.raw_uri) == (
        "/a/b",
        {"x": ["1"]},
        "/a%2Fb?x=1&x=%zz",
    )
    assert request.headers == {"impersonate-group": "a", "accept": "x"}
    assert request.header_values == {"impersonate-group": ["a", "b"], "accept": ["x", "y"]}
    assert request.certificate is alice


def test_a_bad_target_is_refused_before_the_cluster_sees_it() -> None:
    assert ask(lambda request: Response(200), "GET", "/%zz").status == 400


def test_warnings_come_along_and_a_head_has_no_body() -> None:
    answer = ask(lambda request: Response(200, {}, b"body", warnings=("careful",)), "HEAD", "/")
    assert (answer.body, answer.warnings) == (b"", ("careful",))


class Ready:
    timeout_seconds = 60.0
    closed = False

    def __init__(self) -> None:
        self.events = [[b"one\n"], [b"two\n"]]

    def read(self) -> list[bytes]:
        return self.events.pop(0) if self.events else []

    def on_ready(self, wake: Any) -> None:
        raise AssertionError("nobody waits")

    def close(self) -> None:
        self.closed = True


def test_of_a_stream_what_is_there_at_once() -> None:
    stream = Ready()
    assert ask(lambda request: Response(200, stream=stream), "GET", "/").body == b"one\ntwo\n"
    assert stream.closed


def test_no_server_library_is_loaded() -> None:
    code = "import sys, kube_embedded.apiserver.serving.inprocess; sys.exit('httptools' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[4]).returncode == 0
    )
