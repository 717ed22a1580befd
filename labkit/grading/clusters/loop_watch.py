"""Measures how long a grader's event loop leaves submissions without a server.

One loop serves all clusters of a grader, so one submission's request delays the answers of the others.
"""

import asyncio
import math
import time
from dataclasses import dataclass, field

BEAT_SECONDS = 0.05

BLOCKED_SECONDS = 1.0
"""A submission that has no server for so long at a time is graded again: its client has perhaps timed out."""


@dataclass(slots=True, eq=False)
class Share:
    """One submission's share of the loop.

    Args:
        used_seconds: How long its own requests took.
        held_seconds: How long the loop was late for other reasons.
        blocked: Whether that was more than ``BLOCKED_SECONDS`` at one time, or its notebook had no processor.
    """

    used_seconds: float = 0.0
    held_seconds: float = 0.0
    blocked: bool = False
    _counted_seconds: float = 0.0

    def note_delay(self, seconds: float) -> None:
        """Count the delay of a beat, without the time of its own requests."""
        # Its own requests held the loop as well; a notebook must not gain time by them.
        held = max(0.0, seconds - (self.used_seconds - self._counted_seconds))
        self._counted_seconds = self.used_seconds
        self.held_seconds += held
        self.blocked = self.blocked or held > BLOCKED_SECONDS

    def block(self) -> None:
        """Note that its notebook had no processor."""
        self.blocked = True


@dataclass(slots=True)
class LoopWatch:
    """Counts delays for the submissions whose notebooks are ``running``."""

    running: set[Share] = field(default_factory=set)
    _due: float = math.inf

    async def run(self) -> None:
        """Beat until it is cancelled."""
        while True:
            self._due = time.monotonic() + BEAT_SECONDS
            await asyncio.sleep(BEAT_SECONDS)
            self.look()

    def look(self) -> None:
        """Count the delay of the current beat so far."""
        delay = time.monotonic() - self._due
        if delay > 0:
            # A delay is counted once, although ``look`` is called again before the beat comes.
            self._due += delay
            for share in self.running:
                share.note_delay(delay)

    def held_seconds(self, share: Share) -> float:
        """Return for how long the loop has been late until now."""
        self.look()
        return share.held_seconds
