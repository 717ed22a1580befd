"""Brace expansion: ``a{b,c}`` and ``{1..3}``."""

from __future__ import annotations

import re

from labkit.embedded.container.shell.words import skip_quotes

MAX_BRACES = 4096


def expand_braces(text: str) -> list[str]:
    """Brace expansion, done on the text before anything else: ``a{b,c}`` and ``{1..3}``."""
    out = _braces(text)
    return out if len(out) <= MAX_BRACES else [text]


def _braces(text: str) -> list[str]:
    if "{" not in text:
        return [text]
    index = 0
    while index < len(text):
        if text[index] == "{" and not text[:index].endswith("$"):
            end = _brace_end(text, index)
            if end > 0:
                options = _brace_options(text[index + 1 : end])
                if options is not None:
                    tails = _braces(text[end + 1 :])
                    if len(options) * len(tails) > MAX_BRACES:
                        return [text] * (MAX_BRACES + 1)
                    return [text[:index] + option + tail for option in options for tail in tails]
            index += 1
        else:
            index = skip_quotes(text, index)
    return [text]


def _brace_end(text: str, index: int) -> int:
    depth = 0
    while index < len(text):
        if text[index] == "{":
            depth += 1
            index += 1
        elif text[index] == "}":
            depth -= 1
            if not depth:
                return index
            index += 1
        else:
            index = skip_quotes(text, index)
    return -1


def _brace_options(body: str) -> list[str] | None:
    pieces: list[str] = []
    depth = start = index = 0
    while index < len(body):
        if body[index] == "{":
            depth += 1
            index += 1
        elif body[index] == "}":
            depth -= 1
            index += 1
        elif body[index] == "," and not depth:
            pieces.append(body[start:index])
            index += 1
            start = index
        else:
            index = skip_quotes(body, index)
    if pieces:
        pieces.append(body[start:])
        out: list[str] = []
        for piece in pieces:
            out.extend(_braces(piece))
            if len(out) > MAX_BRACES:
                break
        return out
    return _brace_range(body)


def _brace_range(body: str) -> list[str] | None:
    match = re.fullmatch(r"(-?\d{1,9})\.\.(-?\d{1,9})(?:\.\.(-?\d{1,9}))?", body)
    if match is not None:
        first, last = int(match[1]), int(match[2])
        step = abs(int(match[3] or 1)) or 1
        width = (
            max(len(match[1]), len(match[2]))
            if re.search(r"^-?0\d", match[1] + " ") or re.match(r"-?0\d", match[2])
            else 0
        )
        count = abs(last - first) // step + 1
        if count > MAX_BRACES:
            return [""] * (MAX_BRACES + 1)
        sign = 1 if last >= first else -1
        return [f"{first + sign * step * index:0{width}d}" for index in range(count)]
    match = re.fullmatch(r"([a-zA-Z])\.\.([a-zA-Z])(?:\.\.(-?\d{1,9}))?", body)
    if match is not None:
        first, last = ord(match[1]), ord(match[2])
        sign = 1 if last >= first else -1
        return [chr(code) for code in range(first, last + sign, sign * (abs(int(match[3] or 1)) or 1))]
    return None
