"""An LRU cache that skips oversized keys."""

from __future__ import annotations

from collections.abc import Callable, Sized
from functools import lru_cache, wraps
from typing import TypeVar, TypeVarTuple, cast

Texts = TypeVarTuple("Texts")
Answer = TypeVar("Answer")

LONGEST = 1024
"""All arguments together. A path or a header may be a megabyte long, and anybody may send thousands."""


def remembered(most: int) -> Callable[[Callable[[*Texts], Answer]], Callable[[*Texts], Answer]]:
    """Cache the last results of a function of texts, except for long texts.

    Args:
        most: How many answers it remembers.
    """

    def around(function: Callable[[*Texts], Answer]) -> Callable[[*Texts], Answer]:
        kept = lru_cache(maxsize=most)(function)

        @wraps(function)
        def answer(*texts: *Texts) -> Answer:
            if sum(map(len, cast(tuple[Sized, ...], texts))) > LONGEST:
                return function(*texts)
            return kept(*texts)

        return answer

    return around
