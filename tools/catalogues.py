"""Catalogues of messages in gettext's format, and notebooks translated with them.

``locale/LANGUAGE`` has a catalogue for the notebooks, one for README, one for each document (``tools/documents.py``),
and one for each room of labkit that speaks (``tools/texts.py``).
Each paragraph of Markdown is one message, and so is each row of a table, and a comment of labkit's own in a learner's
code cell. A text that was changed in English makes its translation *fuzzy*: the English text is shown until somebody
looks at the translation, and takes the mark away.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po, write_po

LOCALE = Path(__file__).resolve().parent.parent / "locale"
ROW = re.compile(r" *\|")
"""The beginning of a table's row."""
LETTER = re.compile(r"[^\W\d_]")
"""Without a letter, such as the line below a table's head, a text has no translation."""
PLACEHOLDER = "# Your turn: write it below this line."
"""Stands for a solution in a learner's code cell."""
LAB = re.compile(r"^lab = Lab\(\)$", re.MULTILINE)
"""The line with which the lab begins in a notebook; in another language it names that."""
INTO_ANOTHER_FOLDER = re.compile(r"\]\((?=pictures/)")
"""The beginning of a link that leads one folder up from the notebooks of another language."""


@dataclass(frozen=True, slots=True)
class Count:
    """How far a translation is.

    Args:
        messages: All messages.
        fuzzy: Those whose English text was changed since they were translated.
        untranslated: Those without a translation.
    """

    messages: int
    fuzzy: int
    untranslated: int

    @property
    def is_complete(self) -> bool:
        """Whether no message is shown in English."""
        return self.fuzzy == self.untranslated == 0

    def __str__(self) -> str:
        return f"{self.messages} messages, {self.fuzzy} fuzzy, {self.untranslated} untranslated"


def path(language: str, name: str = "notebooks") -> Path:
    """Where a catalogue of a language is: that of the notebooks, of README, of a document, or of a room."""
    return LOCALE / language / f"{name}.po"


def languages() -> list[str]:
    """The languages that have a catalogue."""
    return sorted(file.parent.name for file in LOCALE.glob("*/notebooks.po"))


def read(text: str) -> Catalog:
    """A catalogue from its text."""
    return read_po(io.BytesIO(text.encode()))


def messages_of(document: Any) -> Iterator[str]:
    """The English texts of a learner's notebook."""
    for cell in document.cells:
        if cell.cell_type == "markdown":
            yield from messages_of_page(cell.source)
        elif PLACEHOLDER in cell.source:
            yield PLACEHOLDER


def template(documents: dict[str, Any]) -> Catalog:
    """All messages of some notebooks, each with the names of those that have it."""
    texts = Catalog()
    for name, document in documents.items():
        for text in messages_of(document):
            texts.add(text, locations=[(name, 0)])
    return texts


def paragraphs(page: str) -> list[str]:
    """Split a page of Markdown at its empty lines; a block of code stays whole."""
    parts: list[str] = []
    for part in page.rstrip("\n").split("\n\n"):
        if parts and len(re.findall(r"^ *```", parts[-1], re.MULTILINE)) % 2:
            parts[-1] += f"\n\n{part}"  # an empty line within code
        else:
            parts.append(part)
    return parts


def table_rows(paragraph: str) -> list[str]:
    """Split a paragraph of Markdown into the rows of its table and the lines before and after it.

    Each row is a message of its own. As one message, a table lost all of its translation with every row that was added.
    """
    if "```" in paragraph:
        return [paragraph]
    rows: list[str] = []
    for line in paragraph.split("\n"):
        if rows and not ROW.match(line) and not ROW.match(rows[-1]):
            rows[-1] += f"\n{line}"
        else:
            rows.append(line)
    return rows


def messages_of_page(page: str) -> Iterator[str]:
    """Return the texts of a page in Markdown that can be translated."""
    for paragraph in paragraphs(page):
        yield from filter(LETTER.search, table_rows(paragraph))


def template_of_page(page: str) -> Catalog:
    """Return a catalogue with all messages of a page."""
    texts = Catalog()
    for text in messages_of_page(page):
        texts.add(text)
    return texts


def translated_page(page: str, texts: Catalog) -> str:
    """Return a page in another language. A message that is fuzzy or not translated stays English."""
    return (
        "\n\n".join(
            "\n".join(_translation(text, texts) for text in table_rows(paragraph))
            for paragraph in paragraphs(page)
        )
        + "\n"
    )


def renewed(text: str, english: Catalog) -> str:
    """A catalogue's text after a change of the English texts.

    Args:
        text: The catalogue's text so far. Its header stays.
        english: All messages, from ``template``.
    """
    header, _, _ = text.partition("\n\n")
    texts = read(text)
    texts.update(english)
    written = io.BytesIO()
    # Without a width, no line of a text is broken in another place than in its source.
    write_po(written, texts, width=0, omit_header=True, ignore_obsolete=True, include_lineno=False)
    return f"{header}\n\n{written.getvalue().decode()}"


def messages(texts: Catalog, notebook: str = "") -> list[Message]:
    """The messages of a catalogue, or those that a notebook has."""
    return [
        message
        for message in texts
        if message.id and (not notebook or notebook in [name for name, _ in message.locations])
    ]


def count(some: Iterable[Message]) -> Count:
    """How far the translation of some messages is."""
    listed = list(some)
    return Count(
        messages=len(listed),
        fuzzy=sum(message.fuzzy for message in listed),
        untranslated=sum(not message.string for message in listed),
    )


def translated(document: Any, texts: Catalog) -> Any:
    """A learner's notebook in another language.

    Its cells' ids and their order stay, and so does its code, but that the lab speaks the language. A text without a
    translation, or with a fuzzy one, stays English.

    Args:
        document: The English notebook, which is changed.
        texts: The catalogue.
    """
    for cell in document.cells:
        if cell.cell_type == "markdown":
            text = translated_page(cell.source, texts).removesuffix("\n")
            cell.source = INTO_ANOTHER_FOLDER.sub("](../", text)
        else:
            cell.source = cell.source.replace(PLACEHOLDER, _translation(PLACEHOLDER, texts))
            cell.source = LAB.sub(f'lab = Lab(lang="{texts.locale_identifier}")', cell.source)
    return document


def compiled(catalogues: Iterable[Catalog]) -> str:
    """Return the translations of some catalogues as labkit reads them, one a line; none that is fuzzy."""
    shown = {
        str(message.id): str(message.string)
        for texts in catalogues
        for message in messages(texts)
        if message.string and not message.fuzzy
    }
    return json.dumps(dict(sorted(shown.items())), ensure_ascii=False, indent=0) + "\n"


def _translation(text: str, texts: Catalog) -> str:
    message = texts.get(text)
    return str(message.string) if message and message.string and not message.fuzzy else text
