"""The commands for this machine: doctor, clean, completion."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from labkit.backends.base import NAMES, Need, Options
from labkit.backends.choice import Choice, find_needs
from labkit.core.home import home_path
from labkit.core.language import said, text
from labkit.core.proxies import bypass_loopback, exceptions, proxy_variables

from .output import as_json, echo, json_option, report

if TYPE_CHECKING:
    from labkit.backends.servers import Server


@click.command("doctor")
@json_option
def doctor_command(json_wanted: bool) -> None:
    """Show which clusters this machine can run.

    For the others it says what is missing, and how to get it. Your servers that run, what
    killed programs have left, and proxies are shown as well.
    """
    from labkit.backends.servers import leftovers, running_servers

    home = home_path()
    saved = Choice.of(home, None, Options())
    options = {name: saved.options if name == saved.backend else Options() for name in NAMES}
    clusters = {name: find_needs(name, home, options[name]) for name in NAMES}
    servers = running_servers()
    left = leftovers(home)
    if json_wanted:
        as_json(
            {
                "home": home,
                "clusters": {
                    name: {"ready": _ready(needs), "needs": needs}
                    for name, needs in clusters.items()
                },
                "proxies": {
                    "variables": proxy_variables(os.environ),
                    "exceptions": exceptions(os.environ),
                },
                "servers": servers,
                "leftovers": left,
            }
        )
        return
    for name, needs in clusters.items():
        echo("✔ {name}: ready" if _ready(needs) else "✘ {name}: something is missing", name)
        for need in needs:
            echo(_line(need))
    # labkit itself bypasses proxies for this machine; a learner's own programs may not.
    if named := proxy_variables(os.environ):
        echo("\nA proxy is named by {named}. labkit does not ask it.", ", ".join(named))
        if (wanted := bypass_loopback(os.environ)["no_proxy"]) != ",".join(exceptions(os.environ)):
            echo(
                "    try, for your own programs: export no_proxy={wanted} NO_PROXY={wanted2}",
                wanted,
                wanted,
            )
    if servers:
        echo("\nServers of yours that run:")
    for server in servers:
        echo(f"    {_describe(server, home)}")
    for directory in left:
        echo(
            "\nLeft by a program that was killed: {directory} (`labkit clean` removes it)",
            directory,
        )
    echo("\nState is kept in {home}. Choose a cluster with `labkit up --backend NAME`.", home)


@click.command("clean")
@click.option("--yes", is_flag=True, help="Do not ask first.")
def clean_command(yes: bool) -> None:
    """Remove what killed programs have left.

    These are servers and temporary directories; you are asked first. Your progress,
    notebooks and results stay, and so does the cluster of LABKIT_HOME, stopped or not.
    """
    from labkit.backends.embedded import Embedded
    from labkit.backends.servers import leftovers, running_servers
    from labkit.presenter.terminal import restore

    if sys.stdout.isatty():
        restore()
    home = home_path()
    # A LABKIT_HOME below the temporary directory counts as left over too, but this one is in use.
    servers = [server for server in running_servers() if server.left_over and server.home != home]
    left = leftovers(home)
    for line in (
        *(text("stop {server}", _describe(server, home)) for server in servers),
        *(text("remove {path}", path) for path in left),
    ):
        echo(line)
    if not servers and not left:
        echo("There is nothing to clean.")
    elif yes or click.confirm(said("Go on?"), abort=True):
        for server in servers:
            Embedded(server.home, Options()).stop(report)
        for directory in left:
            shutil.rmtree(directory)


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion_command(shell: str) -> None:
    """Print what lets a shell complete labkit's words.

    For bash, put `eval "$(labkit completion bash)"` into ~/.bashrc; for zsh, the same with
    zsh into ~/.zshrc; for fish, `labkit completion fish | source` into its config.fish.
    """
    from click.shell_completion import shell_complete

    # The group of all commands is above this module; importing it at the top would be a circle.
    from . import cli

    shell_complete(cli, {}, "labkit", "_LABKIT_COMPLETE", f"{shell}_source")


def _ready(needs: list[Need]) -> bool:
    return all(need.met for need in needs if need.required)


def _line(need: Need) -> str:
    missing = "✘" if need.required else "!"
    mark = "✔" if need.met else missing
    lines = [f"    {mark} {said(need.thing)}: {said(need.state)}"]
    if need.todo and not need.met:
        lines.append(said("        try: {todo}", text(need.todo)))
    return "\n".join(lines)


def _describe(server: Server, home: Path) -> str:
    """A server and what it holds."""
    if server.home == home:
        owner: str = "LABKIT_HOME"
    elif server.program:
        owner = text("it ends with its program")
    elif server.left_over:
        owner = text("left over")
    else:
        owner = text("another LABKIT_HOME")
    return text(
        "process {pid}: {megabytes} MiB, {url}, {where}",
        server.pid,
        server.megabytes,
        server.url or text("starting"),
        text("{home} ({owner})", server.home, owner),
    )
