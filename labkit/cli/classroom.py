"""The command class: hold a class from this machine."""

from pathlib import Path

import click

from labkit.core.language import said

from .output import FOLDER, INPUT, echo


@click.group("class")
def class_command() -> None:
    """Ask a room, and see how far each learner is.

    This machine serves the questions and the board. docs/instructor.md says how to hold a class.
    """


@class_command.command("start")
@click.option(
    "--listen",
    # A class opens itself to a network only when its teacher asks for it.
    default="127.0.0.1",
    metavar="ADDRESS",
    help="Where others reach it; 0.0.0.0 is everywhere.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8440,
    show_default=True,
    help="0 takes a free one.",
)
@click.option("--site", type=FOLDER, help="Serve a build of the page.")
@click.option("--certificate", type=INPUT, help="For https: PEM.")
@click.option("--key", type=INPUT, help="The certificate's key.")
def start_command(
    listen: str, port: int, site: Path | None, certificate: Path | None, key: Path | None
) -> int:
    """Hold a class until Ctrl-C.

    It goes on with the class that is kept here, or begins one.
    """
    import asyncio

    from labkit.classroom.serving import serve
    from labkit.classroom.store import Store, place

    store = Store(place())
    try:
        asyncio.run(serve(store, listen, port, site, (certificate, key), echo))
    finally:
        # SQLite merges the write-ahead log into the database when its last connection closes.
        store.close()
    return 0


@class_command.command("delete")
@click.option("--yes", is_flag=True, help="Do not ask first.")
def delete_command(yes: bool) -> int:
    """Delete the class: learners, outcomes, questions and votes."""
    from labkit.classroom.store import delete, place

    # Not abort=True: to keep the class is an answer, and no interruption.
    if not yes and not click.confirm(said("Delete the class with all that is kept of it?")):
        echo("Nothing was deleted.")
        return 1
    delete(place())
    echo("The class is deleted. Its join code and its board's link are over.")
    return 0
