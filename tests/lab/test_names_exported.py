"""The names notebooks use, and what importing them does not bring along."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import labkit
from kube_embedded.tests.support.some import some

ROOT = Path(__file__).parents[2]


def test_every_exported_name_is_there() -> None:
    for name in some(labkit.__all__):
        assert getattr(labkit, name) is getattr(labkit, name)
    assert set(labkit.__all__) <= set(dir(labkit))
    with pytest.raises(AttributeError, match="nope"):
        _ = labkit.nope


@pytest.mark.parametrize(
    "command",
    [
        "import labkit",
        "from labkit.cli import run; run(['--help'])",
        "from labkit.cli import run; run(['status'])",
        "from labkit.cli import run; run(['up', '--help'])",
    ],
)
def test_starting_brings_in_no_client_no_widget_and_no_notebook_server(command: str) -> None:
    heavy = "kubernetes urllib3 aiohttp IPython ipywidgets anywidget jupyterlab notebook rich cryptography"
    probe = f"{command}\nimport sys\nfound = [n for n in {heavy.split()} if n in sys.modules]\nassert not found, found"
    done = subprocess.run(
        [sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
