"""The documents in other languages: ``docs/LANGUAGE/NAME.md``, from the catalogues in ``locale/LANGUAGE/docs``.

A paragraph is a message, as in README, and so is each row of a table. A message that is fuzzy or not translated is shown
in English, within the Korean page: it does not hold up a change of the English text. ``docs/LANGUAGE/index.md`` lists the
documents. The glossary's texts are those of its notebook. A catalogue has the links of the English page: here they are
made to lead to the pages and notebooks of the language, and to the headings there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from babel.messages.catalog import Catalog

from tools import catalogues, notebooks
from tools.docs_site import ORDER

DOCS = notebooks.ROOT / "docs"
GLOSSARY = "glossary"
INDEX = "index"
HEADER = """# Korean text of docs/{name}.md. locale/ko/terms.yaml has the terms.
msgid ""
msgstr ""
"Language: {language}\\n"
"Plural-Forms: nplurals=1; plural=0;\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"""
INDEX_TEXT = "# Documents\n\n[The first page](../README.md) says what labkit is.\n"
CODE = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(#[^)\s]+)?\)")

PAGE = re.compile(r"(?:docs|notebooks)/([a-z]{2})/|README\.([a-z]{2})$")
"""The site's pages in other languages."""

Pages = dict[str, str]
"""Documents by their names."""


def english() -> Pages:
    """Each document that has a catalogue."""
    return {
        page.stem: page.read_text(encoding="utf-8")
        for page in sorted(DOCS.glob("*.md"))
        if page.stem != GLOSSARY
    } | {INDEX: INDEX_TEXT}


def catalogue(language: str, name: str) -> str:
    """The text of a document's catalogue so far; one with a header alone where there is none."""
    file = catalogues.path(language, f"docs/{name}")
    return (
        file.read_text(encoding="utf-8")
        if file.exists()
        else HEADER.format(name=name, language=language)
    )


def translated(language: str, texts: Mapping[str, Catalog]) -> Pages:
    """The documents in a language, and their index; their links still lead to the English pages.

    Args:
        language: The language's code.
        texts: The catalogue of each document.
    """
    pages = {
        name: catalogues.translated_page(page, texts[name]) for name, page in english().items()
    }
    pages[GLOSSARY] = notebooks.glossary(language)
    pages[INDEX] += f"\n{listed(pages)}\n"
    return pages


def listed(pages: Pages) -> str:
    """A list of documents in the order of the site's contents, each by its title."""
    return "\n".join(
        f"- [{headings(pages[name])[0]}]({name}.md)" for name in ORDER if name in pages
    )


def built(language: str, texts: Mapping[str, Catalog], readme: str) -> dict[Path, str]:
    """README and each document in a language, at its path; a document has a link to the English one below its title."""
    pages, folder, root = translated(language, texts), DOCS / language, notebooks.ROOT
    files = {
        root / f"README.{language}.md": with_own_links(
            readme, root / "README.md", root, language, pages
        )
    }
    for name, text in pages.items():
        text = with_own_links(text, DOCS / f"{name}.md", folder, language, pages)
        original = "../../README.md" if name == INDEX else f"../{name}.md"
        files[folder / f"{name}.md"] = re.sub(
            r"^(# .*)$", rf"\1\n\n[English]({original})", text, count=1, flags=re.MULTILINE
        )
    return files


def with_own_links(text: str, source: Path, folder: Path, language: str, pages: Pages) -> str:
    """A page in a language with its links leading to pages of the language.

    Args:
        text: The page, with the links of the English one.
        source: Where the English page is.
        folder: Where the page will be.
        language: The language's code.
        pages: The documents that are in this language.
    """

    def own(link: re.Match[str]) -> str:
        target = Path(os.path.normpath(source.parent / link[1])) if link[1] else source
        anchor = link[2] or ""
        if link[1] and target == source:
            pass  # README names its English page
        elif target.parent == DOCS and target.stem in pages and target.suffix == ".md":
            anchor = anchors(target.stem, pages).get(anchor, anchor)
            target = DOCS / language / target.name
        elif target.suffix == ".md" and (there := target.with_suffix(f".{language}.md")).exists():
            target = there
        elif target.suffix == ".ipynb":
            there = (
                notebooks.ROOT
                / "notebooks"
                / language
                / target.relative_to(notebooks.ROOT / "notebooks")
            )
            target = there if there.exists() else target
        return f"]({os.path.relpath(target, folder) if link[1] else ''}{anchor})"

    return LINK.sub(own, text)


def anchors(name: str, pages: Pages) -> dict[str, str]:
    """The anchor of each heading of an English document, and the one in another language."""
    source = english().get(name) or (DOCS / f"{name}.md").read_text(encoding="utf-8")
    return {
        anchor(old): anchor(new)
        for old, new in zip(headings(source), headings(pages[name]), strict=True)
    }


def language_of(page: str) -> str:
    """The language of a page of the site, by its path without a suffix."""
    match = PAGE.match(page)
    return (match[1] or match[2]) if match else "en"


def headings(page: str) -> list[str]:
    """The headings of a page."""
    return re.findall(r"^#+ (.+)$", CODE.sub("", page), re.MULTILINE)


def anchor(heading: str) -> str:
    """The anchor of a heading, as GitHub and MyST make it."""
    return "#" + re.sub(r"[^\w -]", "", heading.strip().lower()).replace(" ", "-")
