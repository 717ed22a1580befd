"""``labkit lab``: the notebooks in JupyterLab."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import click


@click.command("lab", context_settings={"ignore_unknown_options": True})
@click.option("--no-browser", is_flag=True, help="Start the server and print its address only.")
@click.option(
    "--dir",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where your copies of the notebooks lie.",
)
@click.argument("jupyter_options", nargs=-1, type=click.UNPROCESSED)
def lab_command(no_browser: bool, directory: Path | None, jupyter_options: tuple[str, ...]) -> None:
    """Open JupyterLab at the first notebook.

    You work on copies of your own (by default in labkit's state directory), so that
    nothing you do changes labkit itself, and an update never overwrites your work.
    Further options go to JupyterLab, such as --port 8899.
    """
    from labkit.lab import workbook

    target = workbook.prepare(directory)
    click.echo(f"Your notebooks are in {target.directory}")
    for name in target.outdated:
        click.echo(f"  {name} has a newer version; rename your copy to get it at the next start.")
    command = workbook.jupyter_command(target.directory, no_browser, jupyter_options)
    environment = workbook.environment()
    workbook.keep_quiet(environment)
    sys.stdout.flush()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # until the new program handles it
    # exec, so that JupyterLab gets Ctrl-C and signals itself.
    os.execve(command[0], command, environment)
