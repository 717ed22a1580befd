"""Starting the command line or the server loads no widget and no client of Kubernetes."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = (
    "IPython",
    "ipywidgets",
    "anywidget",
    "jinja2",
    "kubernetes",
    "jupyterlab",
    "notebook",
    "nbformat",
)


@pytest.mark.parametrize("module", ["labkit", "labkit.cli", "kube_embedded.__main__"])
def test_importing_it_loads_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) & set(HEAVY) == set()


def test_the_server_loads_nothing_of_the_command_line() -> None:
    code = "import sys, kube_embedded.__main__; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (
        set(done.stdout.split())
        & {"click", "rich", "labkit.lab.lab", "labkit.client.client", "labkit.ui"}
        == set()
    )
