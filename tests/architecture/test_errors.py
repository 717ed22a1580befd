"""Every error says what to do: what happened and why are not enough."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import labkit
from labkit.core import errors
from labkit.core.errors import LabkitError

ROOT = Path(labkit.__file__).parent
CLASSES = {
    name
    for name, value in vars(errors).items()
    if isinstance(value, type) and issubclass(value, LabkitError)
}
OTHERS = ("embedded",)
"""The server's answers are Kubernetes's, and so are its programs'."""


def raised(path: Path) -> list[ast.Call]:
    """The calls in a module that make one of labkit's errors."""
    calls = [
        node
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
    ]
    return [call for call in calls if isinstance(call.func, ast.Name) and call.func.id in CLASSES]


def subclasses(of: type[LabkitError]) -> set[type[LabkitError]]:
    found: set[type[LabkitError]] = set(of.__subclasses__())
    return found.union(*(subclasses(each) for each in found))


def test_the_tree_has_every_error_with_its_exit_code() -> None:
    below_another = rf"^class \w+\(({'|'.join(CLASSES)})\):"
    for path in ROOT.rglob("*.py"):
        if re.search(below_another, path.read_text(encoding="utf-8"), re.MULTILINE):
            importlib.import_module(".".join(path.relative_to(ROOT.parent).with_suffix("").parts))
    tree = re.findall(r"^    [│├└─ ]*(\w+) +(\d) ", errors.__doc__ or "", re.MULTILINE)
    ours = [
        each
        for each in subclasses(LabkitError) | {LabkitError}
        if each.__module__.startswith("labkit.")
    ]
    assert sorted(tree) == sorted((each.__name__, str(each.exit_code)) for each in ours)


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
