"""The machine's own kubectl, run with the lab's kubeconfig and never with the user's."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit.client import kubectl
from labkit.core.errors import UsageError


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A kubectl that prints its arguments and its environment."""
    path = tmp_path / "bin" / "kubectl"
    path.parent.mkdir()
    path.write_text(
        '#!/bin/sh\necho "$# $*"\necho "$KUBECONFIG $KUBECACHEDIR"\n[ "$1" != fail ] || { echo no >&2; exit 3; }\n'
    )
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(path.parent), prepend=":")
    return path


def run(line: str) -> kubectl.CompletedKubectl:
    return kubectl.run(line, Path("/the/admin.conf"), Path("/the/cache"))


def test_a_line_that_does_not_end_is_said() -> None:
    with pytest.raises(UsageError, match="no command line"):
        run("get pods '")


def test_it_gets_the_labs_kubeconfig_and_cache(program: Path) -> None:
    ran = run("get pods -n kikai")
    assert ran.returncode == 0
    assert ran.stdout.splitlines() == ["4 get pods -n kikai", "/the/admin.conf /the/cache"]
    assert repr(ran).splitlines()[0] == "✔ kubectl get pods -n kikai"


def test_the_word_kubectl_may_be_written_or_not(program: Path) -> None:
    assert run("kubectl get pods").command == run("get pods").command == "kubectl get pods"


def test_no_shell_sees_the_line(program: Path) -> None:
    assert run("get pods; id").stdout.startswith("3 get pods; id")


def test_a_failure_is_shown_not_raised(program: Path) -> None:
    ran = run("fail")
    assert ran.returncode == 3
    assert "said  no" in repr(ran)


def test_an_editor_belongs_in_a_terminal(program: Path) -> None:
    with pytest.raises(UsageError, match="opens an editor") as caught:
        run("edit rolebinding test -n kikai")
    assert caught.value.todo == (
        "Run it in a terminal, or make the change in YAML (lab.apply) or in Python."
    )
    assert run("get clusterrole edit").returncode == 0


def test_what_does_not_end_is_cut_off(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program.write_text("#!/bin/sh\nexec sleep 30\n")
    monkeypatch.setattr(kubectl, "SECONDS", 0.2)
    ran = run("get pods --watch")
    assert ran.returncode == 124
    assert (
        "cut off after 0.2 s: what goes on by itself, or waits for you, belongs in a terminal"
        in repr(ran)
    )


def test_where_it_is_missing_a_sentence_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    ran = run("get pods")
    assert ran.returncode == 127
    assert "kubectl is not installed here" in repr(ran)
    assert "kubectl get pods" in repr(ran)


def test_a_command_that_hangs_is_cut_off(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    monkeypatch.setattr(kubectl, "SECONDS", 0.1)
    assert run("get pods --watch").returncode == 124


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("kubectl exec -n kikai test -- ls /", ("kikai/test", "ls /")),
        ("kubectl exec pod/curl -c main -- sh -c 'echo a; ls'", ("default/curl", "echo a; ls")),
        ("kubectl exec 'a -- b' -- ls", ("default/a -- b", "ls")),
        ("kubectl exec test --", None),
        ("kubectl get pods", None),
        ("kubectl run test --image=ubuntu -- ls", None),
        ("kubectl exec test -n=kikai -- true", ("kikai/test", "true")),
        ("kubectl exec --namespace=kikai test --container c -- true", ("kikai/test", "true")),
    ],
)
def test_a_command_in_a_pod_is_found(line: str, found: tuple[str, str] | None) -> None:
    assert kubectl.exec_in(line) == found


def test_whom_it_asks_as_is_found() -> None:
    assert kubectl.impersonated("kubectl get pods --as=system:anonymous") == "system:anonymous"
    assert kubectl.impersonated("kubectl --as jane get pods") == "jane"
    assert kubectl.impersonated("kubectl get pods --as") == ""


@pytest.mark.slow
def test_a_line_that_the_system_cannot_take_is_said(program: Path) -> None:
    with pytest.raises(UsageError, match="kubectl could not be run"):
        run("get " + "x" * 300_000)


def test_an_output_need_not_be_text(program: Path) -> None:
    program.write_text("#!/bin/sh\nprintf 'a\\377b'\n")
    assert run("exec x -- cat y").stdout == "a\ufffdb"
