from __future__ import annotations

from html.parser import HTMLParser

import pytest

from labkit.core.display import SYMBOLS, Card, Row


class Balanced(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("tone", list(SYMBOLS))
def test_every_tone_has_a_symbol_beside_its_colour(tone: str) -> None:
    card = Card("said", tone, [Row("a", "1")])
    assert card.text().startswith(f"{SYMBOLS[tone]} said")
    assert SYMBOLS[tone] in card.html()


def test_text_is_aligned_and_empty_rows_are_left_out() -> None:
    card = Card("t", "plain", [Row("a", "1"), Row("none", ""), Row("long", "2\n3")], "body\n")
    assert card.text() == "• t\n  a     1\n  long  2\n        3\n  body"


def test_html_is_well_formed_and_escaped() -> None:
    card = Card('<t> & "x"', "bad", [Row("<a>", "<b>", code=True)], "<pre>")
    page = card.html()
    parser = Balanced()
    parser.feed(page)
    assert parser.open == []
    assert "<a>" not in page
    assert "<b>" not in page
    assert ("aria-label", '<t> & "x"') in parser.attributes


def test_nothing_comes_from_elsewhere() -> None:
    page = Card("t", "good", [Row("a", "1")]).html()
    assert "http" not in page
    assert "<script" not in page
