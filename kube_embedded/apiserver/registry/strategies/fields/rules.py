"""Rows of rules for the fields of an object, and the functions that interpret them.

A table such as ``fields(name=required(dns_label), image=present)`` lists the rules of a struct. The rows are in the
order of the real server's checks, because the order of the causes in an answer shows it.
A check that compares several fields is a plain function with the same arguments as a rule.
"""

from collections.abc import Callable
from typing import Any

from ...errors import FieldErrors

Rule = Callable[[Any, str, FieldErrors], None]
"""(value, its path, errors): adds a cause for each broken rule. The value is None if the field is missing."""

Format = Callable[[Any], list[str]]
"""A function of ``registry.names``: a value to the messages of what is wrong with it."""


def rule(check: Callable[..., object], *arguments: object) -> Rule:
    """Make a rule of a method of ``FieldErrors``."""

    def apply(value: Any, path: str, errors: FieldErrors) -> None:
        check(errors, path, value, *arguments)

    return apply


present = rule(FieldErrors.check_present)
not_negative = rule(FieldErrors.check_not_negative)


def matches(form: Format) -> Rule:
    """Require a format of a value; a missing one passes."""
    return rule(FieldErrors.check_format, form)


def if_set(form: Format) -> Rule:
    """Require a format of a value; a missing and an empty one pass."""
    return rule(FieldErrors.check_if_given, form)


def required(form: Format) -> Rule:
    """Require a value of a format."""
    return rule(FieldErrors.check_required, form)


def choice(*choices: str) -> Rule:
    """Require one of the choices; a missing value passes."""
    return rule(FieldErrors.check_choice, choices)


def required_choice(*choices: str, detail: str = "") -> Rule:
    """Require one of the choices; ``detail`` is for the cause if the value is missing or empty."""
    return rule(FieldErrors.check_required_choice, choices, detail)


def between(low: int, high: int) -> Rule:
    """Require a number in a range; a missing one passes."""
    return rule(FieldErrors.check_between, low, high)


def must(condition: Callable[[Any], object], detail: str) -> Rule:
    """Require a condition of a value; a missing one passes."""

    def check(value: Any, path: str, errors: FieldErrors) -> None:
        if not condition(value):
            errors.invalid(path, value, detail)

    return optional(check)


def forbidden(detail: str) -> Rule:
    """Refuse a field that is set."""
    return optional(lambda _value, path, errors: errors.forbidden(path, detail))


def zero(value: Any, inner: Rule) -> Rule:
    """Check a field that is not a pointer in Go: if it is missing, the rule gets its zero value."""
    # Decoded objects leave such fields out if they are empty, and Go's checks see the zero value.
    return lambda given, path, errors: inner(value if given is None else given, path, errors)


def optional(inner: Rule) -> Rule:
    """Apply a rule to a value that is not missing."""

    def check(value: Any, path: str, errors: FieldErrors) -> None:
        if value is not None:
            inner(value, path, errors)

    return check


def at_most(limit: int) -> Rule:
    """Require a list of at most ``limit`` items."""
    return zero((), rule(FieldErrors.check_count, limit))


def each(inner: Rule) -> Rule:
    """Apply a rule to each item of a list."""

    def check(values: Any, path: str, errors: FieldErrors) -> None:
        for index, value in enumerate(values or ()):
            inner(value, f"{path}[{index}]", errors)

    return check


def every(*rules: Rule) -> Rule:
    """Apply several rules to the same value."""

    def check(value: Any, path: str, errors: FieldErrors) -> None:
        for part in rules:
            part(value, path, errors)

    return check


def fields(**rules: Rule) -> Rule:
    """Apply rules to the fields of a struct; a missing struct passes."""

    # Missing fields are checked too: only their rules know whether they are required.
    def check(holder: Any, path: str, errors: FieldErrors) -> None:
        for name, part in rules.items():
            part(holder.get(name), f"{path}.{name}", errors)

    return optional(check)


def one_of(missing: str, several: str, **rules: Rule) -> Rule:
    """Require exactly one of a struct's fields; only the first one is checked further."""

    def check(holder: Any, path: str, errors: FieldErrors) -> None:
        given = [name for name in rules if holder.get(name) is not None]
        errors.check_present(path, given, missing)
        for number, name in enumerate(given):
            # What else is wrong with a second one does not matter, as it has to go.
            if number:
                errors.forbidden(f"{path}.{name}", several)
            else:
                rules[name](holder[name], f"{path}.{name}", errors)

    return optional(check)
