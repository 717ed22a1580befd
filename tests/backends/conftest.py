"""Clusters for the backends' tests. Every server is stopped by its own backend."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from kube_embedded.tests.support.until import SECONDS
from labkit.backends.base import Backend, Options
from labkit.backends.embedded import Embedded
from labkit.backends.existing import Existing
from labkit.backends.kind.backend import KindBackend
from labkit.backends.page import Page
from labkit.backends.page.backend import PageBackend
from labkit.core import page
from labkit.lessons.library import library
from tests.backends.programs import Programs


def quiet(_line: str) -> None:
    """Ignore progress."""


def settle(holds: Callable[[], bool], seconds: float = SECONDS) -> None:
    """Wait for the controllers of a real cluster."""
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.1)


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[Embedded]:
    """A backend that has not started anything yet."""
    backend = Embedded(tmp_path / "home", Options())
    yield backend
    backend.stop(quiet)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    """Put only stand-ins for docker and kind on the PATH."""
    made = Programs(tmp_path / "bin")
    made.docker()
    made.kind()
    monkeypatch.setenv("PATH", made.path)
    for name in ("LABKIT_KIND_IMAGE", "LABKIT_POD_BASE", "LABKIT_POD_TARBALL"):
        monkeypatch.delenv(name, raising=False)
    return made


@pytest.fixture(scope="session")
def foreign_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The kubeconfig of a cluster that is not ours: an embedded server in another home."""
    yield from cluster_in(tmp_path_factory.mktemp("foreign"))


def cluster_in(directory: Path) -> Iterator[Path]:
    """Run an embedded server with its home in a directory, and yield its kubeconfig."""
    backend = Embedded(directory / "home", Options())
    backend.start(quiet)
    yield backend.kubeconfig()
    backend.stop(quiet)


Maker = Callable[[Path, Options], Backend]


KIND = pytest.param("kind", marks=pytest.mark.kind)
BACKENDS = ["embedded", "existing", "page", KIND]


@pytest.fixture(scope="module", params=BACKENDS)
def backend(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, foreign_cluster: Path
) -> Iterator[Backend]:
    """A started backend of each kind; kind's cluster has another name than the learner's own."""
    home = tmp_path_factory.mktemp(request.param) / "home"
    if request.param == "kind" and not os.environ.get("LABKIT_KIND_IMAGE"):
        pytest.skip("LABKIT_KIND_IMAGE names no node image, so kind cannot create a cluster")
    makers: dict[str, Maker] = {
        "embedded": Embedded,
        "existing": lambda home, options: Existing(
            home, replace(options, kubeconfig=foreign_cluster), library().objects
        ),
        "kind": KindBackend,
        "page": lambda home, options: PageBackend(home, options, ours),
    }
    with pytest.MonkeyPatch.context() as patch, Page() as ours:
        patch.setenv("LABKIT_KIND_CLUSTER", f"labkit-contract-{os.getpid()}")
        patch.setattr(page, "IN_PAGE", request.param == "page")
        backend = makers[request.param](home, Options())
        backend.start(quiet)
        yield backend
        backend.stop(quiet)
