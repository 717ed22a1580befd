"""The questions in another language: each sentence is found by its template, in Python and in JavaScript."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kube_embedded.tests.support.some import some
from labkit.core.language import shown
from labkit.practice.pool import fit, policy, pool, sentence, texts
from tests.practice.test_same_in_javascript import in_javascript
from tests.support.languages import brackets, complete, speaking
from tools.drill.__main__ import SEED, questions

ENGLISH = re.compile(
    r"\b(?:the|this|is|are|in|but|not|only|named|group|May|no|nothing|would|gives)\b"
)
"""Words that no sentence in another language has, and no name of an object."""


@pytest.fixture
def in_brackets() -> Iterator[None]:
    with speaking(brackets(texts())):
        yield


@pytest.fixture
def in_korean() -> Iterator[None]:
    with speaking():
        yield


def sentences() -> list[str]:
    """All that the questions say, each once."""
    said: dict[str, None] = {}
    for question in pool()["questions"]:
        said |= dict.fromkeys([question["ask"], *question["says"].split("\n"), *question["why"]])
        said |= dict.fromkeys([question["note"]] if "note" in question else [])
    return list(said)


def test_a_pseudo_language_leaves_no_sentence_untouched(in_brackets: None) -> None:
    for said in some(sentences()):
        assert sentence(said) == said
        assert re.fullmatch("⟦.*⟧", shown(sentence(said))), said
        assert not ENGLISH.search(shown(sentence(said))), said


def test_a_pseudo_language_leaves_no_word_of_a_graph_untouched(in_brackets: None) -> None:
    graphs = [question for question in pool()["questions"] if question["form"] == "graph"]
    for question in some(graphs):
        assert policy(question).count("\n") == question["text"].count("\n")
        assert not ENGLISH.search(policy(question)), question["text"]
    others = [question for question in pool()["questions"] if question["form"] != "graph"]
    assert [policy(question) for question in some(others)] == [
        question["text"] for question in others
    ]


def test_a_sentence_is_translated_as_its_maker_would(in_korean: None) -> None:
    """The pool has plain sentences; whoever wrote them knew their values."""
    for question in some(questions(SEED, 400)):
        for said in question["said"]:
            assert shown(sentence(str(said))) == shown(said)


@pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")
@pytest.mark.slow
def test_the_script_translates_alike(in_korean: None, tmp_path: Path) -> None:
    asked = [
        *sentences(),
        *(each["text"] for each in pool()["questions"] if each["form"] == "graph"),
    ]
    data: Any = {"words": {each: complete()[each] for each in texts()}, "asked": asked}
    theirs = in_javascript(
        "(words = data.words, data.asked.map((each) => sentence(each, pool.sentences)))",
        data,
        tmp_path,
    )
    assert theirs == [shown(sentence(each)) for each in asked]
    plain = in_javascript(
        "data.asked.map((each) => sentence(each, pool.sentences))", data, tmp_path
    )
    assert plain == asked


@pytest.mark.parametrize(
    ("template", "english", "values"),
    [
        ("No {a}.", "No pod.", {"a": "pod"}),
        ("{a}: {b}", "x: y: z", {"a": "x", "b": "y: z"}),
        ("{a} of {b}.", "one of two of three.", {"a": "one", "b": "two of three"}),
        ("{a}{b}", "xyz", {"a": "x", "b": "yz"}),
        ("whole", "whole", {}),
        ("No {a}.", "No .", None),
        ("{a}: {b}", "x: ", None),
        ("{a}, {b}.", "x.", None),
        ("{a} ends", "it ends here", None),
        ("{a}: {b}", "x: y\nz", None),
        ("".join(f"{{a{number}}}, " for number in range(20)) + "!", "x, " * 20_000, None),
    ],
)
def test_a_template_fits_a_sentence(
    template: str, english: str, values: dict[str, str] | None
) -> None:
    assert fit(template, english) == values
