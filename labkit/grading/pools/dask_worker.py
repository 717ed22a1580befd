"""The part that runs on a Dask worker: a plugin with graders, and the task that grades one submission.

A worker has a grader for each of its threads, each in a process of its own, with the same walls as on one machine.
A worker that would not give the same scores gets no submissions, and reports the reason.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import shutil
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from queue import Empty, SimpleQueue
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from distributed import WorkerPlugin, get_worker

from labkit.core.errors import LabkitError
from labkit.core.language import packed, text
from labkit.core.version import __version__

from ..intake.submissions import Submission
from ..judging.result import FAILED
from ..tasks import EXERCISES
from ..walls.isolation import Limits
from ..walls.root_directory import is_visible
from .pool import ENDING_SECONDS, GraderPool

if TYPE_CHECKING:
    from distributed import Worker

DIFFERENT = text(
    "its {name} is {here}, and not {required}: run it with the Python and the labkit of this command"
)
KEY_READABLE = text(
    "notebooks could read its TLS key {key}: "
    "move the key out of the folders that they see, such as /etc/ssl"
)
NO_KUBECTL = text("it has no kubectl, which notebooks may call: install it on the worker's PATH")
NO_WALLS = text(
    "there are no walls around a learner's code: "
    "run the worker on Linux, as root or with user namespaces"
)


class GradingFailed(Exception):
    """A worker could not grade a submission, through no fault of the submission."""


def installed() -> dict[str, str]:
    """Return the versions and the exercises' fingerprints on which scores depend, by name."""
    python = ".".join(platform.python_version_tuple()[:2])
    return {
        "labkit": __version__,
        "Python": python,
        **{spec.id: spec.fingerprint() for spec in EXERCISES},
    }


class GraderPlugin(WorkerPlugin):
    """Has a grader for each thread of a worker.

    Args:
        name: The plugin's name, also the topic of the event that reports whether the worker can grade.
        required: The versions and fingerprints that must be ``installed`` on the worker.
        limits: The limits of one submission.
    """

    idempotent = True

    def __init__(self, name: str, required: Mapping[str, str], limits: Limits) -> None:
        self.name = name
        self._required = required
        self._limits = limits

    async def setup(self, worker: Worker) -> None:
        """Start the graders, and log an event: ``refused`` (why it cannot grade, or empty), ``level``, ``slots``."""
        self._directory = worker.local_directory
        self._graders: SimpleQueue[GraderPool | None] = SimpleQueue()
        refused = self._refused(worker)
        # In threads, since starting needs a second, in which the worker must respond to its scheduler.
        starts = (
            asyncio.to_thread(self._start) for _ in range(0 if refused else worker.state.nthreads)
        )
        started = await asyncio.gather(*starts, return_exceptions=True)
        self._all = [grader for grader in started if isinstance(grader, GraderPool)]
        for grader in self._all:
            self._graders.put(grader)
        level = self._all[0].level if self._all else ""
        if level == "plain":
            refused = NO_WALLS
            await self.teardown(worker)
        elif started and not self._all:
            refused = text("its graders do not start: {why}", " ".join(str(started[0]).split()))
        event = {
            "worker": worker.contact_address,
            "refused": packed(refused),
            "level": level,
            "slots": len(self._all),
        }
        # Awaited: the client, which waits for all set-ups, then finds the event.
        await worker.scheduler.log_event(topic=self.name, msg=event)

    async def teardown(self, worker: Worker) -> None:
        """End the graders, and the notebooks that they run."""
        await asyncio.to_thread(self._end)

    def grade(self, submission: Submission, files: Mapping[str, bytes]) -> str:
        """Grade a submission whose folder was sent along; return the result as JSON.

        Args:
            submission: The submission, with a path in that folder.
            files: The notebook and the other files, by their paths in the folder.

        Raises:
            GradingFailed: The grader failed; it is replaced.
        """
        grader = self._graders.get()
        try:
            if grader is None:
                raise GradingFailed("the worker is ending")
            with TemporaryDirectory(dir=self._directory, ignore_cleanup_errors=True) as made:
                directory = Path(made)
                for name, data in files.items():
                    path = directory / name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(data)
                (result,) = grader.grade([replace(submission, path=directory / submission.path)])
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
        if key and "\n" not in key and is_visible(Path(key).resolve()):
            return text(KEY_READABLE, key)
        if not shutil.which("kubectl"):
            return NO_KUBECTL
        here = installed()
        for name, value in self._required.items():
            if here.get(name) != value:
                return text(DIFFERENT, name, here.get(name), value)
        return ""

    def _start(self) -> GraderPool:
        return GraderPool(1, slots=1, limits=self._limits).__enter__()

    def _replaced(self, grader: GraderPool) -> GraderPool:
        """Replace a grader that failed; if no other starts, the next submission tries again."""
        with suppress(LabkitError, OSError):
            self._all[self._all.index(grader)] = started = self._start()
            grader.__exit__()
            return started
        return grader

    def _end(self) -> None:
        # At SIGTERM graders end their notebooks, so that those in use become free.
        for pid in [pid for grader in self._all for pid in grader.pids]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        for _ in self._all:
            with suppress(Empty):
                if free := self._graders.get(timeout=ENDING_SECONDS):
                    free.__exit__()
        self._all = []
        # Tasks that still come fail with it, instead of waiting for a grader.
        self._graders.put(None)


def grade_on_worker(plugin: str, submission: Submission, files: Mapping[str, bytes]) -> str:
    """Grade a submission on the worker that runs this task, with the plugin of a name; see ``GraderPlugin.grade``."""
    grader = get_worker().plugins[plugin]
    assert isinstance(grader, GraderPlugin)
    return grader.grade(submission, files)
