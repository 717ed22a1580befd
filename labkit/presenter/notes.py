"""The instructor's notes: ``labkit demo --notes``, in another terminal than the demo.

They read the demo's place, which it shares (``core.sharing``): the ``step``, the ``next`` one, the ``place`` in
words, the times at which the demo (``begun``) and the step (``since``) began, and the seconds ``taken`` by each step
before. The demo shares neither requests nor answers.
"""

import sys
import time
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.markdown import Markdown

from labkit import lessons
from labkit.core.errors import NotRunning
from labkit.core.home import home_path
from labkit.core.language import said, shown, text
from labkit.core.sharing import DEMO, read_shared
from labkit.lessons.talk import talks

from . import room
from .terminal import keys


def follow() -> int:
    """Show the notes until the demo or a key ends them; without a terminal, print them once.

    Raises:
        NotRunning: There is no demo with this ``LABKIT_HOME``.
    """
    place = read_shared(DEMO)
    if place is None:
        raise NotRunning(
            "No demo runs here.",
            why=text("nothing is shared in {demo}", home_path() / DEMO),
            todo="Start labkit demo --step in another terminal, with the same LABKIT_HOME.",
        )
    console = Console(highlight=False)
    if not (console.is_terminal and sys.stdin.isatty()) or console.is_dumb_terminal:
        console.print(Markdown(notes(place)))
        return 0
    with keys() as terminal, console.screen() as screen:
        while place is not None:
            screen.update(Markdown(notes(place)))
            if terminal.key(0.5) in ("q", "Q", "c-d"):
                return 0
            place = read_shared(DEMO)
    console.print(said("The demo has ended."))
    return 0


def notes(place: dict[str, Any]) -> str:
    """Return the notes for a place, as the demo shares it, in Markdown."""
    now = time.time()
    parts: list[str] = [
        text("*{clock} since the demo began*", clock(now - place.get("begun", now)))
    ]
    if (step := lessons.STEPS.get(place.get("step", ""))) is not None:
        parts.append(f"**{step.id} · {said(step.title)}** ({place['place']})")
        parts.append(times(step.id, place.get("taken", {}), now - place.get("since", now)))
        parts += [room.state(asked)] if (asked := room.question()) else []
        parts.append(talks()[step.id].notes())
    if following := place.get("next"):
        parts.append(text("**Next, {step}:** {ask}", following, text(talks()[following].ask)))
    return "\n\n".join(map(shown, parts))


def times(step: str, taken: Mapping[str, float], here: float) -> str:
    """Compare the seconds that were taken, by step and ``here`` for this one, with the planned minutes."""
    seconds = {**taken, step: taken.get(step, 0) + here}
    # Only steps that were shown: a class that begins in the middle is not late.
    planned = {
        second: 60 * lessons.STEPS[second].minutes for second in seconds if second in lessons.STEPS
    }
    all_planned = sum(planned.values())
    all_taken = sum(seconds[second] for second in planned)
    difference = all_planned - all_taken
    return text(
        "**Time:** {here} of {planned} planned for this step; "
        "{all} of {of} for all shown so far ({number}): **{difference}**",
        clock(seconds[step]),
        clock(planned[step]),
        clock(all_taken),
        clock(all_planned),
        len(planned),
        text("{clock} left" if difference >= 0 else "{clock} over", clock(abs(difference))),
    )


def clock(seconds: float) -> str:
    """Return minutes and seconds, such as ``1:05``."""
    return f"{round(seconds) // 60}:{round(seconds) % 60:02}"
