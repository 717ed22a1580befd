"""What the site adds to Sphinx: words that explain themselves, diagrams without a script, a list of outside links.

- The first time that a section of a lesson uses a word of the glossary, the word becomes a link, which shows the
  definition when the pointer or the keyboard reaches it.
- A ``mermaid`` block shows the picture that ``python -m tools.diagrams`` has drawn of it, for light and for dark
  pages, and its text. A block that has changed since is a warning, so the build fails.
- A document leads to the same one in other languages, and a page names its language.
- Links to other servers are not opened. They are written to ``outside-links.txt`` of the site.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from labkit.core.language import LANGUAGES
from tools.diagrams import drawn, key
from tools.documents import language_of

logger = logging.getLogger(__name__)

AS_TEXT = {"en": "The diagram as text", "ko": "그림의 텍스트"}
GLOSSARY = "docs/glossary"
DOCUMENT = re.compile(r"docs/([\w-]+)$")
EXPLAINED = re.compile(r"notebooks/")
"""The pages whose words are explained."""
NOT_IN: tuple[type[Any], ...] = (
    nodes.reference,
    nodes.literal,
    nodes.literal_block,
    nodes.title,
    nodes.raw,
)
ROW = re.compile(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([A-Z]\d+) \|$", re.MULTILINE)
OTHER_CASE = {"Service", "Secret"}
"""Words that are no others when they are written small."""

Words = dict[str, tuple[str, str]]


class Mermaid(SphinxDirective):
    """A diagram, from the pictures drawn of it."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the two pictures and the text."""
        text = "\n".join(self.content)
        name = drawn().get(key(text))
        if name is None:
            logger.warning(
                "no picture of this diagram: run `make screenshots`", location=self.get_location()
            )
            return []
        # It scrolls where the page is narrower, so the keyboard must reach it.
        opening = f'<div class="lk-diagram" tabindex="0" role="group" aria-label="diagram {name}">'
        pictures = [
            nodes.image(
                uri=f"/docs/diagrams/{name}-{theme}.svg",
                alt="Its text follows.",
                classes=[f"only-{theme}"],
            )
            for theme in ("light", "dark")
        ]
        closing = (
            f'</div><details class="lk-source"><summary>{AS_TEXT[language_of(self.env.docname)]}</summary>'
            f'<pre tabindex="0">{html.escape(text)}</pre></details>'
        )
        return [
            nodes.raw("", opening, format="html"),
            *pictures,
            nodes.raw("", closing, format="html"),
        ]


def words(page: str) -> Words:
    """The glossary's words: for each way to write one, its anchor and what it is."""
    found: Words = {}
    for english, korean, meaning, step in ROW.findall(page):
        anchor = f"term-{re.sub(r'[^a-z]+', '-', english.lower()).strip('-')}"
        plain = re.sub(r"[`*]", "", meaning)
        for name in {english, re.sub(r" \(.*\)", "", english), *re.findall(r"\((.*)\)", english)}:
            found[name] = (anchor, f"{english} · {korean} ({step}): {plain}")
    return found


def pattern(names: Iterator[str] | list[str]) -> re.Pattern[str]:
    """What finds one of these words, also in the plural and at the beginning of a sentence."""
    longest_first = sorted(names, key=len, reverse=True)
    written = (
        re.escape(name)
        if name in OTHER_CASE or not name[0].islower()
        else f"[{name[0]}{name[0].upper()}]{re.escape(name[1:])}"
        for name in longest_first
    )
    return re.compile(rf"(?<![\w/.:-])({'|'.join(written)})(s?)(?![\w/-]|\.\w)")


def explain(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Link the first use of each word in each section to the glossary; give the glossary's rows their anchors."""
    known = words(app.env.doc2path(GLOSSARY).read_text(encoding="utf-8"))
    if page == GLOSSARY:
        for row in doctree.findall(nodes.row):
            term = row[0].astext()
            if term in known:
                row["ids"].append(known[term][0])
    if not EXPLAINED.match(page):
        return
    finder, used = pattern(list(known)), set()
    for text in list(doctree.findall(nodes.Text)):
        outside = list(ancestors(text))
        if any(
            isinstance(node, NOT_IN) or "cell_output" in node.get("classes", []) for node in outside
        ):
            continue
        section = next((id(node) for node in outside if isinstance(node, nodes.section)), 0)
        parts: list[nodes.Node] = []
        end = 0
        for found in finder.finditer(text.astext()):
            anchor, tip = lookup(known, found[1])
            if (section, anchor) in used:
                continue
            used.add((section, anchor))
            address = f"{app.builder.get_relative_uri(page, GLOSSARY)}#{anchor}"
            parts += [nodes.Text(text.astext()[end : found.start()]), link(address, found[0], tip)]
            end = found.end()
        if parts:
            text.parent.replace(text, [*parts, nodes.Text(text.astext()[end:])])


def lookup(known: Words, written: str) -> tuple[str, str]:
    """A word of the glossary, which may begin a sentence here."""
    return known.get(written) or known[written[0].lower() + written[1:]]


def link(address: str, written: str, tip: str) -> nodes.raw:
    """A word with its definition."""
    shown = f'<span class="lk-tip" role="tooltip">{html.escape(tip)}</span>'
    return nodes.raw(
        "", f'<a class="lk-term" href="{address}">{html.escape(written)}{shown}</a>', format="html"
    )


def ancestors(node: nodes.Node) -> Iterator[Any]:
    """The nodes around a node, the nearest first."""
    while node.parent is not None:
        node = node.parent
        yield node


def lead_to_other_languages(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Put links to a document in other languages below its title; these have theirs in their text."""
    name = DOCUMENT.match(page)
    for title in [*doctree.findall(nodes.title)][:1] if name else ():
        for language, its_name in LANGUAGES.items():
            if (other := page.replace("docs/", f"docs/{language}/")) in app.env.found_docs:
                address = app.builder.get_relative_uri(page, other)
                shown = f'<p><a href="{address}" lang="{language}" hreflang="{language}">{its_name}</a></p>'
                title.parent.insert(
                    title.parent.index(title) + 1, nodes.raw("", shown, format="html")
                )


def name_the_language(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any
) -> None:
    """Set the language of a page's HTML."""
    context["language"] = language_of(page)


def list_links(app: Sphinx, failed: Exception | None) -> None:
    """Write the links to other servers, each with the pages that have it."""
    if failed:
        return
    pages: dict[str, set[str]] = {}
    for page in app.env.found_docs:
        for reference in app.env.get_doctree(page).findall(nodes.reference):
            address = reference.get("refuri", "")
            if re.match(r"https?:", address):
                pages.setdefault(address, set()).add(page)
    lines = [f"{address}  {' '.join(sorted(pages[address]))}\n" for address in sorted(pages)]
    (Path(app.outdir) / "outside-links.txt").write_text("".join(lines), encoding="utf-8")
    print(f"{len(lines)} links to other servers, not opened: outside-links.txt")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    app.add_directive("mermaid", Mermaid)
    app.connect("doctree-resolved", explain)
    app.connect("doctree-resolved", lead_to_other_languages)
    app.connect("html-page-context", name_the_language)
    app.connect("build-finished", list_links)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
