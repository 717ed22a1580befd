"""The maps in the docstrings of packages name what is in them, and no module is too long."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

MAPPED = ["labkit", "labkit.embedded", "labkit.embedded.apiserver", "labkit.rbac"]


@pytest.mark.parametrize("name", MAPPED)
def test_the_map_names_every_module_once(name: str) -> None:
    package = importlib.import_module(name)
    root = Path(str(package.__file__)).parent
    mapped = re.findall(r"^(?:- |\d+\. )``(\w+)``", package.__doc__ or "", re.MULTILINE)
    modules = {path.stem for path in root.glob("*.py")} | {path.parent.name for path in root.glob("*/__init__.py")}
    assert sorted(mapped) == sorted(modules - {"__init__", "__main__"})


def test_no_module_passes_400_lines() -> None:
    root = Path(str(importlib.import_module("labkit").__file__)).parent
    lengths = {str(path.relative_to(root)): path.read_text().count("\n") for path in root.rglob("*.py")}
    assert [f"{name}: {length}" for name, length in lengths.items() if length > 400] == []
