"""The learner's whole lab on one real kind cluster: the notebooks, a shared cluster, a stopped node."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rich.console import Console

from labkit import check, lessons, predict
from labkit.backends import podimage, sweep
from labkit.backends.base import Options
from labkit.backends.engine import call, find
from labkit.backends.kind.backend import KindBackend
from labkit.lab.lab import Lab
from labkit.presenter.demo import Demo
from tests.backends.conftest import quiet
from tests.lessons.clients import missing
from tests.lessons.test_any_client import WAYS
from tests.lessons.test_matrix import CELLS
from tests.notebooks.support import NAMES, execute, states

IMAGE = os.environ.get("LABKIT_KIND_IMAGE", "")

pytestmark = [
    pytest.mark.kind,
    pytest.mark.skipif(
        not IMAGE, reason="LABKIT_KIND_IMAGE names no node image, so kind cannot create a cluster"
    ),
]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KindBackend]:
    """The backend of a running cluster; a cluster of its name is deleted afterwards, whoever made it."""
    with pytest.MonkeyPatch.context() as patch:
        name = f"labkit-lab-{os.getpid()}"
        patch.setenv("LABKIT_KIND_CLUSTER", name)
        made = KindBackend(tmp_path_factory.mktemp("lab") / "home", Options())
        try:
            made.start(quiet)
            yield made
            made.stop(quiet)
        finally:
            call(["kind", "delete", "cluster", "--name", name], timeout_seconds=120)


gone: list[str] = []
"""The first test that found its cluster gone. The others after it are skipped: one cause is one red test."""


@pytest.fixture
def backend(cluster: KindBackend, request: pytest.FixtureRequest) -> KindBackend:
    """The backend, whose cluster still runs."""
    if gone:
        pytest.skip(f"the cluster was gone in {gone[0]}")
    if not cluster.status().running:
        gone.append(request.node.nodeid)
        pytest.fail(f"the cluster is gone, or does not answer: {cluster.status()!r}")
    return cluster


def test_every_notebook_passes(
    backend: KindBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABKIT_HOME", str(backend.home))
    Lab("kind", say=quiet).reset()
    for name in NAMES:
        execute(name, solved=True, directory=tmp_path)
    assert states(backend.home) == dict.fromkeys(lessons.STEPS, "passed")


@pytest.mark.parametrize(
    ("step", "said", "ask"), WAYS, ids=[f"{way[0]}-{number}" for number, way in enumerate(WAYS)]
)
def test_any_client_counts(
    backend: KindBackend, step: str, said: object, ask: Callable[[Lab], object]
) -> None:
    lab = Lab("kind", home=backend.home, say=quiet)
    lab.progress.forget()
    lab.rewind(step)
    ask(lab)
    predict(step, said)
    outcome = check(step)
    assert outcome.passed, repr(outcome)


@pytest.mark.parametrize(
    ("take", "step", "client"), CELLS, ids=[f"{step}-{client}" for _, step, client in CELLS]
)
def test_a_verdict_does_not_depend_on_the_client(
    backend: KindBackend, take: Callable[[Lab, str, str], None], step: str, client: str
) -> None:
    if missing([client]):
        pytest.skip(f"{client} is not installed; the other clients take the same steps")
    lab = Lab("kind", home=backend.home, say=quiet)
    lab.progress.forget()
    take(lab, step, client)


def test_a_learner_shares_it_under_a_prefix_and_leaves_no_trace(
    backend: KindBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABKIT_POD_IMAGE", podimage.IMAGE)
    admin = Lab("kind", home=backend.home, say=quiet).admin
    before = set(sweep.inventory(admin))
    learner = Lab(
        "existing", kubeconfig=backend.kubeconfig(), prefix="ann", home=tmp_path / "ann", say=quiet
    )
    output = io.StringIO()
    assert Demo(learner, Console(file=output, width=100)).run() == 0, output.getvalue()
    made = set(sweep.inventory(admin)) - before
    assert "/api/v1/namespaces/ann-kikai" in made
    assert not [path for path in made if "ann-" not in path]
    learner.stop()
    assert set(sweep.inventory(admin)) == before


def test_a_node_that_was_stopped_is_started_again(backend: KindBackend) -> None:
    find().run("stop", f"{backend._cluster.name}-control-plane", timeout_seconds=60)
    assert not backend.status().running
    said: list[str] = []
    backend.start(said.append)
    assert "again" in said[0]
    assert backend.status().running
