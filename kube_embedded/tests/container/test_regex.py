"""Regular expressions: POSIX' answers, Python's as a second opinion, and no backtracking."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kube_embedded.container.programs.regex import (
    MAX_LITERAL,
    MAX_TEXT,
    RegexError,
    compile_regex,
    escape,
)
from kube_embedded.container.shell.task_loop import BudgetExceeded

ATOMS = st.sampled_from(["a", "b", "c", ".", "[ab]", "[^a]"])


def repeated(inner: st.SearchStrategy[str], *quantifiers: str) -> st.SearchStrategy[str]:
    return st.tuples(inner, st.sampled_from(["", "*", "+", "?", *quantifiers])).map("".join)


PATTERNS = st.recursive(
    repeated(ATOMS, "{1,2}"),
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
        assert ours.start() == theirs.start()
        assert ours.end() >= theirs.end(), "the longest of the leftmost wins"


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
def test_invalid_patterns_are_reported(pattern: str) -> None:
    with pytest.raises(RegexError):
        compile_regex(pattern)


def test_the_longest_alternative_wins() -> None:
    assert compile_regex("a|ab", extended=True).search("ab").end() == 2  # type: ignore[union-attr]


@given(st.text(max_size=20))
def test_an_escaped_text_matches_itself(text: str) -> None:
    text = text.replace("\n", "")
    match = compile_regex(escape(text)).search("x" + text)
    assert match is not None
    assert text in match.group(0) or not text


@pytest.mark.parametrize("pattern", [")+", "a)*", "a){,2}"])
def test_unmatched_parentheses_can_be_repeated(pattern: str) -> None:
    """GNU's grep -E prints these, too."""
    match = compile_regex(pattern, extended=True).search("a))b")
    assert match is not None
    assert match.group(0) == ("))" if pattern == ")+" else "a))")


HOSTILE = [
    ("[a-z]+[0-9]", "q" * 100_000),
    ("(a|ab|abc|b|c|bc)*(a|ab|abc|b|c|bc)*(a|ab|abc|b|c|bc)*", "abc" * 10_000),
    (".*.*.*.*[0-9]", "q" * 10_000),
    ("((a|b)(a|b))*[0-9]", "ab" * 50_000),
]


@pytest.mark.parametrize(("pattern", "text"), HOSTILE)
def test_long_searches_are_stopped(pattern: str, text: str) -> None:
    charged: list[float] = []
    regex = compile_regex(pattern, extended=True)
    with pytest.raises(BudgetExceeded, match="the lab's limit of work for one search was reached"):
        regex.find(charged.append, text)
    assert charged[0] >= 1_000, "a command pays for the time of a search"


def test_long_texts_are_not_searched() -> None:
    regex = compile_regex("a")
    assert regex.search("b" * MAX_TEXT) is None
    with pytest.raises(BudgetExceeded):
        regex.search("b" * (MAX_TEXT + 1))


@pytest.mark.parametrize(
    "pattern",
    [
        "(" + "a{250}" * 4 + ")" + "a{250}" * 9,
        "|".join(["a"] * 3000),
        "a" * 3001,
        "(" * 21 + ")" * 21,
        f"[{''.join(map(chr, range(0x100, 0x4000)))}]" * 20,
    ],
)
def test_patterns_that_compile_slowly_are_too_big(pattern: str) -> None:
    with pytest.raises(RegexError, match="Regular expression too big"):
        compile_regex(pattern, extended=True)


def test_stacked_quantifiers_are_one() -> None:
    """POSIX has no lazy and no possessive quantifiers: ``.*?`` is ``(.*)?``."""
    regex = compile_regex("a" + "*" * 2000 + "+?b", extended=True)
    match = regex.search("caab")
    assert match is not None
    assert match.group(0) == "aab"


@pytest.mark.parametrize("pattern", ["(ab){2}", "((a{50}){50}){50}", "a{2}{3}", "a+{2}"])
def test_counts_of_groups_and_repetitions_are_refused(pattern: str) -> None:
    with pytest.raises(RegexError, match="not simulated in this lab's pods"):
        compile_regex(pattern, extended=True)


def test_a_long_plain_text_is_interrupted() -> None:
    """The library's preparation for one plain text of this length would take seconds."""
    regex = compile_regex("a" * 2_900)
    match = regex.search("b" + "a" * 2_900)
    assert match is not None
    assert match.span() == (1, 2_901)
    assert "a" * (MAX_LITERAL + 1) not in regex._compiled.pattern
