"""Quotes as Go writes them."""

from __future__ import annotations

import pytest

from kube_embedded.machinery.golang.duration import duration_problem
from kube_embedded.machinery.golang.json import marshal
from kube_embedded.machinery.golang.quote import go_quote, go_quote_list


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


def test_a_duration_is_quoted_in_its_message() -> None:
    assert duration_problem("1x") == 'time: unknown unit "x" in duration "1x"'


def test_json_as_go_writes_it_in_messages() -> None:
    assert marshal({"b": "<&>\u2028\x01\x7f", "a": None}) == (
        '{"b":"\\u003c\\u0026\\u003e\\u2028\\u0001\x7f","a":null}'
    )
