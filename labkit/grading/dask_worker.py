"""What runs on a Dask worker: a plugin that keeps graders prepared, and the task that grades one submission.

A worker has a grader for each of its threads, each in a process of its own: what a notebook can reach is what it
can reach on one machine. A worker that cannot grade as this machine would gets no submissions, and says why.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import queue
import shutil
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from distributed import WorkerPlugin, get_worker

from labkit.core.errors import LabkitError
from labkit.core.version import __version__
from labkit.grading.isolation import Limits
from labkit.grading.pool import ENDING_SECONDS, GraderPool
from labkit.grading.result import FAILED
from labkit.grading.root_directory import is_visible
from labkit.grading.submissions import Submission
from labkit.grading.tasks import EXERCISES

if TYPE_CHECKING:
    from distributed import Worker

KEY_READABLE = "notebooks could read its TLS key {}: move the key out of the folders that they see, such as /etc/ssl"
NO_KUBECTL = "it has no kubectl that notebooks see: install it into /usr/bin or /usr/local/bin"
NO_WALLS = "there are no walls around a learner's code: run the worker on Linux, as root or with user namespaces"


class GradingFailed(Exception):
    """A worker could not grade a submission, and not by the submission's fault."""


@dataclass(frozen=True)
class Requirements:
    """What a worker must have in common with the machine that asks for results."""

    labkit: str
    python: str
    exercises: dict[str, str]

    @classmethod
    def here(cls) -> Requirements:
        """What this process has."""
        python = ".".join(platform.python_version_tuple()[:2])
        return cls(__version__, python, {exercise.id: exercise.fingerprint() for exercise in EXERCISES})

    def difference(self, worker: Requirements) -> str:
        """Why a worker cannot be used, and what to do; empty if it can."""
        if worker.labkit != self.labkit:
            return f"it has labkit {worker.labkit}, and not {self.labkit}: install the same version there"
        if worker.python != self.python:
            return f"it runs Python {worker.python}, and not {self.python}: run it with the same Python"
        changed = [name for name, fingerprint in self.exercises.items() if worker.exercises.get(name) != fingerprint]
        return f"its labkit has another text of {', '.join(changed)}: install the same labkit there" if changed else ""


class GraderPlugin(WorkerPlugin):
    """Keeps a grader for each thread of a worker.

    Args:
        name: The plugin's name, also the topic of the event that tells whether the worker can grade.
        required: What the worker must have.
        limits: What one submission may use.
        kernel: Whether every notebook runs in a real kernel.
    """

    idempotent = True

    def __init__(self, name: str, required: Requirements, limits: Limits, *, kernel: bool) -> None:
        self.name = name
        self._required, self._limits, self._kernel = required, limits, kernel

    async def setup(self, worker: Worker) -> None:
        """Start the graders, and log ``refused`` (empty if it can grade), ``level`` and ``slots`` as an event."""
        self._directory = worker.local_directory
        self._graders: queue.SimpleQueue[GraderPool | None] = queue.SimpleQueue()
        self._all: list[GraderPool] = []
        level = ""
        refused = self._refused(worker)
        if not refused:
            started = [asyncio.to_thread(self._start) for _ in range(worker.state.nthreads)]
            done = await asyncio.gather(*started, return_exceptions=True)
            self._all = [entry for entry in done if isinstance(entry, GraderPool)]
            for grader in self._all:
                self._graders.put(grader)
                level = grader.level
            errors = [entry for entry in done if isinstance(entry, BaseException)]
            refused = f"its graders do not start: {errors[0]}" if errors else NO_WALLS if level == "plain" else ""
        if refused:
            await self.teardown(worker)
        event = {"worker": worker.contact_address, "refused": refused, "level": level, "slots": len(self._all)}
        worker.log_event(self.name, event)

    async def teardown(self, worker: Worker) -> None:
        """End the graders, and what they are grading."""
        await asyncio.to_thread(self._end)

    def grade(self, learner: str, exercise: str, code: str, notebook: bytes) -> str:
        """Grade one submission; see ``grade_on_worker``.

        Raises:
            GradingFailed: The grader failed; it is replaced.
        """
        grader = self._graders.get()
        try:
            if grader is None:
                raise GradingFailed("the worker is ending")
            with TemporaryDirectory(dir=self._directory, ignore_cleanup_errors=True) as directory:
                path = Path(directory, "notebook.ipynb")
                path.write_bytes(notebook)
                (result,) = grader.grade([Submission(learner, exercise, path, code=code)])
            if result.ended == FAILED:
                grader = self._replaced(grader)
                raise GradingFailed(f"{get_worker().address}: {result.note}")
        except OSError as error:
            raise GradingFailed(f"{get_worker().address}: {error}") from None
        finally:
            self._graders.put(grader)
        return json.dumps(result.as_dict())

    def _refused(self, worker: Worker) -> str:
        tls = worker.security.get_tls_config_for_role("worker")
        key = tls["key"] or tls["cert"]
        if key and "\n" not in key and is_visible(Path(key)):
            return KEY_READABLE.format(key)
        kubectl = shutil.which("kubectl")
        if kubectl is None or not is_visible(Path(kubectl)):
            return NO_KUBECTL
        return self._required.difference(Requirements.here())

    def _start(self) -> GraderPool:
        return GraderPool(1, slots=1, limits=self._limits, kernel=self._kernel).__enter__()

    def _replaced(self, grader: GraderPool) -> GraderPool:
        """Replace a grader that failed; where no other starts, the next submission tries again."""
        with suppress(LabkitError, OSError):
            started = self._start()
            grader.__exit__()
            self._all = [started if entry is grader else entry for entry in self._all]
            return started
        return grader

    def _end(self) -> None:
        for grader in self._all:
            for pid in grader.pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)
        for _ in self._all:
            with suppress(queue.Empty):
                if free := self._graders.get(timeout=ENDING_SECONDS):
                    free.__exit__()
        self._all = []
        self._graders.put(None)  # tasks that still come fail, and do not wait


def grade_on_worker(plugin: str, learner: str, exercise: str, code: str, notebook: bytes) -> str:
    """Grade a submission on the worker that runs this task.

    Args:
        plugin: The name of the ``GraderPlugin``.
        learner: The submission's learner.
        exercise: The exercise's id.
        code: The learner's code, where the course has a secret.
        notebook: The notebook itself.

    Returns:
        The result as JSON: no object that was made of a notebook is unpickled anywhere.

    Raises:
        GradingFailed: The grader failed.
    """
    found = get_worker().plugins[plugin]
    assert isinstance(found, GraderPlugin)
    return found.grade(learner, exercise, code, notebook)
