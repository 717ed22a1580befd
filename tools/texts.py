"""The English texts of labkit's rooms: what a learner reads, and what can be translated.

In a Python module these are the arguments of ``text``, and of the functions in ``SAYS``; in a YAML file, the values
under the names in ``FILES``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from babel.messages.catalog import Catalog

PACKAGE = Path(__file__).resolve().parent.parent / "labkit"
COMPILED = PACKAGE / "core" / "languages"
"""Where labkit reads the translations."""

ROOMS = ("core", "lessons", "rbac")
"""The rooms that have a catalogue."""

SAYS = {
    "text": (0,),
    "passed": (0, 1),
    "failed": (1, 2, 3),
    "no_proxy": (1, 2),
    "not_attempted": (0,),
    "runs_as_another": (3, 4),
    "without_prediction": (1,),
}
"""The functions that take texts, and at which places."""

FILES = {
    "lessons/lessons.yaml": {"title", "subtitle"},
    "lessons/steps.yaml": {"title", "hints"},
    "lessons/asides.yaml": {"title", "why"},
    "lessons/mistakes.yaml": {"name", "says"},
    "lessons/questions.yaml": {"a", "b", "c"},
}
"""The files with texts, and the names that they stand under."""


def template(room: str) -> Catalog:
    """All messages of a room, each with the files that have it."""
    texts = Catalog()
    for file in sorted((PACKAGE / room).rglob("*.py")):
        for said in in_module(file.read_text(encoding="utf-8")):
            texts.add(said, locations=[(file.relative_to(PACKAGE).as_posix(), 0)])
    for name, keys in FILES.items():
        if name.startswith(f"{room}/"):
            for said in in_yaml(yaml.safe_load((PACKAGE / name).read_text(encoding="utf-8")), keys):
                texts.add(said, locations=[(name, 0)])
    return texts


def in_module(source: str) -> Iterator[str]:
    """The texts of a Python module, in their order."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    for call in sorted(calls, key=lambda call: (call.lineno, call.col_offset)):
        name = call.func.id if isinstance(call.func, ast.Name) else ""
        for place in SAYS.get(name, ()):
            yield from _constants(call.args[place]) if place < len(call.args) else ()


def _constants(node: ast.expr) -> Iterator[str]:
    """The texts that an expression may be."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _constants(node.body)
        yield from _constants(node.orelse)


def in_yaml(value: Any, keys: set[str], named: bool = False) -> Iterator[str]:
    """The texts of a YAML document that stand under some names."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from in_yaml(each, keys, str(name) in keys)
    elif isinstance(value, list):
        for each in value:
            yield from in_yaml(each, keys, named)
    elif named:
        yield str(value)
