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


def test_a_long_name_leaves_room_for_its_value_on_a_narrow_page() -> None:
    page = Card("t", "good", [Row("kubernetes.io/serviceaccount.name", "kikai")]).html()
    assert ";max-width:clamp(" in page
    assert ">kubernetes.<wbr>io/<wbr>serviceaccount.<wbr>name</span></th>" in page
    assert "&lt;b&gt;.<wbr>x" in Card("t", "good", [Row("<b>.x", "1")]).html()


def test_no_line_of_a_card_ends_within_a_korean_word() -> None:
    page = Card("t", "good", [Row("a", "1")], "b").html()
    assert page.count("word-break:keep-all;overflow-wrap:anywhere") == 1
    assert "white-space:pre-wrap;word-break:keep-all" in page, "JupyterLab breaks a <pre> anywhere"


def test_nothing_comes_from_elsewhere() -> None:
    page = Card("t", "good", [Row("a", "1")]).html()
    assert "http" not in page
    assert "<script" not in page
