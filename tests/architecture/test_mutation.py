"""The changes that ``tools.mutants`` plants: what each operator makes of a line, and what is known to be equivalent."""

from __future__ import annotations

import pytest

from tools.mutants import ROOMS, ROOT, files_of
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


@pytest.mark.parametrize(("operator", "source", "replacements"), CASES, ids=[case[0] for case in CASES])
def test_an_operator_replaces_a_place_and_nothing_else(operator: str, source: str, replacements: list[str]) -> None:
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
    listed = [(entry["file"], entry["was"], entry["becomes"]) for entry in ROOMS[room].get("equivalent", ())]
    assert [entry for entry in listed if entry not in possible] == []
