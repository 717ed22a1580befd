"""Has labkit speak another language than English."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache

import pytest

from labkit.core import language
from tests.support.korean import placeholders
from tests.support.some import some
from tools import catalogues, texts


@contextmanager
def speaking(
    catalogue: Mapping[str, str] | None = None, sentences: Mapping[str, str] | None = None
) -> Iterator[None]:
    """Speak Korean, or what a catalogue has in its place, and another one of sentences."""
    with pytest.MonkeyPatch.context() as patch:
        if catalogue is not None:
            files = {"ko.json": catalogue, "ko-sentences.json": sentences or {}}
            patch.setattr(language, "read", lambda name: json.dumps(files[name]))
        language._catalogue.cache_clear()
        language.use("ko")
        try:
            yield
        finally:
            language.use("")
    language._catalogue.cache_clear()


def korean() -> dict[str, str]:
    """The Korean catalogue."""
    catalogue: dict[str, str] = json.loads(language._read("ko.json"))
    return catalogue


def brackets(english: Iterable[str]) -> dict[str, str]:
    """A language that consists of brackets, and of the values between them."""
    return {
        each: "⟦" + " ".join(f"{{{name}}}" for name in sorted(placeholders(each))) + "⟧"
        for each in some(english)
    }


@cache
def pseudo() -> dict[str, str]:
    """All texts of labkit in this language."""
    return brackets(
        str(message.id)
        for room in texts.ROOMS
        for message in catalogues.messages(texts.template(room))
    )


@cache
def pseudo_sentences() -> dict[str, str]:
    """All sentences of labkit in this language, the longest first."""
    rooms = [texts.template(room) for room in texts.SENTENCES]
    for message in some([message for room in rooms for message in catalogues.messages(room)]):
        message.string = brackets([str(message.id)])[str(message.id)]
    known: dict[str, str] = json.loads(catalogues.compiled(rooms, sentences=True))
    return known


def outside_brackets(said: str) -> list[str]:
    """The words that are in no brackets: they were not translated."""
    before = ""
    while before != said:
        before, said = said, re.sub("⟦[^⟦⟧]*⟧", "", said)
    return re.findall(r"[A-Za-z]*[a-z]{2}[A-Za-z]*", said)
