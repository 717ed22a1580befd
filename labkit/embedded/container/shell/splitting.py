"""A text's words, before anything in them is expanded."""

from __future__ import annotations

from labkit.embedded.container.shell.words import closing, skip_quotes


def split_words(text: str, *, tests: bool = False) -> list[str]:
    """Split a text at unquoted blanks.

    Args:
        text: The text.
        tests: Whether ``( ) && || < >`` are words of their own, as in ``[[ … ]]``.
    """
    out: list[str] = []
    start = index = 0
    regex = False

    def cut(end: int) -> None:
        if end > start:
            out.append(text[start:end])

    while index < len(text):
        char = text[index]
        if char in " \t\n":
            cut(index)
            regex = tests and bool(out) and out[-1] == "=~"
            index += 1
            start = index
        elif tests and not regex and index == start and text[index : index + 2] in ("&&", "||"):
            out.append(text[index : index + 2])
            index += 2
            start = index
        elif tests and not regex and char in "()" and (index == start or char == ")"):
            cut(index)
            out.append(char)
            index += 1
            start = index
        else:
            index = closing(text, index) if regex and char == "(" else skip_quotes(text, index)
    cut(index)
    return out


def split_at(text: str, separator: str) -> list[str]:
    """Split a text at an unquoted character."""
    out: list[str] = []
    start = index = 0
    while index < len(text):
        if text[index] == separator:
            out.append(text[start:index])
            index += 1
            start = index
        else:
            index = skip_quotes(text, index)
    out.append(text[start:])
    return out
