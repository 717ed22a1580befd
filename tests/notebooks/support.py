"""The notebooks, run by a real kernel on whichever cluster is chosen."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from nbclient import NotebookClient
from traitlets.config import Config

from kube_embedded.tests.support.until import SECONDS
from tools import notebooks

NAMES = [source.stem for source in notebooks.sources()]


def execute(name: str, *, solved: bool, directory: Path) -> Any:
    """Run a notebook in a kernel of its own; any error in a cell fails the test.

    The kernel listens on files: ports are chosen before it listens, and another process can take them in between.
    """
    document = notebooks.notebook(notebooks.SOURCES / f"{name}.py", solved=solved)
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            document,
            timeout=SECONDS,
            kernel_name="python3",
            resources={"metadata": {"path": str(directory)}},
            config=Config({"KernelManager": {"transport": "ipc", "ip": f"{folder}/kernel"}}),
        )
        client.execute()
    return document


def states(home: Path) -> dict[str, str]:
    """Return the state of each step that the learner has tried."""
    path = home / "progress.json"
    steps = json.loads(path.read_text())["steps"] if path.exists() else {}
    return {step: entry.get("state", "not attempted") for step, entry in steps.items()}
