"""Brace expansion, which bash does before all others: ``a{b,c}`` and ``{1..3}``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from labkit.embedded.container.shell.syntax import Part, Text, Word

MAX_WORDS = 4096

Piece = str | Part
"""An unquoted character, or a part that braces do not look into."""


class _TooMany(Exception):
    """The word would become too many."""


def expand_braces(word: Word) -> list[Word]:
    """The words that a word becomes; itself alone if there are no braces, or too many words."""
    if "{" not in word.source:
        return [word]
    pieces: list[Piece] = []
    for part in word.parts:
        pieces.extend(part.text if isinstance(part, Text) and not part.quoted else [part])
    try:
        found = _expand(pieces)
    except _TooMany:
        return [word]
    return [word] if len(found) == 1 else [Word(tuple(_joined(one)), word.source) for one in found]


def _joined(pieces: Sequence[Piece]) -> list[Part]:
    out: list[Part] = []
    for piece in pieces:
        last = out[-1] if out else None
        if not isinstance(piece, str):
            out.append(piece)
        elif isinstance(last, Text) and not last.quoted:
            out[-1] = Text(last.text + piece)
        else:
            out.append(Text(piece))
    return out


def _expand(pieces: Sequence[Piece]) -> list[list[Piece]]:
    for start, piece in enumerate(pieces):
        if piece != "{":
            continue
        options = _options(pieces, start)
        if options is None:
            continue
        end, choices = options
        tails = _expand(pieces[end:])
        if len(choices) * len(tails) > MAX_WORDS:
            raise _TooMany
        return [[*pieces[:start], *choice, *tail] for choice in choices for tail in tails]
    return [list(pieces)]


def _options(pieces: Sequence[Piece], start: int) -> tuple[int, list[list[Piece]]] | None:
    """What stands in the braces that open at ``start``, and where they end; None if they are just braces."""
    depth = 0
    commas = [start]
    for index in range(start, len(pieces)):
        piece = pieces[index]
        depth += (piece == "{") - (piece == "}")
        if piece == "," and depth == 1:
            commas.append(index)
        if depth:
            continue
        commas.append(index)
        if len(commas) == 2:
            texts = _range("".join(one if isinstance(one, str) else "\0" for one in pieces[start + 1 : index]))
            return None if texts is None else (index + 1, [list(text) for text in texts])
        choices: list[list[Piece]] = []
        for left, right in pairwise(commas):
            choices.extend(_expand(pieces[left + 1 : right]))
            if len(choices) > MAX_WORDS:
                raise _TooMany
        return index + 1, choices
    return None


def _range(body: str) -> list[str] | None:
    """The texts of ``1..5``, ``01..10..2`` or ``a..e``; None if it is no range."""
    match = re.fullmatch(r"(-?\d{1,9}|[a-zA-Z])\.\.(-?\d{1,9}|[a-zA-Z])(?:\.\.(-?\d{1,9}))?", body)
    if match is None or match[1].isalpha() != match[2].isalpha():
        return None
    letters = match[1].isalpha()
    first, last = (ord(match[1]), ord(match[2])) if letters else (int(match[1]), int(match[2]))
    step = abs(int(match[3] or 1)) or 1
    if abs(last - first) // step >= MAX_WORDS:
        raise _TooMany
    numbers = range(first, last + 1, step) if first <= last else range(first, last - 1, -step)
    if letters:
        return [chr(number) for number in numbers]
    padded = any(re.match(r"-?0\d", end) for end in match.group(1, 2))
    width = max(len(match[1]), len(match[2])) if padded else 0
    return [f"{number:0{width}d}" for number in numbers]
