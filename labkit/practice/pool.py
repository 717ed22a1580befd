"""The questions of the drill and the ideas that they tell apart, read when they are first used."""

import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from labkit.core.language import NAME, shown, text

PATH = Path(__file__).with_name("pool.json")
"""Written by ``python -m tools.drill``."""


@lru_cache(maxsize=1)
def pool() -> dict[str, Any]:
    """Return questions and ideas. A question's ``wrong`` has the numbers of the ideas that answer it wrongly."""
    # Read once, and late: the file has 1.6 MB, and most commands and notebooks never ask a question.
    loaded: dict[str, Any] = json.loads(PATH.read_text(encoding="utf-8"))
    return loaded


def texts() -> list[str]:
    """Return the pool's texts to be translated: sentences with names in braces, and ideas."""
    return [
        *pool()["sentences"],
        *(idea[part] for idea in pool()["beliefs"] for part in ("name", "says")),
    ]


def sentence(english: str) -> str:
    """Return a sentence of the pool as a translatable text: its template and values."""
    for template in pool()["sentences"]:
        if (values := fit(template, english)) is not None:
            return text(template, **{name: sentence(value) for name, value in values.items()})
    return english


def policy(question: dict[str, Any]) -> str:
    """Return a question's policy, with the words of a graph in the learner's language."""
    written: str = question["text"]
    return (
        re.sub(r"[^\s└].*", lambda line: shown(sentence(line[0])), written)
        if question["form"] == "graph"
        else written
    )


def fit(template: str, english: str) -> dict[str, str] | None:
    """Return the values that make this sentence from a template, each as short as possible; None if none do."""
    parts = NAME.split(template)
    start = parts[0]
    names = parts[1::2]
    between = parts[2:-1:2]
    end = parts[-1]
    if not names or "\n" in english:
        return {} if english == template else None
    if not (english.startswith(start) and english.endswith(end)):
        return None
    values = {}
    here = len(start)
    last = len(english) - len(end)
    # A regular expression could take exponential time to divide the sentence, which can come from a
    # file of somebody else.
    for name, part in zip(names, between, strict=False):
        there = english.find(part, here + 1, last)
        if there < 0:
            return None
        values[name], here = english[here:there], there + len(part)
    return {**values, names[-1]: english[here:last]} if here < last else None
