"""The maps in the docstrings of labkit and of its server name every module, and none that is gone."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest

import labkit
import labkit.embedded.apiserver


@pytest.mark.parametrize(
    ("package", "begins"),
    [(labkit, "Where to look"), (labkit.embedded.apiserver, "in request order")],
    ids=["labkit", "server"],
)
def test_the_map_names_every_module_once(package: ModuleType, begins: str) -> None:
    root = Path(str(package.__file__)).parent
    mapped = re.findall(r"``(\w+)``", (package.__doc__ or "").partition(begins)[2])
    modules = {path.stem for path in root.glob("*.py")} | {path.parent.name for path in root.glob("*/__init__.py")}
    assert sorted(mapped) == sorted(modules - {"__init__", "__main__"})
