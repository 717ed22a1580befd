"""Texts that a program with languages of its own can translate."""

import re
from collections.abc import Iterable, Mapping
from functools import reduce

NAME = re.compile(r"\{(\w+)\}")

# Compared by exact type: a Text is a str, too.
PLAIN = {str, int, float, bool, type(None)}
"""The types of most values, which need no change."""


class Text(str):
    """An English text that can be shown in another language.

    Args:
        template: The text, with the names of its values in braces.
        values: The values that replace the names; a value that is a ``Text`` is translated, too.
    """

    template: str
    values: Mapping[str, object]


def text(template: str, /, *values: object, **named: object) -> Text:
    """Make a text whose names in braces are replaced by values, in the order of the names or by name."""
    if values:
        named |= zip(dict.fromkeys(NAME.findall(template)), values, strict=True)
    elif not named and isinstance(template, Text):
        return template
    # Stored results hold the values as JSON, so a path or an error becomes its text here.
    plain = {
        name: value if type(value) in PLAIN or isinstance(value, Text) else str(value)
        for name, value in named.items()
    }
    message = Text(filled(template, plain))
    message.template = str(template)
    message.values = plain
    return message


def listed(parts: Iterable[str], separator: str = "") -> str:
    """Return the parts of a list as one text, in which each can be translated; ``one and other`` without a separator.

    Empty parts are left out.
    """
    both = f"{{one}}{separator}{{other}}" if separator else text("{one} and {other}")
    present = [part for part in parts if part]
    return reduce(lambda one, other: text(both, one, other), present) if present else ""


def filled(template: str, values: Mapping[str, object]) -> str:
    """Return a template with values in the place of their names."""
    return NAME.sub(lambda match: str(values.get(match[1], match[0])), template)
