"""YAML as the API server reads it, and the messages for texts that are not YAML."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
import yaml

from kube_embedded.machinery.golang import yaml as golang_yaml
from kube_embedded.machinery.golang.yaml import (
    MAX_DEPTH,
    MAX_TEXT,
    MAX_VALUES,
    YamlProblem,
    yaml_to_json,
)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "line 1: while parsing a flow node: expected the node content"),
        ("a: b: c", "line 1: mapping values are not allowed here"),
        ("a: b\n  c: d", "line 2: mapping values are not allowed here"),
        ("\0", "control characters are not allowed"),
        ("a: [1,2", "line 1: while parsing a flow sequence: expected ',' or ']'"),
        ("a:\n\tb: c", "line 2: while scanning for the next token: found character '\\t'"),
        ("a:\n  - b\n c: d", "line 3: while parsing a block mapping: expected <block end>"),
        ("- a\nb: c", "line 2: while parsing a block collection: expected <block end>"),
        ('"a": b\n"c', "line 2: while scanning a quoted scalar: found unexpected end"),
        ("a: *x", "line 1: found undefined alias 'x'"),
        ("!!binary x", "line 1: failed to decode base64 data"),
        ("a: -", "line 1: sequence entries are not allowed here"),
        # A template that nobody has filled.
        ("a: {{ .b }}", 'invalid map key: map[interface {}]interface {}{".b":interface {}(nil)}'),
        ("? [a, 1, true]\n: b", 'invalid map key: []interface {}{"a", 1, true}'),
        ('a: !!int "x"', "cannot decode `x` as a !!int"),
        ("a: !!int 1.5", "cannot decode `1.5` as a !!int"),
        ('a: !!bool "x"', "cannot decode `x` as a !!bool"),
        ('a: !!float ""', "cannot decode `` as a !!float"),
        ("a:\n  <<: 5", "line 2: while constructing a mapping: expected a mapping"),
        ("a: &x {b: [*x]}", "anchor 'x' value contains itself"),
    ],
)
def test_syntax_errors_have_their_line(text: str, problem: str) -> None:
    with pytest.raises(YamlProblem) as caught:
        yaml_to_json(text.encode())
    assert str(caught.value).startswith(f"yaml: {problem}")


@pytest.mark.parametrize(("text", "value"), [(".inf", "+Inf"), ("-.inf", "-Inf"), (".nan", "NaN")])
def test_numbers_that_json_has_not(text: str, value: str) -> None:
    with pytest.raises(
        YamlProblem, match=f"json: unsupported value: \\{value}" if value[0] in "+-" else value
    ):
        yaml_to_json(f"a: {text}".encode())


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *[
            ("y", True),
            ("N", False),
            ("yes", True),
            ("Off", False),
            ("yy", "yy"),
            ("'y'", "y"),
            ("!foo x", "x"),
        ],
        *[("!!timestamp 2001-01-01", "2001-01-01"), ('!!timestamp "x"', "x")],
    ],
)
def test_the_truth_and_what_is_none(text: str, value: Any) -> None:
    assert yaml_to_json(f"a: {text}".encode()) == {"a": value}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[" * (MAX_DEPTH + 1), "exceeded max depth"),
        ("{" * (MAX_DEPTH + 1), "exceeded max depth"),
        ("- " * (MAX_DEPTH + 1) + "a", "exceeded max depth"),
        pytest.param(
            "[" + "a," * MAX_VALUES + "]", f"more than {MAX_VALUES} values", marks=pytest.mark.slow
        ),
        (f"a: &a {'x' * 1000}\nb: [{'*a,' * (MAX_TEXT // 1000)}]", "excessive aliasing"),
        (
            f"a: &a {{{','.join(f'k{n}: v' for n in range(500))}}}\nb:\n" + "- <<: *a\n" * 500,
            "excessive aliasing",
        ),
    ],
)
def test_little_text_that_means_much_is_not_read_to_its_end(text: str, problem: str) -> None:
    with pytest.raises(YamlProblem, match=problem):
        yaml_to_json(text.encode())


def test_the_last_of_the_anchors_of_a_name_counts() -> None:
    assert yaml_to_json(b"[&x 1, *x, &x 2, *x]") == [1, 1, 2, 2]


def test_numbers_as_long_as_nobody_writes_them() -> None:
    sexagesimal = "1" + ":59" * 1000
    assert yaml_to_json(f"a: {sexagesimal}\nb: {sexagesimal}.5".encode()) == {
        "a": sexagesimal,
        "b": f"{sexagesimal}.5",
    }


def test_what_is_given_twice_is_not_told_without_end() -> None:
    strict: list[str] = []
    yaml_to_json("".join(f"a{n}: 1\na{n}: 2\n" for n in range(200)).encode(), strict)
    assert len(strict) == 100


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"a: \xff", "invalid leading UTF-8 octet"),
        (b"a: \x80b", "invalid leading UTF-8 octet"),
        (b"a: \xf8\x88\x80\x80\x80", "invalid leading UTF-8 octet"),
        (b"a: \xe2\x82", "incomplete UTF-8 octet sequence"),
        (b"a: \xe2\x82b", "invalid trailing UTF-8 octet"),
        (b"a: \xf0\x80\x80\x80", "invalid length of a UTF-8 sequence"),
        (b"a: \xed\xa0\x80", "invalid Unicode character"),
        (b"a: \xf5\x80\x80\x80", "invalid Unicode character"),
        (b"a: \x01 \xff", "control characters are not allowed"),
        (b"\xff\xfe\x00", "truncated data"),
        (b"\xff\xfe\x00\xdc", "illegal encoding"),
    ],
)
def test_what_is_no_utf8(body: bytes, problem: str) -> None:
    with pytest.raises(YamlProblem, match=f"^yaml: {problem}$"):
        yaml_to_json(body)


def test_utf16_is_read_by_its_mark() -> None:
    assert yaml_to_json("a: \u00b5".encode("utf-16")) == {"a": "\u00b5"}


def test_keys_given_twice_are_quoted_as_go_does() -> None:
    strict: list[str] = []
    yaml_to_json(b'"a\\tb": 1\n"a\\tb": 2\n3: 1\n3: 2\n2020-01-01: 1\n2020-01-01: 2\n', strict)
    head = "yaml: unmarshal errors:\n  line "
    assert strict == [
        f'{head}2: key "a\\tb" already set in map',
        f"{head}4: key 3 already set in map",
        f'{head}6: key "2020-01-01" already set in map',
    ]


def _read(text: str) -> tuple[object, list[str]] | str:
    strict: list[str] = []
    try:
        return yaml_to_json(text.encode(), strict), strict
    except YamlProblem as error:
        return str(error)


PIECES = ("a", "b: ", "- ", "\n", "  ", "{", "}", "[", "]", ",", '"x"', "&a ", "*a", "<<: ", "!!str ", "|\n", "# c\n",
          "1.5", "0x1f", "1e3", "yes", "~", "2020-01-01", "---\n", "? ", ": ", "1_000", "é", "012", ".inf")  # fmt: skip


@pytest.mark.skipif(not yaml.__with_libyaml__, reason="there is no libyaml")
def test_large_bodies_have_the_values_of_small_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    random, compared = Random(1), 0
    for _ in range(1500):
        text = "".join(random.choice(PIECES) for _ in range(random.randint(1, 12)))
        small = _read(text)
        monkeypatch.setattr(golang_yaml, "LARGE_BYTES", 0)
        large = _read(text)
        monkeypatch.undo()
        if not isinstance(small, str):
            compared += 1
            assert large == small, text
    assert compared > 100


@pytest.mark.parametrize("indent", [None, 2])
def test_json_is_read_as_the_yaml_that_it_is(
    indent: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = {"=": "# y", "a: b": "2020-12-11"}
    value = {"<<": {"a": [1, -2, 1.5, True, None, {}, []]}, "yes": "no", "1": "- x", "": inner}
    text = json.dumps(value, indent=indent)
    quick = _read(text)
    assert golang_yaml._as_json(text.encode()) == value
    monkeypatch.setattr(golang_yaml, "_as_json", lambda body: None)
    assert quick == _read(text) == (value, [])


@pytest.mark.parametrize(
    "text",
    ['{"a": 1, "a": 2}', '{"a": 1e3}', '{"a": "\\u0041"}', '{"a": "é"}', '{"a": NaN}', "{}x"],
)
def test_json_that_yaml_may_read_otherwise_is_read_as_yaml(text: str) -> None:
    assert golang_yaml._as_json(text.encode()) is None


@pytest.mark.parametrize(
    "values",
    [
        pytest.param("[" + "1," * 97 + "1]", id="numbers"),
        pytest.param("[" + "[]," * 97 + "[]]", id="lists"),
        pytest.param("[" + "[1]," * 50 + "[1]]", id="a number in each list"),
        pytest.param("[" * 101 + "]" * 101, id="lists in lists"),
        pytest.param("{" + ",".join(f'"a{n}": 1' for n in range(50)) + "}", id="fields"),
        pytest.param("{" + ",".join(f'"a{n}": {{}}' for n in range(50)) + "}", id="objects"),
    ],
)
def test_json_may_have_no_more_values_than_yaml(
    values: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = f'{{"a": {values}}}'.encode()
    assert yaml_to_json(body) == json.loads(body)
    monkeypatch.setattr(golang_yaml, "MAX_VALUES", 100)
    with pytest.raises(YamlProblem, match="more than 100 values"):
        yaml_to_json(body)


def test_json_may_be_no_deeper_than_yaml() -> None:
    def nested(levels: int) -> bytes:
        return b'{"a": ' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"

    deep = nested(MAX_DEPTH - 1)
    assert yaml_to_json(deep) == json.loads(deep)
    with pytest.raises(YamlProblem, match="exceeded max depth"):
        yaml_to_json(nested(MAX_DEPTH))
