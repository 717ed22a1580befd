"""Validation of a value against a schema, with the real server's messages.

An update ignores problems of a value that it does not change (ratcheting, KEP-4008).
Source: k8s.io/kube-openapi ``pkg/validation``; k8s.io/apiextensions-apiserver ``pkg/apiserver/validation``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

from kube_embedded.machinery.golang import patterns
from kube_embedded.machinery.golang.quote import go_quote
from kube_embedded.machinery.releases import differs
from kube_embedded.machinery.status import ApiError
from kube_embedded.machinery.work import charge

from ..errors import FieldErrors, printed_value
from .formats import FORMATS, is_known
from .structural import INT_OR_STRING, MAP_TYPE, Schema, items_of

ABSENT: Any = object()
"""The old value of a field that is new."""
TYPE_NAMES = {bool: "boolean", str: "string", int: "integer", float: "number", list: "array"}
SIZES: dict[type, tuple[str, str, str, str]] = {
    str: ("Length", "should be", " chars long", "too long"),
    list: ("Items", "should have", " items", "too many"),
    dict: ("Properties", "should have", " properties", "too many"),
}
"""By type: the end of the keywords, the words of the problem, and its reason if there is too much."""
BOUNDS = (("maximum", "less", 1), ("minimum", "greater", -1))
VALUE_COST = 10
CHOICE_COST = 0.2
PATTERN_SECONDS = 0.2
ANY_TEXT = frozenset(("type", "description", "title", "example"))
"""The fields of a schema that every text fits."""
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
    """The problems of a value."""

    problems: dict[str, Problem] = field(default_factory=dict)

    def add(
        self, reason: str, name: str, value: Any, text: str, limits: Iterable[Any] = ()
    ) -> None:
        """Add a problem of the field ``name``, unless there is one with the same text."""
        self.problems.setdefault(text, Problem(reason, name, value, text, tuple(limits)))

    def type_error(self, path: str, types: str, found: str, value: Any) -> None:
        """Add the problem of a value of the wrong type or format."""
        text = f"{path} in body must be of type {types}: {go_quote(found)}"
        self.add("type", path, value, text)

    def merge(self, other: Result) -> None:
        """Add the problems of another result."""
        for text, problem in other.problems.items():
            self.problems.setdefault(text, problem)


def check_value(
    schema: Schema | None, value: Any, errors: FieldErrors, root: str = "", old: Any = ABSENT
) -> None:
    """Report the problems of a value at the field ``root``, which replaces ``old``."""
    if schema is None:
        return
    result = validate(schema, value, "", old)
    # Even a value that breaks a new rule can be written again unchanged.
    if result.problems and value == old:
        return
    for problem in result.problems.values():
        path = ".".join(filter(None, (root, problem.name.removeprefix(".")))) or "<nil>"
        bad = "" if problem.value is None else problem.value
        match problem.reason:
            case "composite":  # named after the object, whatever part of it has the alternatives
                errors.invalid(root or "<nil>", "", problem.text)
            case "required":
                errors.required(path)
            case "enum":
                choices = [
                    choice if isinstance(choice, str) else orjson.dumps(choice).decode()
                    for choice in problem.limits
                ]
                errors.not_supported(path, problem.value, choices)
            case "too long":
                errors.too_long(path, *problem.limits)
            case "too many":
                errors.too_many(path, problem.value, *problem.limits)
            case "too few":
                errors.too_few(path, problem.value, *problem.limits)
            case "type":
                text = f"Invalid value: {printed_value(bad)}: {problem.text}"
                errors.add("FieldValueTypeInvalid", path, text)
            case _:
                errors.invalid(path, bad, problem.text)


def _types_of(schema: Schema) -> list[str]:
    if schema.get(INT_OR_STRING):
        return ["integer", "string"]
    return [schema["type"]] if schema.get("type") else []


def validate(schema: Schema, value: Any, path: str, old: Any = ABSENT) -> Result:
    """Check a value and the values in it; ``path`` names it in messages."""
    # A schema with alternatives in alternatives can take exponential time.
    charge(VALUE_COST)
    result = Result()
    types = _types_of(schema)
    format_ = schema.get("format", "")
    if format_ and not is_known(format_, types[0] if len(types) == 1 else ""):
        format_ = ""
    if value is None:
        if types and "null" not in types and not schema.get("nullable"):
            result.type_error(path, ",".join(types), "null", "null")
        _check_enum(schema, value, path, result)
        return result
    if types or format_:
        _check_type(types, format_, value, path, result)
    _check_alternatives(schema, value, path, old, result)
    if isinstance(value, str):
        pattern = schema.get("pattern")
        # The real server stops at the first of these three.
        if _check_size(schema, value, path, result) and pattern and not matches(pattern, value):
            result.add("invalid", path, value, f"{path} in body should match '{pattern}'")
        check = FORMATS.get(format_.replace("-", ""))
        if check is not None and not check(value):
            result.type_error(path, format_, value, value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        _check_number(schema, types, format_, value, path, result)
    elif isinstance(value, list):
        _check_items(schema, value, path, result)
        _check_size(schema, value, path, result)
    _check_enum(schema, value, path, result)
    if isinstance(value, dict):
        _check_size(schema, value, path, result)
        _check_fields(schema, value, path, old, result)
    return result


def _check_type(types: list[str], format_: str, value: Any, path: str, result: Result) -> None:
    sort = TYPE_NAMES.get(type(value), "object")
    fits = sort in types or (sort == "integer" and "number" in types)
    fits = fits or (sort == "number" and "integer" in types and float(value).is_integer())
    own = {"integer": "int64", "number": "float64"}.get(sort, "")
    if sort not in ("string", "array") and format_ and not (fits or own == format_):
        result.type_error(path, format_, own, own)
    # Formats of strings are checked later; with a format, the type is not checked here either.
    elif not fits and not (
        format_ and sort in ("string", "array") and not {"integer", "number"}.intersection(types)
    ):
        result.type_error(path, ",".join(types), sort, sort)


def _check_enum(schema: Schema, value: Any, path: str, result: Result) -> None:
    choices = schema.get("enum")
    # An enumeration can have thousands of values, and can apply to each item of a list.
    charge(CHOICE_COST * len(choices or ()))
    if choices and not any(_equal(value, choice) for choice in choices):
        charge(len(choices))
        listed = " ".join(map(str, choices))
        result.add("enum", path, value, f"{path} in body should be one of [{listed}]", choices)


def _equal(value: Any, choice: Any) -> bool:
    """Return whether values are equal after a conversion between kinds of numbers; a boolean is not one."""
    same_sort = isinstance(value, bool) == isinstance(choice, bool)
    return choice is not None and same_sort and bool(value == choice)


def _check_size(schema: Schema, value: Any, path: str, result: Result) -> bool:
    """Check the length of a text, list or object; return whether it is right."""
    # A stored object is of a subclass of dict.
    keyword, verb, unit, reason = SIZES.get(type(value), SIZES[dict])
    size = len(value)
    bad = value if isinstance(value, str) else size
    most = schema.get(f"max{keyword}")
    least = schema.get(f"min{keyword}")
    if most is not None and size > most:
        text = f"{path} in body {verb} at most {most}{unit}"
        result.add(reason, path, bad, text, (most,))
    elif least is not None and size < least:
        few = not isinstance(value, str) and differs("too few")
        text = f"{path} in body {verb} at least {least}{unit}"
        result.add("too few" if few else "invalid", path, bad, text, (least,))
    else:
        return True
    return False


def matches(pattern: str, value: str) -> bool:
    """Return whether a part of a text matches a pattern; 429 if the search takes too long."""
    charge(len(value))
    try:
        # A learner's pattern can need exponential time, which RE2 in the real server never does.
        return patterns.is_found(pattern, value, PATTERN_SECONDS)
    except TimeoutError as error:
        raise ApiError(429, "TooManyRequests", TOO_SLOW) from error


def _check_number(
    schema: Schema, types: list[str], format_: str, value: float, path: str, result: Result
) -> None:
    if len(types) == 1 and not _in_range(types[0], format_, value):
        form = f"with format {format_}" if format_ else "(default format)"
        text = f"Checked value must be of type {types[0]} {form} in {path}"
        result.add("composite", path, value, text)
    # Go compares an integer with the integer part of a limit.
    convert = int if isinstance(value, int) else float
    for name, word, beyond in BOUNDS:
        if schema.get(name) is None:
            continue
        limit = convert(schema[name])
        exclusive = bool(schema.get(f"exclusive{name.title()}"))
        if (value - limit) * beyond > 0 or (exclusive and value == limit):
            than = f"{word} than" if exclusive else f"{word} than or equal to"
            text = f"{path} in body should be {than} {go_number(limit)}"
            result.add("invalid", path, value, text)
    if schema.get("multipleOf") is None:
        return
    factor = convert(schema["multipleOf"])
    if factor <= 0:
        text = f"factor MultipleOf declared for {path} must be positive: {go_number(factor)}"
        result.add("invalid", path, factor, text)
    elif not float(value / factor).is_integer():
        text = f"{path} in body should be a multiple of {go_number(factor)}"
        result.add("invalid", path, value, text)


def _in_range(type_: str, format_: str, value: float) -> bool:
    if type_ == "integer":
        bits = 31 if format_ == "int32" else 63
        return -(2**bits) <= value < 2**bits and float(value).is_integer()
    return format_ != "float" or abs(value) <= 3.4028234663852886e38


def go_number(value: float) -> str:
    """A number as Go's ``%v`` prints it."""
    whole = isinstance(value, int) or (value.is_integer() and abs(value) < 1e21)
    return str(int(value)) if whole else repr(value)


def _takes_any_text(schema: Schema) -> bool:
    return schema.get("type") == "string" and schema.keys() <= ANY_TEXT


def _check_items(schema: Schema, value: list[Any], path: str, result: Result) -> None:
    items = items_of(schema)
    if items is None:
        return
    if _takes_any_text(items) and all(isinstance(item, str) for item in value):
        charge(VALUE_COST * len(value))
        return
    for index, item in enumerate(value):
        # Items of the old list are not looked for, so each problem counts as new.
        _merge_inner(result, items, item, f"{path}[{index}]", ABSENT)


def _merge_inner(result: Result, schema: Schema, value: Any, path: str, old: Any) -> None:
    """Check a value in another one; problems of an unchanged value do not count."""
    inner = validate(schema, value, path, old)
    if inner.problems and old is not ABSENT and value == old:
        inner.problems.clear()
    result.merge(inner)


def _check_fields(
    schema: Schema, value: dict[str, Any], path: str, old: Any, result: Result
) -> None:
    properties = schema.get("properties") or {}
    more = schema.get("additionalProperties")
    # The fields of an atomic map have no old values: it is replaced as a whole.
    correlated = old if isinstance(old, dict) and schema.get(MAP_TYPE) != "atomic" else {}
    for name in sorted(value.keys() - properties.keys()):
        if more is False:
            result.add("invalid", path, name, f"{path}.{name} in body is a forbidden property")
        elif isinstance(more, dict):
            _merge_inner(result, more, value[name], f"{path}.{name}", correlated.get(name, ABSENT))
    for name in sorted(properties.keys() & value.keys()):
        if isinstance(value[name], str) and _takes_any_text(properties[name]):
            charge(VALUE_COST)
            continue
        named = f"{path}.{name}" if path else name
        fixed = not path and name in ("kind", "apiVersion")
        before = ABSENT if fixed else correlated.get(name, ABSENT)
        _merge_inner(result, properties[name], value[name], named, before)
    for name in schema.get("required") or ():
        if name not in value:
            result.add("required", f"{path}.{name}", None, f"{path}.{name} in body is required")


def _check_alternatives(schema: Schema, value: Any, path: str, old: Any, result: Result) -> None:
    def refuse(problem: str) -> None:
        result.add("composite", path, None, f"{go_quote(path)} must {problem}")

    for keyword in ("anyOf", "oneOf", "allOf"):
        if not schema.get(keyword):
            continue
        results = [validate(choice, value, path, old) for choice in schema[keyword]]
        valid = [outcome for outcome in results if not outcome.problems]
        # Where none fits, the problems of the one that came closest are the most helpful. The real server counts
        # the checks that each passed instead.
        best = valid[:1] or [min(results, key=lambda outcome: len(outcome.problems))]
        if keyword == "allOf":
            best = results
        elif keyword == "anyOf":
            if not valid:
                refuse("validate at least one schema (anyOf)")
        elif len(valid) != 1:
            count = f"{len(valid)} valid alternatives" if valid else "none valid"
            refuse(f"validate one and only one schema (oneOf). Found {count}")
            if valid:
                best = []
        for outcome in best:
            result.merge(outcome)
        if keyword == "allOf" and len(valid) < len(results):
            none = "" if valid else ". None validated"
            refuse(f"validate all the schemas (allOf){none}")
    if schema.get("not") is not None and not validate(schema["not"], value, path, old).problems:
        refuse("not validate the schema (not)")
