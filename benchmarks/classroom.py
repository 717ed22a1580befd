"""How a class of 40 and of 200 fares on its teacher's laptop, where all open, answer and check at once.

Each simulated browser opens the page with its script and style, follows the question, and answers over connections of
its own; each simulated lab joins and sends outcomes. They share the processors with the server.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any

import aiohttp
import psutil

OUTCOMES = 30


def classes() -> Iterator[tuple[str, str, str]]:
    """Rows for the report."""
    for size in (40, 200):
        with tempfile.TemporaryDirectory(prefix="labkit-bench-") as folder:
            yield from _measure(folder, size)


def _measure(folder: str, size: int) -> Iterator[tuple[str, str, str]]:
    command = [sys.executable, "-m", "labkit", "class", "start", "--port", "0"]
    environment = {**os.environ, "LABKIT_HOME": folder}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        text = ""
        while "Ctrl-C" not in text:
            text += process.stdout.readline()
        try:
            found = asyncio.run(_Class(text, size, psutil.Process(process.pid)).run())
        finally:
            process.terminate()
            process.communicate()
    goals = {
        "the page is there, slowest": "2 s",
        "an answer is on the board, slowest": "1 s",
        "memory": "300 MiB",
    }
    for what, measured in found.items():
        yield f"a class of {size}: {what}", measured, goals.get(what, "")


class _Class:
    def __init__(self, text: str, size: int, process: psutil.Process) -> None:
        self.base = re.findall(r"(http://\S+)/vote", text)[0]
        self.code = re.findall(r"Join code  (\w+)", text)[0]
        self.key = re.findall(r"board#(\S+)", text)[0]
        self.size, self.process, self.bytes = size, process, 0
        self.board: dict[str, Any] = {}
        self.news = asyncio.Event()

    async def run(self) -> dict[str, str]:
        """Hold a class; what was measured."""
        limits = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(
            self.base, connector=limits, read_bufsize=2**20
        ) as self.http:
            watching = asyncio.create_task(self._watch())
            await self._teach("ask", {"source": "W17"})
            before = self._cpu()
            opened = sorted(await asyncio.gather(*(self._open() for _ in range(self.size))))
            answered = time.perf_counter()
            await asyncio.gather(*(self._vote(number) for number in range(self.size)))
            accepted = time.perf_counter() - answered
            late = await self._shown(
                lambda: self.board["question"]["answers"][0] == self.size, answered
            )
            lonely = time.perf_counter()
            await self._vote(0, 1)
            await self._teach("question", {"question": 1, "do": "show"})
            alone = await self._shown(
                lambda: self.board["question"].get("rounds", [[0, 0]])[0][1] == 1, lonely
            )
            per_voter, sent = (self._cpu() - before) / self.size, self.bytes / self.size
            before = self._cpu()
            begun = time.perf_counter()
            await asyncio.gather(*(self._lab(number) for number in range(self.size)))
            labs, per_lab = time.perf_counter() - begun, (self._cpu() - before) / self.size
            memory = self.process.memory_info().rss / 2**20
            watching.cancel()
        return {
            "the page is there, slowest": f"{opened[-1]:.2f} s, median {opened[len(opened) // 2]:.2f} s",
            "all answers are kept": f"{accepted:.2f} s",
            "an answer is on the board, slowest": f"{late:.2f} s when all answer at once; {alone:.2f} s for one",
            f"each lab joins and sends {OUTCOMES} outcomes": f"{labs:.2f} s for all",
            "processor time": f"{per_voter * 1000:.1f} ms for a phone, {per_lab * 1000:.1f} ms for a lab",
            "bytes to a phone": f"{sent / 1024:.0f} KiB with the page",
            "memory": f"{memory:.0f} MiB",
        }

    def _cpu(self) -> float:
        times = self.process.cpu_times()
        return float(times.user + times.system)

    async def _teach(self, path: str, body: object) -> None:
        headers = {"Authorization": f"Bearer {self.key}"}
        async with self.http.post(
            f"/teacher/{path}", data=json.dumps(body), headers=headers
        ) as answer:
            assert answer.status == 200, await answer.text()

    async def _watch(self) -> None:
        """Follow the board."""
        headers = {"Authorization": f"Bearer {self.key}"}
        async with self.http.get("/teacher/events", headers=headers) as answer:
            async for line in answer.content:
                if line.startswith(b"data: "):
                    self.board = json.loads(line[6:])
                    self.news.set()

    async def _shown(self, true: Any, begun: float) -> float:
        """Wait until the board shows something; how long it took."""
        while not (self.board and true()):
            self.news.clear()
            await self.news.wait()
        return time.perf_counter() - begun

    async def _open(self) -> float:
        """Open the page, as a browser does, until the question is there; how long it took."""
        begun = time.perf_counter()
        for path in ("/vote", "/class.css", "/vote.js", "/class.js"):
            async with self.http.get(path) as answer:
                self.bytes += len(await answer.read())
        # The connection stays, as that of a phone does.
        answer = await self.http.get("/api/events")
        self.bytes += len(await answer.content.readline())
        return time.perf_counter() - begun

    async def _vote(self, number: int, choice: int = 0) -> None:
        body = {
            "code": self.code,
            "token": f"{number:032x}",
            "question": 1,
            "round": 1,
            "choice": choice,
        }
        async with self.http.put("/api/vote", data=json.dumps(body)) as answer:
            assert answer.status == 200, await answer.text()

    async def _lab(self, number: int) -> None:
        key = f"{number:032x}"
        body = {"code": self.code, "key": key, "name": f"Learner {number}"}
        async with self.http.put("/api/learner", data=json.dumps(body)) as answer:
            assert answer.status == 200, await answer.text()
        for place in range(OUTCOMES):
            step, failed = f"W{place % 24 + 1}", place % 3 == 0
            told = {
                "number": place + 1,
                "step": step,
                "state": "failed" if failed else "passed",
                "guess": "",
                "ago": 0,
            }
            told["kind"] = "one-refusal-for-all" if failed else ""
            headers = {"Authorization": f"Bearer {key}"}
            async with self.http.post(
                "/api/outcomes", data=json.dumps({"outcomes": [told]}), headers=headers
            ) as answer:
                assert answer.status == 200, await answer.text()
