"""YAML as the API server reads it, and its words for what is none."""

from __future__ import annotations

from typing import Any

import pytest

from labkit.apiserver.schema.goyaml import YamlProblem, yaml_to_json


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "line 1: did not find expected node content"),
        ("a: b: c", "mapping values are not allowed in this context"),
        ("a: b\n  c: d", "line 2: mapping values are not allowed in this context"),
        ("\0", "control characters are not allowed"),
        ("a: [1,2", "line 1: did not find expected ',' or ']'"),
        ("a: {b: c", "line 1: did not find expected ',' or '}'"),
        ("a:\n\tb: c", "line 2: found character that cannot start any token"),
        ("a:\n  - b\n c: d", "line 2: did not find expected key"),
        ("- a\nb: c", "line 1: did not find expected '-' indicator"),
        ('"a": b\n"c', "line 2: found unexpected end of stream"),
        ("a: *x", "unknown anchor 'x' referenced"),
        ("!!binary x", "!!binary value contains invalid base64 data"),
        ('a: "\\x"', "did not find expected hexdecimal number"),
        ("a: -", "block sequence entries are not allowed in this context"),
    ],
)
def test_what_is_no_yaml(text: str, problem: str) -> None:
    with pytest.raises(YamlProblem) as caught:
        yaml_to_json(text.encode())
    assert str(caught.value) == f"yaml: {problem}"


@pytest.mark.parametrize(("text", "value"), [(".inf", "+Inf"), ("-.inf", "-Inf"), (".nan", "NaN")])
def test_numbers_that_json_has_not(text: str, value: str) -> None:
    with pytest.raises(YamlProblem, match=f"json: unsupported value: \\{value}" if value[0] in "+-" else value):
        yaml_to_json(f"a: {text}".encode())


@pytest.mark.parametrize(
    ("text", "value"),
    [("y", True), ("N", False), ("yes", True), ("Off", False), ("yy", "yy"), ("'y'", "y"), ("!foo x", "x")],
)
def test_the_truth_and_what_is_none(text: str, value: Any) -> None:
    assert yaml_to_json(f"a: {text}".encode()) == {"a": value}
