"""The changes that ``tools.mutants`` plants: what each operator makes of a line, and what is known to be equivalent."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from tools.mutants import ROOMS, ROOT, files_of
from tools.mutants_forks import change
from tools.mutation import OPERATORS, mutations

CASES = [
    ("comparison", "a < b", ["(a <= b)"]),
    ("connective", "a and b", ["(a or b)"]),
    ("operand", "a and b", ["(a)", "(b)"]),
    ("negation", "not a", ["(a)"]),
    ("condition", "a if b else c", ["(a)", "(c)"]),
    ("constant", "f(True, 1, 'a', '')", ["(False)", "(2)", "('ax')", "('x')"]),
    ("arithmetic", "a + b", ["(a - b)"]),
    ("twin", "any(a)", ["(all(a))"]),
    ("keyword", "f(a, b=c)", ["(f(a))"]),
    ("filtered", "[a for a in b if c]", ["([a for a in b])"]),
    ("element", "x = (a, b)", ["((b,))"]),
    ("returned", "def f():\n    return a", ["return None"]),
    ("statement", "f(a)", ["pass"]),
    ("branch", "if a:\n    b", ["(False)", "(True)"]),
]


@pytest.mark.parametrize(
    ("operator", "source", "replacements"), CASES, ids=[case[0] for case in CASES]
)
def test_an_operator_replaces_a_place_and_nothing_else(
    operator: str, source: str, replacements: list[str]
) -> None:
    made = [each for each in mutations("module.py", source) if each.operator == operator]
    assert [each.becomes for each in made] == replacements
    for each in made:
        compile(each.source, "module.py", "exec")
        assert each.source != source


def test_every_operator_has_a_case() -> None:
    assert [operator.__name__ for operator in OPERATORS] == [case[0] for case in CASES]


def test_docstrings_annotations_and_imports_are_left_alone() -> None:
    text = '"""A and not B."""\nfrom a import b\nx: "list[int]"\n@f("a")\ndef g(y: "int") -> "int":\n    """Not."""\n'
    assert list(mutations("module.py", text)) == []


@pytest.mark.parametrize("room", ROOMS)
def test_a_change_that_is_known_to_be_equivalent_can_still_be_made(room: str) -> None:
    possible = {
        (file, each.was, each.becomes)
        for file in files_of(room)
        for each in mutations(file, (ROOT / file).read_text(encoding="utf-8"))
    }
    assert possible
    listed = [
        (entry["file"], entry["was"], entry["becomes"])
        for entry in ROOMS[room].get("equivalent", ())
    ]
    assert [entry for entry in listed if entry not in possible] == []


MODULE = """
from functools import cache

@cache
def one(x=1):
    return (
        x + 1
    )

class Both:
    def two(self):
        return [each for each in (1, 2) if each > one()]

three = lambda: 3
FOUR = 4
"""


@pytest.fixture
def module(tmp_path: Path) -> ModuleType:
    """An imported module, which has already cached an answer."""
    path = tmp_path / "planted.py"
    path.write_text(MODULE, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("planted", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (module.one(), module.Both().two(), module.three()) == (2, [], 3)
    return module


@pytest.mark.parametrize(
    ("was", "becomes", "then"),
    [
        ("(\n        x + 1\n    )", "(x - 1)", (0, [1, 2], 3)),
        ("each > one()", "each >= one()", (2, [2], 3)),
        ("lambda: 3", "lambda: 4", (2, [], 4)),
    ],
)
def test_functions_are_changed_where_they_are(
    module: ModuleType, was: str, becomes: str, then: object
) -> None:
    assert module.__file__
    assert change(module.__file__, MODULE, MODULE.replace(was, becomes))
    assert (module.one(), module.Both().two(), module.three()) == then


@pytest.mark.parametrize(
    ("was", "becomes"), [("x=1", "x=2"), ("FOUR = 4", "FOUR = 5"), ("@cache", "")]
)
def test_what_runs_at_the_import_cannot_be_changed_later(
    module: ModuleType, was: str, becomes: str
) -> None:
    assert module.__file__
    assert not change(module.__file__, MODULE, MODULE.replace(was, becomes))
