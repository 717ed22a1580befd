"""Patterns in Go's syntax, and the messages for texts that are not patterns."""

from __future__ import annotations

import time

import pytest

from kube_embedded.machinery.golang.patterns import compiled, problem_of
from kube_embedded.machinery.status import ApiError
from kube_embedded.machinery.work import WorkBudget, limited


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("[z-a]", "bad character range: `[z-a]`"),
        ("[a--b]", "bad character range: `[a--b]`"),
        ("[[:foo:]]", "unknown property: `[[:foo:]]`"),
        (r"\p{Foo}", r"unknown property: `\p{Foo}`"),
        ("a**", "invalid or unsupported Perl syntax: `**`"),
        ("a{2}{3}", "invalid or unsupported Perl syntax: `{2}{3}`"),
        ("*a", "invalid or unsupported Perl syntax: `*`"),
        ("(?:|+?a)", "invalid or unsupported Perl syntax: `+?`"),
        ("a{1001}", "invalid repeat count: `{1001}`"),
        ("a{2,1}", "invalid repeat count: `{2,1}`"),
        (f"a{{{'9' * 5000}}}", f"invalid repeat count: `{{{'9' * 5000}}}`"),
        ("(a", "missing ): `(a`"),
        ("a)", "unbalanced parenthesis: `a)`"),
        ("a[]", "invalid or unsupported Perl syntax: `[]`"),
        ("(?P<n", "invalid or unsupported Perl syntax: `(?P`"),
        ("(?<=a)b", "invalid or unsupported Perl syntax: `(?<`"),
        ("(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
        ("(?ix)a", "invalid or unsupported Perl syntax: `(?ix`"),
        (r"(a)\1", r"invalid or unsupported Perl syntax: `\1`"),
        ("\\", "invalid or unsupported Perl syntax: `\\`"),
    ],
)
def test_patterns_that_re2_does_not_take_are_refused(pattern: str, problem: str) -> None:
    assert problem_of(pattern) == problem


@pytest.mark.parametrize(
    ("pattern", "good", "bad"),
    [
        (r"^\w+$", "a_1", "é"),
        (r"^\d$", "7", "٣"),
        (r"^[\d-]+$", "1-2", "٣"),
        (r"^\D$", "٣", "7"),
        (r"^\p{L}+$", "aé", "7"),
        (r"^[\pN_]+$", "7_", "a"),
        ("^a{,2}$", "a{,2}", "aa"),
        ("(b|a$)", "a", "a\n"),
        (r"\Aa\z", "a", "a\n"),
        ("^a+?b??$", "aa", "ba"),
        ("(?i)^é$", "É", "e"),
        ("^[^]]$", "a", "]"),
        ("^[--9]$", "5", "a"),
    ],
)
def test_patterns_match_as_in_re2(pattern: str, good: str, bad: str) -> None:
    assert problem_of(pattern) == ""
    assert compiled(pattern).search(good)
    assert not compiled(pattern).search(bad)


@pytest.mark.parametrize("part", ["[[:", "[", r"\p{", "(?P<", "(?", "[[:a"])
def test_a_long_one_is_read_in_one_go(part: str) -> None:
    """What has no end is not looked for anew from each of its beginnings."""
    assert problem_of(part * 20_000)


def test_brackets_without_end_are_no_failure_of_ours() -> None:
    assert problem_of("(" * 5000 + ")" * 5000).startswith("expression nests too deeply: ")


def test_a_long_one_costs() -> None:
    with pytest.raises(ApiError), limited(WorkBudget(10_000)):
        problem_of("a" * 1000)


@pytest.mark.parametrize(
    ("pattern", "part"),
    [
        ("(a{40}){40}", "{40}"),
        ("((a{99}){99}){99}", "{99}"),
        ("x(a{40}|b){30}c", "{30}"),
        ("(?:a{2,}[)]){600}", "{600}"),
        ("(a{40}?){40}?", "{40}?"),
        ("(a{501}){0,2}", "{0,2}"),
    ],
)
def test_go_refuses_what_repeats_more_than_a_thousand_times(pattern: str, part: str) -> None:
    assert problem_of(pattern) == f"invalid repeat count: `{part}`"


@pytest.mark.parametrize(
    "pattern",
    [
        "(a{10}){100}",
        "(a{40})(b{40})",
        "((a{40}){0}){40}",
        r"[(]\({200}",
        "(a{1000}){1}",
        "(a{0,31}){0,31}",
        r"(\d{2}){1,500}",
    ],
)
def test_go_takes_what_repeats_less(pattern: str) -> None:
    assert problem_of(pattern) == ""


@pytest.mark.parametrize(
    "pattern", ["a{1000}" * 2800, "((((((((a{2}){2}){2}){2}){2}){2}){2}){2})" * 400, "a" * 100_000]
)
def test_what_would_be_unrolled_to_much_is_refused(pattern: str) -> None:
    begun = time.process_time()
    assert problem_of(pattern) == "expression too large"
    assert time.process_time() - begun < 1
