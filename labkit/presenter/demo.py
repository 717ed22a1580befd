"""The whole walkthrough in the terminal: ``labkit demo``.

It runs the notebooks' solved cells, step by step, on a temporary embedded cluster or on the
chosen one, and prints each request, the server's answer and the checkpoint's verdict. The
learner's progress is not touched. ``stage`` shows the same to a class.
"""

from __future__ import annotations

import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from labkit import lessons
from labkit.core.language import said, shown
from labkit.core.scratch import scratch_directory
from labkit.core.signals import interrupt_on_signals
from labkit.lab.cluster import print_progress
from labkit.lab.lab import Lab
from labkit.lessons.progress import Progress
from labkit.lessons.steps import Step

from .cells import Cells
from .recording import recorded
from .terminal import Terminal

if TYPE_CHECKING:
    from rich.console import Console

STYLES = {"code": "dim", "good": "green", "bad": "red", "warn": "yellow"}
"""The style of each kind of line; others are printed plainly."""


def run(
    terminal: Terminal | None = None,
    *,
    here: bool = False,
    pace_seconds: float | None = None,
    recording: Path | None = None,
) -> int:
    """Run the walkthrough on a temporary embedded cluster.

    Args:
        terminal: Perform it for a class with the keys of this terminal; printed when left out.
        here: Run it on the chosen cluster instead, which is reset before and after.
        pace_seconds: Time after which a performance goes on by itself; None to wait for keys.
        recording: A new file for the output, as an asciinema cast.

    Returns:
        0 when every checkpoint passed or the performance was ended by a key, 130 when it was
        interrupted, else 1.
    """
    from rich.console import Console

    with (
        recorded(sys.stdout, recording) as stream,
        interrupt_on_signals(),
        scratch_directory("labkit-demo-") as directory,
    ):
        # The stream itself: without it, Rich writes to sys.stdout, which a cell replaces while it runs.
        console = Console(file=stream, highlight=False)
        # In a file or a pipe Rich would break lines at 80 columns, and a search for a broken phrase
        # would fail.
        console.soft_wrap = not console.is_terminal
        try:
            with _cluster(directory, console, here=here, quiet=terminal is not None) as lab:
                if terminal is None:
                    return Demo(lab, console).run()
                from .stage import perform

                return perform(lab, console, terminal, pace_seconds)
        except KeyboardInterrupt:
            console.print(f"\n{said('Stopped.')}")
            return 130


@contextmanager
def _cluster(directory: Path, console: Console, *, here: bool, quiet: bool) -> Iterator[Lab]:
    """Provide the chosen cluster with temporary progress, or a temporary embedded one."""
    if here:
        lab = Lab(say=(lambda _line: None) if quiet else print_progress)
        lab.progress = Progress(directory / "progress.json")
        lab.reset()
    else:
        # The official Python client writes keys to temporary files, and deletes them only when the
        # process ends; here they are deleted with the demo's directory.
        tempfile.tempdir = str(directory)
        console.print(said("A cluster for this demo is starting; your own is not touched."))
        lab = Lab("embedded", home=directory, say=lambda _line: None)
    try:
        yield lab
    finally:
        (lab.reset if here else lab.stop)()
        tempfile.tempdir = None


class Demo:
    """One run through all steps, printed."""

    def __init__(self, lab: Lab, console: Console) -> None:
        self.console = console
        self.cells = Cells(lab, self._line)

    def run(self) -> int:
        """Run every step that the cluster allows; return 0 when all passed, else 1."""
        begun = time.monotonic()
        left_out = 0
        for lesson in lessons.LESSONS:
            self.cells.begin()
            self.console.print(
                f"\n[bold]{lesson.id[:2]}  {shown(lesson.title)}[/]  [dim]{shown(lesson.subtitle)}[/]"
            )
            if not self.cells.allowed(lesson):
                left_out += len(lesson.steps)
                self.console.print(
                    said("Left out: you may not create cluster roles on this cluster.")
                )
                continue
            for step in lesson.steps:
                self._step(step)
        passed = sum(outcome.passed for outcome in self.cells.outcomes)
        total = len(lessons.STEPS) - left_out
        took = time.monotonic() - begun
        checkpoints = said("{passed} of {total} checkpoints passed", passed, total)
        self.console.print(f"\n[bold]{checkpoints}[/] {said('in {seconds} s', f'{took:.1f}')}")
        return 0 if passed == total else 1

    def _step(self, step: Step) -> None:
        done = len(self.cells.outcomes)
        total = len(lessons.STEPS)
        bar = "█" * done + "░" * (total - done)
        counted = said("{done} of {total}", done, total)
        self.console.print(f"\n[bold]{step.id}  {shown(step.title)}[/]  [dim]{bar} {counted}[/]")
        for cell in self.cells.of(step.id):
            self.cells.run(cell)

    def _line(self, kind: str, text: str) -> None:
        indent = "  " if kind == "code" else "    "
        indent += text[: len(text) - len(text.lstrip())]
        width = self.console.width if self.console.is_terminal else sys.maxsize
        wrapper = textwrap.TextWrapper(
            width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
        )
        # A broken address or token name could not be copied; the terminal itself folds a long
        # word.
        wrapper.break_long_words = False
        for line in wrapper.wrap(text.lstrip()) or [""]:
            self.console.print(line, style=STYLES.get(kind), markup=False, emoji=False)
