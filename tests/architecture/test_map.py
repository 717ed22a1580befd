"""The maps in the docstrings of packages name what is in them, and no module is too long."""

from __future__ import annotations

import importlib
import io
import re
import tokenize
from pathlib import Path

import pytest

MAPPED = ["labkit", "labkit.rbac", "kube_embedded", "kube_embedded.apiserver", "kube_embedded.rbac"]

MAX_LINES_OF_CODE = 400

_NO_CODE = {
    tokenize.COMMENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
    tokenize.INDENT,
    tokenize.NEWLINE,
    tokenize.NL,
}


def _lines_of_code(source: str) -> int:
    """Count the lines of a module without comments and blank lines, so that neither costs anything."""
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in _NO_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    return len(lines)


@pytest.mark.parametrize("name", MAPPED)
def test_the_map_names_every_module_once(name: str) -> None:
    package = importlib.import_module(name)
    root = Path(str(package.__file__)).parent
    mapped = re.findall(r"^(?:- |\d+\. )``(\w+)``", package.__doc__ or "", re.MULTILINE)
    modules = {path.stem for path in root.glob("*.py")}
    modules |= {path.parent.name for path in root.glob("*/__init__.py")}
    assert sorted(mapped) == sorted(modules - {"__init__", "__main__", "tests"})


@pytest.mark.parametrize("name", ["labkit", "kube_embedded"])
def test_no_module_has_more_than_400_lines_of_code(name: str) -> None:
    root = Path(str(importlib.import_module(name).__file__)).parent
    lengths = {
        str(path.relative_to(root)): _lines_of_code(path.read_text())
        for path in root.rglob("*.py")
        if not path.is_relative_to(root / "tests")
    }
    assert [
        f"{name}: {length}" for name, length in lengths.items() if length > MAX_LINES_OF_CODE
    ] == []


def test_comments_and_blank_lines_are_no_lines_of_code() -> None:
    assert _lines_of_code("# why\n\nvalue = (\n    1,  # reason\n)\n") == 3
