"""Translate labkit's texts into the learner's language.

An English text is its own key in a catalogue, as with gettext. It stays English where it is compared, counted or
stored, and is translated when it is shown. ``make messages`` writes ``languages/LANGUAGE.json`` from the catalogues in
``locale``; it is read with the first text that is shown in that language, so English needs no file.
"""

import json
import os
import re
import unicodedata
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from kube_embedded.text import NAME as NAME
from kube_embedded.text import PLAIN, filled
from kube_embedded.text import Text as Text
from kube_embedded.text import listed as listed
from kube_embedded.text import text as text

LANGUAGES = {"en": "English", "ko": "한국어"}
"""labkit's languages, by their codes."""

VARIABLES = ("LABKIT_LANG", "LC_ALL", "LC_MESSAGES", "LANG")
"""The environment's variables that can name the language; the first that is set decides."""

# A list with one code or none, so that use() changes it without a global statement.
_chosen: list[str] = []


def shown(english: str) -> str:
    """Return a text in the learner's language, or in English without a translation or if it is not a ``Text``."""
    catalogue = _catalogue(language())
    if not catalogue or not isinstance(english, Text):
        return str(english)
    values = {
        name: shown(value) if isinstance(value, Text) else value
        for name, value in english.values.items()
    }
    return filled(catalogue.get(english.template, english.template), values)


def said(template: str, *values: object) -> str:
    """Return a text of a template and values, in the learner's language."""
    return shown(text(template, *values))


def translations_in(script: str, code: str = "") -> dict[str, str]:
    """Return the translations of the texts in a script's quotation marks, by the English text; none in English.

    Args:
        script: JavaScript.
        code: The language's code; the learner's language when left out.
    """
    catalogue = _catalogue(code or language())
    quoted = re.findall(r'(?<=")[^"\n]+(?=")', script) if catalogue else []
    return {english: catalogue[english] for english in quoted if english in catalogue}


def all_shown(value: Any) -> Any:
    """Return a value with all its texts, also those in lists and dicts, in the learner's language."""
    return _changed(value, shown)


def packed(value: Any) -> Any:
    """Return a value, or the fields of a dataclass, for JSON: with each ``Text`` in its parts; see ``unpacked``."""
    return _changed(value, lambda match: {"text": match.template, "values": packed(match.values)})


def unpacked(value: Any) -> Any:
    """Return the value that ``packed`` was called with; raise a ``TypeError`` if a text's parts are damaged."""
    if isinstance(value, dict):
        if value.keys() == {"text", "values"}:
            return text(value["text"], **unpacked(value["values"]))
        return {key: item if type(item) in PLAIN else unpacked(item) for key, item in value.items()}
    return (
        [item if type(item) in PLAIN else unpacked(item) for item in value]
        if isinstance(value, list)
        else value
    )


def _changed(value: Any, change: Callable[[Text], Any]) -> Any:
    """Return a value in which each ``Text``, also those in lists, dicts and dataclasses, is changed."""
    if isinstance(value, Text):
        return change(value)
    if isinstance(value, list | tuple):
        return [item if type(item) in PLAIN else _changed(item, change) for item in value]
    names = getattr(
        value, "__dataclass_fields__", ()
    )  # dataclasses.asdict copies each text by its parts
    fields = {name: getattr(value, name) for name in names} if names else value
    if isinstance(fields, dict):
        return {
            key: item if type(item) in PLAIN else _changed(item, change)
            for key, item in fields.items()
        }
    return value


def use(language: str) -> None:
    """Set the language by its code; an empty code selects the environment's language."""
    _chosen[:] = [language] if language else []


def language() -> str:
    """Return the code of the learner's language."""
    named = [*_chosen, *filter(None, (os.environ.get(name) for name in VARIABLES)), ""][0]
    # Such as ko_KR.UTF-8 (POSIX) or ko-KR (BCP 47); the locales C and POSIX are English.
    code = re.split(r"[_.@-]", named)[0].lower()
    return code if code in LANGUAGES else "en"


def width(line: str) -> int:
    """Return the number of a text's columns in a terminal: Korean letters have two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in line)


def _read(name: str) -> str:
    return (Path(__file__).parent / "languages" / name).read_text(encoding="utf-8")


read: Callable[[str], str] = _read
"""Returns the text of a catalogue, by its name. A page of a browser fetches it instead."""


@cache
def _catalogue(language: str) -> Mapping[str, str]:
    if language == "en":
        return {}
    # A failure is cached, so the rest of the session is English and not half translated.
    with suppress(OSError, ValueError):  # a page whose site does not answer
        catalogue: dict[str, str] = json.loads(read(f"{language}.json"))
        return catalogue
    return {}
