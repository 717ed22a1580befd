"""Validation of a value against a schema, in the words of the real server.

An update ignores what is wrong with a value that it does not change (ratcheting, KEP-4008).
Source: k8s.io/kube-openapi ``pkg/validation``; k8s.io/apiextensions-apiserver ``pkg/apiserver/validation``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

from labkit.embedded.apiserver.registry.custom.formats import FORMATS, is_known
from labkit.embedded.apiserver.registry.custom.structural import (
    INT_OR_STRING,
    LIST_KEYS,
    LIST_TYPE,
    MAP_TYPE,
    Schema,
    items_of,
)
from labkit.embedded.apiserver.registry.errors import FieldErrors, printed_value
from labkit.embedded.machinery.golang import patterns
from labkit.embedded.machinery.golang.quote import go_quote
from labkit.embedded.machinery.status import ApiError
from labkit.embedded.machinery.work import charge

ABSENT: Any = object()
"""Instead of an old value that there is not."""
TYPE_NAMES = {
    bool: "boolean",
    str: "string",
    int: "integer",
    float: "number",
    list: "array",
    dict: "object",
}
VALUE_COST, CHOICE_COST, PATTERN_SECONDS = 10, 0.2, 0.2
ANY_TEXT = frozenset(("type", "description", "title", "example"))
"""The fields of a schema that every text fits."""
CHECKS_OF_A_TEXT = 6
"""How many checks a text passes that fits such a schema."""
TOO_SLOW = "The request is more work than the server does for one."


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem: ``reason`` is the reason of its cause, and ``text`` distinguishes it from others."""

    reason: str
    name: str
    value: Any
    text: str
    limits: tuple[Any, ...] = ()


@dataclass(slots=True)
class Result:
    """The problems of a value, and how many checks it passed, by which the best alternative is chosen."""

    problems: dict[str, Problem] = field(default_factory=dict)
    passed: int = 0

    def add(
        self, reason: str, name: str, value: Any, text: str, limits: Iterable[Any] = ()
    ) -> None:
        """Add a problem, unless there is one with the same text."""
        self.problems.setdefault(text, Problem(reason, name, value, text, tuple(limits)))

    def pass_texts(self, count: int) -> None:
        """Count so many texts, of schemas that every text fits, as validated."""
        charge(VALUE_COST * count)
        self.passed += CHECKS_OF_A_TEXT * count

    def merge(self, other: Result) -> None:
        """Add the problems and the count of another result."""
        for text, problem in other.problems.items():
            self.problems.setdefault(text, problem)
        self.passed += other.passed


def _takes_any_text(schema: Schema) -> bool:
    return schema.get("type") == "string" and schema.keys() <= ANY_TEXT


def check_value(
    schema: Schema | None, value: Any, errors: FieldErrors, root: str = "", old: Any = ABSENT
) -> None:
    """Report what is wrong with a value; ``root`` is the field at which it stands, ``old`` what it replaces."""
    if schema is None:
        return
    result = validate(schema, value, "", old)
    if result.problems and value == old:
        return
    for problem in result.problems.values():
        name = problem.name.removeprefix(".")
        place = ".".join(part for part in (root, name) if part) or "<nil>"
        bad = "" if problem.value is None else problem.value
        if problem.reason == "composite":
            errors.invalid(root or "<nil>", "", problem.text)
        elif problem.reason == "required":
            errors.required(place)
        elif problem.reason == "enum":
            texts = [
                each if isinstance(each, str) else orjson.dumps(each).decode()
                for each in problem.limits
            ]
            errors.not_supported(place, problem.value, texts)
        elif problem.reason == "too long":
            errors.too_long(place, problem.limits[0])
        elif problem.reason == "too many":
            errors.too_many(place, problem.value, problem.limits[0])
        elif problem.reason == "type":
            errors.add(
                "FieldValueTypeInvalid",
                place,
                f"Invalid value: {printed_value(bad)}: {problem.text}",
            )
        else:
            errors.invalid(place, bad, problem.text)


def validate(schema: Schema, value: Any, path: str, old: Any = ABSENT) -> Result:
    """Check a value and what is in it; ``path`` names it in messages."""
    charge(VALUE_COST)
    result = Result()
    types = (
        ["integer", "string"]
        if schema.get(INT_OR_STRING)
        else [schema["type"]]
        if schema.get("type")
        else []
    )
    given = schema.get("format", "")
    format_ = given if given and is_known(given, types[0] if len(types) == 1 else "") else ""
    if value is None:
        if types and "null" not in types and not schema.get("nullable"):
            wanted = ",".join(types)
            result.add("type", path, "null", f'{path} in body must be of type {wanted}: "null"')
        _check_enum(schema, value, path, result)
        return result
    if types or format_:
        _check_type(types, format_, value, path, result)
        result.passed += 1
    _check_alternatives(schema, value, path, old, result)
    result.passed += 1
    if isinstance(value, str):
        _check_text(schema, value, path, result)
        result.passed += 1
        check = FORMATS.get(format_.replace("-", ""))
        if check is not None and not check(value):
            result.add(
                "type", path, value, f"{path} in body must be of type {format_}: {go_quote(value)}"
            )
    elif isinstance(value, int | float) and not isinstance(value, bool):
        _check_number(schema, types, format_, value, path, result)
        result.passed += 2
    elif isinstance(value, list):
        _check_items(schema, value, path, old, result)
        result.passed += 2
    _check_enum(schema, value, path, result)
    result.passed += 1
    if isinstance(value, dict):
        _check_fields(schema, value, path, old, result)
        result.passed += 1
    result.passed += 1
    return result


def _check_type(types: list[str], format_: str, value: Any, path: str, result: Result) -> None:
    found = TYPE_NAMES.get(type(value), "object")
    fits = found in types or (found == "integer" and "number" in types)
    fits = fits or (found == "number" and "integer" in types and float(value).is_integer())
    own = {"integer": "int64", "number": "float64"}.get(found, "")
    if found not in ("string", "array") and format_ and not (fits or own == format_):
        result.add("type", path, own, f"{path} in body must be of type {format_}: {go_quote(own)}")
    elif not {"integer", "number"}.intersection(types) and format_ and found in ("string", "array"):
        result.passed += 1
    elif not fits:
        result.add(
            "type",
            path,
            found,
            f"{path} in body must be of type {','.join(types)}: {go_quote(found)}",
        )
    else:
        result.passed += 1


def _check_enum(schema: Schema, value: Any, path: str, result: Result) -> None:
    choices = schema.get("enum")
    charge(CHOICE_COST * len(choices or ()))
    if choices and not any(_equal(value, choice) for choice in choices):
        charge(len(choices))
        listed = " ".join(map(str, choices))
        result.add("enum", path, value, f"{path} in body should be one of [{listed}]", choices)


def _equal(value: Any, choice: Any) -> bool:
    """Whether values are equal after a conversion between kinds of numbers; a boolean is none."""
    return (
        choice is not None
        and isinstance(value, bool) == isinstance(choice, bool)
        and bool(value == choice)
    )


def _check_text(schema: Schema, value: str, path: str, result: Result) -> None:
    most, least, pattern = schema.get("maxLength"), schema.get("minLength"), schema.get("pattern")
    if most is not None and len(value) > most:
        text = f"{path} in body should be at most {most} chars long"
        result.add("too long", path, value, text, (most,))
    elif least is not None and len(value) < least:
        result.add("invalid", path, value, f"{path} in body should be at least {least} chars long")
    elif pattern and not matches(pattern, value):
        result.add("invalid", path, value, f"{path} in body should match '{pattern}'")


def matches(pattern: str, value: str) -> bool:
    """Whether a text has a part that matches a pattern; 429 if that takes too long to find out."""
    charge(len(value))
    try:
        return patterns.compiled(pattern).search(value, timeout=PATTERN_SECONDS) is not None
    except TimeoutError as error:
        raise ApiError(429, "TooManyRequests", TOO_SLOW) from error


def _check_number(
    schema: Schema, types: list[str], format_: str, value: float, path: str, result: Result
) -> None:
    if len(types) == 1 and not _in_range(types[0], format_, value):
        shown = f"with format {format_}" if format_ else "(default format)"
        text = f"Checked value must be of type {types[0]} {shown} in {path}"
        result.add("composite", path, value, text)
    whole = isinstance(value, int)
    for name, word, beyond in (("maximum", "less", 1), ("minimum", "greater", -1)):
        limit = schema.get(name)
        if limit is None:
            continue
        limit = int(limit) if whole else limit
        exclusive = bool(schema.get(f"exclusive{name.title()}"))
        if (value - limit) * beyond > 0 or (exclusive and value == limit):
            than = f"{word} than" if exclusive else f"{word} than or equal to"
            result.add(
                "invalid", path, value, f"{path} in body should be {than} {go_number(limit)}"
            )
    factor = schema.get("multipleOf")
    if factor is None:
        return
    factor = int(factor) if whole else factor
    if factor <= 0:
        text = f"factor MultipleOf declared for {path} must be positive: {go_number(factor)}"
        result.add("invalid", path, factor, text)
    elif not float(value / factor).is_integer():
        result.add(
            "invalid", path, value, f"{path} in body should be a multiple of {go_number(factor)}"
        )


def _in_range(type_: str, format_: str, value: float) -> bool:
    if type_ == "integer":
        bits = 31 if format_ == "int32" else 63
        return -(2**bits) <= value < 2**bits and float(value).is_integer()
    return format_ != "float" or abs(value) <= 3.4028234663852886e38


def go_number(value: float) -> str:
    """A number as Go's ``%v`` prints it."""
    whole = isinstance(value, int) or (value.is_integer() and abs(value) < 1e21)
    return str(int(value)) if whole else repr(value)


def _check_items(schema: Schema, value: list[Any], path: str, old: Any, result: Result) -> None:
    items, most, least = items_of(schema), schema.get("maxItems"), schema.get("minItems")
    size = len(value)
    if items is not None:
        before = _by_key(schema, old)
        if _takes_any_text(items) and all(isinstance(item, str) for item in value):
            result.pass_texts(len(value))
            value = []
        for index, item in enumerate(value):
            known = before.get(_key_of(schema, item), ABSENT) if before else ABSENT
            _merge_inner(result, items, item, f"{path}[{index}]", known)
    if least is not None and size < least:
        result.add("invalid", path, size, f"{path} in body should have at least {least} items")
    if most is not None and size > most:
        result.add(
            "too many", path, size, f"{path} in body should have at most {most} items", (most,)
        )


def _by_key(schema: Schema, old: Any) -> dict[bytes, Any]:
    """The old items of a list of the type ``map`` by their keys; the items of other lists have no old ones."""
    if schema.get(LIST_TYPE) != "map" or not isinstance(old, list):
        return {}
    return {_key_of(schema, item): item for item in old}


def _key_of(schema: Schema, item: Any) -> bytes:
    names = schema.get(LIST_KEYS) or ()
    return orjson.dumps([item.get(name) for name in names] if isinstance(item, dict) else None)


def _merge_inner(result: Result, schema: Schema, value: Any, path: str, old: Any) -> None:
    """Check a value in another one; what is wrong with an unchanged one does not count."""
    found = validate(schema, value, path, old)
    if found.problems and old is not ABSENT and value == old:
        found.problems.clear()
    result.merge(found)


def _check_fields(
    schema: Schema, value: dict[str, Any], path: str, old: Any, result: Result
) -> None:
    size, least, most = len(value), schema.get("minProperties"), schema.get("maxProperties")
    if least is not None and size < least:
        result.add("invalid", path, size, f"{path} in body should have at least {least} properties")
    if most is not None and size > most:
        result.add(
            "too many", path, size, f"{path} in body should have at most {most} properties", (most,)
        )
    properties, more = schema.get("properties") or {}, schema.get("additionalProperties")
    correlated = old if isinstance(old, dict) and schema.get(MAP_TYPE) != "atomic" else {}
    for name in sorted(value):
        if name in properties:
            continue
        if more is False:
            result.add("invalid", path, name, f"{path}.{name} in body is a forbidden property")
        elif isinstance(more, dict):
            _merge_inner(result, more, value[name], f"{path}.{name}", correlated.get(name, ABSENT))
    for name in sorted(properties):
        if isinstance(value.get(name), str) and _takes_any_text(properties[name]):
            result.pass_texts(1)
        elif name in value:
            named = f"{path}.{name}" if path else name
            fixed = not path and name in ("kind", "apiVersion")
            before = ABSENT if fixed else correlated.get(name, ABSENT)
            _merge_inner(result, properties[name], value[name], named, before)
    for name in schema.get("required") or ():
        if name not in value:
            result.add("required", f"{path}.{name}", None, f"{path}.{name} in body is required")


def _check_alternatives(schema: Schema, value: Any, path: str, old: Any, result: Result) -> None:
    named = go_quote(path)
    if schema.get("anyOf"):
        results = [validate(each, value, path, old) for each in schema["anyOf"]]
        good = next((each for each in results if not each.problems), None)
        if good is None:
            result.add(
                "composite", path, None, f"{named} must validate at least one schema (anyOf)"
            )
        result.merge(good if good is not None else max(results, key=lambda each: each.passed))
    if schema.get("oneOf"):
        results = [validate(each, value, path, old) for each in schema["oneOf"]]
        valid = [each for each in results if not each.problems]
        if len(valid) == 1:
            result.merge(valid[0])
        else:
            found = f"Found {len(valid)} valid alternatives" if valid else "Found none valid"
            result.add(
                "composite",
                path,
                None,
                f"{named} must validate one and only one schema (oneOf). {found}",
            )
            if not valid:
                result.merge(max(results, key=lambda each: each.passed))
    if schema.get("allOf"):
        results = [validate(each, value, path, old) for each in schema["allOf"]]
        for each in results:
            result.merge(each)
        valid_count = sum(not each.problems for each in results)
        if valid_count < len(results):
            none = "" if valid_count else ". None validated"
            result.add(
                "composite", path, None, f"{named} must validate all the schemas (allOf){none}"
            )
    if schema.get("not") is not None and not validate(schema["not"], value, path, old).problems:
        result.add("composite", path, None, f"{named} must not validate the schema (not)")
