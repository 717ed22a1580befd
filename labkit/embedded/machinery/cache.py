"""An LRU cache that skips oversized keys."""

from __future__ import annotations

from collections.abc import Callable, Sized
from functools import lru_cache, wraps
from typing import TypeVar, TypeVarTuple, cast

Texts = TypeVarTuple("Texts")
Answer = TypeVar("Answer")

MAX_KEY_LENGTH = 1024
"""Characters of all arguments together: clients may send thousands of paths of a megabyte each."""


def remembered(most: int) -> Callable[[Callable[[*Texts], Answer]], Callable[[*Texts], Answer]]:
    """Cache the last ``most`` results of a function of texts, except for long texts."""

    def around(function: Callable[[*Texts], Answer]) -> Callable[[*Texts], Answer]:
        kept = lru_cache(maxsize=most)(function)

        @wraps(function)
        def answer(*texts: *Texts) -> Answer:
            if sum(map(len, cast(tuple[Sized, ...], texts))) > MAX_KEY_LENGTH:
                return function(*texts)
            return kept(*texts)

        return answer

    return around
