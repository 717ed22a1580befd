from __future__ import annotations

import datetime as datetime_module
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from types import SimpleNamespace
from typing import Self

import pytest

from kube_embedded.apiserver.serving.pki import load_keys
from kube_embedded.tests.support.cluster import keys
from kube_embedded.tests.support.until import SECONDS, until
from labkit.backends.base import Options
from labkit.backends.embedded import Embedded
from labkit.backends.processes import Activity, load
from labkit.core.errors import HomeError, NotRunning, StartFailed, UsageError
from labkit.core.home import is_locked, locked
from labkit.lab.lab import Lab
from tests.backends.conftest import quiet

ROOT = Path(__file__).parents[2]


def pid(backend: Embedded) -> int:
    return int(json.loads((backend.home / "server.json").read_text())["pid"])


def crash(backend: Embedded) -> None:
    kill(backend, pid(backend))


def kill(backend: Embedded, process: int) -> None:
    os.kill(process, signal.SIGKILL)
    deadline = time.monotonic() + SECONDS
    while is_locked(backend.home / "lock"):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_everything_lies_in_one_private_directory(embedded: Embedded, tmp_path: Path) -> None:
    embedded.start(quiet)
    for path in [embedded.home, *embedded.home.rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path
    assert [entry.name for entry in tmp_path.iterdir()] == ["home"]
    assert {"ca.crt", "ca.key"} <= {entry.name for entry in (embedded.home / "pki").iterdir()}


@pytest.mark.slow
def test_another_backend_finds_it_and_it_has_its_own_session(embedded: Embedded) -> None:
    embedded.start(quiet)
    other = Embedded(embedded.home, Options())
    said: list[str] = []
    other.start(said.append)
    assert said == []
    assert pid(other) == pid(embedded)
    assert os.getsid(pid(embedded)) != os.getsid(0)


def test_it_outlives_the_process_that_started_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    code = "import sys; from labkit.backends.embedded import *; from labkit.backends.base import Options; "
    code += "Embedded(Path(sys.argv[1]), Options()).start(print)"
    subprocess.run(
        [sys.executable, "-c", code, str(home)], cwd=ROOT, check=True, capture_output=True
    )
    backend = Embedded(home, Options())
    assert backend.status().running
    backend.stop(quiet)
    assert not backend.status().running


def test_after_a_crash_it_comes_back_at_the_same_address_with_its_objects(
    embedded: Embedded,
) -> None:
    embedded.start(quiet)
    lab = Lab("embedded", home=embedded.home, say=quiet)
    url = embedded.status().url
    assert (
        lab.apply("kind: Namespace\napiVersion: v1\nmetadata: {name: kept}").objects[0].outcome
        == "created"
    )
    crash(embedded)
    assert not embedded.status().running
    again = Lab("embedded", home=embedded.home, say=quiet)
    assert embedded.status().url == url
    assert again.admin.get("/api/v1/namespaces/kept").ok
    assert lab.admin.get("/api/v1/namespaces/kept").ok


@pytest.mark.slow
def test_a_port_that_somebody_else_took_is_given_up(embedded: Embedded) -> None:
    embedded.start(quiet)
    port = int(embedded.status().url.rpartition(":")[2])
    embedded.stop(quiet)
    with socket.create_server(("127.0.0.1", port)):
        embedded.start(quiet)
        assert embedded.status().url != f"https://127.0.0.1:{port}"


@pytest.mark.slow
def test_a_port_that_was_asked_for_and_is_taken_is_an_error(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        backend = Embedded(tmp_path / "home", Options(port=taken.getsockname()[1]))
        with pytest.raises(StartFailed) as caught:
            backend.start(quiet)
    assert "server.log" in caught.value.todo


def test_a_stale_server_json_is_no_server(embedded: Embedded) -> None:
    embedded.home.mkdir(mode=0o700)
    for state in ({"pid": os.getpid(), "port": 9}, {"pid": 2**22 - 1}, {"pid": "x"}, {"pid": -1}):
        (embedded.home / "server.json").write_text(json.dumps(state))
        assert not embedded.status().running
    embedded.start(quiet)
    status = embedded.status()
    assert status.running
    assert [status.facts[fact] for fact in ("era", "node")] == ["", ""]


def test_a_server_that_hangs_is_replaced(embedded: Embedded) -> None:
    embedded.start(quiet)
    hung = pid(embedded)
    os.kill(hung, signal.SIGSTOP)
    said: list[str] = []
    embedded.start(said.append)
    assert pid(embedded) != hung
    assert "does not respond" in " ".join(said)


def moved(backend: Embedded) -> int:
    """Let the server's process id be one of another container; returns the real one."""
    file = backend.home / "server.json"
    state = json.loads(file.read_text())
    # Here, that id is another process of the user: this one.
    file.write_text(
        json.dumps({**state, "pid": os.getpid(), "place": "another", "host": "jupyter-ann"})
    )
    return int(state["pid"])


@pytest.mark.slow
def test_a_server_of_another_container_that_answers_is_used(embedded: Embedded) -> None:
    embedded.start(quiet)
    real = moved(embedded)
    said: list[str] = []
    Embedded(embedded.home, Options()).start(said.append)
    assert (said, embedded.status().running) == ([], True)
    assert embedded.status().facts["process"] == f"{os.getpid()} on jupyter-ann"
    kill(embedded, real)


@pytest.mark.slow
def test_a_server_of_another_container_is_neither_ended_nor_replaced(embedded: Embedded) -> None:
    embedded.start(quiet)
    real = moved(embedded)
    before = (embedded.home / "server.json").read_text()
    os.kill(real, signal.SIGSTOP)
    try:
        for refused in (embedded.start, embedded.stop):
            with pytest.raises(
                StartFailed,
                match=r"(?s)in use in another container.*runs on jupyter-ann.*LABKIT_HOME",
            ):
                refused(quiet)
        assert (embedded.home / "server.json").read_text() == before
        os.kill(real, 0)
    finally:
        kill(embedded, real)
    embedded.start(quiet)
    assert embedded.status().running, "what died with its container is started anew"


@pytest.mark.slow
def test_a_server_that_is_not_trusted_is_replaced_by_one_that_is(
    embedded: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedded.start(quiet)
    before, authority = pid(embedded), embedded.home / "pki" / "ca.crt"
    own, end = authority.read_bytes(), embedded._end

    def end_and_mend(*patience: float, **named: float) -> None:
        end(*patience, **named)
        authority.write_bytes(own)

    monkeypatch.setattr(embedded, "_end", end_and_mend)
    authority.write_bytes(keys().ca_certificate)
    embedded.start(quiet)
    assert pid(embedded) != before


def test_two_labs_at_once_share_one_server(tmp_path: Path) -> None:
    home = tmp_path / "home"
    code = "import sys, json; from labkit.lab.lab import Lab; from pathlib import Path; "
    code += "lab = Lab(home=Path(sys.argv[1]), say=lambda _: None); print(lab.status().facts['process'])"
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(home)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    answers = [process.communicate()[0].strip() for process in started]
    assert len(set(answers)) == 1
    assert answers[0]
    Embedded(home, Options()).stop(quiet)


def test_a_full_disk_is_named_where_the_server_could_not_even_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = Embedded(tmp_path / "home", Options())
    monkeypatch.setattr(backend, "_launch", lambda: subprocess.Popen(["false"]))
    backend.home.mkdir(mode=0o700)
    (backend.home / "server.log").touch()
    with pytest.raises(StartFailed, match="ended without output"):
        backend.start(quiet)
    monkeypatch.setattr(
        "labkit.backends.embedded.shutil.disk_usage", lambda path: SimpleNamespace(free=0)
    )
    with pytest.raises(StartFailed, match=r"no space is left where .*/home lies"):
        backend.start(quiet)


def test_a_home_from_a_clock_that_was_ahead_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Tomorrow(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return super().now(tz) + timedelta(days=1)

    monkeypatch.setattr(
        "kube_embedded.machinery.pki.certificates.datetime",
        SimpleNamespace(**vars(datetime_module) | {"datetime": Tomorrow}),
    )
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    key = load_keys(home).ca_key
    backend = Embedded(home, Options())
    backend.start(quiet)
    assert backend.status().running
    assert load_keys(home).ca_key == key
    backend.stop(quiet)


def test_a_certificate_of_another_authority_is_named(
    embedded: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answers(_patience: float = 0) -> bool:
        embedded._distrust = "self-signed certificate in certificate chain"
        return False

    monkeypatch.setattr(embedded, "_answers", answers)
    with pytest.raises(
        StartFailed, match=r"(?s)own certificate is not trusted.*Correct this machine's clock"
    ):
        embedded.start(quiet)


def test_other_wishes_than_the_running_servers_are_refused(embedded: Embedded) -> None:
    embedded.start(quiet)
    for options, has in ((Options(node=False), "node in"), (Options(era="1.20"), "era now")):
        with pytest.raises(UsageError, match=f"already runs, with {has}"):
            Embedded(embedded.home, options).start(quiet)
    Embedded(embedded.home, Options(node=True, era="now")).start(quiet)


def test_the_status_names_what_differs_from_the_default(tmp_path: Path) -> None:
    backend = Embedded(tmp_path / "home", Options(era="1.20", node=False))
    backend.start(quiet)
    assert backend.status().facts["era"] == "1.20: pods mount their account's token Secret"
    assert backend.status().facts["node"] == "left out: pods stay Pending"
    with pytest.raises(UsageError, match="already runs, with node left out"):
        Embedded(backend.home, Options(node=True)).start(quiet)
    backend.stop(quiet)


@pytest.mark.slow
def test_without_a_node_pods_stay_pending(embedded: Embedded) -> None:
    lab = Lab("embedded", home=embedded.home, node=False, say=quiet)
    lab.apply("02-inside-a-pod")
    pod = lab.admin.get("/api/v1/namespaces/default/pods/curl").body
    assert pod["status"]["phase"] == "Pending"
    assert "Pending" in repr(lab.status())


def test_stopping_twice_and_asking_before_the_start(embedded: Embedded) -> None:
    with pytest.raises(NotRunning, match="no kubeconfig yet"):
        embedded.kubeconfig()
    said: list[str] = []
    embedded.start(quiet)
    embedded.stop(said.append)
    embedded.stop(said.append)
    assert "stopped" in said[0]
    assert "does not run" in said[1]


def test_a_home_that_cannot_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HomeError):
        Embedded(tmp_path / "file", Options()).start(quiet)


def test_a_server_that_ends_at_once_gives_its_last_words(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "pki").mkdir(parents=True)
    home.chmod(0o700)
    for name in ("ca.crt", "ca.key", "apiserver.crt", "apiserver.key", "sa.key", "sa.pub"):
        (home / "pki" / name).write_text("nonsense")
    with pytest.raises(StartFailed) as caught:
        Embedded(home, Options()).start(quiet)
    assert "ended without output" not in caught.value.why


@contextmanager
def starved(pid: int) -> Iterator[None]:
    """Let a process run for a sixth of the time, as on an overloaded machine."""
    over = threading.Event()

    def starve() -> None:
        with suppress(ProcessLookupError):
            while not over.wait(0.02):
                os.kill(pid, signal.SIGSTOP)
                over.wait(0.1)
                os.kill(pid, signal.SIGCONT)

    thread = threading.Thread(target=starve)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_a_slow_start_is_waited_for_as_long_as_it_makes_progress(
    embedded: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labkit.backends.embedded.START_SECONDS", 1.0)
    monkeypatch.setattr("labkit.backends.embedded.REPORT_SECONDS", 0.5)
    monkeypatch.setattr("os.getloadavg", lambda: (99.7, 1.0, 1.0))
    said: list[str] = []
    begun = time.monotonic()
    with ExitStack() as stack:
        launch = embedded._launch

        def launch_starved() -> subprocess.Popen[bytes]:
            process = launch()
            stack.enter_context(starved(process.pid))
            return process

        monkeypatch.setattr(embedded, "_launch", launch_starved)
        embedded.start(said.append)
    assert time.monotonic() - begun > 1.0, "it was not slow"
    assert said[1:-1] == [
        f"The server is still starting: 100 processes wait for {os.cpu_count()} processors. "
        "labkit waits as long as it makes progress."
    ]


def test_a_start_without_progress_is_given_up_and_leaves_no_lock(
    embedded: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    launch, launched = embedded._launch, list[subprocess.Popen[bytes]]()

    def launch_stopped() -> subprocess.Popen[bytes]:
        launched.append(launch())
        until(lambda: is_locked(embedded.home / "lock"))
        launched[0].send_signal(signal.SIGSTOP)
        return launched[0]

    with monkeypatch.context() as patch:
        patch.setattr("labkit.backends.embedded.START_SECONDS", 0.3)
        patch.setattr("labkit.backends.embedded.STOP_SECONDS", 0.1)
        patch.setattr(embedded, "_launch", launch_stopped)
        with pytest.raises(StartFailed) as caught:
            embedded.start(quiet)
    assert caught.value.why == "its process made no progress for 0.3 s"
    assert launched[0].returncode == -signal.SIGKILL
    embedded.start(quiet)
    assert embedded.status().running


@pytest.mark.slow
def test_what_a_killed_command_was_starting_is_waited_for(embedded: Embedded) -> None:
    embedded.home.mkdir(mode=0o700)
    process = embedded._launch()
    until(lambda: (embedded.home / "server.json").exists())
    said: list[str] = []
    embedded.start(said.append)
    assert pid(embedded) == process.pid
    assert "Stopping" not in " ".join(said)


def test_an_interrupted_start_leaves_no_server(
    embedded: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_patience: float = 0) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(embedded, "_answers", interrupt)
        with pytest.raises(KeyboardInterrupt):
            embedded.start(quiet)
    until(
        lambda: not is_locked(embedded.home / "lock")
    )  # a server that generates keys holds the lock a little longer
    embedded.start(quiet)
    assert embedded.status().running


@pytest.mark.slow
def test_another_command_that_starts_it_is_waited_for(embedded: Embedded) -> None:
    said: list[str] = []
    with locked(embedded.home / "start.lock"):
        waiting = threading.Thread(target=embedded.start, args=[said.append])
        waiting.start()
        until(lambda: said)
    waiting.join()
    assert said[0] == "Waiting for another program that starts the embedded cluster or stops it …"
    assert embedded.status().running


def test_the_load_of_a_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    monkeypatch.setattr("os.getloadavg", lambda: (7.9, 0.0, 0.0))
    assert load() == ""
    monkeypatch.setattr("os.getloadavg", lambda: (9.0, 0.0, 0.0))
    assert load() == "9 processes wait for 4 processors"


def test_the_progress_of_a_process() -> None:
    assert 0 <= Activity(os.getpid(), 1.0).age < SECONDS
    idle, busy = (
        subprocess.Popen([sys.executable, "-c", code]) for code in ("input()", "while True: pass")
    )
    with idle, busy:
        idle.send_signal(signal.SIGSTOP)
        activities = [Activity(process.pid, 1.0) for process in (idle, busy)]
        until(lambda: activities[0].is_stuck or activities[1].is_stuck)
        assert [activity.is_stuck for activity in activities] == [True, False]
        idle.kill()
        busy.kill()
        busy.wait()
        until(lambda: activities[1].is_stuck)
