"""The limits for each client, and the refusals of a class.

A whole room can have one address (a hotspot, a proxy), so an address has as many places as a large class. Neither
addresses nor their requests are written anywhere.
"""

import re
import time
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from labkit.core.language import shown, text
from labkit.core.yaml_file import read_yaml

MAX_PER_ADDRESS = 250
"""Learners, and browsers that vote, behind one address."""

MAX_STREAMS, MAX_STREAMS_PER_ADDRESS = 1000, 300
"""Pages that follow the class at a time."""

MAX_CLIENTS = 10_000

KEY = re.compile(r"[0-9a-f]{32,64}")
"""A learner's key, a voter's token: random, made by the client."""

REFUSALS: dict[str, dict[str, Any]] = read_yaml(__file__, "refusals.yaml")


BLANK = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
"""Letters and marks that show nothing, such as the Hangul fillers: a name of these would be an invisible row."""


class Refusal(Exception):
    """A refused request, by the refusal's name in ``refusals.yaml``; ``values`` fill in the braces."""

    def __init__(self, name: str, **values: object) -> None:
        super().__init__(name)
        refusal = REFUSALS[name]
        self.status = int(refusal["status"])
        self.what = shown(text(refusal["what"], **values))
        self.todo = shown(text(refusal["todo"], **values))


class Rate:
    """A limit of so many requests of a client at once (``burst``), then so many a second (a token bucket)."""

    def __init__(
        self, burst: float, a_second: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._burst = burst
        self._a_second = a_second
        self._clock = clock
        self._left: dict[str, tuple[float, float]] = {}

    def check(self, client: str, refusal: str) -> None:
        """Count a request; raise the refusal if it is one too many."""
        now = self._clock()
        # Random tokens could fill the memory. After a minute a bucket is full again, so
        # dropping it allows nothing more.
        if len(self._left) > MAX_CLIENTS:
            self._left = {client: kept for client, kept in self._left.items() if now - kept[1] < 60}
        left, at = self._left.get(client, (self._burst, now))
        left = min(self._burst, left + (now - at) * self._a_second)
        self._left[client] = (left - 1 if left >= 1 else left, now)
        if left < 1:
            raise Refusal(refusal)


class Limits:
    """The requests, clients and streams that were counted for each address and client."""

    def __init__(self) -> None:
        self.guesses = Rate(60, 1)
        """Wrong codes and wrong keys, by address."""
        self.requests = Rate(60, 4)
        """Votes and outcomes, by key or token."""
        self.newcomers = Rate(120, 1)
        """Learners, and browsers that vote, by address: a room that begins at once, then one a second."""
        self._known: dict[str, set[str]] = defaultdict(set)
        self._streams: Counter[str] = Counter()

    def check_newcomer(self, address: str, kind: str, key: str) -> None:
        """Count a learner or voter of an address, once."""
        known = self._known[f"{kind} {address}"]
        if key not in known and len(known) >= MAX_PER_ADDRESS:
            raise Refusal("too-many-newcomers", most=MAX_PER_ADDRESS)
        if key not in known:
            self.newcomers.check(f"{kind} {address}", "too-fast")
        known.add(key)

    def by_address(self, kind: str) -> list[set[str]]:
        """Return the keys or tokens that came from each address."""
        return [known for name, known in self._known.items() if name.startswith(f"{kind} ")]

    @contextmanager
    def stream(self, address: str) -> Iterator[None]:
        """Count a page that follows the class during the block; refuse one too many."""
        if (
            self._streams.total() >= MAX_STREAMS
            or self._streams[address] >= MAX_STREAMS_PER_ADDRESS
        ):
            raise Refusal("too-many-pages")
        self._streams[address] += 1
        try:
            yield
        finally:
            self._streams[address] -= 1


def read_key(value: object) -> str:
    """Return a key or a token; refuse anything else."""
    if isinstance(value, str) and KEY.fullmatch(value):
        return value
    raise Refusal("no-key")


def read_text(value: object) -> str:
    """Return a text in one line, without invisible characters."""
    # Category C has the control characters, and the marks that turn the direction of a line around:
    # with these a name can show itself as another one on the board.
    text = str(value or "").replace("\n", " ")
    return " ".join(
        "".join(
            letter
            for letter in text
            if unicodedata.category(letter)[0] != "C" and letter not in BLANK
        ).split()
    )
