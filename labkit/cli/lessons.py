"""Commands about the walkthrough's steps."""

from __future__ import annotations

import sys

import click


@click.command("check")
@click.argument("steps", nargs=-1, metavar="[STEP]...")
def check_command(steps: tuple[str, ...]) -> int:
    """Judge steps by what the cluster does; all steps when none is named.

    Exit code 1 when one of them is not passed.
    """
    from labkit import lessons, session
    from labkit.cli.cluster import found_lab

    lab = found_lab()
    context = session.context(lab)
    outcomes = [lessons.check(step, context) for step in steps or list(lessons.STEPS)]
    for outcome in outcomes:
        click.echo(outcome)
    passed = sum(outcome.passed for outcome in outcomes)
    if len(outcomes) > 1:
        click.echo(f"{passed} of {len(outcomes)} passed")
    return 0 if passed == len(outcomes) else 1


@click.command("demo")
@click.option("--step", "by_step", is_flag=True, help="Wait for a key before each step.")
def demo_command(by_step: bool) -> int:
    """Run the whole walkthrough in the terminal: who asked what, the answer, the verdict."""
    from labkit import demo

    if by_step and not sys.stdin.isatty():
        raise click.UsageError("--step waits for a key, and there is no terminal to press one on.")
    return int(demo.run(by_step=by_step))
