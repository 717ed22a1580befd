"""What the server is called, and what its refusals call it and its settings."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from kube_embedded import ownership
from kube_embedded.tests.support.cluster import ClusterApi
from kube_embedded.tests.support.server import running_server

PACKAGE = Path(ownership.__file__).parent


def test_a_refusal_names_the_server_s_own_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ownership, "names", ownership.Names())
    home = tmp_path / "shared"
    home.mkdir(mode=0o755)
    (home / "novel.txt").touch()
    with pytest.raises(ownership.Unsafe) as caught:
        ownership.enter(home)
    assert caught.value.why == "others may enter it, and it is not kube-embedded's alone"
    assert caught.value.todo == (
        f"Set --home to a directory of its own, such as {home / 'kube-embedded'}. "
        f"Or, if it is kube-embedded's alone: chmod 700 {home}"
    )


def test_a_process_names_the_same_option(tmp_path: Path) -> None:
    (tmp_path / "novel.txt").touch()
    tmp_path.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-m", "kube_embedded", "--home", str(tmp_path)],
        cwd=PACKAGE.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 4
    assert "Set --home to a directory of its own" in done.stderr


def test_a_name_is_that_of_the_node_and_of_the_context(tmp_path: Path) -> None:
    with running_server(tmp_path / "home", options=("--name", "shop")) as server:
        nodes = server.call("GET", "/api/v1/nodes").json()["items"]
        assert [node["metadata"]["name"] for node in nodes] == ["shop"]
        assert "current-context: shop\n" in server.kubeconfig.read_text()


def test_without_a_name_it_is_the_distribution_s() -> None:
    (node,) = ClusterApi(node=True).admin.get("/api/v1/nodes").body["items"]
    assert node["metadata"]["name"] == "kube-embedded"
    assert node["spec"]["providerID"] == "kube-embedded://kube-embedded"
