"""``$((…))`` against Python's integers, cut to 64 bits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.embedded.container.shell.arithmetic import ArithmeticProblem, evaluate, wrap

LEAVES = st.integers(0, 10**6).map(str)
EXPRESSIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "&", "|", "^", "<", ">", "==", "!="]), inner).map(
            lambda parts: f"({parts[0]} {parts[1]} {parts[2]})"
        ),
        inner.map(lambda text: f"(-{text})"),
        # The plus makes a number of what Python calls a bool.
        inner.map(lambda text: f"(~+{text})"),
    ),
    max_leaves=12,
)


def value(text: str, variables: dict[str, str] | None = None) -> int:
    names = variables if variables is not None else {}
    return evaluate(text, lambda name: names.get(name, ""), names.__setitem__)


@given(EXPRESSIONS)
def test_agrees_with_python(text: str) -> None:
    assert value(text) == wrap(int(eval(text)))


def test_assignments_reach_the_variables() -> None:
    variables = {"x": "y+1", "y": "2"}
    assert value("x * 2", variables) == 6
    assert value("z = x += 1", variables) == 4
    assert variables == {"x": "4", "y": "2", "z": "4"}


def test_the_branch_not_taken_does_nothing() -> None:
    variables: dict[str, str] = {}
    assert value("0 && (a = 1)", variables) == 0
    assert value("1 || 1/0", variables) == 1
    assert value("1 ? 2 : (b = 3)", variables) == 2
    assert variables == {}


@pytest.mark.parametrize("text", ["1+", "1/0", "08", "a b", "(1", "1 ? 2", "1 +* 2", "@", "x" * 5000, "(" * 200])
def test_nonsense_is_a_problem(text: str) -> None:
    with pytest.raises(ArithmeticProblem):
        value(text)


@pytest.mark.parametrize(("text", "sign"), [("2**3", "**"), ("x++", "++"), ("--x", "--"), ("1, 2", ","), ("2#1", "2#")])
def test_what_only_bash_has_is_left_out(text: str, sign: str) -> None:
    with pytest.raises(ArithmeticProblem) as caught:
        evaluate(text, lambda name: "", lambda name, value: None, bash=True)
    assert str(caught.value) == f"$((… {sign} …)): not simulated in this lab's pods"


def test_a_variable_that_names_itself_ends() -> None:
    with pytest.raises(ArithmeticProblem, match="recursion"):
        value("x", {"x": "x"})
