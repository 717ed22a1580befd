"""The commands for the cluster: up, down, status, reset, kubeconfig, doctor."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from labkit.backends.base import NAMES, Need, Options
from labkit.backends.choice import Choice, find_needs
from labkit.core.errors import NotRunning
from labkit.core.home import home_path
from labkit.core.proxies import bypass_loopback, exceptions, proxy_variables
from labkit.lab.backend import chosen, make

if TYPE_CHECKING:
    from labkit.lab.lab import Lab


def report(line: str) -> None:
    """Print a line of progress to standard error."""
    click.echo(line, err=True)


@click.command("up")
@click.option("--backend", type=click.Choice(NAMES), help="The kind of cluster; the one used last by default.")
@click.option("--no-node", is_flag=True, help="Embedded: leave the node out; pods stay Pending.")
@click.option("--era", type=click.Choice(["now", "1.20"]), help="Embedded: how service accounts get their tokens.")
@click.option("--port", type=click.IntRange(1, 65535), help="Embedded: the API server's port.")
@click.option("--image", help="kind: the node image. [env: LABKIT_KIND_IMAGE]")
@click.option(
    "--kubeconfig",
    "kubeconfig_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Existing: the file that names the cluster.",
)
@click.option("--context", default="", help="Existing: the context in that file.")
@click.option("--prefix", default="", help="Existing: put before all names, where learners share a cluster.")
@click.option("--force", is_flag=True, help="Existing: use it although it looks like production.")
def up_command(
    backend: str | None,
    no_node: bool,
    era: str | None,
    port: int | None,
    image: str | None,
    kubeconfig_file: Path | None,
    context: str,
    prefix: str,
    force: bool,
) -> None:
    """Start the cluster, or find it running.

    The embedded cluster needs nothing but Python; `labkit doctor` tells what the
    others need. Running it again is safe.
    """
    options = Options(
        node=False if no_node else None,
        era=era,
        port=port,
        image=image,
        kubeconfig=kubeconfig_file.expanduser().absolute() if kubeconfig_file else None,
        context=context,
        prefix=prefix,
        force=force,
    )
    home = home_path()
    choice = Choice.of(home, backend, options)
    cluster = make(choice.backend, home, choice.options)
    cluster.start(report)
    choice.keep(home)
    status = cluster.status()
    click.echo(replace(status, facts={**status.facts, "kubeconfig": str(cluster.kubeconfig())}))


@click.command("down")
@click.option("--backend", type=click.Choice(NAMES), help="The kind of cluster; the one used last by default.")
def down_command(backend: str | None) -> None:
    """Stop the cluster; the embedded one keeps its objects.

    The next `labkit up` brings them back. A kind cluster is deleted; on an existing
    cluster only the lab's own objects are removed.
    """
    home = home_path()
    chosen(home, backend).stop(report)
    Choice.forget(home)


@click.command("status")
def status_command() -> int:
    """Show whether the cluster runs, and where. Exit code 3 when it does not."""
    status = chosen(home_path()).status()
    click.echo(status)
    return 0 if status.running else NotRunning.exit_code


@click.command("reset")
@click.option("--to", "step", help="Rewind to the state in which this step begins, such as W17; or `end`.")
@click.option("--progress", is_flag=True, help="Forget predictions and passed checkpoints as well.")
def reset_command(step: str | None, progress: bool) -> None:
    """Reset the cluster to its beginning, or to any step.

    What you passed stays passed, unless --progress is given.
    """
    lab = found_lab()
    if step:
        click.echo(lab.rewind(step))
    else:
        lab.reset()
        click.echo("The cluster is as it began.")
    if progress:
        lab.progress.forget()
        click.echo("Your progress is forgotten.")


@click.command("kubeconfig")
def kubeconfig_command() -> None:
    """Print the path of the administrator's kubeconfig.

    Use it with kubectl: export KUBECONFIG=$(labkit kubeconfig)
    """
    backend = chosen(home_path())
    path = backend.kubeconfig()
    if not backend.status().running:
        report("The cluster does not run now. Start it with `labkit up`.")
    click.echo(path)


@click.command("doctor")
def doctor_command() -> None:
    """Show which clusters this machine can run.

    For the others it says what is missing, and how to get it.
    """
    home = home_path()
    for name in NAMES:
        needs = find_needs(name, home, Options())
        ready = all(need.met for need in needs if need.required)
        click.echo(f"{'✔' if ready else '✘'} {name}: {'ready' if ready else 'something is missing'}")
        for need in needs:
            click.echo(_line(need))
    if named := proxy_variables(os.environ):
        click.echo(f"\nA proxy is named by {', '.join(named)}. labkit does not ask it.")
        if (wanted := bypass_loopback(os.environ)["no_proxy"]) != ",".join(exceptions(os.environ)):
            click.echo(f"    try, for your own programs: export no_proxy={wanted} NO_PROXY={wanted}")
    click.echo(f"\nState is kept in {home}. Choose a cluster with `labkit up --backend NAME`.")


def found_lab() -> Lab:
    """The chosen cluster's lab; the cluster is started when it does not run."""
    from labkit.lab.lab import Lab

    return Lab(say=report)


def _line(need: Need) -> str:
    mark = "✔" if need.met else "✘" if need.required else "!"
    line = f"    {mark} {need.thing}: {need.state}"
    return line if need.met or not need.todo else f"{line}\n        try: {need.todo}"
