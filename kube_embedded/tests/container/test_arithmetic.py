"""``$((…))`` against Python's integers, cut to 64 bits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kube_embedded.container.shell.arithmetic import ArithmeticProblem, evaluate, wrap

LEAVES = st.integers(0, 10**6).map(str)
EXPRESSIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "<", ">", "==", "!="]), inner).map(
            lambda parts: f"({parts[0]} {parts[1]} {parts[2]})"
        ),
        inner.map(lambda text: f"(-{text})"),
    ),
    max_leaves=12,
)


def value(text: str, variables: dict[str, str] | None = None) -> int:
    return evaluate(text, lambda name: (variables or {}).get(name, ""))


@given(EXPRESSIONS)
def test_agrees_with_python(text: str) -> None:
    assert value(text) == wrap(int(eval(text)))


def test_variables_are_integers() -> None:
    variables = {"x": "5", "negative": " -3 ", "hexadecimal": "0x10", "octal": "010"}
    assert value("x * (negative + nope) + hexadecimal + octal", variables) == 9


def test_skipped_operands_are_not_evaluated() -> None:
    assert value("0 && 1/0") == 0
    assert value("1 || 1/0") == 1


@pytest.mark.parametrize(
    "text", ["1+", "1/0", "08", "a b", "(1", "1 +* 2", "@", "x" * 5000, "(" * 200, "-" * 200]
)
def test_nonsense_is_a_problem(text: str) -> None:
    with pytest.raises(ArithmeticProblem):
        value(text)


@pytest.mark.parametrize(
    ("text", "sign"),
    [("2**3", "**"), ("x++", "++"), ("--x", "--"), ("1, 2", ","), ("2#1", "2#"), ("x = 1", "="), ("x += 1", "+="),
     ("1 ? 2 : 3", "?"), ("1 << 2", "<<"), ("1 & 2", "&"), ("~1", "~"), ("name", "name=x+1")],
)  # fmt: skip
def test_omitted_operators_are_reported(text: str, sign: str) -> None:
    with pytest.raises(ArithmeticProblem) as caught:
        evaluate(text, lambda name: "x+1" if name == "name" else "", bash=True)
    assert str(caught.value) == f"$((… {sign} …)): not simulated in this lab's pods"
