"""Parts of rules: together they allow the same as the rule, and a covered part adds no permission."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings

from kube_embedded.rbac.attributes import Attributes, User
from kube_embedded.rbac.parts import breakdown, compact, covers, parts_of, uncovered
from kube_embedded.rbac.rules import rule_allows
from kube_embedded.tests.support.policies import ASKS, RULES
from kube_embedded.tests.support.properties import examples

Rules = list[dict[str, Any]]


@settings(max_examples=examples(300))
@given(RULES, RULES, ASKS)
def test_what_is_covered_allows_nothing_new(
    held: Rules, wanted: Rules, ask: dict[str, str]
) -> None:
    question = Attributes(User("u"), **ask)  # type: ignore[arg-type] # keywords from a strategy
    missing = uncovered(held, wanted)
    assert all(any(covers(rule, part) for rule in wanted) for part in missing)
    if not missing and any(rule_allows(rule, question) for rule in wanted):
        assert any(rule_allows(rule, question) for rule in held)


@settings(max_examples=examples(200))
@given(RULES, ASKS)
def test_a_rule_is_the_sum_of_its_parts(rules: Rules, ask: dict[str, str]) -> None:
    question = Attributes(User("u"), **ask)  # type: ignore[arg-type] # keywords from a strategy
    allowed = [rule_allows(rule, question) for rule in rules]
    assert [
        any(rule_allows(part.rule(), question) for part in breakdown(rule)) for rule in rules
    ] == allowed
    assert any(rule_allows(part.rule(), question) for part in parts_of(rules)) == any(allowed)


@settings(max_examples=examples(200))
@given(RULES, ASKS)
def test_compact_rules_allow_the_same(rules: Rules, ask: dict[str, str]) -> None:
    question = Attributes(User("u"), **ask)  # type: ignore[arg-type] # keywords from a strategy
    compacted = compact(part for rule in rules for part in breakdown(rule))
    assert any(rule_allows(rule, question) for rule in compacted) == any(
        rule_allows(rule, question) for rule in rules
    )
