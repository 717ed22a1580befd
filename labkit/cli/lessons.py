"""The commands for the walkthrough: check and demo."""

import os
import sys
from pathlib import Path

import click

from labkit.core.language import said
from labkit.presenter.terminal import keys, restore

from .output import as_json, complete_steps, echo, json_option


@click.command("check")
@click.argument("steps", nargs=-1, metavar="[STEP]...", shell_complete=complete_steps)
@json_option
def check_command(steps: tuple[str, ...], json_wanted: bool) -> int:
    """Judge steps by what the cluster does.

    All steps when none is named. Exit code 1 when one of them is not passed.
    """
    from labkit import lessons
    from labkit.lab import words

    from .cluster import found_lab

    names = [lessons.find(step).id for step in steps] or list(lessons.STEPS)
    context = words.context(found_lab())
    outcomes = [lessons.check(name, context) for name in names]
    passed = sum(outcome.passed for outcome in outcomes)
    if json_wanted:
        as_json({"passed": passed, "steps": outcomes})
    else:
        for outcome in outcomes:
            echo(outcome)
        if len(outcomes) > 1:
            echo("{passed} of {outcomes} passed", passed, len(outcomes))
    # The exit code is the same in both forms, for scripts that need no more.
    return 0 if passed == len(outcomes) else 1


@click.command("demo")
@click.option(
    "--step",
    "by_step",
    is_flag=True,
    help="For a class: a question, then a key runs it. ? lists the keys.",
)
@click.option(
    "--pace", type=click.FloatRange(min=1), metavar="SECONDS", help="The same, going on by itself."
)
@click.option(
    "--notes", is_flag=True, help="What to say where a demo stands that runs in another terminal."
)
@click.option(
    "--here", is_flag=True, help="On the chosen cluster, which is reset before and after."
)
@click.option("--yes", is_flag=True, help="With --here: do not ask first.")
@click.option(
    "--record",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Keep it as an asciinema cast.",
)
def demo_command(
    by_step: bool, pace: float | None, notes: bool, here: bool, yes: bool, record: Path | None
) -> int:
    """Run the whole walkthrough in the terminal.

    Each step shows who asked what, the answer and the verdict. It runs on a cluster
    made for it and thrown away, or with --here on the one that `labkit up` chose, such
    as kind. Your progress is never touched.
    """
    if yes and not here:
        raise click.UsageError(said("--yes goes with --here: otherwise nothing is asked."))
    if notes:
        if by_step or pace or here or record:
            raise click.UsageError(
                said("--notes follows a demo in another terminal, and goes with no other option.")
            )
        from labkit.presenter.notes import follow

        return follow()
    by_step = by_step or pace is not None
    # A notebook's !command runs in a pseudo-terminal, which has no keyboard. A kernel's processes
    # inherit JPY_PARENT_PID.
    option = "--step" if pace is None else "--pace"
    if by_step and not (
        sys.stdin.isatty() and sys.stdout.isatty() and "JPY_PARENT_PID" not in os.environ
    ):
        raise click.UsageError(
            said(
                "{option} waits for a key, and there is no terminal to press one on; leave it out.",
                option,
            )
        )
    # Pages need a cursor that can be placed; without it each drawing would be appended.
    if by_step and os.environ.get("TERM") in ("dumb", "unknown"):
        raise click.UsageError(
            said(
                "{option} draws pages, and TERM={term} cannot; leave it out.",
                option,
                os.environ["TERM"],
            )
        )
    if here and not yes:
        click.confirm(
            said("What you made of the walkthrough on the chosen cluster is removed. Go on?"),
            abort=True,
        )
    # A demo that was killed can have left the terminal without echo or cursor.
    if sys.stdout.isatty():
        restore()
    # Before anything slow: keys that are pressed until then are neither echoed nor lost.
    terminal = click.get_current_context().with_resource(keys()) if by_step else None
    from labkit.presenter import demo

    return int(demo.run(terminal, here=here, pace_seconds=pace, recording=record))
