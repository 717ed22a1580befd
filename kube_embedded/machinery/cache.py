"""An LRU cache that skips oversized keys."""

from collections.abc import Callable, Sized
from functools import lru_cache, wraps
from typing import TypeVar, TypeVarTuple, cast

Texts = TypeVarTuple("Texts")
Answer = TypeVar("Answer")

# Characters of all arguments together: clients can send thousands of paths of a megabyte each.
MAX_KEY_LENGTH = 1024


def cached(max_size: int) -> Callable[[Callable[[*Texts], Answer]], Callable[[*Texts], Answer]]:
    """Cache the last ``max_size`` results of a function of texts, except for long texts."""

    def around(function: Callable[[*Texts], Answer]) -> Callable[[*Texts], Answer]:
        lookup = lru_cache(maxsize=max_size)(function)

        @wraps(function)
        def answer(*texts: *Texts) -> Answer:
            # A long key would be hashed and stored for each call, and hardly ever asked for again.
            if sum(map(len, cast(tuple[Sized, ...], texts))) > MAX_KEY_LENGTH:
                return function(*texts)
            return lookup(*texts)

        return answer

    return around
