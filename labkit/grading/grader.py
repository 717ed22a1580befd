"""Submissions to results: each in a process and a cluster of its own.

The clusters live in this process, behind one event loop. For each submission a worker
is forked from the prepared interpreter; it hands us the listening socket it opened inside
its walls, and we serve its cluster there. When the notebook has ended, the worker's
processes are gone and the socket is closed *before* the first probe looks.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any, Self

from labkit.apiserver.authentication.signer import TokenSigner
from labkit.apiserver.cluster import Cluster
from labkit.apiserver.keys import Keys
from labkit.apiserver.serving.process import run
from labkit.apiserver.serving.server import ApiServer
from labkit.apiserver.storage import MemoryStore
from labkit.grading import running, wire
from labkit.grading.draw import Draw
from labkit.grading.exercise import find_exercise
from labkit.grading.inprocess import admin_of, bearer_of
from labkit.grading.isolation import Limits
from labkit.grading.probes import Ground
from labkit.grading.result import Result
from labkit.grading.score import Score, TaskScore, score
from labkit.grading.submissions import Submission, Unreadable, cells_of
from labkit.grading.task import Exercise, Object
from labkit.manifests import Resources, apply
from labkit.redact import redact

HOME = Path("/home/learner")
"""Where a notebook believes it lives, behind walls."""

Told = Callable[[Result], None]

PLACES_PER_PROCESSOR = 3

KEPT_OUTPUT = 4000
"""Characters of a notebook's output that are kept."""


class Grader:
    """Grades submissions, several at once.

    Args:
        places: How many at once; three for each processor when left out, since a place
            mostly waits for its worker.
        limits: What one submission may use.
        kernel: Run every notebook in a real kernel, and not only those that need one.
    """

    def __init__(self, *, places: int = 0, limits: Limits | None = None, kernel: bool = False) -> None:
        self._places = places or PLACES_PER_PROCESSOR * (os.cpu_count() or 1)
        self._limits = limits or Limits()
        self._kernel = kernel
        self._foundry = Foundry()
        self._room = Path(tempfile.mkdtemp(prefix="labkit-grade-"))
        self._zygote: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None
        self.level = ""
        self.worker_cpu_seconds = 0.0

    def __enter__(self) -> Self:
        ours, theirs = socket.socketpair()
        keep = {name: os.environ[name] for name in ("PATH", "LANG", "VIRTUAL_ENV") if name in os.environ}
        self._zygote = subprocess.Popen(
            [sys.executable, "-m", "labkit.grading.zygote", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            env={**keep, "PYTHONPATH": str(Path(__file__).resolve().parents[2]), "PYTHONDONTWRITEBYTECODE": "1"},
            cwd="/",
        )
        theirs.close()
        self._channel = ours
        wire.send(ours, _of_no_cluster())
        hello, _ = wire.receive(ours)
        self.level = str(hello["level"])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._channel is not None:
            self._channel.close()
        if self._zygote is not None:
            with suppress(subprocess.TimeoutExpired):
                self._zygote.wait(5)
            self._zygote.kill()
            self._zygote.wait()
        shutil.rmtree(self._room, ignore_errors=True)

    @property
    def prepared_pid(self) -> int:
        """The prepared interpreter's process id; 0 before the grader is entered."""
        return self._zygote.pid if self._zygote is not None else 0

    def grade(self, submissions: Iterable[Submission], told: Told = lambda _result: None) -> list[Result]:
        """Grade them all.

        Args:
            submissions: What to grade.
            told: Called with each result as it comes.

        Returns:
            The results, sorted by exercise and learner.
        """
        results = run(self._grade_all(list(submissions), told))
        return sorted(results, key=lambda result: (result.exercise, result.learner))

    async def _grade_all(self, submissions: Sequence[Submission], told: Told) -> list[Result]:
        waiting = list(reversed(submissions))
        results: list[Result] = []

        async def work(place: int) -> None:
            while waiting:
                result = await self._grade_one(waiting.pop(), place)
                results.append(result)
                told(result)

        async with asyncio.TaskGroup() as group:
            for place in range(self._places):
                group.create_task(work(place))
        return results

    async def _grade_one(self, submission: Submission, place: int) -> Result:
        exercise = find_exercise(submission.exercise)
        try:
            cells = cells_of(submission.path)
        except Unreadable as error:
            return _unread(submission, exercise, self.level, str(error))
        foundry = self._foundry if self.level != "plain" else None
        keys = foundry.keys if foundry else Keys.generate(self._foundry.keys.token_key)
        cluster, events = fresh_cluster(keys, submission.learner, exercise, foundry)
        try:
            report = await self._run(submission, cluster, cells, place)
            ground = Ground(admin_of(cluster), lambda raw: bearer_of(cluster, raw), lambda: list(events), audited=True)
            return Result(
                submission.learner,
                exercise.id,
                str(report["ended"]),
                int(report["cells"]),
                len(cells),
                score(exercise, submission.learner, ground),
                self.level,
                output=_ends(redact(str(report.get("output", "")))),
            )
        finally:
            cluster.close()

    async def _run(self, submission: Submission, cluster: Cluster, cells: list[str], place: int) -> dict[str, Any]:
        """Run a notebook behind walls, against its cluster; how it ended."""
        ours, theirs = socket.socketpair()
        room = self._room / str(place)
        room.mkdir(exist_ok=True)
        walled = self.level != "plain"
        home = HOME if walled else Path(tempfile.mkdtemp(dir=self._room))
        order = {
            "place": place,
            "room": str(room),
            "home": str(home),
            "hidden": [str(Path(__file__).resolve().parent)],
            "limits": asdict(self._limits),
        }
        server: ApiServer | None = None
        try:
            assert self._channel is not None
            wire.send(self._channel, order, theirs)
            theirs.close()
            hello, listener = await asyncio.to_thread(wire.receive, ours)
            if listener is None:
                return {"ended": str(hello.get("failed", "no socket")), "cells": 0}
            server = ApiServer(cluster, listener)
            wire.send(ours, self._job(submission, cells, server.url, cluster.keys, home / "labkit"))
            report, _ = await asyncio.to_thread(wire.receive, ours)
            self.worker_cpu_seconds += float(report.get("cpu_seconds", 0.0))
            return {"ended": str(report.get("failed", "")), "cells": 0, **report}
        except (wire.Closed, OSError) as error:
            return {"ended": f"the worker failed: {error}", "cells": 0}
        finally:
            ours.close()
            if server is not None:
                await server.close()
            if not walled:
                shutil.rmtree(home, ignore_errors=True)

    def _job(self, submission: Submission, cells: list[str], url: str, keys: Keys, lab_home: Path) -> dict[str, Any]:
        """What the learner's process gets to know: its cells, its cluster, its own name."""
        return {
            "cells": cells,
            "kernel": self._kernel or not running.is_python(cells),
            "learner": submission.learner,
            "files": home_files(url, keys, lab_home),
        }


def _of_no_cluster() -> dict[str, str]:
    """Credentials that open nothing, for the prepared interpreter to try TLS with."""
    keys = Keys.generate(b"-")
    certificate, key = keys.client_certificate("nobody")
    return {"ca": keys.ca_certificate.decode(), "certificate": certificate.decode(), "key": key.decode()}


def _ends(text: str) -> str:
    """The beginning and the end of a long text."""
    half = KEPT_OUTPUT // 2
    return text if len(text) <= KEPT_OUTPUT else f"{text[:half]}\n[…]\n{text[-half:]}"


def setup(exercise: Exercise, learner: str) -> list[Object]:
    """What stands in a learner's cluster before they begin."""
    return [dict(obj) for task in exercise.tasks for obj in task.brief(Draw(learner)).setup]


class Foundry:
    """Makes clusters that share what does not change: keys, the token signer, a new cluster's objects.

    Only for learners that cannot reach each other's clusters: they share a CA.
    """

    def __init__(self) -> None:
        self.keys = Keys.generate()
        self.signer = TokenSigner(self.keys.token_key)
        self.base = Cluster(self.keys, signer=self.signer).store.snapshot()


def fresh_cluster(
    keys: Keys, learner: str, exercise: Exercise, foundry: Foundry | None = None
) -> tuple[Cluster, list[dict[str, Any]]]:
    """A fresh cluster with what stands there first; its random choices follow the learner.

    Args:
        keys: Certificates and keys.
        learner: Whose, which decides the names.
        exercise: What is asked.
        foundry: What the cluster shares with others; it must have the same keys.

    Returns:
        The cluster, and the list that its audit events are added to.
    """
    events: list[dict[str, Any]] = []
    cluster = Cluster(
        keys,
        MemoryStore(foundry.base) if foundry else None,
        random=Random(f"{learner}\0{exercise.id}"),
        audit_sink=events.append,
        signer=foundry.signer if foundry else None,
    )
    admin = admin_of(cluster)
    apply(admin, Resources(admin), setup(exercise, learner), lambda manifest: manifest)
    events.clear()
    return cluster, events


def ground_in(cluster: Cluster, events: list[dict[str, Any]]) -> Ground:
    """What probes need, of a cluster in this process."""
    return Ground(admin_of(cluster), lambda raw: bearer_of(cluster, raw), lambda: list(events), audited=True)


def home_files(url: str, keys: Keys, lab_home: Path) -> dict[str, str]:
    """A ``LABKIT_HOME`` in which a cluster is in use already, so that ``Lab()`` asks nothing.

    Args:
        url: Where the cluster is reached.
        keys: They sign a new administrator's certificate.
        lab_home: Where the directory will be.

    Returns:
        Each file's text, by its path in the directory.
    """
    config = kubeconfig_text(url, keys)
    chosen = {"kubeconfig": str(lab_home / "admin.conf"), "context": "labkit", "prefix": ""}
    in_use = {**chosen, "server": url, "user": "kubernetes-admin", "anonymous": True, "part5": True, "at_once": True}
    return {
        "admin.conf": config,
        "backend.json": json.dumps({"backend": "existing", **chosen}),
        "existing/kubeconfig": config,
        "existing/cluster.json": json.dumps(in_use),
    }


def kubeconfig_text(url: str, keys: Keys) -> str:
    """An administrator's kubeconfig.

    Args:
        url: Where the cluster is reached.
        keys: They sign a new client certificate.
    """
    certificate, key = keys.client_certificate("kubernetes-admin", ("system:masters",))
    # JSON is YAML, and is written ten times as fast.
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": "labkit",
                    "cluster": {"server": url, "certificate-authority-data": _encode(keys.ca_certificate)},
                }
            ],
            "users": [
                {
                    "name": "kubernetes-admin",
                    "user": {"client-certificate-data": _encode(certificate), "client-key-data": _encode(key)},
                }
            ],
            "contexts": [{"name": "labkit", "context": {"cluster": "labkit", "user": "kubernetes-admin"}}],
            "current-context": "labkit",
        }
    )


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _unread(submission: Submission, exercise: Exercise, level: str, why: str) -> Result:
    """The result of a submission that is no notebook: no points."""
    tasks = tuple(
        TaskScore(
            task.id,
            task.title,
            0.0,
            sum(probe.points for probe in task.brief(Draw(submission.learner)).probes if not probe.limit),
            (),
            (),
            0,
        )
        for task in exercise.tasks
    )
    empty = Score(exercise.id, submission.learner, tasks)
    return Result(submission.learner, exercise.id, "unreadable", 0, 0, empty, level, why)
