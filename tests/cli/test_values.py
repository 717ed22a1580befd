"""The sentences of ``tools/values.py`` repeat the code's: each is made of what labkit's sources have."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from tests.support.some import some
from tools.texts import PACKAGE
from tools.values import VALUES

VALUE = re.compile(r"\{\w*\}")
WHOLE = re.compile(
    r"[A-Za-z]+[^A-Za-z]+[A-Za-z]|[A-Za-z]{4}|[A-Za-z]{2}[^A-Za-z]+$|^[^A-Za-z]+[A-Za-z]{2}"
)
"""Two words, a long one, or a short one beside a space or a mark: letters alone would be in any sentence."""


@cache
def pieces() -> frozenset[str]:
    """What stands in the string constants of labkit's code, between their values; those of f-strings as well."""
    found: set[str] = set()
    for file in some(sorted(PACKAGE.rglob("*.py"))):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.update(part for line in node.value.split("\n") for part in VALUE.split(line))
    return frozenset(part for part in found if re.search("[A-Za-z]", part))


@cache
def whole() -> tuple[str, ...]:
    """The pieces that may stand beside others."""
    return tuple(filter(WHOLE.search, pieces()))


def lacking(sentence: str) -> str:
    """What of a sentence is in no constant of the sources; empty where it is made of them and of marks alone."""
    for part in VALUE.split(sentence):
        known, ends = [piece for piece in whole() if piece in part], {0}
        for place in range(len(part)):
            if place in ends:
                ends.update(place + len(piece) for piece in known if part.startswith(piece, place))
                ends.update([] if part[place].isalnum() else [place + 1])
        if len(part) not in ends and part not in pieces():
            return part[max(ends) :]
    return ""


@pytest.mark.parametrize("sentence", VALUES)
def test_a_sentence_with_words_for_a_value_is_made_of_those_of_the_sources(sentence: str) -> None:
    assert lacking(sentence) == ""


@pytest.mark.parametrize(
    "red",
    [
        "Not graded: {label} is too late.",
        "Not graded: {label} came late.",
        "line {number}: the key {key} is there thrice",
        "line {number}: {learner} has one line for {task} already",
        "No class answers at this place.",
        "it belongs to another person (id {uid})",
    ],
)
def test_a_sentence_that_the_sources_no_longer_have_is_found(red: str) -> None:
    assert lacking(red)
