"""`labkit class` as a teacher runs it: it prints its address, survives sleep and network changes, and ends in order."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from kube_embedded.tests.support.until import until
from labkit import cli
from labkit.classroom import serving
from labkit.classroom.server import SETTINGS
from labkit.classroom.store import Store, place
from labkit.core.sharing import ROOM, read_shared
from tests.classroom.room import Room, key
from tests.support.faketime import FAKETIME, MovableClock

START = "import sys; from labkit.cli import run; sys.exit(run(['class', 'start', *sys.argv[1:]]))"


class Started:
    """A class in a separate process, with its output; for https, ``trust`` is the file of an authority."""

    def __init__(self, *arguments: str, trust: Path | None = None) -> None:
        self._trust = trust
        self.process = subprocess.Popen(
            [sys.executable, "-c", START, *arguments],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ.copy(),
        )
        self.lines: list[str] = []
        stream = self.process.stdout
        assert stream is not None
        for line in stream:
            self.lines.append(line.rstrip("\n"))
            if line.startswith("Ctrl-C"):
                break
        self.text = "\n".join(self.lines)

    def value(self, name: str) -> str:
        """Return the text after a word at the beginning of a line."""
        (found,) = re.findall(rf"^{name}  +(.+)$", self.text, re.MULTILINE)
        return str(found)

    @property
    def port(self) -> int:
        return int(re.findall(r":(\d+)/vote", self.text)[0])

    def call(
        self, method: str, path: str, body: object = None, timeout: float = 300, key: str = ""
    ) -> int:
        """Send a request; its status."""
        return self._answer(method, path, body, timeout, key)[0]

    def everything(self) -> list[dict[str, Any]]:
        """The stored data of the class, as saved from the board."""
        return list(
            json.loads(self._answer("GET", "/teacher/everything", None, 300, self.board_key)[1])
        )

    @property
    def board_key(self) -> str:
        return self.value("Board").partition("#")[2]

    def _answer(
        self, method: str, path: str, body: object, timeout: float, key: str
    ) -> tuple[int, bytes]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        if self._trust:
            context = ssl.create_default_context(cafile=self._trust)
            connection = HTTPSConnection("127.0.0.1", self.port, timeout=timeout, context=context)
        try:
            connection.request(method, path, json.dumps(body), {"Authorization": f"Bearer {key}"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def join(self, number: int, timeout: float = 300) -> int:
        """Join as a lab; the status."""
        body = {"code": self.value("Join code"), "key": key(number), "name": f"Learner {number}"}
        return self.call("PUT", "/api/learner", body, timeout)

    def ask(self, source: str) -> None:
        """Ask the room as the board does."""
        assert self.call("POST", "/teacher/ask", {"source": source}, key=self.board_key) == 200

    def vote(self, question: int, choice: int) -> int:
        """Answer in the first round as a browser; the status."""
        body = {
            "code": self.value("Join code"),
            "token": key(1),
            "question": question,
            "round": 1,
            "choice": choice,
        }
        return self.call("PUT", "/api/vote", body)

    def end(self, number: signal.Signals = signal.SIGINT) -> tuple[int, str]:
        """End it; return its exit code and last output."""
        self.process.send_signal(number)
        rest, _ = self.process.communicate()
        return self.process.returncode, rest


@contextmanager
def started(*arguments: str, trust: Path | None = None) -> Iterator[Started]:
    running = Started(*arguments, trust=trust)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.end(signal.SIGKILL)


def test_a_class_survives_a_kill_and_goes_on_at_its_address(
    labkit_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with started("--port", "0") as first:
        assert (
            first.value("Answers")
            == f"http://127.0.0.1:{first.port}/vote#{first.value('Join code')}"
        )
        assert (
            first.value("Labs")
            == f'lab.join("http://127.0.0.1:{first.port}", "{first.value("Join code")}")'
        )
        assert SETTINGS["alone"] in first.text
        assert "▀" in first.text
        assert first.join(1) == 200
        assert cli.run(["class", "start", "--port", "0"]) == 7
        assert "another process has it open" in capsys.readouterr().err
        assert cli.run(["class", "delete", "--yes"]) == 7
        first.end(signal.SIGKILL)
    with started("--port", str(first.port)) as again:
        assert again.value("Board") == first.value("Board")
        assert again.join(2) == 200
        status, said = again.end()
        assert (status, "The class is kept." in said) == (0, True)
    store = Store(place())
    assert [row["name"] for row in store.rows("learners", "id")] == ["Learner 1", "Learner 2"]
    store.close()


def test_what_the_room_sees_is_shared_with_the_demo_of_this_user(labkit_home: Path) -> None:
    with started("--port", "0") as running:
        until(lambda: read_shared(ROOM) == {"id": 0, "source": ""})
        running.ask("W17")
        until(lambda: (read_shared(ROOM) or {}).get("source") == "W17")
        asked = read_shared(ROOM)
        assert asked is not None
        assert running.vote(asked["id"], 1) == 200
        until(lambda: (read_shared(ROOM) or {}).get("answers") == [1, 0])
        asked = read_shared(ROOM) or {}
        assert not {"rounds", "right", "because"} & set(asked), "the board has not shown them"
        assert running.board_key not in json.dumps(asked)
        assert running.end()[0] == 0
    assert read_shared(ROOM) is None
    assert not (labkit_home / ROOM).exists()


def test_a_laptop_that_slept_goes_on(labkit_home: Path) -> None:
    with started("--port", "0") as running:
        assert running.join(1) == 200
        running.process.send_signal(signal.SIGSTOP)
        answered: list[int] = []
        waiting = threading.Thread(target=lambda: answered.append(running.join(2)))
        waiting.start()
        with pytest.raises(TimeoutError):
            running.join(3, timeout=0.2)
        assert answered == []
        running.process.send_signal(signal.SIGCONT)
        waiting.join()
        assert answered == [200]
        assert running.end(signal.SIGTERM)[0] == 0


@pytest.mark.skipif(
    FAKETIME is None, reason="faketime is not here; the test above sleeps without a later clock"
)
@pytest.mark.parametrize("woken", ["+9h", "-2d"])
def test_a_laptop_that_wakes_up_with_another_time_goes_on(
    labkit_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, woken: str
) -> None:
    clock = MovableClock(tmp_path / "clock")
    for name, value in clock.environment.items():
        monkeypatch.setenv(name, value)
    with started("--port", "0") as running:
        assert running.join(1) == 200
        running.process.send_signal(signal.SIGSTOP)
        clock.move(woken)
        running.process.send_signal(signal.SIGCONT)
        assert running.join(1) == 200
        assert running.join(2) == 200
        running.ask("W15")
        assert running.vote(1, 0) == 200
        assert [row["what"] for row in running.everything()] == ["question"]
        assert running.end(signal.SIGTERM)[0] == 0


def test_the_site_is_served_beside_the_class(labkit_home: Path, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("the lab", encoding="utf-8")
    with started("--port", "0", "--site", str(tmp_path)) as running:
        link = urlsplit(running.value("The lab"))
        assert (link.hostname, link.path) == ("127.0.0.1", "/site/index.html")
        assert link.port != running.port, "another origin than the board's"
        connection = HTTPConnection("127.0.0.1", link.port)
        (tmp_path / ".git").mkdir()
        (tmp_path / ".git" / "config").write_text("the lab")
        for path, status in (
            ("/site/index.html", 200),
            ("/site/.git/config", 404),
            ("/site/%2egit/config", 404),
            ("/board", 404),
            ("/teacher/everything", 404),
            ("/site/../class.db", 404),
            ("/site/%2e%2e/x", 404),
        ):
            connection.request("GET", path)
            answer = connection.getresponse()
            assert answer.status == status, path
            assert (answer.read() == b"the lab") == (status == 200)
        connection.close()
        connection = HTTPConnection("127.0.0.1", running.port)
        connection.request("GET", "/site/index.html")
        assert connection.getresponse().status == 404
        connection.close()
        for path, allowed in (
            ("/api/learner", True),
            ("/api/vote", False),
            ("/teacher/ask", False),
        ):
            connection.request("OPTIONS", path)
            answer = connection.getresponse()
            answer.read()
            origin = answer.getheader("Access-Control-Allow-Origin")
            assert origin == (f"http://{link.netloc}" if allowed else None), path
        connection.close()


def test_what_cannot_be_served_is_said(
    labkit_home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert cli.run(["class", "start", "--port", port]) == 2
    error = capsys.readouterr().err
    assert f"The class cannot listen on 127.0.0.1, port {port}." in error
    assert "a free --port" in error
    assert cli.run(["class", "start", "--listen", "203.0.113.7", "--port", "0"]) == 2
    (tmp_path / "x.pem").write_text("no certificate", encoding="utf-8")
    assert cli.run(["class", "start", "--certificate", str(tmp_path / "x.pem")]) == 2
    assert "the PEM files of a certificate and its key" in capsys.readouterr().err


def test_a_class_is_deleted(labkit_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Room(place()) as room:
        room.join(1, "Ada")
    assert cli.run(["class", "delete", "--yes"]) == 0
    assert not place().exists()
    assert cli.run(["class", "delete", "--yes"]) == 3
    assert "There is no class here.\n  try: Begin one: labkit class start.\n" in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("listen", "alone", "host"),
    [
        ("127.0.0.1", True, "127.0.0.1"),
        ("::1", True, "[::1]"),
        ("localhost", True, "localhost"),
        ("192.168.1.7", False, "192.168.1.7"),
        ("0.0.0.0", False, serving.own_address()),
    ],
)
def test_an_address_says_who_reaches_it(listen: str, alone: bool, host: str) -> None:
    assert serving.is_loopback(listen) is alone
    assert serving.address(listen, 8440) == f"http://{host}:8440"


def test_without_segno_the_address_does(monkeypatch: pytest.MonkeyPatch) -> None:
    text, picture = serving.qr("http://127.0.0.1:8440/vote#CODE")
    assert "▀" in text
    assert picture.startswith("data:image/svg+xml")
    monkeypatch.setitem(sys.modules, "segno", None)
    assert serving.qr("http://127.0.0.1:8440/vote#CODE") == ("", "")
