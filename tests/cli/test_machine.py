"""``labkit doctor`` and ``labkit clean`` on the remains of killed programs."""

from __future__ import annotations

import json
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner

from kube_embedded.tests.support.until import until
from labkit.backends.base import Need, Options
from labkit.backends.embedded import Embedded
from labkit.backends.servers import Server
from labkit.cli import cli, run
from labkit.core.home import write_json
from labkit.core.scratch import PROGRAM_LOCK, scratch_directory

Capture = pytest.CaptureFixture[str]


def quiet(_line: str) -> None:
    pass


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Set the directory for temporary files; nothing outside of it is touched."""
    room = tmp_path / "tmp"
    room.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(room))
    return room


@pytest.fixture
def left(room: Path) -> Path:
    """Provide a temporary directory of a program that was killed."""
    directory = room / "labkit-intake-1"
    directory.mkdir()
    (directory / PROGRAM_LOCK).touch(mode=0o600)
    (directory / "submission").write_text("print()")
    return directory


@pytest.fixture
def stray(room: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Embedded]:
    """Provide a server with a temporary directory, which no program is known to use."""
    with monkeypatch.context() as patch:
        patch.delenv("LABKIT_PROGRAM_LOCK")
        backend = Embedded(room / "stray", Options())
        backend.start(quiet)
    yield backend
    backend.stop(quiet)


def test_the_doctor_lists_servers_and_what_they_hold(
    stray: Embedded, left: Path, labkit_home: Path, capsys: Capture
) -> None:
    own = Embedded(labkit_home, Options())
    own.start(quiet)
    assert run(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for backend, whose in ((stray, "left over"), (own, "LABKIT_HOME")):
        status = backend.status()
        (line,) = (line for line in lines if str(backend.home) in line and "process" in line)
        assert line.startswith(f"    process {status.facts['process']}: ")
        assert line.endswith(f" MiB, {status.url}, {backend.home} ({whose})")
    assert f"Left by a program that was killed: {left} (`labkit clean` removes it)" in lines
    assert run(["doctor", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["leftovers"] == [str(left)]
    (server,) = (server for server in found["servers"] if server["home"] == str(stray.home))
    assert (server["left_over"], server["program"], server["megabytes"] > 10) == (True, False, True)
    assert found["clusters"]["embedded"]["ready"] is True
    assert found["clusters"]["existing"]["needs"][0]["met"] is False
    own.stop(quiet)


@pytest.mark.slow
def test_clean_asks_and_then_removes_what_was_left(
    stray: Embedded, left: Path, labkit_home: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = [labkit_home / name for name in ("progress.json", "notebooks", "state.db", "results")]
    for path in kept:
        path.touch()
    within_home = labkit_home / ".image-1"
    within_home.mkdir()
    (within_home / PROGRAM_LOCK).touch(mode=0o600)
    pid = int(stray.status().facts["process"])
    monkeypatch.setattr("click.confirm", lambda *_, **__: False)
    assert run(["clean"]) == 0
    assert stray.status().running
    assert f"remove {left}\n" in capsys.readouterr().out
    assert left.exists()
    monkeypatch.setattr("click.confirm", lambda *_, **__: True)
    assert run(["clean"]) == 0
    until(lambda: gone(pid))
    assert not left.exists()
    assert not within_home.exists()
    assert (stray.home / "state.db").exists(), "nobody knows whether its objects are wanted"
    assert all(path.exists() for path in kept)
    capsys.readouterr()
    assert run(["clean"]) == 0
    assert capsys.readouterr().out == "There is nothing to clean.\n"


MET, NOT_MET = Need("Python", True, "3.11", "Get it."), Need("Docker", False, "missing", "Get it.")
OPTIONAL = Need("kubectl", False, "missing", required=False)


@pytest.mark.parametrize(
    ("needs", "lines"),
    [
        ([MET], ["✔ kind: ready", "    ✔ Python: 3.11"]),
        ([MET, OPTIONAL], ["✔ kind: ready", "    ✔ Python: 3.11", "    ! kubectl: missing"]),
        (
            [NOT_MET, MET],
            [
                "✘ kind: something is missing",
                "    ✘ Docker: missing",
                "        try: Get it.",
                "    ✔ Python: 3.11",
            ],
        ),
    ],
)
def test_the_doctor_says_what_is_needed_and_what_is_only_useful(
    room: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
    needs: list[Need],
    lines: list[str],
) -> None:
    monkeypatch.setattr(
        "labkit.cli.machine.find_needs", lambda name, *_: needs if name == "kind" else []
    )
    monkeypatch.setattr("labkit.backends.servers.running_servers", list)
    assert run(["doctor"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("\n".join(["✔ embedded: ready", *lines, "✔ existing: ready", ""]))
    assert "Servers of yours" not in out
    assert run(["doctor", "--json"]) == 0
    kind = json.loads(capsys.readouterr().out)["clusters"]["kind"]
    assert kind["ready"] is lines[0].startswith("✔")
    assert [need["met"] for need in kind["needs"]] == [need.met for need in needs]


def test_the_doctor_looks_at_the_cluster_that_is_in_use(
    room: Path, labkit_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr("labkit.backends.servers.running_servers", list)
    used = room / "school.conf"
    used.write_text("")
    write_json(labkit_home / "backend.json", {"backend": "existing", "kubeconfig": str(used)})
    assert run(["doctor"]) == 0
    assert f"✔ existing: ready\n    ✔ kubeconfig: {used}" in capsys.readouterr().out


def test_the_doctor_says_whose_each_server_is(
    room: Path, labkit_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    def server(pid: int, home: Path, url: str = "https://s", **facts: bool) -> Server:
        return Server(pid, url, home, 20, **{"program": False, "left_over": False, **facts})

    found = [
        server(1, labkit_home, left_over=True),
        server(2, room / "a", program=True, left_over=True),
        server(3, room / "b", left_over=True),
        server(4, room / "c", url=""),
    ]
    monkeypatch.setattr("labkit.backends.servers.running_servers", lambda: found)
    assert run(["doctor"]) == 0
    shown = capsys.readouterr().out.partition("Servers of yours that run:\n")[2].splitlines()
    assert shown[:4] == [
        f"    process 1: 20 MiB, https://s, {labkit_home} (LABKIT_HOME)",
        f"    process 2: 20 MiB, https://s, {room / 'a'} (it ends with its program)",
        f"    process 3: 20 MiB, https://s, {room / 'b'} (left over)",
        f"    process 4: 20 MiB, starting, {room / 'c'} (another LABKIT_HOME)",
    ]


@pytest.mark.parametrize(
    ("exceptions", "tries"),
    [
        ("", "localhost,127.0.0.1,::1"),
        ("x.org", "x.org,localhost,127.0.0.1,::1"),
        ("localhost,127.0.0.1,::1", ""),
    ],
)
def test_the_doctor_names_a_proxy_and_how_to_pass_it_by(
    room: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture, exceptions: str, tries: str
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setattr("labkit.cli.machine.find_needs", lambda *_: [])
    monkeypatch.setattr("labkit.backends.servers.running_servers", list)
    assert run(["doctor"]) == 0
    assert "proxy" not in capsys.readouterr().out
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:1")
    monkeypatch.setenv("NO_PROXY", exceptions)
    assert run(["doctor"]) == 0
    out = capsys.readouterr().out
    assert "\nA proxy is named by HTTPS_PROXY. labkit does not ask it.\n" in out
    assert ("    try, for your own programs: " in out) is bool(tries)
    assert f"export no_proxy={tries} NO_PROXY={tries}\n" in out or not tries


@pytest.mark.parametrize(
    ("words", "typed", "code", "removed"),
    [([], "n\n", 1, False), ([], "", 1, False), ([], "y\n", 0, True), (["--yes"], "", 0, True)],
)
def test_clean_removes_directories_only_if_that_is_wanted(
    left: Path, words: list[str], typed: str, code: int, removed: bool
) -> None:
    done = CliRunner().invoke(cli, ["clean", *words], input=typed)
    assert done.exit_code == code
    assert done.stdout.startswith(f"remove {left}\n")
    assert ("Go on?" in done.output) is not bool(words)
    assert left.exists() is not removed


def test_clean_spares_what_is_in_use(room: Path, labkit_home: Path, capsys: Capture) -> None:
    own = Embedded(labkit_home, Options())
    own.start(quiet)
    with scratch_directory("labkit-demo-") as directory:
        theirs = Embedded(directory, Options())
        theirs.start(quiet)
        assert run(["clean", "--yes"]) == 0
        assert capsys.readouterr().out == "There is nothing to clean.\n"
        assert theirs.status().running
        assert own.status().running
        theirs.stop(quiet)
    own.stop(quiet)


def test_a_server_ends_with_the_program_that_it_was_started_for(
    room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as a server of these tests; its directory is not the program's, and stays."""
    with scratch_directory("labkit-tests-") as directory:
        monkeypatch.setenv("LABKIT_PROGRAM_LOCK", str(directory / PROGRAM_LOCK))
        backend = Embedded(room / "home", Options())
        backend.start(quiet)
        pid = int(backend.status().facts["process"])
    until(lambda: gone(pid))
    assert (room / "home" / "state.db").exists()
    assert (
        "the program that this server was started for has ended"
        in (room / "home" / "server.log").read_text()
    )


@pytest.mark.slow
def test_a_hung_server_of_a_killed_program_is_left_over(room: Path, capsys: Capture) -> None:
    with scratch_directory("labkit-demo-") as directory:
        backend = Embedded(directory, Options())
        backend.start(quiet)
        pid = int(backend.status().facts["process"])
        os.kill(pid, signal.SIGSTOP)
        until(lambda: psutil.Process(pid).status() == psutil.STATUS_STOPPED)
        kept = directory.rename(
            directory.with_name("kept")
        )  # as if the program had no chance to remove it
    kept.rename(directory)
    assert run(["clean", "--yes"]) == 0
    assert f"stop process {pid}: " in capsys.readouterr().out
    until(lambda: gone(pid))
    assert list(room.iterdir()) == []
