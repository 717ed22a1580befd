"""Regular expressions: POSIX' answers, Python's as a second opinion, and no backtracking."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.embedded.container.programs.regex import compile_regex, escape
from labkit.embedded.container.programs.regex_parser import RegexError
from labkit.embedded.container.shell.scheduler import BudgetExceeded

ATOMS = st.sampled_from(["a", "b", "c", ".", "[ab]", "[^a]"])


def repeated(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(inner, st.sampled_from(["", "*", "+", "?", "{1,2}"])).map("".join)


PATTERNS = st.recursive(
    repeated(ATOMS),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        repeated(st.lists(inner, min_size=1, max_size=2).map(lambda items: f"({'|'.join(items)})")),
    ),
    max_leaves=6,
)


@given(PATTERNS, st.text("abcd", max_size=12))
def test_finds_a_match_where_python_does(pattern: str, text: str) -> None:
    ours = compile_regex(pattern, extended=True).search(text)
    theirs = re.search(pattern, text)
    assert (ours is None) == (theirs is None)
    if ours is not None and theirs is not None:
        assert ours.start == theirs.start()
        assert ours.end >= theirs.end(), "the longest of the leftmost wins"


@pytest.mark.parametrize(
    ("pattern", "text", "groups"),
    [
        (r"\(a*\)b", "xaab", ["aab", "aa"]),
        (r"a\|b", "zb", ["b"]),
        (r"^x.*y$", "xay", ["xay"]),
        (r"a\{2,3\}", "aaaa", ["aaa"]),
        (r"*a", "*a", ["*a"]),
        (r"[[:digit:]]*", "12a", ["12"]),
        (r"\<w\w*\>", "a word", ["word"]),
        (r"a+", "a+", ["a+"]),
    ],
)
def test_basic_expressions(pattern: str, text: str, groups: list[str]) -> None:
    match = compile_regex(pattern).search(text)
    assert match is not None
    assert [match.group(number) for number in range(len(groups))] == groups


@pytest.mark.parametrize("pattern", ["[", "\\(", "a\\{", "\\", "[b-a]", "a\\{300\\}"])
def test_what_cannot_be_compiled_is_said(pattern: str) -> None:
    with pytest.raises(RegexError):
        compile_regex(pattern)


def test_the_longest_alternative_wins() -> None:
    assert compile_regex("a|ab", extended=True).search("ab").end == 2  # type: ignore[union-attr]


@given(st.text(max_size=20))
def test_an_escaped_text_matches_itself(text: str) -> None:
    text = text.replace("\n", "")
    match = compile_regex(escape(text)).search("x" + text)
    assert match is not None
    assert text in match.group(0) or not text


def test_a_search_that_takes_too_long_is_stopped() -> None:
    regex = compile_regex("(a|b|c|d|e|f|g|h)*(a|b|c|d|e|f|g|h)*z", extended=True)
    assert regex.search("abcdefgh" * 1000) is None, "no z, no search"
    with pytest.raises(BudgetExceeded):
        compile_regex("(a|b|c|d|e|f|g|h)*(a|b|c|d|e|f|g|h)*[z]", extended=True).search("abcdefgh" * 20_000)
