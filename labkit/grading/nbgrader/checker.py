"""The checker of an nbgrader course: clusters, checks and the ledger, in a process without learners' code.

It listens on a Unix socket of mode 0600. ``/open`` creates a cluster for one notebook;
``/points`` judges one task on it and appends a line to the ledger.
"""

import asyncio
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from kube_embedded import ApiServer, Keys, listen, new_token_key
from labkit.core.errors import LabkitError
from labkit.core.language import shown

from ..clusters.embedded_cluster import EmbeddedCluster
from ..clusters.lab_home import home_files
from ..exercises.course_secret import CourseSecret, seed_name
from ..exercises.exercise import task_card
from ..judging.findings import check_task
from ..judging.score import score_task
from ..tasks import find_exercise

MAX_CLUSTERS = 64
"""How many clusters are open at once; the oldest is closed for a new one."""


@dataclass(frozen=True, slots=True)
class OpenCluster:
    """One notebook's cluster and its server."""

    learner: str
    cluster: EmbeddedCluster
    server: ApiServer


class Checker:
    """Opens clusters for notebooks, judges them, and appends scores to the ledger, a JSON line each."""

    def __init__(self, ledger: Path, secret: CourseSecret | None = None) -> None:
        self._ledger = ledger
        self._secret = secret
        self._token_key = new_token_key()
        self._open: dict[str, OpenCluster] = {}

    def application(self) -> web.Application:
        """Make the HTTP application."""
        app = web.Application()
        app.router.add_post("/open", self._answer_open)
        app.router.add_post("/points", self._answer_points)
        app.on_shutdown.append(self._close_all)
        return app

    async def open(self, learner: str, exercise: str, home: Path) -> dict[str, Any]:
        """Create and serve a cluster for one notebook, whose ``LABKIT_HOME`` is ``home``.

        Returns:
            ``ticket``, the ``files`` of that directory, and the tasks' ``texts``.

        Raises:
            UsageError: There is no such exercise.
        """
        spec = find_exercise(exercise)
        # Every notebook can reach every port here, so no two clusters share a CA.
        keys = Keys.generate(self._token_key)
        seeded = seed_name(learner, self._secret.code(learner) if self._secret else "")
        cluster = EmbeddedCluster(keys, spec, seeded)
        cluster.set_up()
        server = ApiServer(cluster.cluster, listen(0))
        # Unguessable, so that a notebook cannot have another one's cluster judged.
        ticket = secrets.token_urlsafe(18)
        self._open[ticket] = OpenCluster(learner, cluster, server)
        # Notebooks do not announce their end, so clusters are closed by age.
        while len(self._open) > MAX_CLUSTERS:
            await self._close(next(iter(self._open)))
        texts = {task.id: shown(task.text(seeded)) for task in spec.tasks}
        return {"ticket": ticket, "files": home_files(server.url, keys, home), "texts": texts}

    def points(self, ticket: str, task: str) -> dict[str, Any]:
        """Judge one task of the notebook with this ticket, and append the score to the ledger.

        Returns:
            ``points``, ``most`` and a ``text`` for the learner.
        """
        opened = self._open.get(ticket)
        specs = opened.cluster.exercise.tasks if opened else ()
        spec = next((spec for spec in specs if spec.id == task), None)
        if opened is None or spec is None:
            return {"points": 0.0, "text": "The checker does not know this notebook or task."}
        cluster = opened.cluster
        result = score_task(check_task(cluster.exercise, spec, cluster.learner, cluster.context))
        line = {
            "learner": opened.learner,
            "exercise": cluster.exercise.id,
            "task": task,
            "ticket": ticket,
            "points": result.points,
            "most": result.most,
        }
        with self._ledger.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        return {"points": result.points, "most": result.most, "text": task_card(result).text()}

    async def _answer_open(self, request: web.Request) -> web.Response:
        body = await request.json()
        try:
            answer = await self.open(
                str(body["learner"]), str(body["exercise"]), Path(str(body["home"]))
            )
            return web.json_response(answer)
        except LabkitError as error:
            return web.json_response({"error": str(error)}, status=400)

    async def _answer_points(self, request: web.Request) -> web.Response:
        body = await request.json()
        return web.json_response(self.points(str(body["ticket"]), str(body["task"])))

    async def _close(self, ticket: str) -> None:
        opened = self._open.pop(ticket)
        await opened.server.close()
        opened.cluster.close()

    async def _close_all(self, _app: web.Application) -> None:
        for ticket in list(self._open):
            await self._close(ticket)


async def serve(path: Path, ledger: Path, secret: CourseSecret | None = None) -> None:
    """Serve on a Unix socket until cancelled."""
    # A checker that was killed leaves its socket, and nothing can be bound to a path that exists.
    path.unlink(missing_ok=True)
    runner = web.AppRunner(Checker(ledger, secret).application(), access_log=None)
    await runner.setup()
    try:
        before = os.umask(0o177)  # never accessible to others, not even for a moment
        try:
            await web.UnixSite(runner, str(path)).start()
        finally:
            os.umask(before)
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()
        path.unlink(missing_ok=True)
