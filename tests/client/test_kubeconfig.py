from __future__ import annotations

import base64
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from labkit.client import kubeconfig
from labkit.core.errors import UsageError

PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


def document(user: dict[str, Any], cluster: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": cluster or {"server": "https://h:1/"}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [
            {"name": "lab", "context": {"cluster": "c", "user": "u", "namespace": "ns"}},
            {"name": "lost", "context": {"cluster": "nowhere", "user": "u"}},
        ],
        "current-context": "lab",
    }


def written(path: Path, content: Any) -> Path:
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return path


def test_data_and_files_are_read_alike(tmp_path: Path) -> None:
    encoded = base64.b64encode(PEM.encode()).decode()
    (tmp_path / "ca.crt").write_text(PEM)
    cluster = {
        "server": "https://h:1/",
        "certificate-authority": "ca.crt",
        "tls-server-name": "kube",
    }
    user = {"client-certificate-data": encoded, "client-key-data": encoded}
    found = kubeconfig.load(written(tmp_path / "config", document(user, cluster)))
    assert found.endpoint.server == "https://h:1"
    assert found.endpoint.ca == PEM
    assert found.endpoint.ca_file == str(tmp_path / "ca.crt")
    assert found.endpoint.server_name == "kube"
    assert found.credentials.certificate == PEM
    assert found.credentials.kind == "certificate"


def test_a_token_file_is_read_at_each_use(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("one\n")
    found = kubeconfig.load(written(tmp_path / "config", document({"tokenFile": "token"})))
    assert found.credentials.headers() == {"Authorization": "Bearer one"}
    (tmp_path / "token").write_text("two\n")
    assert found.credentials.headers() == {"Authorization": "Bearer two"}
    (tmp_path / "token").unlink()
    with pytest.raises(UsageError, match="token file"):
        found.credentials.headers()


def login(tmp_path: Path, script: str) -> Path:
    """Return a kubeconfig whose user logs in with a program."""
    program = tmp_path / "login"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o700)
    plugin = {"apiVersion": "client.authentication.k8s.io/v1", "command": str(program), "args": []}
    return written(tmp_path / "config", document({"exec": plugin}))


def counting(expires: str) -> str:
    """Return a program that prints the tokens t1, t2, …, each with the same expiry."""
    status = f'{{\\"token\\":\\"t$n\\",\\"expirationTimestamp\\":\\"{expires}\\"}}'
    kind = '\\"apiVersion\\":\\"client.authentication.k8s.io/v1\\",\\"kind\\":\\"ExecCredential\\"'
    return f'echo >>runs; n=$(($(wc -l <runs)))\necho "{{{kind},\\"status\\":{status}}}"'


@pytest.mark.parametrize(
    ("expires", "second"), [("2999-01-01T00:00:00Z", "t1"), ("2020-01-01T00:00:00Z", "t3")]
)
def test_a_login_program_gives_the_token_and_is_run_again_when_that_has_expired(
    tmp_path: Path, expires: str, second: str
) -> None:
    found = kubeconfig.load(login(tmp_path, counting(expires)))
    first = "t1" if second == "t1" else "t2"
    assert found.credentials.headers() == {"Authorization": f"Bearer {first}"}
    assert found.credentials.headers() == {"Authorization": f"Bearer {second}"}


def test_a_login_program_can_give_a_certificate(tmp_path: Path) -> None:
    kind = '"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential"'
    status = '{"clientCertificateData":"CERT","clientKeyData":"KEY"}'
    found = kubeconfig.load(login(tmp_path, f"echo '{{{kind},\"status\":{status}}}'"))
    assert (found.credentials.certificate, found.credentials.key) == ("CERT", "KEY")
    assert found.credentials.headers() == {}


def test_a_login_program_that_fails_is_named(tmp_path: Path) -> None:
    plugin = {"apiVersion": "client.authentication.k8s.io/v1", "command": "/nope/login", "args": []}
    with pytest.raises(UsageError, match="/nope/login"):
        kubeconfig.load(written(tmp_path / "config", document({"exec": plugin})))


@pytest.mark.parametrize("terminal", [False, True])
def test_a_login_program_that_fails_in_a_terminal_is_named_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, terminal: bool
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal)
    path = login(tmp_path, "exit 3")
    with monkeypatch.context() as real, open("/dev/null", "w") as null:
        real.setattr("sys.stdin", null)
        real.setattr("sys.stderr", null)
        with pytest.raises(UsageError, match="The login program of"):
            kubeconfig.load(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a: [", "not YAML"),
        ("[1, 2]", "not a kubeconfig"),
        ("", "not a kubeconfig"),
        ({"contexts": [{"name": "x"}]}, "names no current context"),
        ({**document({}), "current-context": "lap"}, 'no context "lap"'),
        ({**document({}), "current-context": "lost"}, 'no cluster "nowhere"'),
        (document({"username": "a"}), "dropped"),
        (document({"auth-provider": {"name": "gcp"}}), "dropped"),
        (document({"client-certificate-data": "%%%"}), "client-certificate"),
        (document({"client-certificate": "nope.crt"}), "client-certificate"),
        (document({}, {"server": "h:1"}), "names no server"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, content: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        kubeconfig.load(written(tmp_path / "config", content))


def test_a_missing_file_and_a_directory_are_said(tmp_path: Path) -> None:
    for path in (tmp_path / "nope", tmp_path):
        with pytest.raises(UsageError, match="cannot be read"):
            kubeconfig.load(path)


def test_a_mistyped_context_is_suggested(tmp_path: Path) -> None:
    path = written(tmp_path / "config", document({}))
    with pytest.raises(UsageError) as caught:
        kubeconfig.load(path, "lap")
    assert caught.value.todo == 'Did you mean "lab"?'


def test_one_context_is_copied_privately_and_works_from_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text(PEM)
    cluster = {"server": "https://h:1", "certificate-authority": "ca.crt"}
    source = written(tmp_path / "config", document({"token": "t"}, cluster))
    target = tmp_path / "home" / "existing" / "kubeconfig"
    kubeconfig.extract(source, "lab", target)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert [entry["name"] for entry in kubeconfig.read(target)["contexts"]] == ["lab"]
    found = kubeconfig.load(target)
    assert found.endpoint.ca == PEM
    assert found.credentials.headers() == {"Authorization": "Bearer t"}
