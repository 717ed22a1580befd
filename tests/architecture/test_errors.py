"""Every error says what to do: what happened and why are not enough."""

from __future__ import annotations

import ast
from pathlib import Path

import labkit
from labkit import errors
from labkit.errors import LabkitError

ROOT = Path(labkit.__file__).parent
CLASSES = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, LabkitError)}
OTHERS = ("apiserver",)
"""The server's answers are Kubernetes's, and so are its programs'."""


def raised(path: Path) -> list[ast.Call]:
    """The calls in a module that make one of labkit's errors."""
    calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    return [call for call in calls if isinstance(call.func, ast.Name) and call.func.id in CLASSES]


def test_every_error_says_what_to_do() -> None:
    ours = [path for path in ROOT.rglob("*.py") if path.relative_to(ROOT).parts[0] not in OTHERS]
    calls = [(path, call) for path in ours for call in raised(path)]
    assert len(calls) > 50
    silent = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for path, call in calls
        if "todo" not in {keyword.arg for keyword in call.keywords}
    ]
    assert not silent, "no todo= here"
