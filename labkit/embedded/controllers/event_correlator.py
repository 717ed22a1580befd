"""Spam protection of an event recorder: repeated events are counted, and too many are dropped.

Source: k8s.io/client-go ``tools/record/events_cache.go``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

BURST, REFILL_SECONDS = 25, 300
"""The token bucket of an object and an event type: its size, and the seconds until one more event is allowed."""
MAX_REMEMBERED = 4096

Value = TypeVar("Value")
Key = tuple[str, ...]
"""An object's uid and an event's type, and further what distinguishes it from others."""


@dataclass
class Series:
    """A repeated event: the name of its Event, when it happened first (RFC 3339), and how often it has happened."""

    name: str
    first: str
    count: int = 0


class EventCorrelator:
    """Remembers the events of a recorder, by a clock that is never set back."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._tokens: dict[Key, tuple[float, float]] = {}
        self._series: dict[Key, Series] = {}

    def count(self, key: Key, name: str, now: str) -> Series:
        """Count an event, and return its series; a new one gets the name."""
        series = self._series.pop(key, None) or Series(name, now)
        series.count += 1
        _remember(self._series, key, series)
        return series

    def drops(self, key: Key) -> bool:
        """Whether an event exceeds the rate limit of its object and type; otherwise take a token for it."""
        now = self._clock()
        tokens, since = self._tokens.pop(key, (float(BURST), now))
        tokens = min(float(BURST), tokens + (now - since) / REFILL_SECONDS)
        dropped = tokens < 1
        _remember(self._tokens, key, (tokens if dropped else tokens - 1, now))
        return dropped


def _remember(memory: dict[Key, Value], key: Key, value: Value) -> None:
    """Store a value as the most recent one; evict the least recently used one of too many."""
    memory[key] = value
    if len(memory) > MAX_REMEMBERED:
        del memory[next(iter(memory))]
