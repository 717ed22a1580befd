"""On a cluster with slow pods, results can be used at once, and waits are reported."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kube_embedded.tests.support.server import Server, start_server
from labkit.client.tokens import Token
from labkit.core.errors import ApiFailure
from labkit.lab.lab import Lab

POD_SECONDS = 3.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = start_server(tmp_path_factory.mktemp("slow") / "home", pod_seconds=POD_SECONDS)
    yield running
    running.stop()


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def lab(server: Server, tmp_path: Path, said: list[str]) -> Iterator[Lab]:
    """A lab on that cluster, without knowledge of its slowness."""
    made = Lab("existing", kubeconfig=server.kubeconfig, home=tmp_path / "home", say=said.append)
    said.clear()
    yield made
    made.stop()


@pytest.mark.slow
def test_a_rewind_ends_when_its_pods_run(lab: Lab, said: list[str]) -> None:
    lab.rewind("W15")
    pods = ["kikai/test", "darbo/test", "default/curl"]
    states = [
        lab.admin.get(f"/api/v1/namespaces/{'/pods/'.join(pod.split('/'))}").body["status"]
        for pod in pods
    ]
    assert [status["phase"] for status in states] == ["Running"] * 3
    # Asked once: the client of a learner does not try again.
    assert (
        Token.decode(lab.pods.token("kikai/test")).subject == "system:serviceaccount:kikai:default"
    )
    assert [line for line in said if line.startswith("Waiting until the pod ")]


def test_a_rewind_ends_when_what_was_there_is_gone(lab: Lab, said: list[str]) -> None:
    lab.rewind("W15")
    lab.rewind("W5")
    assert lab.admin.get("/api/v1/namespaces/kikai").status == 404
    assert lab.admin.get("/api/v1/namespaces/default/pods/curl").status == 404
    for name in ("default", "kube-system"):
        assert lab.admin.get(f"/api/v1/namespaces/{name}/serviceaccounts/default").ok


@pytest.mark.slow
def test_a_pod_without_an_image_is_said_and_why(lab: Lab) -> None:
    container: dict[str, Any] = {"name": "main", "image": "registry.example/nothing:1"}
    first = {"name": "first", "image": "registry.example/first:1"}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "lost"},
        "spec": {"containers": [container]},
    }
    pod["spec"]["initContainers"] = [first]  # type: ignore[index]  # a plain object
    lab.apply(pod)
    with pytest.raises(ApiFailure) as caught:
        lab.wait("default/lost", timeout_seconds=POD_SECONDS + 2)
    assert "registry.example/first:1" in caught.value.todo
    assert "can this cluster reach its registry" in caught.value.todo
