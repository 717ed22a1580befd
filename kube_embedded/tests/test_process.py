"""The server as a process: its directory, its exit codes, its start and its end."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kube_embedded.apiserver.serving.pki import load_keys
from kube_embedded.apiserver.serving.state import private_directory
from kube_embedded.tests.support.server import Server, ServerFailed, running_server, start_server
from kube_embedded.tests.support.slow import slow_but
from kube_embedded.tests.support.until import SECONDS

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("server") / "home", node=False) as running:
        yield running


def refused(home: Path, *options: str) -> tuple[int, str]:
    """Exit code and words of a server that does not start."""
    command = [sys.executable, "-m", "kube_embedded", "--home", str(home), "--no-node", *options]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=SECONDS, cwd=Path(__file__).parents[2]
    )
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    return done.returncode, done.stderr.strip()


def test_everything_in_the_directory_is_private(server: Server) -> None:
    server.call("GET", "/version")
    found = {
        path.relative_to(server.home).as_posix(): path.stat() for path in server.home.rglob("*")
    }
    for name, status in found.items():
        assert stat.S_IMODE(status.st_mode) == (0o700 if stat.S_ISDIR(status.st_mode) else 0o600), (
            name
        )
    assert stat.S_IMODE(server.home.stat().st_mode) == 0o700
    pki = {"ca.crt", "ca.key", "apiserver.crt", "apiserver.key", "sa.key", "sa.pub"}
    assert {f"pki/{name}" for name in pki} <= set(found)
    assert {"admin.conf", "state.db", "audit.log", "server.json", "server.log", "lock"} <= set(
        found
    )


def test_what_it_says_of_itself(server: Server) -> None:
    state = json.loads((server.home / "server.json").read_text())
    assert state["pid"] == server.process.pid
    assert state["url"] == f"https://127.0.0.1:{state['port']}" == server.url
    assert (state["node"], state["era"]) == (False, "now")
    assert state["version"]


def test_an_event_is_in_the_audit_log_when_the_answer_is_there(server: Server) -> None:
    for _ in range(20):
        audit_id = server.call("GET", "/api/v1/namespaces").headers["Audit-Id"]
        events = [json.loads(line) for line in (server.home / "audit.log").read_text().splitlines()]
        assert events[-1]["auditID"] == audit_id
        assert events[-1]["sourceIPs"] == ["127.0.0.1"]


def test_a_watch_leaves_an_event_at_its_start_and_one_at_its_end(server: Server) -> None:
    reply = server.call("GET", "/api/v1/namespaces?watch=1&timeoutSeconds=1")
    events = [json.loads(line) for line in (server.home / "audit.log").read_text().splitlines()]
    ours = [event["stage"] for event in events if event["auditID"] == reply.headers["Audit-Id"]]
    assert ours == ["ResponseStarted", "ResponseComplete"]


def test_the_log_holds_no_token(server: Server) -> None:
    token = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJub2JvZHkifQ.c2lnbmF0dXJl"
    assert server.call("GET", "/version", token=token).status == 401
    assert "c2lnbmF0dXJl" not in server.log()
    assert "c2lnbmF0dXJl" not in (server.home / "audit.log").read_text()


def test_a_second_server_is_refused(server: Server) -> None:
    before = (server.home / "server.json").read_bytes()
    code, words = refused(server.home)
    assert code == 3
    assert words == (
        f"Another server runs on {server.home}. Stop it, or set --home to another directory."
    )
    assert (server.home / "server.json").read_bytes() == before
    assert server.call("GET", "/version").status == 200


@pytest.mark.slow
def test_a_restart_changes_nothing_for_clients(tmp_path: Path) -> None:
    home = tmp_path / "home"
    first = start_server(home, node=False)
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "kept"},
        "data": {"a": "b"},
    }
    created = first.call("POST", CONFIG_MAPS, body)
    assert created.status == 201, created.body
    admin, ca = (home / "admin.conf").read_bytes(), (home / "pki" / "ca.crt").read_bytes()
    first.kill()
    assert (home / "server.json").exists(), "a killed server leaves its file"
    second = start_server(home, node=False)
    try:
        assert second.url == first.url
        assert (home / "admin.conf").read_bytes() == admin
        assert (home / "pki" / "ca.crt").read_bytes() == ca
        assert second.call("GET", f"{CONFIG_MAPS}/kept").json() == created.json()
    finally:
        assert second.stop() == 0
    assert not (home / "server.json").exists()


@pytest.mark.slow
def test_another_port_when_the_last_one_is_taken(tmp_path: Path) -> None:
    first = start_server(tmp_path, node=False)
    first.stop()
    with socket.create_server(("127.0.0.1", first.port)):
        with running_server(tmp_path, node=False) as second:
            assert second.port != first.port
            assert f"server: {second.url}\n" in second.kubeconfig.read_text()
            assert second.call("GET", "/version").status == 200
        code, words = refused(tmp_path, "--port", str(first.port))
    assert code == 6
    assert (
        words
        == f"Port {first.port} cannot be used: Address already in use. Choose another with --port."
    )


@pytest.mark.parametrize("number", slow_but([signal.SIGTERM, signal.SIGINT], signal.SIGINT))
def test_signals_end_it_cleanly_even_with_an_open_watch(
    tmp_path: Path, number: signal.Signals
) -> None:
    server = start_server(tmp_path, node=False)
    connection = server.connect(server.identity("kubernetes-admin", ("system:masters",)))
    connection.request("GET", "/api/v1/namespaces?watch=1")
    response = connection.getresponse()
    server.process.send_signal(number)
    response.read()
    assert server.process.wait(SECONDS) == 0
    connection.close()
    assert "Traceback" not in server.log()


@pytest.mark.slow
def test_a_server_whose_directory_was_taken_away_ends_and_leaves_the_next_one_alone(
    tmp_path: Path,
) -> None:
    home = tmp_path / "home"
    first = start_server(home, node=False)
    home.rename(tmp_path / "away")
    with running_server(home, node=False) as second:
        assert first.process.wait(SECONDS) == 0
        assert json.loads((home / "server.json").read_text())["pid"] == second.process.pid
        assert second.call("GET", "/version").status == 200
    assert "names another server: this one ends" in (tmp_path / "away" / "server.log").read_text()


def test_a_file_is_no_directory(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("x")
    code, words = refused(path)
    assert code == 4
    assert words.startswith(f"{path} is a file, and a directory is needed.")
    code, words = refused(path / "below")
    assert code == 4
    assert len(words.splitlines()) == 1


def test_a_directory_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".ssh").mkdir()
    code, words = refused(tmp_path)
    assert (code, words.splitlines()) == (
        4,
        [f"{tmp_path} is used for something else. Set --home to an empty directory or a new one."],
    )
    assert [path.name for path in tmp_path.iterdir()] == [".ssh"]


@pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can give files away; the mode is tested for everyone"
)
def test_a_directory_of_another_user_is_refused(tmp_path: Path) -> None:
    os.chown(tmp_path, 12345, -1)
    code, words = refused(tmp_path)
    assert code == 4
    assert "belongs to another user (id 12345)" in words


@pytest.mark.slow
def test_a_directory_that_others_may_enter_is_closed_to_them(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with running_server(tmp_path, node=False):
        assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700


@pytest.mark.parametrize("name", ["server.log", "server.json"])
def test_a_file_that_cannot_be_written_is_named(tmp_path: Path, name: str) -> None:
    load_keys(private_directory(tmp_path))
    (tmp_path / name).mkdir()
    code, words = refused(tmp_path)
    assert code == 4
    assert words.startswith(f"{tmp_path}")
    assert name in words or "Is a directory" in words
    assert len(words.splitlines()) == 1


def test_a_path_that_cannot_be_made(tmp_path: Path) -> None:
    code, words = refused(Path("/proc/nowhere/home"))
    assert code == 4
    assert words.startswith("/proc/nowhere")
    assert "Set --home" in words or "set --home" in words


def test_a_database_of_another_version_is_refused_with_the_way_out(tmp_path: Path) -> None:
    start_server(tmp_path, node=False).stop()
    database = sqlite3.connect(tmp_path / "state.db")
    database.execute("PRAGMA user_version=99")
    database.close()
    code, words = refused(tmp_path)
    assert code == 5
    assert "a newer version made it" in words
    assert "--home" in words
    assert len(words.splitlines()) == 1


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_bytes(b"not a database" * 100)
    code, words = refused(tmp_path)
    assert code == 5
    assert "file is not a database" in words


@pytest.mark.slow
def test_keys_that_were_lost_are_made_anew_and_the_others_stay(tmp_path: Path) -> None:
    start_server(tmp_path, node=False).stop()
    pki = tmp_path / "pki"
    kept = {name: (pki / name).read_bytes() for name in ("ca.crt", "ca.key", "sa.key")}
    (pki / "apiserver.key").unlink()
    with running_server(tmp_path, node=False) as server:
        assert server.call("GET", "/version").status == 200
    assert {name: (pki / name).read_bytes() for name in kept} == kept


@pytest.mark.parametrize(
    "name", slow_but(["ca.crt", "ca.key", "sa.key", "apiserver.crt", "apiserver.key"], "sa.key")
)
def test_a_damaged_key_is_named_with_the_way_out(tmp_path: Path, name: str) -> None:
    load_keys(private_directory(tmp_path))
    path = tmp_path / "pki" / name
    path.write_bytes(path.read_bytes()[:60])
    code, words = refused(tmp_path)
    assert code == 4
    assert words.startswith(
        f"{path} is damaged: it holds no certificate or key. Move {path.parent} away,"
    )


@pytest.mark.slow
def test_an_old_certificate_is_renewed(tmp_path: Path) -> None:
    start_server(tmp_path, node=False).stop()
    certificate, authority = (
        tmp_path / "pki" / "apiserver.crt",
        (tmp_path / "pki" / "ca.crt").read_bytes(),
    )
    before, admin = certificate.read_bytes(), (tmp_path / "admin.conf").read_bytes()
    year_ago = time.time() - 360 * 86400
    os.utime(certificate, (year_ago, year_ago))
    os.utime(tmp_path / "admin.conf", (year_ago, year_ago))
    with running_server(tmp_path, node=False) as server:
        assert certificate.read_bytes() != before
        assert server.kubeconfig.read_bytes() != admin
        assert server.call("GET", "/version").status == 200
    assert (tmp_path / "pki" / "ca.crt").read_bytes() == authority


def test_the_beginning_is_kept_as_a_snapshot(server: Server) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "later"}}
    assert server.call("POST", CONFIG_MAPS, body).status == 201
    assert server.call("POST", "/kube-embedded/snapshots/pristine/restore").status in (200, 204)
    assert server.call("GET", f"{CONFIG_MAPS}/later").status == 404
    assert (
        server.call("GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles/cluster-admin").status
        == 200
    )


def test_a_wrong_command_line(tmp_path: Path) -> None:
    assert refused(tmp_path, "--port", "99999")[0] == 2
    assert refused(tmp_path, "--era", "1.21")[0] == 2


@pytest.mark.slow
def test_the_test_support_tells_why_a_server_did_not_start(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_bytes(b"not a database" * 100)
    with pytest.raises(ServerFailed, match="file is not a database"):
        start_server(tmp_path)
