"""Behaviour that needs a real kind: interruption, other clusters, bundles. See the contract suite for the rest."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit.backends import bundle
from labkit.backends.base import Options
from labkit.backends.engine import call
from labkit.backends.kind.backend import KindBackend
from labkit.core.errors import UsageError
from tests.backends.conftest import quiet

ROOT = Path(__file__).parents[3]
IMAGE = os.environ.get("LABKIT_KIND_IMAGE", "")

pytestmark = [
    pytest.mark.kind,
    pytest.mark.skipif(
        not IMAGE, reason="LABKIT_KIND_IMAGE names no node image, so kind cannot create a cluster"
    ),
]


def clusters() -> list[str]:
    return call(["kind", "get", "clusters"]).stdout.split()


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An unused name for a cluster; a cluster of that name is deleted afterwards."""
    name = f"labkit-test-{os.getpid()}"
    monkeypatch.setenv("LABKIT_KIND_CLUSTER", name)
    yield name
    call(["kind", "delete", "cluster", "--name", name], timeout_seconds=120)


@pytest.mark.parametrize(
    ("line", "seconds"),
    [
        ("Preparing nodes", 0.0),
        ("Preparing nodes", 1.0),
        ("Starting control-plane", 5.0),
        ("Loading the pod image", 1.0),
    ],
)
def test_ctrl_c_leaves_nothing_half_made(
    named: str, tmp_path: Path, line: str, seconds: float
) -> None:
    environment = {**os.environ, "LABKIT_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-m", "labkit", "up", "--backend", "kind"]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        for said in process.stderr or ():
            if line in said:
                break
        time.sleep(seconds)
        process.send_signal(signal.SIGINT)
        _, rest = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "Cleaning up" in rest
    time.sleep(2)  # whatever was still under way
    assert named not in clusters()
    assert not KindBackend(tmp_path / "home", Options()).status().running


def test_somebody_elses_cluster_of_that_name_is_left_alone(named: str, tmp_path: Path) -> None:
    backend = KindBackend(tmp_path / "one", Options())
    backend.start(quiet)
    other = KindBackend(tmp_path / "two", Options())
    with pytest.raises(UsageError, match="did not make it"):
        other.start(quiet)
    other.stop(quiet)
    assert named in clusters()
    backend.stop(quiet)
    assert named not in clusters()


def test_a_bundle_can_be_saved_and_loaded(tmp_path: Path) -> None:
    saved = bundle.save(tmp_path / "lab.tar", tmp_path / "here", IMAGE, quiet)
    assert bundle.load(tmp_path / "lab.tar", tmp_path / "there", quiet) == saved
    assert saved.node_image == KindBackend(tmp_path / "there", Options()).image
