import pytest
import yaml

from kube_embedded.apiserver.handlers.represent.yaml import to_yaml


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain text", "plain text"),
        ("", '""'),
        ("1", '"1"'),
        ("1.5", '"1.5"'),
        ("1e3", '"1e3"'),
        ("true", '"true"'),
        ("Yes", '"Yes"'),
        ("off", '"off"'),
        ("null", '"null"'),
        ("~", '"~"'),
        ("2026-01-01T00:00:00Z", '"2026-01-01T00:00:00Z"'),
        ("12:30:45", '"12:30:45"'),
        ("a: b", "'a: b'"),
        ("- a", "'- a'"),
        ("x" * 200, "x" * 200),
        ("0o7", '"0o7"'),
        ("=", "="),
        ("<<", "<<"),
        ("\U0001f600", '"\\U0001F600"'),
        (f"{'a' * 90} b c", f"{'a' * 90}\n  b c"),
        (f"{'a' * 90}  b: c", f"'{'a' * 90}  b:\n  c'"),
        (f"\t{'a' * 90} b c", f'"\\t{"a" * 90}\n  b c"'),
        (f"\t{'a' * 90}  b", f'"\\t{"a" * 90}\n  \\ b"'),
        (1, "1"),
        (1.5, "1.5"),
        (2.0, "2"),
        (True, "true"),
        (None, "null"),
        ([], "[]"),
        ({}, "{}"),
    ],
)
def test_values(value: object, text: str) -> None:
    assert to_yaml({"v": value}) == f"v: {text}\n"


def test_lines_are_kept_as_lines() -> None:
    assert to_yaml({"v": "one\ntwo\n"}) == "v: |\n  one\n  two\n"
    assert to_yaml({"v": "one\ntwo"}) == "v: |-\n  one\n  two\n"


def test_keys_are_sorted_and_lists_not_indented() -> None:
    assert (
        to_yaml({"b": [{"z": 1, "x": "2"}], "a": {"c": []}})
        == 'a:\n  c: []\nb:\n- x: "2"\n  z: 1\n'
    )


def test_values_that_are_the_same_are_written_twice() -> None:
    shared = ["x"]
    assert to_yaml({"a": shared, "b": shared}) == "a:\n- x\nb:\n- x\n"


def test_a_long_key_stands_before_its_colon() -> None:
    assert to_yaml({"k" * 128: 1}) == f"{'k' * 128}: 1\n"
    assert to_yaml({"k" * 129: 1}) == f"? {'k' * 129}\n: 1\n"


@pytest.mark.parametrize(
    "text",
    [
        " leading",
        "trailing ",
        "tab\there",
        "#hash",
        "a #b",
        "\x07bell",
        "é",
        "{",
        "%",
        "@",
        "`",
        "*a",
        "&a",
    ],
)
def test_every_text_comes_back(text: str) -> None:
    assert yaml.safe_load(to_yaml({"v": text})) == {"v": text}
