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
from typing import Any

from rich.console import Console
from rich.markdown import Markdown

from labkit import lessons
from labkit.core.errors import LabkitError, NotRunning
from labkit.core.home import home_path, is_locked, locked, read_json, write_private
from labkit.lessons.talk import talks
from labkit.presenter.terminal import keys

LOCK, PLACE = "lock", "place.json"

Share = Callable[[dict[str, Any]], None]
"""Tells the notes where the demo stands: ``step``, ``next``, ``place`` (in words), ``begun``."""


@contextmanager
def shared() -> Iterator[Share | None]:
    """Share in a block where a demo stands; None where another demo does, or ``LABKIT_HOME`` cannot be used."""
    with ExitStack() as stack:
        share: Share | None = None
        with suppress(LabkitError):
            home = home_path() / "demo"
            if not is_locked(home / LOCK):
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

    Raises:
        NotRunning: No demo runs with this ``LABKIT_HOME``.
    """
    home = home_path() / "demo"
    if not is_locked(home / LOCK):
        raise NotRunning(
            "No demo runs here.",
            why=f"nothing is shared in {home}",
            todo="Start labkit demo --step in another terminal, with the same LABKIT_HOME.",
        )
    console = Console(highlight=False)
    if not (console.is_terminal and sys.stdin.isatty()) or console.is_dumb_terminal:
        console.print(Markdown(notes(read_json(home / PLACE))))
        return 0
    with keys() as terminal, console.screen() as screen:
        while is_locked(home / LOCK):
            screen.update(Markdown(notes(read_json(home / PLACE))))
            if terminal.key(0.5) in ("q", "Q", "c-d"):
                return 0
    console.print("The demo has ended.")
    return 0


def notes(place: dict[str, Any]) -> str:
    """The notes for a place, as ``Share`` takes it, in Markdown."""
    seconds = int(time.time() - place.get("begun", time.time()))
    parts = [f"*{seconds // 60}:{seconds % 60:02} since the demo began*"]
    if (step := lessons.STEPS.get(place.get("step", ""))) is not None:
        parts.append(f"**{step.id} · {step.title}** ({place['place']}; learners take about {step.minutes} minutes)")
        parts.append(talks()[step.id].notes())
    if following := place.get("next"):
        parts.append(f"**Next, {following}:** {talks()[following].ask}")
    return "\n\n".join(parts)
