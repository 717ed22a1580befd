"""Build ``build/page``: ``packages``, which labkit needs in a page of a browser, and ``labkit`` itself.

Wheels come from PyPI, pure or compiled for the page, as ``page/requirements.lock`` pins them. PyYAML and MarkupSafe
have none there; their pure halves are taken from this environment, whose lock pins them. The rest are
``page/standins``.
"""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import subprocess
import tempfile
from pathlib import Path

from labkit.backends.bundle import pip_command

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ROOT / "page"
BUILD = ROOT / "build" / "page"
LOCK = SOURCES / "requirements.lock"

TARGET = [
    "--platform",
    "pyemscripten_2026_0_wasm32",
    "--platform",
    "any",
    "--implementation",
    "cp",
    "--abi",
    "cp314",
]
TARGET += ["--abi", "none", "--python-version", "3.14", "--only-binary=:all:"]
"""Pyodide 314's tags, which pip does not know by itself."""

PURE_HALVES = ("yaml", "markupsafe")


def install(target: Path) -> None:
    """Install the locked packages and the stand-ins into a new directory, unless it has them already."""
    inputs = [LOCK, *sorted((SOURCES / "standins").rglob("*.py")), Path(__file__)]
    stamp = hashlib.sha256(b"".join(path.read_bytes() for path in inputs)).hexdigest()
    mark = target / ".stamp"
    if mark.exists() and mark.read_text(encoding="utf-8") == stamp:
        return
    shutil.rmtree(target, ignore_errors=True)
    options = [
        "--quiet",
        "--disable-pip-version-check",
        "--no-compile",
        "--no-deps",
        "--require-hashes",
    ]
    options += ["--target", str(target), *TARGET, "--requirement", str(LOCK)]
    with tempfile.TemporaryDirectory() as scratch:  # for pip, which an environment of uv's has not
        subprocess.run([*pip_command(Path(scratch) / "pip"), "install", *options], check=True)
    for name in PURE_HALVES:
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        shutil.copytree(
            Path(spec.origin).parent,
            target / name,
            ignore=shutil.ignore_patterns("*.so", "__pycache__"),
        )
    shutil.copytree(
        SOURCES / "standins", target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.md")
    )
    mark.write_text(stamp, encoding="utf-8")


def copy_labkit(target: Path) -> None:
    """Copy labkit and its data, as they lie in its wheel."""
    shutil.rmtree(target, ignore_errors=True)
    skipped = shutil.ignore_patterns("__pycache__", "source", "tests", ".ipynb_checkpoints")
    for name in ("kube_embedded", "labkit"):
        shutil.copytree(ROOT / name, target / name, ignore=skipped)
    for name in ("notebooks", "clusters"):
        shutil.copytree(ROOT / name, target / "labkit" / "_data" / name, ignore=skipped)


if __name__ == "__main__":
    install(BUILD / "packages")
    copy_labkit(BUILD / "labkit")
