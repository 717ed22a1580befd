"""Has labkit speak another language than English."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache

import pytest
from babel.messages.catalog import Catalog

from kube_embedded.tests.support.some import some
from labkit.core import language
from tests.support.korean import placeholders
from tools import catalogues, texts


@contextmanager
def speaking(catalogue: Mapping[str, str] | None = None) -> Iterator[None]:
    """Speak Korean, or what a catalogue has in its place.

    In Korean, texts that are not translated yet have a stand-in: a test that looks for English in Korean output finds
    code that shows a text without translating it, and no English sentence that is new.
    """
    messages = json.dumps(complete() if catalogue is None else catalogue)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(language, "read", lambda _name: messages)
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


@cache
def complete() -> dict[str, str]:
    """Return the Korean catalogue, with Korean stand-ins for the texts that are not translated yet."""
    stand_ins = {
        english: other.replace("⟦", "“가 ").replace("⟧", "”") for english, other in pseudo().items()
    }
    return {**stand_ins, **korean()}


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


def translate(texts: Catalog, english: str, translation: str) -> None:
    """Enter a translation in a catalogue."""
    message = texts.get(english)
    assert message is not None, english
    message.string = translation


def outside_brackets(said: str) -> list[str]:
    """The words that are in no brackets: they were not translated."""
    before = ""
    while before != said:
        before, said = said, re.sub("⟦[^⟦⟧]*⟧", "", said)
    return re.findall(r"[A-Za-z]*[a-z]{2}[A-Za-z]*", said)
