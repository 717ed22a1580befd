"""The commands for the notebooks: lab, which opens them in JupyterLab, and slides."""

import os
import signal
import sys
from pathlib import Path

import click

from labkit.core.language import language, said

from .output import DIRECTORY, FILE, echo


@click.command("lab", context_settings={"ignore_unknown_options": True})
@click.option("--no-browser", is_flag=True, help="Start the server and print its address only.")
@DIRECTORY
@click.option(
    "--instructor",
    is_flag=True,
    help="For teachers: with questions, answers and notes for a class.",
)
@click.argument("jupyter_options", nargs=-1, type=click.UNPROCESSED)
def lab_command(
    no_browser: bool, directory: Path | None, instructor: bool, jupyter_options: tuple[str, ...]
) -> None:
    """Open JupyterLab at the first notebook.

    You work on copies of your own (by default in labkit's state directory), so that
    nothing you do changes labkit itself, and an update never overwrites your work.
    Further options go to JupyterLab, such as --port 8899.
    """
    from labkit.core.libraries import require
    from labkit.lab import workbook

    # It runs as a program of its own.
    require("jupyterlab")
    target = workbook.prepare(directory, instructor=instructor)
    echo("Your notebooks are in {directory}", target.directory)
    for name in target.outdated:
        echo("  {name} is yours; the newer version is {new}.", name, workbook.beside(name))
    if language() == "ko" and not workbook.HAS_KOREAN:
        echo("JupyterLab's own menus are English: pip install 'kube-labkit[ko]' makes them Korean.")
    first = f"{workbook.INSTRUCTOR}/01-api-server.ipynb" if instructor else workbook.FIRST
    # Lessons open in the lesson mode.
    options = (f"--LabServerApp.extra_labextensions_path={workbook.extensions()}", *jupyter_options)
    command = workbook.jupyter_command(target.directory, no_browser, options, first)
    environment = workbook.environment()
    # By the environment and not by LABKIT_HOME: a learner can have named directories for
    # Jupyter.
    workbook.configure(environment)
    # exec replaces this process, and with it texts that are still in a buffer.
    sys.stdout.flush()
    # A blocked signal stays blocked across exec (execve(2)), and a Ctrl-C in between waits: the new
    # program unblocks it when it can end without a traceback.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    # exec, so that JupyterLab gets Ctrl-C and signals itself.
    os.execve(command[0], command, environment)


@click.command("slides")
@click.argument("part")
@click.option("--out", type=FILE, help="The page; 04-roles.slides.html and so on.")
@click.option(
    "--reveal",
    metavar="FOLDER",
    help="A copy of reveal.js 4 or 5 beside the page: no internet is needed.",
)
def slides_command(part: str, out: Path | None, reveal: str | None) -> None:
    """Write the slides of a part, for teachers.

    PART is 4 or 04-roles, for example. It runs on a cluster made for it and thrown away. Open the page in a browser:
    the arrows move, S shows the notes, Esc an overview.
    """
    from labkit import lessons
    from labkit.presenter import slides

    found = [
        lesson for lesson in lessons.LESSONS if part in (lesson.id, lesson.id[:2], lesson.id[1])
    ]
    if not found:
        raise click.BadParameter(
            said(
                "{part} is none of {lessons}.",
                repr(part),
                ", ".join(lesson.id for lesson in lessons.LESSONS),
            )
        )
    (lesson,) = found
    page = out or Path(f"{lesson.id}.slides.html")
    echo("The cells of {id} run on a cluster of their own …", lesson.id)
    slides.write(lesson, page, reveal or slides.REVEAL)
    echo("The slides are in {page}.", page)
