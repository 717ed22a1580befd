"""What a recorder of events does against too many: similar ones are combined, and a long tail is dropped.

Source: k8s.io/client-go ``tools/record/events_cache.go``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

MAX_SIMILAR = 10
"""So many events that differ in their message only are told one by one, less one."""
SIMILAR_SECONDS = 600
BURST, REFILL_SECONDS = 25, 300
"""So many events of a type may be told of an object at once, and one more each so many seconds."""
MAX_REMEMBERED = 4096
COMBINED = "(combined from similar events): "

Value = TypeVar("Value")
About = tuple[str, ...]
"""The object's uid, the event's type, and what else tells it from others."""


@dataclass
class Told:
    """An event that was told before.

    Args:
        name: The event's.
        first: When it was told first, RFC 3339.
        count: How often it has happened.
    """

    name: str
    first: str
    count: int = 0


@dataclass
class _Similar:
    messages: set[str] = field(default_factory=set)
    last: float = 0


class Correlator:
    """Remembers what a recorder has told.

    Args:
        clock: Seconds, never set back: see ``SteadyClock``.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._similar: dict[About, _Similar] = {}
        self._left: dict[About, tuple[float, float]] = {}
        self._told: dict[About, Told] = {}

    def combines(self, about: About, message: str) -> bool:
        """Whether an event is to be told as one with others that are like it.

        Args:
            about: What it has in common with them.
            message: What it has not.
        """
        now, found = self._clock(), self._similar.pop(about, None)
        if found is None or now - found.last > SIMILAR_SECONDS:
            found = _Similar()
        found.messages.add(message)
        found.last = now
        _remember(self._similar, about, found)
        if len(found.messages) < MAX_SIMILAR:
            return False
        found.messages.discard(message)
        return True

    def counted(self, about: About, name: str, now: str) -> Told:
        """What is known of an event, which has now happened once more.

        Args:
            about: The event.
            name: What it is called if it is new.
            now: RFC 3339.
        """
        told = self._told.pop(about, None) or Told(name, now)
        told.count += 1
        _remember(self._told, about, told)
        return told

    def drops(self, about: About) -> bool:
        """Whether there has been too much of this kind lately; if not, it counts.

        Args:
            about: The object and the type of the event.
        """
        now = self._clock()
        left, since = self._left.pop(about, (float(BURST), now))
        left = min(float(BURST), left + (now - since) / REFILL_SECONDS)
        dropped = left < 1
        _remember(self._left, about, (left if dropped else left - 1, now))
        return dropped


def _remember(memory: dict[About, Value], about: About, value: Value) -> None:
    """Put a value last, and forget the one that was used longest ago if there are too many."""
    memory[about] = value
    if len(memory) > MAX_REMEMBERED:
        del memory[next(iter(memory))]
