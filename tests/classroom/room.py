"""A class in this process, on a free port: its server runs in a thread, and tests speak HTTP with it."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from aiohttp import web

from kube_embedded.tests.support.until import until
from labkit.classroom import joining
from labkit.classroom.connections import GuardedRunner
from labkit.classroom.server import Classroom
from labkit.classroom.store import Store


class Room:
    """A running class.

    Args:
        path: The file of its store.
        port: 0 chooses a free one.
        site: A build of the lab's page, which it serves too.
    """

    def __init__(self, path: Path, port: int = 0, site: Path | None = None) -> None:
        self._path, self._asked, self._site = path, port, site
        self._ended: asyncio.Event
        self._ready = threading.Event()
        self._failed: BaseException | None = None
        self.port = 0
        self.url = ""
        """The address of the site."""

    def __enter__(self) -> Room:
        self._thread = threading.Thread(target=self._run, name="the class")
        self._thread.start()
        self._ready.wait()
        if self._failed:
            self._thread.join()
            raise self._failed
        return self

    def __exit__(self, *_: object) -> None:
        until(lambda: not joining._sending)  # labs of this process
        self.loop.call_soon_threadsafe(self._ended.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            self._failed = error
            self._ready.set()

    async def _serve(self) -> None:
        self.loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        self.store = Store(self._path)  # SQLite's connection is this thread's
        self.classroom = classroom = Classroom(self.store, self._site)
        apps = [classroom.app(), *([classroom.site_app()] if self._site else [])]
        runners = [GuardedRunner(app, shutdown_timeout=0.1) for app in apps]
        for number, runner in enumerate(runners):
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", self._asked and self._asked + number).start()
        self.port = runners[0].addresses[0][1]
        if self._site:
            classroom.site_link = f"http://127.0.0.1:{runners[1].addresses[0][1]}"
        self.url = f"{classroom.site_link}/site/"
        self._ready.set()
        await self._ended.wait()
        await asyncio.gather(*(runner.cleanup() for runner in runners))
        for _ in range(10):
            await asyncio.sleep(0)  # closed connections say so to the loop
        self.store.close()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def call(self, method: str, path: str, body: object = None, key: str = "") -> tuple[int, Any]:
        """A request: its status, and the JSON or text of its answer."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=300)
        try:
            text = body if isinstance(body, bytes | None) else json.dumps(body)
            connection.request(
                method, path, text, {"Authorization": f"Bearer {key}"} if key else {}
            )
            answer = connection.getresponse()
            read = answer.read().decode()
            is_json = answer.headers.get_content_type() == "application/json"
            return answer.status, json.loads(read) if is_json else read
        finally:
            connection.close()

    def teach(self, method: str, path: str, body: object = None) -> Any:
        """A request with the board's key, which has to be granted."""
        status, answer = self.call(method, f"/teacher/{path}", body, self.store.teacher_key)
        assert status == 200, answer
        return answer

    def ask(self, **body: object) -> int:
        """Open a question."""
        self.teach("POST", "ask", body)
        return int(self.seen()["question"]["id"])

    def do(self, action: str) -> None:
        """Press a button of the board."""
        self.teach("POST", "question", {"question": self.seen()["question"]["id"], "do": action})

    def vote(self, voter: int, choice: object, number: int = 1, **other: object) -> tuple[int, Any]:
        """Answer as one of the browsers."""
        body = {
            "code": self.store.code,
            "token": key(voter),
            "question": self.seen()["question"]["id"],
        }
        return self.call("PUT", "/api/vote", {**body, "round": number, "choice": choice, **other})

    def join(self, learner: int, name: object = "", **other: object) -> tuple[int, Any]:
        """Join as one of the labs."""
        return self.call(
            "PUT",
            "/api/learner",
            {"code": self.store.code, "key": key(learner), "name": name, **other},
        )

    def send(self, learner: int, *outcomes: object) -> tuple[int, Any]:
        """Send outcomes as one of the labs."""
        return self.call("POST", "/api/outcomes", {"outcomes": list(outcomes)}, key(learner))

    def seen(self) -> dict[str, Any]:
        """The content of the board."""
        with self.following("/teacher/events", self.store.teacher_key) as messages:
            return next(messages)

    def public(self) -> dict[str, Any]:
        """The part of the question that every phone gets."""
        with self.following("/api/events") as messages:
            found: dict[str, Any] = next(messages)["question"]
            return found

    @contextmanager
    def following(self, path: str, key: str = "") -> Iterator[Iterator[dict[str, Any]]]:
        """The messages of a stream."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=300) as connection:
            connection.sendall(
                f"GET {path} HTTP/1.0\r\nAuthorization: Bearer {key}\r\n\r\n".encode()
            )
            with connection.makefile("rb") as lines:
                yield (json.loads(line[6:]) for line in lines if line.startswith(b"data: "))


def key(number: int) -> str:
    """A key of a learner or the token of a browser."""
    return f"{number:032x}"


def outcome(
    number: int, step: str, state: str = "passed", kind: str = "", **other: object
) -> dict[str, object]:
    """An outcome as a lab sends it."""
    return {
        "number": number,
        "step": step,
        "state": state,
        "kind": kind,
        "guess": "",
        "ago": 0,
        **other,
    }
