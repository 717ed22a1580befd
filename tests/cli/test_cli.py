"""The command line as a person meets it: mostly in-process, with a real server."""

from __future__ import annotations

import http.client
import json
import os
import re
import select
import shutil
import signal
import stat
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from kube_embedded.tests.support.slow import slow_but
from kube_embedded.tests.support.until import SECONDS
from labkit.backends.base import Options
from labkit.backends.embedded import Embedded
from labkit.cli import COMMANDS, run
from tests.support.course import ALL_PASSED, STEPS_ARE
from tests.support.jupyter import wait_until_it_answers

ROOT = Path(__file__).parents[2]


def quiet(_line: str) -> None:
    pass


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Provide a home whose embedded cluster runs for the whole module."""
    directory = tmp_path_factory.mktemp("cli") / "home"
    backend = Embedded(directory, Options())
    backend.start(quiet)
    yield directory
    backend.stop(quiet)


@pytest.fixture
def running(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LABKIT_HOME", str(home))
    return home


def labkit(
    *words: str, stdin: str | None = None, home: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command in a process, as from a shell."""
    environment = {**os.environ, **({"LABKIT_HOME": str(home)} if home else {})}
    command = [sys.executable, "-m", "labkit", *words]
    return subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


Capture = pytest.CaptureFixture[str]


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)])
def test_every_command_explains_itself(command: list[str], capsys: Capture) -> None:
    for word in ("--help", "-h"):
        assert run([*command, word]) == 0
        assert "Usage: labkit" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["stauts"], 'Did you mean "status"?'),
        (["frobnicate"], "no command"),
        (["up", "--nope"], "No such option"),
        (["up", "--backend", "docker"], "is not one of"),
        (["up", "--port", "99999"], "99999"),
        (["up", "--backend", "existing"], "No kubeconfig is named"),
        (["up", "--kubeconfig", "/nope/config"], "/nope/config cannot be read"),
        (
            ["up", "--backend", "existing", "--kubeconfig", "/nope", "--prefix", "A B"],
            "cannot be a prefix",
        ),
        (["up", "--prefix", "me"], 'The backend embedded has no option "prefix"'),
        (["up", "--backend", "kind", "--era", "1.20"], "It is one of embedded"),
        (["exec"], "Missing argument"),
        (["proxy", "--port", "x"], "not a valid integer"),
        (["demo", "--yes"], "--yes goes with --here"),
        (["completion", "tcsh"], "is not one of"),
        (["grade", ".", "--roster", "/nope"], "File '/nope' does not exist."),
        (["class", "start", "--key", "/nope"], "File '/nope' does not exist."),
        (["rbac", "test", ".", "--kubeconfig", "/nope"], "File '/nope' does not exist."),
        (["grade", ".", "--groups", "/"], "File '/' is a directory."),
        (["course", "secret", "/nope"], "Directory '/nope' does not exist."),
        (["class", "start", "--site", __file__], "is a file."),
        (["work", "save", "/"], "File '/' is a directory."),
    ],
)
def test_nonsense_is_said_to_be_so(words: list[str], said: str, capsys: Capture) -> None:
    assert run(words) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert "Traceback" not in captured.err


def test_examples_stand_a_line_each_and_no_command_is_cut_off(capsys: Capture) -> None:
    assert run(["exec", "--help"]) == 0
    assert "\n  labkit exec kikai/test -- ls /\n" in capsys.readouterr().out
    for command in ([], ["bundle"], ["course"]):
        assert run([*command, "--help"]) == 0
        assert "...\n" not in capsys.readouterr().out.partition("Commands:")[2]


def test_no_words_at_all_show_the_help(capsys: Capture) -> None:
    assert run([]) == 2
    captured = capsys.readouterr()
    assert "Usage: labkit" in captured.out + captured.err


def test_the_version(capsys: Capture) -> None:
    assert run(["--version"]) == 0
    assert "labkit" in capsys.readouterr().out


def test_before_the_first_start(capsys: Capture) -> None:
    assert run(["status"]) == 3
    assert "does not run" in capsys.readouterr().out
    assert run(["kubeconfig"]) == 3
    assert "labkit up" in capsys.readouterr().err
    assert run(["down"]) == 0


def test_a_home_that_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Capture
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LABKIT_HOME", str(tmp_path / "file" / "home"))
    for words in (["up"], ["down"], ["lab", "--no-browser"]):
        assert run(words) == 7, words
        assert "LABKIT_HOME" in capsys.readouterr().err


def test_what_the_system_refuses_is_said_with_a_way_out(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "file").write_text("")
    assert run(["course", "build", str(tmp_path / "file" / "course")]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == f"labkit: {tmp_path}/file/course cannot be used."
    assert lines[1] == "  why: Not a directory"
    assert lines[2].startswith("  try: Name another place")


def test_up_status_kubeconfig_down_as_processes(tmp_path: Path) -> None:
    home = tmp_path / "home"
    up = labkit("up", "--no-node", home=home)
    assert up.returncode == 0, up.stderr
    assert "The embedded cluster runs." in up.stdout
    again = labkit("up", home=home)
    assert (again.returncode, again.stderr) == (0, "")
    status = labkit("status", home=home)
    assert status.returncode == 0
    assert "left out" in status.stdout
    assert "era" not in status.stdout
    path = labkit("kubeconfig", home=home).stdout.splitlines()[-1]
    assert path == str(home / "admin.conf")
    assert labkit("up", "--era", "1.20", home=home).returncode == 2
    assert "already runs, with port" in labkit("up", "--port", "1", home=home).stderr
    assert labkit("down", home=home).returncode == 0
    assert labkit("status", home=home).returncode == 3
    late = labkit("kubeconfig", home=home)
    assert late.stdout.splitlines()[-1] == path
    assert "does not run" in late.stderr


def test_reset_and_rewind(running: Path, capsys: Capture) -> None:
    assert run(["reset", "--to", "w17"]) == 0
    out = capsys.readouterr().out
    assert "Role kikai/service-reader" in out
    assert "as W17 begins" in out
    assert run(["reset", "--to", "3"]) == 0
    assert "as W3 begins" in capsys.readouterr().out
    assert run(["reset", "--to", "W99"]) == 2
    assert "no step" in capsys.readouterr().err
    (running / "progress.json").write_text('{"steps": {"W1": {"state": "passed"}}}')
    assert run(["reset"]) == 0
    assert "W1" in (running / "progress.json").read_text()
    assert run(["reset", "--progress"]) == 0
    assert "W1" not in (running / "progress.json").read_text()


def test_a_clock_that_is_years_behind_makes_no_library_warn(running: Path) -> None:
    code = "import datetime, sys, urllib3.connection; urllib3.connection.RECENT_DATE = datetime.date.max;"
    code += "from labkit.cli import run; sys.exit(run(['reset']))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "The cluster is as it began.\n", "")


def test_exec_gives_output_and_exit_code(running: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["reset", "--to", "W6"]) == 0
    capfd.readouterr()
    done = labkit(
        "exec", "curl", "--", "bash", "-c", "echo out; echo err >&2; exit 3", stdin="", home=running
    )
    assert (done.returncode, done.stdout, done.stderr) == (3, "out\n", "err\n")
    assert (
        labkit("exec", "default/curl", "--", "cat", stdin="fed\n", home=running).stdout == "fed\n"
    )
    assert labkit("exec", "curl", stdin="echo typed; exit 4\n", home=running).returncode == 4
    # More than all the buffers on the way hold: input is taken while output is read.
    long = "".join(f"line {number}\n" for number in range(500_000))
    assert labkit("exec", "curl", "--", "cat", stdin=long, home=running).stdout == long


@pytest.mark.parametrize(
    ("words", "said", "code"),
    [
        (["ghost", "--", "ls"], 'pods "ghost" not found', 6),
        (["-n", "kikai", "default/curl", "--", "ls"], "named twice", 2),
        (["a/b/c", "--", "ls"], "no name", 2),
    ],
)
def test_exec_says_what_is_wrong(running: Path, words: list[str], said: str, code: int) -> None:
    done = labkit("exec", *words, stdin="", home=running)
    assert done.returncode == code
    assert said in done.stderr


def test_a_shell_on_a_real_terminal(running: Path) -> None:
    """Raw keys, echo and the window's size, through a pseudo-terminal."""
    import fcntl
    import pty
    import termios

    assert run(["reset", "--to", "W6"]) == 0
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(ROOT)
        os.execv(sys.executable, [sys.executable, "-m", "labkit", "exec", "curl"])
    seen = b""
    # The size is sent before the input that follows, so the second line waits for the first one's answer.
    typing = [(b"# ", b"echo $((40+2))\r"), (b"42\r\n", b"stty size\rexit 5\r")]
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], 0.2)[0]:
            continue
        try:
            piece = os.read(terminal, 4096)
        except OSError:  # Linux reports like this that the other side has closed
            break
        if not piece:
            break
        seen += piece
        if typing and typing[0][0] in seen:
            fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 77, 0, 0))
            os.write(terminal, typing.pop(0)[1])
    if time.monotonic() >= deadline:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert b"42\r\n" in seen, seen
    assert b"33 77\r\n" in seen, seen
    assert os.waitstatus_to_exitcode(status) == 5


def test_proxy_serves_until_it_is_interrupted(running: Path) -> None:
    environment = {**os.environ, "LABKIT_HOME": str(running)}
    command = [sys.executable, "-m", "labkit", "proxy", "--port", "0"]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            assert line.startswith("Starting to serve on 127.0.0.1:")
            connection = http.client.HTTPConnection(
                "127.0.0.1", int(line.rpartition(":")[2]), timeout=SECONDS
            )
            connection.request("GET", "/api")
            assert json.loads(connection.getresponse().read())["kind"] == "APIVersions"
            connection.close()
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=SECONDS)
        finally:
            process.kill()
    assert process.returncode == 130
    assert err.splitlines()[0] == (
        "While it runs, every user of this machine has the rights of admin; --unix-socket PATH lets in you alone."
    )
    assert "interrupted" in err
    assert "Traceback" not in err


def test_proxy_on_a_unix_socket_lets_in_its_owner_alone(running: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "LABKIT_HOME": str(running)}
    path = tmp_path / "proxy.sock"
    command = [sys.executable, "-m", "labkit", "proxy", "--unix-socket", str(path)]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            assert line == f"Starting to serve on {path}\n"
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=SECONDS)
        finally:
            process.kill()
    assert process.returncode == 130
    assert "every user" not in err
    assert not path.exists()


def test_check_judges_and_its_exit_code_says_so(running: Path, capsys: Capture) -> None:
    assert run(["reset", "--progress"]) == 0
    capsys.readouterr()
    assert run(["check", "W5"]) == 1
    assert "W5" in capsys.readouterr().out
    assert run(["check", "nope"]) == 2


def test_a_step_that_is_not_there_starts_no_cluster(labkit_home: Path, capsys: Capture) -> None:
    assert run(["check", "W1", "W99"]) == 2
    assert capsys.readouterr().err == f'labkit: There is no step "W99".\n  try: {STEPS_ARE}\n'
    assert list(labkit_home.iterdir()) == []


def test_json_for_programs(
    running: Path, labkit_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    assert run(["reset", "--progress"]) == 0
    capsys.readouterr()
    assert run(["status", "--json"]) == 0
    status = json.loads(capsys.readouterr().out)
    assert (status["backend"], status["running"], status["facts"]["state"]) == (
        "embedded",
        True,
        str(running),
    )
    assert status["url"].startswith("https://127.0.0.1:")
    assert run(["check", "w5", "W6", "--json"]) == 1
    checked = json.loads(capsys.readouterr().out)
    assert checked["passed"] == 0
    assert [(step["step"], step["state"]) for step in checked["steps"]] == [
        ("W5", "not attempted"),
        ("W6", "not attempted"),
    ]
    monkeypatch.setenv("LABKIT_HOME", str(labkit_home))
    assert run(["status", "--json"]) == 3
    assert json.loads(capsys.readouterr().out)["running"] is False


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("labkit dem", ["demo"]),
        ("labkit check w2", ["W2", *(f"W{number}" for number in range(20, 25))]),
        ("labkit reset --to W24", ["W24"]),
        ("labkit up --backend e", ["embedded", "existing"]),
    ],
)
def test_bash_completes_commands_options_and_steps(
    words: str, completed: list[str], monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("_LABKIT_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split(" ")) - 1))
    with pytest.raises(SystemExit):
        run([])
    assert [line.partition(",")[2] for line in capsys.readouterr().out.splitlines()] == completed


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_of_a_shell_calls_labkit(
    shell: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["completion", shell]) == 0
    script = capfd.readouterr().out
    assert f"_LABKIT_COMPLETE={shell}_complete" in script
    if program := shutil.which(shell):
        assert subprocess.run([program, "-n"], input=script, text=True, check=False).returncode == 0


def test_doctor_fits_on_a_screen_and_names_ways_out(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run(["doctor"]) == 0
    out = capsys.readouterr().out
    assert "✔ embedded: ready" in out
    assert "✘ kind: something is missing" in out
    assert "Docker is not installed" in out
    assert "kind is not installed" in out
    assert len(out.partition("Servers of yours")[0].splitlines()) < 25


def test_kind_without_docker_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run(["up", "--backend", "kind"]) == 5
    err = capsys.readouterr().err
    assert "Docker is not installed" in err
    assert "labkit up --backend embedded" in err


@pytest.mark.slow
def test_lab_opens_copies_of_the_notebooks_and_ends_on_a_signal(tmp_path: Path) -> None:
    """From any directory, with JupyterLab's own options, and without touching that directory."""
    empty = tmp_path / "empty"
    empty.mkdir()
    mine = tmp_path / "mine"
    environment = {**os.environ, "LABKIT_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)}
    environment |= {
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "run"),
        "JUPYTER_CONFIG_DIR": str(tmp_path / "conf"),
    }
    command = [
        sys.executable,
        "-m",
        "labkit",
        "lab",
        "--no-browser",
        "--dir",
        str(mine),
        "--ServerApp.port=0",
    ]
    process = subprocess.Popen(
        command,
        cwd=empty,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        seen = ""
        try:
            for line in process.stdout or ():
                seen += line
                if found := re.search(r"(http://127\.0\.0\.1:\d+)/lab/tree/00-start\.ipynb", line):
                    wait_until_it_answers(found[1])
                    break
            process.terminate()
            process.communicate(timeout=SECONDS)
        finally:
            process.kill()
    assert f"Your notebooks are in {mine}" in seen
    assert "/lab/tree/00-start.ipynb" in seen
    assert (mine / "05-cluster-roles.ipynb").exists()
    assert not (mine / "source").exists()
    assert list(empty.iterdir()) == []


@pytest.mark.slow
def test_the_demo_on_the_chosen_cluster_asks_first_and_leaves_the_progress(running: Path) -> None:
    from labkit.lab.lab import Lab

    lab = Lab(say=quiet)
    lab.apply("04-roles")
    mine = "/api/v1/namespaces/kikai"
    kept = lab.progress.path.read_bytes() if lab.progress.path.exists() else None
    assert labkit("demo", "--here", stdin="n\n").returncode != 0
    assert lab.admin.get(mine).status == 200
    done = labkit("demo", "--here", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert ALL_PASSED in done.stdout
    assert lab.admin.get(mine).status == 404
    assert (lab.progress.path.read_bytes() if lab.progress.path.exists() else None) == kept


@pytest.mark.parametrize("end", slow_but(["closed", "terminated", "ctrl-d", "killed"], "killed"))
def test_a_demo_leaves_no_cluster_behind_however_it_ends(tmp_path: Path, end: str) -> None:
    import pty

    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(ROOT)
        os.environ["TMPDIR"] = str(tmp_path)
        os.execv(sys.executable, [sys.executable, "-m", "labkit", "demo", "--step"])
    seen = b""
    while b"space goes on" not in seen:
        seen += os.read(terminal, 4096)
    (directory,) = tmp_path.glob("labkit-demo-*")
    server = json.loads((directory / "server.json").read_text())["pid"]
    if end in ("terminated", "killed"):
        os.kill(pid, signal.SIGTERM if end == "terminated" else signal.SIGKILL)
    elif end == "closed":
        os.close(terminal)
    deadline = time.monotonic() + SECONDS
    while not (ended := os.waitpid(pid, os.WNOHANG))[0]:
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
        if end == "ctrl-d":  # once more, where the first one came before the key was waited for
            os.write(terminal, b"\x04")
        time.sleep(0.1)
    if end != "closed":
        os.close(terminal)
        assert (
            os.waitstatus_to_exitcode(ended[1])
            == {"terminated": 130, "ctrl-d": 0, "killed": -signal.SIGKILL}[end]
        )
    if end != "killed":
        assert list(tmp_path.iterdir()) == []
    while psutil.pid_exists(server) and psutil.Process(server).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, "the demo's server runs on"
        time.sleep(0.1)
    assert list(tmp_path.iterdir()) == []
