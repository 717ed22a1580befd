"""The table of programs and the modules that have them."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from labkit.embedded.container import programs
from labkit.embedded.container.programs import MODULE_OF, MODULES, find_program

ROOT = Path(__file__).parents[3]


def registered(path: Path) -> set[str]:
    """The names that a module's ``@program`` lines give."""
    return {
        name.value
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "program"
        for name in node.args
        if isinstance(name, ast.Constant) and isinstance(name.value, str)
    }


def test_the_table_names_what_the_modules_have() -> None:
    found = {path.stem: registered(path) for path in Path(programs.__path__[0]).glob("[a-z]*.py")}
    assert {module: set(names.split()) for module, names in MODULES.items()} == {
        module: names for module, names in found.items() if names
    }


@pytest.mark.parametrize("name", sorted(MODULE_OF))
def test_every_program_is_found(name: str) -> None:
    assert find_program(name) is not None


def test_a_name_that_is_no_program() -> None:
    assert find_program("no-such-program") is None


def test_one_program_loads_no_other() -> None:
    code = (
        "import sys; from labkit.embedded.container.programs import find_program; find_program('whoami');"
        "print(*sorted(name.rpartition('.')[2] for name in sys.modules if '.container.programs.' in name))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["common", "listing", "options", "registry", "system"]
