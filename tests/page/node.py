"""Run a script in Pyodide under Node, as a page would."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tools import page_packages

TESTS = Path(__file__).resolve().parents[1]


def missing() -> str:
    """Return the missing requirement of this machine; empty if there is none."""
    if shutil.which("node") is None:
        return "Node is not installed; tests/page/test_backend.py covers what needs none"
    built = (page_packages.BUILD / "node_modules" / "pyodide").is_dir() and (
        page_packages.BUILD / "packages"
    ).is_dir()
    return (
        ""
        if built
        else "make test-page-node installs Pyodide; tests/page/test_backend.py covers what needs none"
    )


def run(script: str, question: object, kept: Path, timeout_seconds: float = 300.0) -> Any:
    """Run a script of ``inside``, and return its answer; ``kept`` is the content of the page's storage."""
    if why := missing():
        pytest.skip(why)
    page_packages.copy_labkit(page_packages.BUILD / "labkit")
    kept.mkdir(exist_ok=True)
    command = [
        "node",
        str(TESTS / "page" / "run.mjs"),
        str(page_packages.BUILD),
        str(TESTS),
        script,
        str(kept),
    ]
    done = subprocess.run(
        command,
        input=json.dumps(question),
        capture_output=True,
        text=True,
        timeout=timeout_seconds,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-8000:]}\n{done.stderr[-2000:]}"
    return json.loads(done.stdout.splitlines()[-1])["answer"]
