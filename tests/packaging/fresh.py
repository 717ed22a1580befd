"""Environments of uv's with the repository's own distributions, installed as anyone would from an index."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECTS = (ROOT, ROOT / "kube_embedded", ROOT / "jupyter")

NO_INDEX = re.compile(r"error sending request|Could not connect|dns error|Failed to fetch", re.I)
"""What uv says where no index can be reached."""


def build(folder: Path, *targets: str) -> Path:
    """Build the distributions of all three projects, with the locked build backend; return the folder."""
    options = [word for target in targets for word in ("-t", target)]
    for project in PROJECTS:
        subprocess.run(
            [sys.executable, "-m", "hatchling", "build", *options, "-d", str(folder)],
            cwd=project,
            capture_output=True,
            check=True,
        )
    return folder


def environment(folder: Path, wheels: Path, requirement: str) -> Path:
    """Make an environment with bytecode for a requirement; skip the test where no index can be reached."""
    uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
    python = folder / "bin" / "python"
    install = [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(python)]
    for command in (
        [uv, "venv", "--quiet", "--no-project", "--python", sys.executable, str(folder)],
        [*install, "--find-links", str(wheels), requirement],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if NO_INDEX.search(done.stderr):
            pytest.skip(f"no index can be reached: {done.stderr.strip().splitlines()[-1]}")
        assert done.returncode == 0, done.stderr
    return folder


def packages(folder: Path) -> Path:
    """The directory of an environment's packages."""
    (directory,) = folder.glob("lib/python*/site-packages")
    return directory


def distributions(folder: Path) -> set[str]:
    """The names of what is installed."""
    return {path.name.split("-")[0].lower() for path in packages(folder).glob("*.dist-info")}


def megabytes(folder: Path) -> float:
    """The size of the packages on the disk, in MB, as ``du`` counts it."""
    files = [path for path in packages(folder).rglob("*") if path.is_file()]
    return sum(path.stat().st_blocks for path in files) * 512 / 1e6
