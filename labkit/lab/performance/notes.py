"""The instructor's notes: ``labkit demo --notes``, in another terminal than the demo.

The demo writes where it stands into a private file below ``LABKIT_HOME``, and holds a lock beside it as long as
it runs. Neither a request nor an answer is in the file.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit import lessons
from labkit.core.errors import LabkitError, NotRunning
from labkit.core.home import held, home_path, locked, read_json, write_private
from labkit.lessons.talk import talks

if TYPE_CHECKING:
    from rich.text import Text

LOCK, PLACE = "lock", "place.json"

Share = Callable[[dict[str, Any]], None]
"""Tells the notes where the demo stands: ``step``, ``next``, ``place`` (in words), ``begun``."""


@contextmanager
def shared() -> Iterator[Share | None]:
    """Share where a demo stands, for the length of a block.

    Yields:
        What takes each new place; None where another demo shares its own, or ``LABKIT_HOME`` cannot be used.
    """
    with ExitStack() as stack:
        share: Share | None = None
        with suppress(LabkitError):
            home = home_path() / "demo"
            if not held(home / LOCK):
                stack.enter_context(locked(home / LOCK))
                stack.callback(_clear, home)
                share = partial(_write, home / PLACE)
        yield share


def _write(file: Path, place: dict[str, Any]) -> None:
    with suppress(LabkitError):  # a full disk does not end the demo
        write_private(file, json.dumps(place))


def _clear(home: Path) -> None:
    with suppress(OSError):
        for file in (PLACE, LOCK):
            (home / file).unlink(missing_ok=True)
        home.rmdir()


def follow() -> int:
    """Show the notes until the demo ends, or a key ends them; once where there is no terminal.

    Returns:
        0.

    Raises:
        NotRunning: No demo runs with this ``LABKIT_HOME``.
    """
    from rich.console import Console

    from labkit.lab.performance.terminal import keys

    home = home_path() / "demo"
    if not held(home / LOCK):
        raise NotRunning(
            "No demo runs here.",
            why=f"nothing is shared in {home}",
            todo="Start labkit demo --step in another terminal, with the same LABKIT_HOME.",
        )
    console = Console(highlight=False)
    if not (console.is_terminal and sys.stdin.isatty()) or console.is_dumb_terminal:
        console.print(notes(read_json(home / PLACE)))
        return 0
    with keys() as terminal, console.screen() as screen:
        while held(home / LOCK):
            screen.update(notes(read_json(home / PLACE)))
            if terminal.key(0.5) in ("q", "Q", "c-d"):
                return 0
    console.print("The demo has ended.")
    return 0


def notes(place: dict[str, Any]) -> Text:
    """The notes for a place, as ``Share`` takes it."""
    from rich.text import Text

    text = Text()
    begun = int(time.time() - place.get("begun", time.time()))
    text.append(f"{begun // 60}:{begun % 60:02} since the demo began", "dim")
    step = lessons.STEPS.get(place.get("step", ""))
    if step is not None:
        talk = talks()[step.id]
        text.append(f"\n\n{step.id} · {step.title}", "bold").append(f"   {place.get('place', '')}", "dim")
        text.append(f"\nLearners take about {step.minutes} minutes.", "dim")
        text.append("\n\nAsk: ", "bold").append(talk.ask).append("\nAnswer: ", "bold").append(talk.answer).append("\n")
        for said in talk.say:
            text.append(f"\n• {said}")
        text.append("\n\nWhere learners get stuck", "bold")
        for did, says in talk.stuck:
            text.append(f"\n• {did}: “{says}”")
    if following := place.get("next"):
        text.append(f"\n\nNext: {following} · ", "bold").append(talks()[following].ask)
    return text
