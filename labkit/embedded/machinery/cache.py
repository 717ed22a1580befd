"""Remembering what was worked out from texts, but not those that are there to fill the memory."""

from __future__ import annotations

from collections.abc import Callable, Sized
from functools import lru_cache, wraps
from typing import TypeVar, TypeVarTuple, cast

Texts = TypeVarTuple("Texts")
Answer = TypeVar("Answer")

LONGEST = 1024
"""All arguments together. A path or a header may be a megabyte long, and anybody may send thousands."""


def remembered(most: int) -> Callable[[Callable[[*Texts], Answer]], Callable[[*Texts], Answer]]:
    """Let a function of texts remember its last answers; what long texts give is worked out each time.

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
