"""The pool of a Dask cluster, with a client that a test writes down in place of Dask's."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
import warnings
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from types import SimpleNamespace
from typing import Any, cast

import pytest

pytest.importorskip("distributed")

from labkit.core.errors import Missing
from labkit.core.language import packed, unpacked
from labkit.grading.graders.stages import unreadable_result
from labkit.grading.intake.submissions import Submission, find
from labkit.grading.judging.result import FAILED, Result
from labkit.grading.pools import dask_pool, dask_worker
from labkit.grading.pools.dask_connection import require_labkit
from labkit.grading.pools.dask_pool import DaskPool
from labkit.grading.pools.dask_worker import GraderPlugin, GradingFailed, installed
from labkit.grading.pools.pool import GraderPool
from labkit.grading.tasks import EXERCISES
from labkit.grading.walls.isolation import Limits
from tests.grading.support import submit

Answers = Callable[[Submission], Result | Exception]


class Done(Future[str]):
    """A future that has ended, as Dask's with a key and a result that can be waited for."""

    def __init__(self, key: str, answer: Result | Exception) -> None:
        super().__init__()
        self.key = key
        if isinstance(answer, Exception):
            self.set_exception(answer)
        else:
            self.set_result(json.dumps(answer.as_dict()))

    @classmethod
    def pending(cls, key: str) -> Done:
        """One that does not end."""
        future = cls.__new__(cls)
        Future.__init__(future)
        future.key = key
        return future


class FakeClient:
    """A scheduler with these workers, whose tasks end as soon as they are submitted."""

    def __init__(self, events: Sequence[dict[str, Any]], gone: Sequence[str] = ()) -> None:
        self.status = "running"
        self.answers: Answers = lambda entry: replace(
            unreadable_result(entry, "root", ""), ended="done"
        )
        self.submitted: list[dict[str, Any]] = []
        self.entries: list[Submission] = []
        self.ids = deque(["first"])
        self._events, self._gone = events, gone

    def add_worker(self, worker: str) -> None:
        """Another worker joins."""
        self._events = [*self._events, event(worker)]

    def scheduler_info(self) -> dict[str, Any]:
        here = [event["worker"] for event in self._events if event["worker"] not in self._gone]
        return {"id": self.ids[0], "workers": dict.fromkeys(here)}

    def get_events(self, _topic: str) -> list[tuple[float, dict[str, Any]]]:
        return [(0.0, event) for event in self._events]

    def get_versions(self, packages: Sequence[str]) -> dict[str, Any]:
        about = {"packages": dict.fromkeys(packages, "1")}
        return {"scheduler": about, "workers": {}}

    def submit(
        self, _function: object, _plugin: str, entry: Submission, _files: object, **options: Any
    ) -> Done:
        self.submitted.append(options)
        self.entries.append(entry)
        return Done(options["key"], self.answers(entry))

    def register_plugin(self, plugin: object) -> None: ...

    def unregister_worker_plugin(self, name: str) -> None: ...

    def cancel(self, futures: object) -> None: ...

    def close(self) -> None:
        self.status = "closed"


def event(worker: str, refused: str = "", slots: int = 1) -> dict[str, Any]:
    """What a worker reports of itself."""
    return {"worker": worker, "refused": packed(refused), "level": "root", "slots": slots}


@pytest.fixture
def pool_on(monkeypatch: pytest.MonkeyPatch) -> Callable[[FakeClient], DaskPool]:
    """A function that makes a pool on a client; its lines are in ``lines``."""
    monkeypatch.setattr(dask_pool, "POLL_SECONDS", 0.0)
    return lambda client: _pool(monkeypatch, client)


def _pool(monkeypatch: pytest.MonkeyPatch, client: FakeClient) -> DaskPool:
    monkeypatch.setattr(dask_pool, "connect", lambda *_: client)
    lines: list[str] = []
    made = DaskPool("tcp://127.0.0.1:1", {}, report=lines.append)
    made.lines = lines  # type: ignore[attr-defined]  # for the test alone
    return made


@pytest.fixture
def entries(tmp_path: Path) -> list[Submission]:
    """Three submissions."""
    for learner in ("ann", "bob", "cat"):
        submit(tmp_path, learner, "ex4-roles", ["1"])
    return find(tmp_path)


def test_every_submission_has_its_result(
    entries: list[Submission], pool_on: Callable[[FakeClient], DaskPool]
) -> None:
    client = FakeClient([event("tcp://a:1"), event("tcp://b:1"), event("tcp://c:1")], ["tcp://c:1"])
    reported: list[Result] = []
    with pool_on(client) as pool:
        assert pool.level == "root"
        results = pool.grade(entries, reported.append)
        assert pool.lines == []  # type: ignore[attr-defined]
    assert [result.learner for result in results] == ["ann", "bob", "cat"]
    assert sorted(result.learner for result in reported) == ["ann", "bob", "cat"]
    assert {tuple(options["workers"]) for options in client.submitted} == {
        ("tcp://a:1", "tcp://b:1")
    }
    assert {str(entry.path) for entry in client.entries} == {"ex4-roles.ipynb"}
    assert client.status == "closed"


def test_a_worker_that_refuses_gets_nothing_and_is_named_once(
    entries: list[Submission], pool_on: Callable[[FakeClient], DaskPool]
) -> None:
    client = FakeClient([event("tcp://a:1", "it has no kubectl", 0), event("tcp://b:1")])
    with pool_on(client) as pool:
        pool.grade(entries)
        assert pool.lines == [  # type: ignore[attr-defined]
            "The worker tcp://a:1 gets nothing: it has no kubectl."
        ]
    assert {tuple(options["workers"]) for options in client.submitted} == {("tcp://b:1",)}
    refusing = FakeClient([event("tcp://a:1", "it has no kubectl", 0)])
    with pytest.raises(Missing, match="None of the cluster's 1 workers"), pool_on(refusing):
        pass
    assert refusing.status == "closed"


def test_a_submission_that_fails_is_tried_alone_once_and_then_named(
    entries: list[Submission], pool_on: Callable[[FakeClient], DaskPool]
) -> None:
    client = FakeClient([event("tcp://a:1", slots=2), event("tcp://b:1", slots=2)])
    usual = client.answers
    client.answers = lambda entry: (
        GradingFailed("it broke") if entry.learner == "bob" else usual(entry)
    )
    with pool_on(client) as pool:
        results = pool.grade(entries)
    assert [result.ended for result in results] == ["done", FAILED, "done"]
    assert "when graded alone: it broke" in results[1].note
    alone = [options for options in client.submitted if options["retries"] == 0]
    assert [len(options["workers"]) for options in alone] == [1]
    assert len(client.submitted) == 4


def test_a_submission_whose_worker_goes_is_graded_by_another(
    entries: list[Submission], pool_on: Callable[[FakeClient], DaskPool]
) -> None:
    gone: list[str] = []
    client = FakeClient([event("tcp://a:1"), event("tcp://b:1")], gone)
    usual = client.submit
    cancelled: list[object] = []

    def submit_to_a(
        function: object, plugin: str, entry: Any, files: object, **options: Any
    ) -> Any:
        future = usual(function, plugin, entry, files, **options)
        if not gone and entry.learner == "bob":
            # A worker that goes leaves a task that never ends.
            gone.extend(["tcp://a:1", "tcp://b:1"])
            client.add_worker("tcp://c:1")
            return Done.pending(future.key)
        return future

    client.submit = submit_to_a  # type: ignore[method-assign,assignment]
    client.cancel = cancelled.extend  # type: ignore[method-assign,assignment]
    with pool_on(client) as pool:
        results = pool.grade(entries)
    assert [result.ended for result in results] == ["done"] * 3
    assert [options["workers"] for options in client.submitted][-1] == ["tcp://c:1"]
    assert len(cancelled) == 1


def test_a_result_of_another_submission_is_not_taken(
    entries: list[Submission], pool_on: Callable[[FakeClient], DaskPool]
) -> None:
    client = FakeClient([event("tcp://a:1")])
    client.answers = lambda entry: replace(
        unreadable_result(replace(entry, learner="eve"), "root", ""), ended="done"
    )
    with pool_on(client) as pool:
        results = pool.grade(entries)
    assert {result.ended for result in results} == {FAILED}
    assert {"another submission's result" in result.note for result in results} == {True}
    assert [result.learner for result in results] == ["ann", "bob", "cat"]


@pytest.mark.parametrize("lost", ["its id", "its connection"])
def test_a_scheduler_that_was_started_again_is_prepared_again(
    lost: str, entries: list[Submission], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dask_pool, "POLL_SECONDS", 0.0)
    first, second = (FakeClient([event("tcp://a:1")]) for _ in range(2))
    clients = deque([first, second])
    monkeypatch.setattr(dask_pool, "connect", lambda *_: clients.popleft())
    lines: list[str] = []
    with DaskPool("tcp://127.0.0.1:1", {}, report=lines.append) as pool:
        if lost == "its id":
            first.ids[0] = "second"
        else:
            first.status = "connecting"
        results = pool.grade(entries)
    assert [result.ended for result in results] == ["done"] * 3
    assert first.submitted == []
    assert len(second.submitted) == 3
    assert [line for line in lines if "has gone" in line] == [
        "The scheduler at tcp://127.0.0.1:1 has gone (it was started again): waiting for it. "
        "Results so far are stored."
    ]


def test_without_labkit_a_worker_is_named() -> None:
    def client(worker: str | None) -> Any:
        about = {"packages": {"kube-labkit-core": "1"}}
        workers = {"tcp://a:1": {"packages": {"kube-labkit-core": worker}}, "tcp://b:1": None}
        versions = {"scheduler": about, "workers": workers}
        return SimpleNamespace(get_versions=lambda packages: versions)

    require_labkit(client("1"))
    with pytest.raises(Missing, match="There is no labkit on tcp://a:1"):
        require_labkit(client(None))


def test_the_versions_and_exercises_on_which_scores_depend() -> None:
    here = installed()
    assert list(here) == ["labkit", "Python", *(exercise.id for exercise in EXERCISES)]
    assert all(here.values())


def test_a_workers_plugin_writes_a_submissions_files(tmp_path: Path) -> None:
    plugin = GraderPlugin("labkit-1", {}, Limits())
    seen: list[dict[str, bytes]] = []

    def grade(submissions: Sequence[Submission]) -> list[Result]:
        (entry,) = submissions
        folder = entry.path.parent
        seen.append(
            {
                str(path.relative_to(folder)): path.read_bytes()
                for path in sorted(folder.rglob("*"))
                if path.is_file()
            }
        )
        return [replace(unreadable_result(entry, "root", ""), ended="done")]

    plugin._directory = str(tmp_path)
    plugin._graders = SimpleQueue()
    plugin._graders.put(cast("Any", SimpleNamespace(grade=grade)))
    files = {"ex4-roles.ipynb": b"{}", "data/a.txt": b"a", "data/b.txt": b"b"}
    entry = Submission("ann", "ex4-roles", Path("ex4-roles.ipynb"))
    for _ in range(2):
        result = Result.from_dict(json.loads(plugin.grade(entry, files)))
        assert result.key == entry.key
    assert seen == [files, files]
    assert list(tmp_path.iterdir()) == []


def test_dasks_own_reports_are_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    from labkit.grading.pools import dask_connection

    client = cast("Any", object())
    monkeypatch.setattr(dask_connection, "Client", lambda *_args, **_options: client)
    for name in ("distributed", "distributed.client"):
        monkeypatch.setattr(logging.getLogger(name), "level", logging.INFO)
    assert dask_connection.connect("tcp://127.0.0.1:1", None) is client
    for name in ("distributed", "distributed.client"):
        assert logging.getLogger(name).level == logging.CRITICAL


def test_only_dasks_own_warnings_are_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    from labkit.grading.pools import dask_connection

    monkeypatch.setattr(dask_connection, "Client", lambda *_args, **_options: None)
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        dask_connection.connect("tcp://127.0.0.1:1", None)
        for module in ("distributed", "distributed.client", "labkit.lab", "dask"):
            warnings.warn_explicit(module, UserWarning, "x.py", 1, module=module)
    assert [str(warning.message) for warning in shown] == ["labkit.lab", "dask"]


class FakeWorker:
    """A Dask worker on which the plugin is set up; it keeps the events that are logged."""

    contact_address = "tcp://a:1"

    def __init__(self, directory: Path, threads: int = 2, key: str = "") -> None:
        self.local_directory = str(directory)
        self.state = SimpleNamespace(nthreads=threads)
        self.security = SimpleNamespace(
            get_tls_config_for_role=lambda _role: {"key": key, "cert": None}
        )
        self.scheduler = self
        self.events: list[dict[str, Any]] = []

    async def log_event(self, *, topic: str, msg: dict[str, Any]) -> None:
        assert topic == "labkit-1"
        self.events.append(msg)


class FakeGraders:
    """Graders that start no process; it counts those that have not ended."""

    def __init__(self, level: str, error: OSError | None = None) -> None:
        self.running = 0
        counts = self

        class FakePool(GraderPool):
            def __enter__(self) -> FakePool:
                if error:
                    raise error
                self.level = level
                counts.running += 1
                return self

            def __exit__(self, *_error: object) -> None:
                counts.running -= 1

        self.kind = FakePool


def _set_up(
    monkeypatch: pytest.MonkeyPatch,
    worker: FakeWorker,
    graders: FakeGraders,
    required: dict[str, str],
) -> dict[str, Any]:
    """Set the plugin up on a worker; return its event, with the refusal as text."""
    monkeypatch.setattr(dask_worker, "GraderPool", graders.kind)
    asyncio.run(GraderPlugin("labkit-1", required, Limits()).setup(cast("Any", worker)))
    (logged,) = worker.events
    return {**logged, "refused": unpacked(logged["refused"])}


@pytest.mark.parametrize("level", ["root", "user"])
def test_a_worker_has_a_grader_for_each_thread(
    level: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: "/bin/kubectl")
    graders = FakeGraders(level)
    logged = _set_up(monkeypatch, FakeWorker(tmp_path, threads=3), graders, installed())
    assert logged == {"worker": "tcp://a:1", "refused": "", "level": level, "slots": 3}
    assert graders.running == 3


@pytest.mark.parametrize(
    ("odd", "refused", "level"),
    [
        (
            "plain",
            "there are no walls around a learner's code: run the worker on Linux, as root or with user namespaces",
            "plain",
        ),
        (
            "kubectl",
            "it has no kubectl, which notebooks may call: install it on the worker's PATH",
            "",
        ),
        (
            "required",
            "its labkit is 1, and not 2: run it with the Python and the labkit of this command",
            "",
        ),
        (
            "key",
            "notebooks could read its TLS key /usr/key.pem: move the key out of the folders that they see, "
            "such as /etc/ssl",
            "",
        ),
        ("start", "its graders do not start: [Errno 28] No space left on device", ""),
    ],
)
def test_a_worker_that_cannot_grade_says_why_and_runs_no_grader(
    odd: str, refused: str, level: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubectl = None if odd == "kubectl" else "/bin/kubectl"
    monkeypatch.setattr(shutil, "which", lambda _name: kubectl)
    monkeypatch.setattr(dask_worker, "installed", lambda: {"labkit": "1"})
    full = OSError(28, "No space left\n on device") if odd == "start" else None
    graders = FakeGraders("plain" if odd == "plain" else "root", full)
    worker = FakeWorker(tmp_path, key="/usr/key.pem" if odd == "key" else "")
    required = {"labkit": "2" if odd == "required" else "1"}
    logged = _set_up(monkeypatch, worker, graders, required)
    assert logged == {"worker": "tcp://a:1", "refused": refused, "level": level, "slots": 0}
    assert graders.running == 0
