"""The causes of a 422, in the real server's words.

Source: k8s.io/apimachinery ``pkg/util/validation/field/errors.go``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from labkit.embedded.machinery.golang.quote import go_quote
from labkit.embedded.machinery.status import ApiError, qualified, resource_details


def shown(value: Any) -> str:
    """A bad value as messages show it."""
    if isinstance(value, str):
        return go_quote(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return orjson.dumps(value).decode()


MAX_CAUSES = 1000
"""How many causes are told of one object: a million would be a gigabyte of text."""


class FieldErrors(list[dict[str, str]]):
    """What is wrong with an object: one cause each, in the order found, the first ``MAX_CAUSES``."""

    def add(self, reason: str, field: str, message: str) -> None:
        """Append a cause, if there are not too many."""
        if len(self) < MAX_CAUSES:
            self.append({"reason": reason, "message": message, "field": field})

    def required(self, field: str, detail: str = "") -> None:
        """A field that must be given is not."""
        self.add("FieldValueRequired", field, "Required value" + (f": {detail}" if detail else ""))

    def invalid(self, field: str, value: Any, detail: str) -> None:
        """A value breaks a rule."""
        self.add("FieldValueInvalid", field, f"Invalid value: {shown(value)}: {detail}")

    def not_supported(self, field: str, value: Any, supported: Iterable[str]) -> None:
        """A value is none of those that are possible."""
        choices = ", ".join(go_quote(choice) for choice in supported)
        detail = f": supported values: {choices}" if choices else ""
        self.add("FieldValueNotSupported", field, f"Unsupported value: {shown(value)}{detail}")

    def duplicate(self, field: str, value: Any, detail: str = "") -> None:
        """A value is there twice."""
        self.add("FieldValueDuplicate", field, f"Duplicate value: {shown(value)}" + (f": {detail}" if detail else ""))

    def forbidden(self, field: str, detail: str) -> None:
        """A value may not be given here."""
        self.add("FieldValueForbidden", field, f"Forbidden: {detail}")

    def not_found(self, field: str, value: Any) -> None:
        """A value refers to nothing."""
        self.add("FieldValueNotFound", field, f"Not found: {shown(value)}")

    def too_long(self, field: str, limit: int) -> None:
        """A text is too long."""
        unit = "byte" if limit == 1 else "bytes"
        self.add("FieldValueTooLong", field, f"Too long: may not be more than {limit} {unit}")

    def too_many(self, field: str, count: int, limit: int) -> None:
        """A list is too long."""
        unit = "item" if limit == 1 else "items"
        self.add("FieldValueTooMany", field, f"Too many: {count}: must have at most {limit} {unit}")


def listed(causes: Iterable[dict[str, str]]) -> str:
    """Causes as a message has them, each once."""
    lines = list(dict.fromkeys(f"{cause['field']}: {cause['message']}" for cause in causes))
    return lines[0] if len(lines) == 1 else f"[{', '.join(lines)}]"


def invalid_object(kind: str, group: str, name: str, errors: Iterable[dict[str, str]]) -> ApiError:
    """422 for an object; causes said twice are said once in the message.

    Args:
        kind: The Kind, as the message names it.
        group: Its group.
        name: The object's name, perhaps empty.
        errors: The causes.
    """
    causes = list(errors)
    text = listed(causes)
    who = f"{qualified(kind, group) if kind else ''} {go_quote(name)}"
    return ApiError(422, "Invalid", f"{who} is invalid: {text}", resource_details(kind, group, name, causes=causes))
