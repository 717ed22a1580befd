"""Stand-ins for docker and kind, and a kind cluster that is an embedded server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit.backends import podimage
from labkit.backends.base import Options
from labkit.backends.kind import identity
from labkit.backends.kind.backend import KindBackend
from labkit.client import kubeconfig
from labkit.client.client import Client
from tests.backends.conftest import cluster_in
from tests.backends.programs import Programs


@pytest.fixture(scope="session")
def foreign_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The kubeconfig of a cluster of these tests' own: lessons leave objects in it."""
    yield from cluster_in(tmp_path_factory.mktemp("kind"))


@pytest.fixture
def backend(tmp_path: Path) -> KindBackend:
    return KindBackend(tmp_path / "home", Options())


@pytest.fixture
def usable(
    programs: Programs, foreign_cluster: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Client]:
    """Let kind make a usable cluster, by the kubeconfig of a running server."""
    programs.kind(create=f"cp {foreign_cluster} $8")
    monkeypatch.setattr(podimage, "IMAGE", "ubuntu")
    found = kubeconfig.load(foreign_cluster)
    client = Client(found.endpoint, found.credentials)
    container = {"name": "dns", "image": "ubuntu", "command": ["sleep", "99"]}
    pod = {"metadata": {"name": "coredns"}, "spec": {"containers": [container]}}
    client.post("/api/v1/namespaces/kube-system/pods", {"apiVersion": "v1", "kind": "Pod", **pod})
    yield client
    client.delete(f"{identity.RBAC}/clusterrolebindings/{identity.USER}")
    client.delete("/api/v1/namespaces/kube-system/pods/coredns", query={"gracePeriodSeconds": "0"})
