"""The objects of one resource in key order, copied on write."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from copy import deepcopy
from typing import Any

from ...machinery.request import Object


class Stored(dict[str, Any]):
    """A stored object: an immutable dict, which carries its encoding.

    Handlers fill ``encoded`` at the first response. Copies are plain dicts and can be changed.
    """

    __slots__ = ("encoded",)

    encoded: bytes | None

    def __init__(self, obj: Object) -> None:
        super().__init__(obj)
        self.encoded = None

    def __copy__(self) -> Object:
        return dict(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Object:
        return {field: deepcopy(value, memo) for field, value in self.items()}


class Table:
    """Objects by place (``namespace/name``, or the name alone), and the places in order."""

    __slots__ = ("frozen", "objects", "order")

    def __init__(
        self, objects: dict[str, Stored] | None = None, order: list[str] | None = None
    ) -> None:
        self.objects: dict[str, Stored] = {} if objects is None else objects
        self.order: list[str] = sorted(self.objects) if order is None else order
        self.frozen = False

    def copy(self) -> Table:
        """A copy to be changed."""
        return Table(dict(self.objects), list(self.order))

    def set(self, place: str, obj: Stored | None) -> None:
        """Set the object at a place, or remove it."""
        if obj is None:
            if self.objects.pop(place, None) is not None:
                del self.order[bisect_left(self.order, place)]
        else:
            if place not in self.objects:
                insort(self.order, place)
            self.objects[place] = obj

    def range(self, namespace: str = "", after: str = "") -> tuple[int, int]:
        """The range in the order of a namespace's places (or all) after ``after``, relative to the namespace."""
        order = self.order
        if not namespace:
            return bisect_right(order, after) if after else 0, len(order)
        start = bisect_right(order, f"{namespace}/{after}")
        # "0" is the character after "/".
        return start, bisect_left(order, f"{namespace}0", start)
