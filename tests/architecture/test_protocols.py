"""A protocol has at most eight members: who implements it, or plays it in a test, can have them in mind."""

from __future__ import annotations

import ast
from pathlib import Path

import labkit

ROOT = Path(labkit.__file__).parent
MAX_MEMBERS = 8


def protocols(source: str) -> dict[str, list[str]]:
    """The protocols that a module defines, and the names of their members."""
    classes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ClassDef)]
    return {
        each.name: [name for statement in each.body for name in members(statement)]
        for each in classes
        if any(ast.unparse(base).partition("[")[0] == "Protocol" for base in each.bases)
    }


def members(statement: ast.stmt) -> list[str]:
    """What a statement of a protocol adds to it: a method, a property or an attribute."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        return [statement.name]
    if isinstance(statement, ast.AnnAssign):
        return [ast.unparse(statement.target)]
    return []


def test_every_protocol_has_at_most_eight_members() -> None:
    found = {path: protocols(path.read_text(encoding="utf-8")) for path in ROOT.rglob("*.py")}
    assert "Backend" in found[ROOT / "backends" / "base.py"]
    larger = {
        name
        for classes in found.values()
        for name, names in classes.items()
        if len(names) > MAX_MEMBERS
    }
    assert larger == set()


def test_members_are_counted() -> None:
    source = "class One(Protocol[T]):\n  name: str\n  def go(self): ...\n  async def wait(self): ...\nclass Two: ..."
    assert protocols(source) == {"One": ["name", "go", "wait"]}
