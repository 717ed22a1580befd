from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kube_embedded.machinery.golang import json as gojson
from kube_embedded.machinery.golang.yaml import YamlProblem, yaml_to_json

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{not json", "invalid character 'n' looking for beginning of object key string"),
        ("", "unexpected end of JSON input"),
        ("[1,", "unexpected end of JSON input"),
        ('{"a":tru}', "invalid character 't' looking for beginning of value"),
        ('{"a":1}x', "invalid character 'x' after top-level value"),
        ('{"a" 1}', "invalid character '1' after object key"),
        ('{"a":1 "b"}', "invalid character '\"' after object key:value pair or array element"),
        ("[1 2]", "invalid character '2' after object key:value pair or array element"),
        ('"\\x"', "invalid character '\\\\' in string escape code"),
        ('"a\nb"', "invalid character '\\n' in string literal"),
        ("{'a'}", "invalid character '\\'' looking for beginning of object key string"),
        ("-x", "invalid character '-' looking for beginning of value"),
        ("1.x", "invalid character '.' after top-level value"),
        ('{"a":1,}', "invalid character '}' looking for beginning of object key string"),
        ('"\\u12x"', "invalid character 'u' in string escape code"),
        ('"abc', "unexpected end of JSON input"),
        ("-Infinity", "invalid character 'I' looking for beginning of value"),
        ("NaN", "invalid character 'N' looking for beginning of value"),
    ],
)
def test_syntax_errors_name_the_character_as_go_does(text: str, message: str) -> None:
    with pytest.raises(gojson.SyntaxProblem) as problem:
        gojson.loads(text.encode())
    assert str(problem.value) == message


def test_repeated_fields_are_noted_and_the_last_wins() -> None:
    found = gojson.loads(b'{"a": 1, "b": {"c": 1, "c": 2}, "a": 3}')
    assert found == {"a": 3, "b": {"c": 2}}
    assert found.duplicates == ("a",)
    assert found["b"].duplicates == ("c",)


def test_bad_utf8_and_lone_surrogates_become_replacement_characters() -> None:
    assert gojson.loads(b'"\xff"') == "\ufffd"
    assert gojson.loads(b'{"a\\ud800": "\\udfff", "ok": "\\ud83d\\ude00"}') == {
        "a\ufffd": "\ufffd",
        "ok": "😀",
    }


@given(values)
def test_reads_what_others_write(value: Any) -> None:
    assert gojson.loads(json.dumps(value)) == json.loads(json.dumps(value))


@given(st.binary(max_size=40))
def test_any_bytes_are_json_or_refused(data: bytes) -> None:
    try:
        gojson.loads(data)
    except gojson.SyntaxProblem:
        return


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(gojson.SyntaxProblem, match="exceeded max depth"):
        gojson.loads(b"[" * 100_000)


@given(st.binary(max_size=60))
def test_any_bytes_are_yaml_or_refused(data: bytes) -> None:
    try:
        json.dumps(yaml_to_json(data))
    except YamlProblem:
        return


def test_yaml_is_read_by_the_rules_of_json() -> None:
    strict: list[str] = []
    found = yaml_to_json(b"a: 1\na: 2\nday: 2020-01-01\nyes: on\n1: x\n", strict)
    assert found == {"a": 2, "day": "2020-01-01", "true": True, "1": "x"}
    assert strict == ['yaml: unmarshal errors:\n  line 2: key "a" already set in map']


def test_a_bomb_of_aliases_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(YamlProblem, match="excessive aliasing"):
        yaml_to_json("\n".join(lines).encode())
