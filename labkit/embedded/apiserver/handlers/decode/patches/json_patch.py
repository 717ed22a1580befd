"""JSON patches as the real server applies them, which differs from RFC 6902.

Source: gopkg.in/evanphx/json-patch.v4 ``patch.go``: a missing field can be compared with null, copied (as null) and
replaced; what precedes a path's first slash is ignored; indexes may be negative.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from labkit.embedded.machinery.work import charge

MAX_COPIED_BYTES = 3 * 1024 * 1024
"""The most bytes that the ``copy`` operations of one patch may add (``JSONPatchMaxCopyBytes``)."""

LONGEST_INDEX = 20
"""The most digits of a Go integer, without leading zeros."""
INDEX = re.compile(r"[+-]?[0-9]+", re.ASCII)


class Inapplicable(Exception):
    """The patch does not apply to the document."""


class JsonPatch:
    """Applies a patch to a document, in place."""

    def __init__(self, document: Any) -> None:
        self.document = document
        self._copied = 0
        self._opened: dict[int, Any] = {}
        """The objects that were accessed: their fields are sorted in the result."""

    def written(self) -> Any:
        """The document, with the fields of accessed objects sorted by name."""
        return self._written(self.document, outer=True)

    def _written(self, value: Any, outer: bool = False) -> Any:
        if isinstance(value, dict | list):
            charge(2 * len(value))
        if isinstance(value, dict):
            names = sorted(value) if outer or id(value) in self._opened else value
            return {name: self._written(value[name]) for name in names}
        return [self._written(item) for item in value] if isinstance(value, list) else value

    def _open(self, value: Any, deeply: bool = False) -> None:
        if isinstance(value, dict):
            self._opened[id(value)] = value
        if deeply and isinstance(value, dict | list):
            charge(len(value))
            for item in value.values() if isinstance(value, dict) else value:
                self._open(item, deeply)

    def apply(self, operation: dict[str, Any]) -> None:
        """Apply one operation; ``Inapplicable`` if it does not apply."""
        apply = OPERATIONS.get(operation.get("op") or "")
        if apply is None:
            raise Inapplicable
        apply(self, operation)

    def add(self, operation: dict[str, Any]) -> None:
        """``add``: set a field, or insert before an item of a list."""
        holder, key = self._find(operation.get("path"))
        _insert(holder, key, operation.get("value"))

    def remove(self, operation: dict[str, Any]) -> None:
        """``remove``: delete a field or an item."""
        holder, key = self._find(operation.get("path"))
        _remove(holder, key)

    def replace(self, operation: dict[str, Any]) -> None:
        """``replace``: set a value, which may be missing."""
        value = operation.get("value")
        if operation.get("path") == "":
            if not isinstance(value, dict | list):
                raise Inapplicable
            self.document = value
            return
        holder, key = self._find(operation.get("path"))
        _get(holder, key)
        if isinstance(holder, dict):
            holder[key] = value
        else:
            holder[_index(key, len(holder))] = value

    def move(self, operation: dict[str, Any]) -> None:
        """``move``: remove a value and add it elsewhere."""
        holder, key = self._find(operation.get("from"))
        value = _get(holder, key)
        _remove(holder, key)
        holder, key = self._find(operation.get("path"))
        _insert(holder, key, value)

    def copy(self, operation: dict[str, Any]) -> None:
        """``copy``: add a value elsewhere."""
        holder, key = self._find(operation.get("from"))
        value = _get(holder, key)
        holder, key = self._find(operation.get("path"))
        if value is not None:
            self._copied += len(
                json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
            )
        if self._copied > MAX_COPIED_BYTES:
            raise Inapplicable
        _insert(holder, key, self._written(value))

    def test(self, operation: dict[str, Any]) -> None:
        """``test``: stop unless a value equals another."""
        if operation.get("path") == "":
            value = self.document
        else:
            holder, key = self._find(operation.get("path"))
            value = _get(holder, key)
        self._open(value, deeply=True)
        if not _equal(value, operation.get("value")):
            raise Inapplicable

    def _find(self, path: str | None) -> tuple[Any, str]:
        """The container of the value at a path, and its key."""
        _, *parts = (path or "").split("/")
        charge(5 + len(parts))
        if not parts:
            raise Inapplicable
        holder = self.document
        keys = [part.replace("~1", "/").replace("~0", "~") for part in parts]
        for key in keys[:-1]:
            holder = _get(holder, key)
            self._open(holder)
        if not isinstance(holder, dict | list):
            raise Inapplicable
        return holder, keys[-1]


OPERATIONS: dict[str, Callable[[JsonPatch, dict[str, Any]], None]] = {
    "add": JsonPatch.add,
    "copy": JsonPatch.copy,
    "move": JsonPatch.move,
    "remove": JsonPatch.remove,
    "replace": JsonPatch.replace,
    "test": JsonPatch.test,
}


def _index(key: str, length: int) -> int:
    """Parse an index into a list of a length."""
    if len(key) > LONGEST_INDEX or not INDEX.fullmatch(key):
        raise Inapplicable
    index = int(key)
    if not -length <= index < length:
        raise Inapplicable
    return index % length


def _get(holder: Any, key: str) -> Any:
    if isinstance(holder, dict):
        return holder.get(key)
    if isinstance(holder, list):
        return holder[_index(key, len(holder))]
    raise Inapplicable


def _insert(holder: Any, key: str, value: Any) -> None:
    if isinstance(holder, dict):
        holder[key] = value
    elif key == "-":
        holder.append(value)
    else:
        holder.insert(_index(key, len(holder) + 1), value)


def _remove(holder: Any, key: str) -> None:
    if isinstance(holder, list):
        del holder[_index(key, len(holder))]
    elif key in holder:
        del holder[key]
    else:
        raise Inapplicable


def _equal(one: Any, other: Any) -> bool:
    """Whether two values have the same JSON: 1 is neither 1.0 nor true."""
    if type(one) is not type(other) and not (isinstance(one, dict) and isinstance(other, dict)):
        return False
    if isinstance(one, dict | list):
        charge(len(one))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(
            _equal(value, other[name]) for name, value in one.items()
        )
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    return bool(one == other)
