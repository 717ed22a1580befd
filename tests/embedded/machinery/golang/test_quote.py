"""Quotes as Go writes them."""

from __future__ import annotations

import pytest

from labkit.embedded.machinery.golang.quote import go_quote, go_quote_list


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", '"plain"'),
        ('a"b\\c', '"a\\"b\\\\c"'),
        ("한글", '"한글"'),
        ("\n\x01\u200b\U000e0001", '"\\n\\x01\\u200b\\U000e0001"'),
    ],
)
def test_quoted_as_go_does(text: str, shown: str) -> None:
    assert go_quote(text) == shown


def test_a_list() -> None:
    assert go_quote_list(["a", "b c"]) == '["a" "b c"]'
