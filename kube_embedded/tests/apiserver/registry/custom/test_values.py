"""What kube-openapi says of values; the words are those of its sources."""

from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.apiserver.registry.custom import values
from kube_embedded.apiserver.registry.custom.values import ABSENT, check_value, validate
from kube_embedded.apiserver.registry.errors import FieldErrors
from kube_embedded.machinery.status import ApiError
from kube_embedded.machinery.work import WorkBudget, limited

INT_OR_STRING = {"x-kubernetes-int-or-string": True}


def said(schema: Any, value: Any, root: str = "", old: Any = ABSENT) -> list[str]:
    """What is wrong with the field ``a`` of an object."""
    errors = FieldErrors()
    before = old if old is ABSENT else {"a": old}
    check_value({"type": "object", "properties": {"a": schema}}, {"a": value}, errors, root, before)
    return [f"{cause['field']}: {cause['message']}" for cause in errors]


@pytest.mark.parametrize(
    ("schema", "value", "message"),
    [
        (
            {"type": "integer"},
            "x",
            'Invalid value: "string": a in body must be of type integer: "string"',
        ),
        (
            {"type": "string"},
            1,
            'Invalid value: "integer": a in body must be of type string: "integer"',
        ),
        (
            {"type": "boolean"},
            {},
            'Invalid value: "object": a in body must be of type boolean: "object"',
        ),
        (
            {"type": "object"},
            [],
            'Invalid value: "array": a in body must be of type object: "array"',
        ),
        (
            {"type": "string"},
            None,
            'Invalid value: "null": a in body must be of type string: "null"',
        ),
        (
            INT_OR_STRING,
            True,
            'Invalid value: "boolean": a in body must be of type integer,string: "boolean"',
        ),
        (
            {"type": "string", "enum": ["x", "y"]},
            "z",
            'Unsupported value: "z": supported values: "x", "y"',
        ),
        (
            {"type": "integer", "enum": [1, 2]},
            3,
            'Unsupported value: 3: supported values: "1", "2"',
        ),
        (
            {"type": "string", "pattern": "^a+$"},
            "b",
            "Invalid value: \"b\": a in body should match '^a+$'",
        ),
        (
            {"type": "string", "minLength": 2},
            "b",
            'Invalid value: "b": a in body should be at least 2 chars long',
        ),
        ({"type": "string", "maxLength": 1}, "bb", "Too long: may not be more than 1 byte"),
        ({"type": "string", "maxLength": 2}, "bbb", "Too long: may not be more than 2 bytes"),
        (
            {"type": "integer", "minimum": 2},
            1,
            "Invalid value: 1: a in body should be greater than or equal to 2",
        ),
        (
            {"type": "integer", "maximum": 2},
            3,
            "Invalid value: 3: a in body should be less than or equal to 2",
        ),
        (
            {"type": "integer", "minimum": 2, "exclusiveMinimum": True},
            2,
            "Invalid value: 2: a in body should be greater than 2",
        ),
        (
            {"type": "number", "maximum": 1.5, "exclusiveMaximum": True},
            1.5,
            "Invalid value: 1.5: a in body should be less than 1.5",
        ),
        (
            {"type": "integer", "multipleOf": 3},
            4,
            "Invalid value: 4: a in body should be a multiple of 3",
        ),
        ({"type": "array", "maxItems": 1}, [1, 2], "Too many: 2: must have at most 1 item"),
        (
            {"type": "array", "minItems": 1},
            [],
            "Invalid value: 0: a in body should have at least 1 items",
        ),
        (
            {"type": "object", "maxProperties": 0},
            {"b": 1},
            "Too many: 1: must have at most 0 items",
        ),
        (
            {"type": "object", "minProperties": 1},
            {},
            "Invalid value: 0: a in body should have at least 1 properties",
        ),
        (
            {"type": "string", "format": "date"},
            "x",
            'Invalid value: "x": a in body must be of type date: "x"',
        ),
    ],
)
def test_each_rule_in_its_words(schema: Any, value: Any, message: str) -> None:
    assert said(schema, value) == [f"a: {message}"]


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "integer"}, 2.0),
        ({"type": "number"}, 1),
        ({"type": "string", "nullable": True}, None),
        (INT_OR_STRING, "50%"),
        (INT_OR_STRING, 5),
        ({"type": "string", "format": "no-such"}, "x"),
        ({"type": "string", "maxLength": 2}, "éé"),
        ({"type": "number", "enum": [1]}, 1.0),
        ({}, object),
    ],
)
def test_what_passes(schema: Any, value: Any) -> None:
    assert said(schema, {} if value is object else value) == []


def test_where_a_value_stands_is_named() -> None:
    inner = {
        "type": "array",
        "items": {"type": "object", "required": ["b"], "properties": {"c": {"type": "string"}}},
    }
    assert said(inner, [{"c": 1}]) == [
        'a[0].c: Invalid value: "integer": a[0].c in body must be of type string: "integer"',
        "a[0].b: Required value",
    ]
    more = {"type": "object", "additionalProperties": {"type": "integer"}}
    assert said(more, {"x": ""}) == [
        'a.x: Invalid value: "string": a.x in body must be of type integer: "string"'
    ]
    assert said({"type": "integer"}, "", root="status") == [
        'status.a: Invalid value: "string": a in body must be of type integer: "string"'
    ]


def test_alternatives() -> None:
    numbers, texts = {"minimum": 5}, {"maxLength": 3}
    either = {"oneOf": [{"required": ["x"]}, {"required": ["y"]}], "type": "object"}
    assert said({"type": "integer", "anyOf": [numbers, {"maximum": 1}]}, 3)[0] == (
        '<nil>: Invalid value: "": "a" must validate at least one schema (anyOf)'
    )
    assert said(either, {})[0] == (
        '<nil>: Invalid value: "": "a" must validate one and only one schema (oneOf). Found none valid'
    )
    assert said(either, {"x": 1, "y": 2}) == [
        '<nil>: Invalid value: "": "a" must validate one and only one schema (oneOf). Found 2 valid alternatives'
    ]
    assert said({"type": "string", "allOf": [texts]}, "long") == [
        "a: Too long: may not be more than 3 bytes",
        '<nil>: Invalid value: "": "a" must validate all the schemas (allOf). None validated',
    ]
    assert said({"type": "integer", "not": numbers}, 6) == [
        '<nil>: Invalid value: "": "a" must not validate the schema (not)'
    ]
    assert said({"type": "integer", "not": numbers}, 4) == []


def test_an_update_may_keep_what_is_wrong_already() -> None:
    schema = {"type": "object", "properties": {"b": {"type": "integer"}, "c": {"type": "string"}}}
    assert said(schema, {"b": "x", "c": "new"}, old={"b": "x", "c": "old"}) == []
    assert len(said(schema, {"b": "y"}, old={"b": "x"})) == 1
    items = {"type": "array", "items": schema}
    assert len(said(items, [{"b": "x"}, {}], old=[{"b": "x"}])) == 1
    assert said(items, [{"b": "x"}], old=[{"b": "x"}]) == []


def test_a_fraction_is_no_integer() -> None:
    assert said({"type": "integer"}, 1.5) == [
        'a: Invalid value: "number": a in body must be of type integer: "number"',
        '<nil>: Invalid value: "": Checked value must be of type integer (default format) in a',
    ]


def test_an_int32_has_a_range() -> None:
    assert said({"type": "integer", "format": "int32"}, 2**31) == [
        '<nil>: Invalid value: "": Checked value must be of type integer with format int32 in a'
    ]


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("byte", "aGk=", "a"),
        ("cidr", "10.0.0.0/8", "10.0.0.0"),
        ("date", "2026-02-28", "2026-02-30"),
        ("date-time", "2026-02-28T10:00:00Z", "2026-02-28 10:00"),
        ("duration", "1h30m", "soon"),
        ("email", "a@example.com", "example.com"),
        ("hostname", "a.example.com", "a_b"),
        ("ipv4", "10.0.0.1", "fd00::1"),
        ("ipv6", "fd00::1", "10.0.0.1"),
        ("uri", "https://example.com/x", "x"),
        ("uuid", "e7c0f9d4-1f0d-4f6a-9d2c-6b1f7f0a1b2c", "e7c0"),
        ("k8s-short-name", "a-b", "a.b"),
        ("k8s-long-name", "a.b", "A"),
    ],
)
def test_formats(name: str, good: str, bad: str) -> None:
    schema = {"type": "string", "format": name}
    assert said(schema, good) == []
    assert said(schema, bad) == [
        f'a: Invalid value: "{bad}": a in body must be of type {name}: "{bad}"'
    ]


@pytest.mark.parametrize("name", ["hexcolor", "mac", "ssn", "password"])
def test_rare_formats_are_not_checked(name: str) -> None:
    assert said({"type": "string", "format": name}, "x") == []


def test_a_text_where_a_number_with_a_format_stands() -> None:
    found = FieldErrors()
    check_value({"type": "integer", "format": "int32"}, "5", found, "spec")
    assert [cause["message"] for cause in found] == [
        'Invalid value: "string":  in body must be of type integer: "string"'
    ]


def test_many_choices_cost() -> None:
    with pytest.raises(ApiError), limited(WorkBudget(1000)):
        check_value({"enum": list(map(str, range(10_000)))}, "9999", FieldErrors())


TEXT, RULED = {"type": "string"}, {"type": "string", "minLength": 0}


def test_texts_that_always_fit_are_not_looked_at_one_by_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    texts, calls = ["a"] * 1000, list[Any]()

    def counted(*args: Any) -> values.Result:
        calls.append(args)
        return validate(*args)

    monkeypatch.setattr(values, "validate", counted)
    for items, looks in ((TEXT, 0), (RULED, 1000)):
        calls.clear()
        validate({"type": "array", "items": items}, texts, "x")
        assert len(calls) == looks
    with limited(WorkBudget(1000)), pytest.raises(ApiError):
        validate({"type": "array", "items": TEXT}, texts, "x")
