"""The whole walkthrough in the terminal: ``labkit demo``.

It runs the notebooks' solved cells, step by step, on a temporary embedded cluster or on the
chosen one, and prints each request, the server's answer and the checkpoint's verdict. The
learner's progress is not touched.
"""

from __future__ import annotations

import ast
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit import lessons
from labkit.client.answer import Answer
from labkit.client.exec.command import CompletedExec
from labkit.core.redact import redact
from labkit.core.signals import cleaned_up
from labkit.lab import words
from labkit.lab.lab import Lab
from labkit.lessons import variants
from labkit.lessons.base import Outcome
from labkit.lessons.progress import Progress
from labkit.lessons.steps import Step

if TYPE_CHECKING:
    from rich.console import Console

Keys = Callable[[], bool] | None
"""Waits for a key and returns whether to go on; None never waits."""

WIDTH = 160
"""The length at which a line of output is cut."""

LINES = 10
"""How many lines of a command's output are shown."""

ALL_LINES = 40
"""How many lines of anything else are shown."""

SETUP = ("from labkit import", "lab = Lab(")
"""The beginnings of lines that are left out, because the lab exists already."""

NEEDS_CLUSTER_ROLES = "05-cluster-roles"
"""The lesson that needs rights which an existing cluster may not grant."""


def run(*, by_step: bool = False, here: bool = False) -> int:
    """Run the walkthrough on a temporary embedded cluster.

    Args:
        by_step: Wait for a key before each step.
        here: Run it on the chosen cluster instead, which is reset before and after.

    Returns:
        0 when every checkpoint passed, 130 when it was interrupted, else 1.
    """
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    keys = wait if by_step else None
    with cleaned_up(), tempfile.TemporaryDirectory(prefix="labkit-demo-", ignore_cleanup_errors=True) as directory:
        try:
            if here:
                return _on_the_chosen(Path(directory), console, keys)
            return _on_its_own(Path(directory), console, keys)
        except KeyboardInterrupt:
            console.print("\nStopped.")
            return 130


def _on_the_chosen(directory: Path, console: Console, keys: Keys) -> int:
    """Run it on the chosen cluster, with temporary progress."""
    lab = Lab()
    lab.progress = Progress(directory / "progress.json")
    lab.reset()
    try:
        return Demo(lab, console, keys).run()
    finally:
        lab.reset()


def _on_its_own(directory: Path, console: Console, keys: Keys) -> int:
    """Run it on a temporary embedded cluster."""
    console.print("A cluster for this demo is starting; your own is not touched.")
    lab = Lab("embedded", home=directory, say=lambda _line: None)
    try:
        return Demo(lab, console, keys).run()
    finally:
        lab.stop()


def wait() -> bool:
    """Wait for a key; return False for q and Ctrl-D."""
    import click

    click.echo("      any key goes on, q ends ", nl=False)
    try:
        key = click.getchar()
    except EOFError:
        key = "q"
    click.echo()
    return key not in ("q", "Q")


class Demo:
    """One run through all steps; ``go_on`` is called before each, and False ends the run."""

    def __init__(self, lab: Lab, console: Console, go_on: Keys = None) -> None:
        self.lab = lab
        self.console = console
        self.go_on = go_on
        self.outcomes: list[Outcome] = []
        lab.admin.observers.append(self._answered)
        self._names: dict[str, Any] = {}

    def run(self) -> int:
        """Run every step that the cluster allows; return 0 when all passed, else 1."""
        begun = time.monotonic()
        left_out = 0
        for lesson in lessons.LESSONS:
            self._names = self._fresh()
            self.console.print(f"\n[bold]{lesson.id[:2]}  {lesson.title}[/]  [dim]{lesson.subtitle}[/]")
            if lesson.id == NEEDS_CLUSTER_ROLES and not self._may_make_cluster_roles():
                left_out += len(lesson.steps)
                self.console.print("Left out: you may not create cluster roles on this cluster.")
                continue
            for step in lesson.steps:
                if not self._step(step):
                    self.console.print("Ended here.")
                    return 0
        passed = sum(outcome.passed for outcome in self.outcomes)
        total = len(lessons.STEPS) - left_out
        took = time.monotonic() - begun
        self.console.print(f"\n[bold]{passed} of {total} checkpoints passed[/] in {took:.1f} s")
        return 0 if passed == total else 1

    def _may_make_cluster_roles(self) -> bool:
        return self.lab.admin.without_observers().can("create", "clusterroles", group="rbac.authorization.k8s.io")

    def _fresh(self) -> dict[str, Any]:
        """The globals of a notebook's cells."""
        import labkit

        names: dict[str, Any] = {name: getattr(labkit, name) for name in labkit.__all__}
        # Answers are printed as they come, so display() would repeat them.
        return {**names, "lab": self.lab, "display": lambda *_shown: None, "print": self._said}

    def _step(self, step: Step) -> bool:
        done, total = len(self.outcomes), len(lessons.STEPS)
        bar = "█" * done + "░" * (total - done)
        self.console.print(f"\n[bold]{step.id}  {step.title}[/]  [dim]{bar} {done} of {total}[/]")
        if self.go_on is not None and not self.go_on():
            return False
        worked = lessons.worked()[step.id]["cells"]
        for cell in variants.cells(step.id, worked, words.context(self.lab)):
            self._cell("\n".join(line for line in cell.splitlines() if not line.startswith(SETUP)))
        return True

    def _cell(self, code: str) -> None:
        """Run a cell as a notebook does, and print the value of its last expression."""
        tree = ast.parse(code)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        if not code.startswith("check("):
            self._code(code.strip())
        exec(compile(tree, "<cell>", "exec"), self._names)
        if isinstance(last, ast.Expr):
            self._show(eval(compile(ast.Expression(last.value), "<cell>", "eval"), self._names))

    def _code(self, code: str) -> None:
        for line in code.splitlines():
            self.console.print(f"  [dim]{_plain(line)}[/]")

    def _answered(self, answer: Answer) -> None:
        """Print an answer in two lines: the request, and the server's answer."""
        colour = "green" if answer.ok else "red" if answer.status in (401, 403) else "yellow"
        who = answer.as_user or "nobody"
        self.console.print(f"    {_plain(who)}: {answer.method} {_plain(answer.path)}")
        empty = isinstance(answer.body, dict) and answer.body.get("items") == []
        said = answer.message or ", ".join(answer.titles) or ("an empty list" if empty else "ok")
        self._indented(f"{answer.status} {said}", colour)

    def _show(self, value: object) -> None:
        if isinstance(value, Outcome):
            self.outcomes.append(value)
            self._indented(repr(value), "green" if value.passed else "red")
        elif isinstance(value, CompletedExec):
            text = redact(value.stdout or value.stderr)
            self.console.print(f"    {value.pod}: exit code {value.returncode}")
            self._indented(text, "green" if value.ok else "red", LINES)
        elif value is not None and not isinstance(value, Answer):
            self._indented(repr(value))

    def _said(self, *values: object) -> None:
        self._indented(" ".join(str(value) for value in values))

    def _indented(self, text: str, colour: str = "", most: int = ALL_LINES) -> None:
        lines = text.strip().splitlines()
        shown = lines[:most] + ([f"… {len(lines) - most} more lines"] if len(lines) > most else [])
        for line in shown:
            short = line if len(line) <= WIDTH else f"{line[: WIDTH - 1]}…"
            self.console.print(f"    {_plain(short)}", style=colour or None)


def _plain(text: str) -> str:
    """The text with rich's markup escaped."""
    from rich.markup import escape

    return escape(text)
