"""The map in labkit's docstring names every module, and none that is gone."""

from __future__ import annotations

import re
from pathlib import Path

import labkit

ROOT = Path(labkit.__file__).parent


def test_the_map_names_every_module_once() -> None:
    mapped = re.findall(r"``(\w+)``", (labkit.__doc__ or "").partition("Where to look")[2])
    modules = {path.stem for path in ROOT.glob("*.py")} | {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert sorted(mapped) == sorted(modules - {"__init__", "__main__"})
