"""Validation errors: the causes of a 422, in the real server's words.

Source: k8s.io/apimachinery ``pkg/util/validation/field/errors.go``.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sized
from typing import Any, TypeVar

from ...machinery.golang.json import marshal
from ...machinery.golang.quote import go_quote
from ...machinery.status import ApiError, qualified, resource_details

T = TypeVar("T")


def printed_value(value: Any) -> str:
    """A bad value as messages print it."""
    if isinstance(value, str):
        return go_quote(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return marshal(value)


def between(low: int, high: int) -> str:
    """The message for a number outside its range."""
    return f"must be between {low} and {high}, inclusive"


MAX_CAUSES = 1000
"""How many causes one answer lists: a million would be a gigabyte of text."""
NOT_NEGATIVE = "must be greater than or equal to 0"


class FieldErrors(list[dict[str, str]]):
    """The validation errors of an object, in the order in which they are detected, at most ``MAX_CAUSES``.

    Methods named after a reason always add a cause; those that begin with ``check_`` add one if a value
    breaks their rule. ``field`` is the path that the cause names, such as ``spec.ports[0].name``.
    """

    def add(self, reason: str, field: str, message: str) -> None:
        """Append a cause unless there are ``MAX_CAUSES``."""
        if len(self) < MAX_CAUSES:
            self.append({"reason": reason, "message": message, "field": field})

    def required(self, field: str, detail: str = "") -> None:
        """Report a missing value."""
        self.add("FieldValueRequired", field, "Required value" + (f": {detail}" if detail else ""))

    def invalid(self, field: str, value: Any, detail: str) -> None:
        """Report a value that breaks a rule."""
        self.add("FieldValueInvalid", field, f"Invalid value: {printed_value(value)}: {detail}")

    def invalid_each(self, field: str, value: Any, messages: Iterable[str]) -> None:
        """Report each rule that a value breaks."""
        for message in messages:
            self.invalid(field, value, message)

    def not_supported(self, field: str, value: Any, supported: Iterable[str]) -> None:
        """Report a value that is none of the possible ones."""
        choices = ", ".join(go_quote(choice) for choice in supported)
        detail = f": supported values: {choices}" if choices else ""
        self.add(
            "FieldValueNotSupported", field, f"Unsupported value: {printed_value(value)}{detail}"
        )

    def duplicate(self, field: str, value: Any, detail: str = "") -> None:
        """Report a value that is there twice."""
        self.add(
            "FieldValueDuplicate",
            field,
            f"Duplicate value: {printed_value(value)}" + (f": {detail}" if detail else ""),
        )

    def forbidden(self, field: str, detail: str) -> None:
        """Report a field that cannot be set or changed."""
        self.add("FieldValueForbidden", field, f"Forbidden: {detail}")

    def not_found(self, field: str, value: Any) -> None:
        """Report a reference to something that is not there."""
        self.add("FieldValueNotFound", field, f"Not found: {printed_value(value)}")

    def too_long(self, field: str, limit: int) -> None:
        """Report a text of more than ``limit`` bytes."""
        self.add(
            "FieldValueTooLong",
            field,
            f"Too long: may not be more than {limit} byte{'s' * (limit != 1)}",
        )

    def too_many(self, field: str, count: int, limit: int) -> None:
        """Report a list of more than ``limit`` items."""
        self.add(
            "FieldValueTooMany",
            field,
            f"Too many: {count}: must have at most {limit} item{'s' * (limit != 1)}",
        )

    def too_few(self, field: str, count: int, limit: int) -> None:
        """Report fewer than ``limit`` items."""
        self.add(
            "FieldValueTooFew",
            field,
            f"Too few: {count}: must have at least {limit} item{'s' * (limit != 1)}",
        )

    def check_present(self, field: str, value: Any, detail: str = "") -> None:
        """Require a value that is not empty."""
        if not value:
            self.required(field, detail)

    def check_set(self, field: str, value: Any, detail: str = "") -> None:
        """Require a value, which can be empty."""
        if value is None:
            self.required(field, detail)

    def check_format(self, field: str, value: T | None, rule: Callable[[T], list[str]]) -> bool:
        """Check a value by a rule of ``registry.names``, and return whether it follows it; None passes."""
        messages = rule(value) if value is not None else []
        self.invalid_each(field, value, messages)
        return not messages

    def check_problem(self, field: str, value: Any, problem: str) -> None:
        """Report a value as invalid unless ``problem`` is empty."""
        if problem:
            self.invalid(field, value, problem)

    def check_if_given(self, field: str, value: T | None, rule: Callable[[T], list[str]]) -> None:
        """Check a value by a rule; None and an empty value pass."""
        self.check_format(field, value or None, rule)

    def check_required(
        self, field: str, value: T | None, rule: Callable[[T], list[str]], detail: str = ""
    ) -> None:
        """Require a value that follows a rule."""
        self.check_present(field, value, detail)
        self.check_if_given(field, value, rule)

    def check_choice(self, field: str, value: Any, choices: Collection[str]) -> None:
        """Require one of the choices; None passes."""
        if value is not None and value not in choices:
            self.not_supported(field, value, choices)

    def check_required_choice(
        self, field: str, value: str | None, choices: Collection[str], detail: str = ""
    ) -> None:
        """Require one of the choices; an empty value counts as missing."""
        self.check_present(field, value, detail)
        self.check_choice(field, value or None, choices)

    def check_each(self, field: str, values: Iterable[T], rule: Callable[[T], list[str]]) -> None:
        """Check each value of a list by a rule."""
        for index, value in enumerate(values):
            self.check_format(f"{field}[{index}]", value, rule)

    def check_unique(self, field: str, value: T, seen: set[T]) -> None:
        """Require a value that was not seen before, and add it to those seen."""
        if value in seen:
            self.duplicate(field, value)
        seen.add(value)

    def check_length(self, field: str, text: str, limit: int) -> None:
        """Require a text of at most ``limit`` bytes."""
        if len(text.encode()) > limit:
            self.too_long(field, limit)

    def check_count(self, field: str, items: Sized, limit: int) -> bool:
        """Require a list of at most ``limit`` items, and return whether it is one."""
        if len(items) > limit:
            self.too_many(field, len(items), limit)
        return len(items) <= limit

    def check_between(self, field: str, value: int | None, low: int, high: int) -> None:
        """Require a number in a range; None passes."""
        if value is not None and not low <= value <= high:
            self.invalid(field, value, between(low, high))

    def check_not_negative(self, field: str, value: int | None) -> None:
        """Require a number that is not negative; None passes."""
        if value is not None and value < 0:
            self.invalid(field, value, NOT_NEGATIVE)

    def check_counts(self, path: str, holder: Mapping[str, Any], *fields: str) -> None:
        """Require that fields of ``holder``, which is at ``path``, are not negative; missing ones pass."""
        for field in fields:
            self.check_not_negative(f"{path}.{field}" if path else field, holder.get(field))

    def check_unchanged(self, field: str, new: Any, old: Any) -> None:
        """Refuse a change of a field."""
        if new != old:
            self.invalid(field, new, "field is immutable")


def listed(causes: Iterable[dict[str, str]]) -> str:
    """Causes as a message lists them, without duplicates."""
    # The list of causes contains duplicates, the message does not: utilerrors.Aggregate drops them.
    lines = list(dict.fromkeys(f"{cause['field']}: {cause['message']}" for cause in causes))
    return lines[0] if len(lines) == 1 else f"[{', '.join(lines)}]"


def invalid_object(kind: str, group: str, name: str, errors: Iterable[dict[str, str]]) -> ApiError:
    """Return a 422 for an object, whose name can be empty."""
    causes = list(errors)
    text = listed(causes)
    who = f"{qualified(kind, group) if kind else ''} {go_quote(name)}"
    return ApiError(
        422,
        "Invalid",
        f"{who} is invalid: {text}",
        resource_details(kind, group, name, causes=causes),
    )
