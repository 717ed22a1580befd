"""The checker of an nbgrader course: clusters, checks and the ledger, outside every kernel.

It listens on a Unix socket that only its owner may open. ``/open`` makes a cluster for one
notebook; ``/points`` judges one task of it and writes a line into the ledger.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from labkit.core.errors import LabkitError
from labkit.embedded.apiserver.serving.address import listen
from labkit.embedded.apiserver.serving.server import ApiServer
from labkit.embedded.cluster import Cluster
from labkit.embedded.machinery.pki.keys import Keys, new_token_key
from labkit.grading.exercise import find_exercise, task_card
from labkit.grading.grader import fresh_cluster, ground_in
from labkit.grading.lab_home import home_files
from labkit.grading.probes import Ground
from labkit.grading.score import score_task
from labkit.grading.seed import Draw
from labkit.grading.task import Exercise

MAX_OPEN = 64
"""Clusters kept at once; the oldest is closed for a new one."""


@dataclass
class Opened:
    """One notebook's cluster."""

    learner: str
    exercise: Exercise
    cluster: Cluster
    server: ApiServer
    ground: Ground


class Checker:
    """Answers notebooks.

    Args:
        ledger: The file that scores are written to, a JSON line each.
    """

    def __init__(self, ledger: Path) -> None:
        self._ledger = ledger
        self._token_key = new_token_key()
        self._open: dict[str, Opened] = {}

    def application(self) -> web.Application:
        """The HTTP application."""
        app = web.Application()
        app.router.add_post("/open", self._answer_open)
        app.router.add_post("/points", self._answer_points)
        app.on_shutdown.append(self._close_all)
        return app

    async def open(self, learner: str, exercise: str, home: Path) -> dict[str, Any]:
        """A fresh cluster for one notebook.

        Args:
            learner: Whose, which decides the names.
            exercise: The exercise's id.
            home: Where the notebook will keep its lab's state.

        Returns:
            ``ticket``, the ``files`` of that directory, and the tasks' ``texts``.

        Raises:
            UsageError: There is no such exercise.
        """
        found = find_exercise(exercise)
        # Every notebook can reach every port here, so each cluster has a CA of its own.
        keys = Keys.generate(self._token_key)
        cluster, events = fresh_cluster(keys, learner, found)
        server = ApiServer(cluster, listen(0))
        ticket = secrets.token_urlsafe(18)
        self._open[ticket] = Opened(learner, found, cluster, server, ground_in(cluster, events))
        while len(self._open) > MAX_OPEN:
            await self._close(next(iter(self._open)))
        texts = {task.id: task.brief(Draw(learner)).text for task in found.tasks}
        return {"ticket": ticket, "files": home_files(server.url, keys, home), "texts": texts}

    def points(self, ticket: str, task: str) -> dict[str, Any]:
        """Judge one task of one notebook, and write it down.

        Args:
            ticket: From ``open``.
            task: Such as ``4.1``.
        """
        opened = self._open.get(ticket)
        found = next((entry for entry in opened.exercise.tasks if entry.id == task), None) if opened else None
        if opened is None or found is None:
            return {"points": 0.0, "text": "The checker does not know this notebook or task."}
        result = score_task(opened.exercise, found, opened.learner, opened.ground)
        line = {
            "learner": opened.learner,
            "exercise": opened.exercise.id,
            "task": task,
            "ticket": ticket,
            "points": result.points,
            "most": result.most,
        }
        with self._ledger.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        return {"points": result.points, "most": result.most, "text": task_card(result).text()}

    async def _answer_open(self, request: web.Request) -> web.Response:
        asked = await request.json()
        try:
            answer = await self.open(str(asked["learner"]), str(asked["exercise"]), Path(str(asked["home"])))
            return web.json_response(answer)
        except LabkitError as error:
            return web.json_response({"error": str(error)}, status=400)

    async def _answer_points(self, request: web.Request) -> web.Response:
        asked = await request.json()
        return web.json_response(self.points(str(asked["ticket"]), str(asked["task"])))

    async def _close(self, ticket: str) -> None:
        opened = self._open.pop(ticket)
        await opened.server.close()
        opened.cluster.close()

    async def _close_all(self, _app: web.Application) -> None:
        for ticket in list(self._open):
            await self._close(ticket)


async def serve(path: Path, ledger: Path) -> None:
    """Serve until cancelled.

    Args:
        path: The Unix socket.
        ledger: The ledger's file.
    """
    path.unlink(missing_ok=True)
    runner = web.AppRunner(Checker(ledger).application(), access_log=None)
    await runner.setup()
    try:
        before = os.umask(0o177)  # nobody else may connect, not even for a moment
        try:
            await web.UnixSite(runner, str(path)).start()
        finally:
            os.umask(before)
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()
        path.unlink(missing_ok=True)
