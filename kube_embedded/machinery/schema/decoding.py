"""Decodes JSON to objects of a kind, with the real server's errors.

The result is the object that the real server would print: fields in its order, empty ones omitted,
quantities and times in canonical form.
"""

import base64
from typing import Any

from ..golang.json import Pairs
from ..golang.quote import go_quote
from ..work import charge
from .tables import Field, Struct, Type
from .values import (
    QUANTITY_FORM,
    BadValue,
    canonical_micro_time,
    canonical_quantity,
    canonical_time,
    decode_base64,
)

# The cost of a struct, and of an item of a list or a map, from here to the storage, in the units of ``machinery.work``.
STRUCT_COST = 100
ITEM_COST = 8
MAX_STRICT_ERRORS = 100
OBJECT = "map[string]interface {}"
"""The Go type of any JSON object."""
# The one list that has a meaning when empty: reset all managers (server-side apply).
RESETTING = "managedFields"
TOO_DEEP = "json: exceeded max depth"
# Ours: free-form JSON must be encoded again, and orjson supports at most 254 levels.
MAX_PLAIN_DEPTH = 200
RANGES = {"int32": (-(2**31), 2**31 - 1), "int64": (-(2**63), 2**63 - 1)}
EMPTY: tuple[Any, ...] = ("", 0, [], {})


class DecodeProblem(ValueError):
    """A body that does not fit its kind; the message is the one of Go's ``encoding/json``."""

    def __init__(self, message: str, type_: Type | None = None, value: Any = None) -> None:
        super().__init__(message)
        self.type_ = type_
        self.value = value


class Decoder:
    """One run of the decoder.

    Args:
        strict: Collects the problems that a strict decoding would refuse; None skips the checks.
        defaults: If true, missing pointers get the schema's defaults.
        keep_empty: Retain empty lists and maps, which are not printed.
    """

    def __init__(
        self, strict: list[str] | None = None, *, defaults: bool = True, keep_empty: bool = False
    ) -> None:
        self._strict = strict
        self._defaults = defaults
        self._keep_empty = keep_empty
        self._first: DecodeProblem | None = None

    def decode(self, struct: Struct, data: Any) -> dict[str, Any]:
        """Decode an object of ``struct``.

        Raises:
            DecodeProblem: A value has the wrong type.
        """
        # A body ``null`` is an empty object to Go.
        if data is None:
            data = {}
        if not isinstance(data, dict):
            raise DecodeProblem(cannot_unmarshal(data, f"v1.{struct.go}"))
        try:
            result = self._struct(struct, data, "", "")
        except RecursionError as error:  # a schema in a schema
            # Python's stack ends before Go's limit of 10,000 levels.
            raise DecodeProblem(TOO_DEEP) from error
        if self._first is not None:
            raise self._first
        return result

    def _mismatch(self, what: str, struct: Struct, path: str, type_: Type, value: Any) -> Any:
        """Record a value of the wrong type and go on; the first one is raised at the end.

        Types with their own ``UnmarshalJSON`` (quantities, times) fail at once instead.
        """
        # ``encoding/json`` goes on after the first error, and a strict decoding reports more then.
        if self._first is None:
            self._first = DecodeProblem(str(mismatch(what, struct, path, type_.go)), type_, value)
        return zero_of(type_)

    def _note(self, text: str) -> None:
        if (
            self._strict is not None
            and text not in self._strict
            and len(self._strict) < MAX_STRICT_ERRORS
        ):
            self._strict.append(text)

    def _struct(
        self, struct: Struct, data: dict[str, Any], path: str, display: str
    ) -> dict[str, Any]:
        charge(STRUCT_COST + ITEM_COST * len(data))
        fields = struct.fields
        prefix = path + "." if path else ""
        shown_prefix = display + "." if display else ""
        values: dict[str, Any] = {}
        if isinstance(data, Pairs):
            for name in data.duplicates:
                if name in fields:
                    self._note(f"duplicate field {go_quote(shown_prefix + name)}")
        for name, value in data.items():
            field = fields.get(name)
            if field is None:
                self._note(f"unknown field {go_quote(shown_prefix + name)}")
                continue
            if value is not None:
                values[name] = self._value(
                    field.type, value, struct, prefix + field.place, shown_prefix + name
                )
        result: dict[str, Any] = {}
        # In the order of the struct's fields, in which Go prints them.
        for name, field in fields.items():
            if name in values:
                value = values[name]
                empty = (
                    value in EMPTY
                    and field.omit_empty
                    and not field.pointer
                    and field.type.form not in KEPT
                )
                if (
                    empty
                    and name != RESETTING
                    and not (self._keep_empty and field.type.form in CONTAINERS)
                ):
                    if field.default is None:
                        continue
                    value = field.default
                result[name] = value
            elif field.default is not None and (self._defaults or not field.pointer):
                result[name] = field.default
            elif not field.omit_empty or field.type.form in ALWAYS:
                absent = zero(field, defaults=self._defaults)
                if absent is not NOTHING:
                    result[name] = absent
        return result

    def _value(self, type_: Type, value: Any, struct: Struct, path: str, display: str) -> Any:
        # Only an item is null here; the fields that are null are left out before.
        if value is None:
            return zero_of(type_)
        form = type_.form
        if form == "string":
            if isinstance(value, str):
                return value
        elif form == "struct":
            if isinstance(value, dict):
                return self._struct(type_.struct, value, path, display)
        elif form == "list":
            if isinstance(value, list):
                charge(ITEM_COST * len(value))
                item = type_.item
                # A path of scalars is not needed, and copies of a long one cost much.
                named = item.form in NAMED
                return [
                    self._value(item, element, struct, path, f"{display}[{index}]" if named else "")
                    for index, element in enumerate(value)
                ]
        elif form == "map":
            if isinstance(value, dict):
                charge(ITEM_COST * len(value))
                if isinstance(value, Pairs):
                    for name in value.duplicates:
                        self._note(f"duplicate field {go_quote(f'{display}.{name}')}")
                return {
                    name: self._value(type_.item, element, struct, path, f"{display}.{name}")
                    for name, element in value.items()
                }
        elif form in RANGES:
            if isinstance(value, int) and not isinstance(value, bool):
                low, high = RANGES[form]
                if low <= value <= high:
                    return value
            return self._mismatch(described(value), struct, path, type_, value)
        elif form == "bool":
            if isinstance(value, bool):
                return value
        elif form == "intstr":
            if isinstance(value, str):
                return value
            if isinstance(value, int) and not isinstance(value, bool) and -(2**31) <= value < 2**31:
                return value
            raise mismatch(described(value), struct, path, "int32")
        elif form in ("raw", "any", "json"):
            return plain(value)
        elif form in ALTERNATIVES:
            return self._alternative(type_, value)
        elif form == "float64":
            if is_number(value):
                return value
        else:
            return self._text(form, value, struct, path, type_)
        return self._mismatch(json_kind(value), struct, path, type_, value)

    def _alternative(self, type_: Type, value: Any) -> Any:
        """Decode a schema in a schema, which Go reads on its own: no strict decoding looks into it."""
        other = ALTERNATIVES[type_.form]
        if isinstance(value, dict):
            return Decoder(defaults=self._defaults).decode(type_.struct, value)
        if other is bool and not isinstance(value, bool):
            raise DecodeProblem("boolean or JSON schema expected")
        return plain(value) if isinstance(value, other) else None

    def _text(self, form: str, value: Any, struct: Struct, path: str, type_: Type) -> Any:
        # A quantity can be written as a number.
        if form == "quantity" and is_number(value):
            value = str(value)
        if not isinstance(value, str):
            if form == "quantity":
                raise DecodeProblem(QUANTITY_FORM)
            if form == "bytes":
                return self._mismatch(json_kind(value), struct, path, type_, value)
            raise mismatch(json_kind(value), struct, path, "string")
        try:
            if form == "quantity":
                charge(STRUCT_COST)
                return canonical_quantity(value)
            if form == "time":
                return canonical_time(value)
            if form == "microtime":
                return canonical_micro_time(value)
            return base64.b64encode(decode_base64(value)).decode("ascii")
        except BadValue as error:
            problem = DecodeProblem(str(error))
            if form != "bytes":
                raise problem from error
            self._first = self._first or problem
            return None


NOTHING = object()
ALTERNATIVES: dict[str, type] = {"|list": list, "|names": list, "|bool": bool}
"""Forms of a struct or something else, to the other type."""
ALWAYS = frozenset(("struct", "intstr", "quantity", "time", "microtime"))
"""Forms that Go prints even when empty, ``omitempty`` or not, unless they are pointers."""
CONTAINERS = frozenset(("list", "map"))
NAMED = frozenset(("struct", "list", "map"))
"""Forms that can contain fields which a strict decoding names."""
KEPT = ALWAYS | {"raw", "json"}
"""Forms whose empty value, once given, is printed."""


def zero(field: Field, *, defaults: bool = True) -> Any:
    """The value that Go prints for a missing field; ``NOTHING`` if it prints none."""
    if field.omit_zero:
        return NOTHING
    if field.pointer:
        return NOTHING if field.omit_empty else None
    if field.type.form == "bytes":
        return None
    # Its fields are all omitted when empty, but the struct is printed.
    if field.type.form == "struct" and field.type.struct_name == "meta.v1.ListMeta":
        return {}
    return zero_of(field.type, defaults=defaults)


def zero_of(type_: Type, *, defaults: bool = True) -> Any:
    """The zero value of a type as Go prints it; of bytes as it prints them once they were stored."""
    form = type_.form
    if form == "struct":
        return Decoder(defaults=defaults)._struct(type_.struct, {}, "", "")
    if form in ("list", "map", "time", "microtime", "raw", "any", "json"):
        return None
    if form in ("int32", "int64", "intstr", "float64"):
        return 0
    if form == "bool":
        return False
    return "0" if form == "quantity" else ""


def mismatch(what: str, struct: Struct, path: str, go: str) -> DecodeProblem:
    """Make Go's UnmarshalTypeError."""
    return DecodeProblem(
        f"json: cannot unmarshal {what} into Go struct field {struct.go}.{path} of type {go}"
    )


def cannot_unmarshal(value: Any, type_: str, field: str = "") -> str:
    """Go's message for a JSON value of another type than ``type_``, perhaps in a field of a struct."""
    location = f"struct field {field}" if field else "value"
    return f"json: cannot unmarshal {json_kind(value)} into Go {location} of type {type_}"


def json_kind(value: Any) -> str:
    """The name of a JSON value's type in Go."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, str):
        return "string"
    if isinstance(value, (int, float)):
        return "number"
    return "array" if isinstance(value, list) else "object"


def go_kind(value: Any) -> str:
    """The Go kind of a decoded JSON value."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, str):
        return "string"
    if isinstance(value, dict | list):
        return "map" if isinstance(value, dict) else "slice"
    return "int64" if isinstance(value, int) else "float64"


def described(value: Any) -> str:
    """A JSON value as errors name it: numbers with their digits."""
    return f"number {value}" if is_number(value) else json_kind(value)


def is_number(value: Any) -> bool:
    """Return whether a JSON value is a number: booleans are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def plain(value: Any, depth: int = 0) -> Any:
    """Copy free-form JSON; ``DecodeProblem`` if it is nested too deeply."""
    if depth > MAX_PLAIN_DEPTH:
        raise DecodeProblem(TOO_DEEP)
    if isinstance(value, dict):
        charge(ITEM_COST * len(value))
        return {name: plain(item, depth + 1) for name, item in value.items()}
    if isinstance(value, list):
        charge(ITEM_COST * len(value))
        return [plain(item, depth + 1) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**64:
        return inexact(value)
    return value


def inexact(number: int) -> float:
    """Convert an integer that is too large for Go's to a float; ``DecodeProblem`` if it is too large for any."""
    try:
        return float(number)
    except OverflowError as error:
        raise DecodeProblem(
            f"json: cannot unmarshal number {number} into Go value of type float64"
        ) from error
