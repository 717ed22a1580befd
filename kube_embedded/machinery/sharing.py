"""Encodings of large objects, shared by all clients to which they are sent at the same time."""

from collections.abc import Callable
from typing import Any
from weakref import WeakValueDictionary

# Larger encodings are sent in slices, as the client reads them, and not cached: a hundred slow readers of a large
# list
# would fill the memory.
LARGE_BYTES = 64 * 1024

# An answer up to this is sent at once: each slice costs as much as a small answer.
WHOLE_BYTES = 2 * LARGE_BYTES


class Encoding:
    """The encoding of an object, which lives as long as it."""

    __slots__ = ("__weakref__", "_of", "data")

    def __init__(self, of: Any, data: bytes) -> None:
        self._of = of
        self.data = data


_shared: WeakValueDictionary[tuple[int, str], Encoding] = WeakValueDictionary()


def share(obj: Any, form: str, encode: Callable[[], bytes]) -> Encoding:
    """Encode an immutable object, or share the encoding that another client receives now in the same form."""
    key = (id(obj), form)
    known = _shared.get(key)
    if known is None:
        known = _shared[key] = Encoding(obj, encode())
    return known


def shared_bytes() -> int:
    """Return the number of bytes that are shared now."""
    return sum(len(encoding.data) for encoding in list(_shared.values()))
