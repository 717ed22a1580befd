"""JSON patches as the real server applies them, which differs from RFC 6902.

Source: gopkg.in/evanphx/json-patch.v4 ``patch.go``: a missing field can be compared with null, copied (as null) and
replaced; text before a path's first slash is ignored; indexes may be negative.
"""

import json
import re
from typing import Any

from kube_embedded.machinery.work import charge

MAX_COPIED_BYTES = 3 * 1024 * 1024
"""The most bytes that the ``copy`` operations of one patch may add (``JSONPatchMaxCopyBytes``)."""
OPERATIONS = ("add", "copy", "move", "remove", "replace", "test")
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
        """The objects that were accessed: their fields are sorted in the result, as Go writes maps."""

    def written(self) -> Any:
        """The document, with the fields of accessed objects sorted by name."""
        return self._written(self.document, outer=True)

    def _written(self, value: Any, *, outer: bool = False) -> Any:
        if isinstance(value, dict | list):
            charge(2 * len(value))
        if isinstance(value, dict):
            names = sorted(value) if outer or id(value) in self._opened else value
            return {name: self._written(value[name]) for name in names}
        return [self._written(item) for item in value] if isinstance(value, list) else value

    def _open(self, value: Any, *, deeply: bool = False) -> None:
        if isinstance(value, dict):
            self._opened[id(value)] = value
        if deeply and isinstance(value, dict | list):
            charge(len(value))
            for item in value.values() if isinstance(value, dict) else value:
                self._open(item, deeply=True)

    def apply(self, operation: dict[str, Any]) -> None:
        """Apply one operation; ``Inapplicable`` if it does not apply."""
        word = operation.get("op")
        path = operation.get("path")
        value = operation.get("value")
        if word not in OPERATIONS:
            raise Inapplicable
        if word in ("copy", "move"):
            source, name = self._find(operation.get("from"))
            value = _get(source, name)
            # The path of a move is read in the document that lacks the value already.
            if word == "move":
                _remove(source, name)
        if word == "test":
            current = self.document if path == "" else _get(*self._find(path))
            self._open(current, deeply=True)
            if not _equal(current, value):
                raise Inapplicable
            return
        if word == "replace" and path == "":
            if not isinstance(value, dict | list):
                raise Inapplicable
            self.document = value
            return
        holder, key = self._find(path)
        if word == "remove":
            _remove(holder, key)
        elif word == "replace":
            _get(holder, key)  # only checks that a list has such an item
            holder[key if isinstance(holder, dict) else _index(key, len(holder))] = value
        else:
            _insert(holder, key, self._copy(value) if word == "copy" else value)

    def _copy(self, value: Any) -> Any:
        if value is not None:
            text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
            self._copied += len(text.encode())
        if self._copied > MAX_COPIED_BYTES:
            raise Inapplicable
        return self._written(value)

    def _find(self, path: str | None) -> tuple[Any, str]:
        """The container of the value at a path, and its key."""
        _, *parts = (path or "").split("/")
        charge(5 + len(parts))
        if not parts:
            raise Inapplicable
        holder = self.document
        *steps, last = [part.replace("~1", "/").replace("~0", "~") for part in parts]
        for key in steps:
            holder = _get(holder, key)
            self._open(holder)
        if not isinstance(holder, dict | list):
            raise Inapplicable
        return holder, last


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


def _equal(left: Any, right: Any) -> bool:
    """Return whether two values have the same JSON: 1 is neither 1.0 nor true."""
    if isinstance(left, dict) and isinstance(right, dict):
        charge(len(left))
        return left.keys() == right.keys() and all(
            _equal(value, right[name]) for name, value in left.items()
        )
    if type(left) is not type(right):
        return False
    if isinstance(left, list):
        charge(len(left))
        return len(left) == len(right) and all(map(_equal, left, right))
    return bool(left == right)
