"""The commands for the cluster: up, down, status, reset, kubeconfig."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from labkit.backends.base import KUBERNETES, NAMES, Options
from labkit.backends.choice import Choice
from labkit.core.errors import NotRunning
from labkit.core.home import home_path
from labkit.lab.backend import chosen, make

from .output import FILE, as_json, complete_steps, echo, json_option, report

if TYPE_CHECKING:
    from labkit.lab.lab import Lab


backend_option = click.option(
    "--backend", type=click.Choice(NAMES), help="The kind of cluster; the one used last by default."
)


@click.command("up")
@backend_option
@click.option("--no-node", is_flag=True, help="Embedded: leave the node out; pods stay Pending.")
@click.option(
    "--era",
    type=click.Choice(["now", "1.20"]),
    help="Embedded: how service accounts get their tokens.",
)
@click.option(
    "--kubernetes",
    type=click.Choice(KUBERNETES),
    help="The version of Kubernetes to answer as. On kind: the node's version.",
)
@click.option("--port", type=click.IntRange(1, 65535), help="Embedded: the API server's port.")
@click.option("--image", help="kind: the node image. [env: LABKIT_KIND_IMAGE]")
@click.option(
    "--kubeconfig", "kubeconfig_file", type=FILE, help="Existing: the file that names the cluster."
)
@click.option("--context", default="", help="Existing: the context in that file.")
@click.option(
    "--prefix", default="", help="Existing: put before all names, where learners share a cluster."
)
@click.option(
    "--audit-log",
    type=FILE,
    help="Existing: its API server's audit log, so that requests of every client count.",
)
@click.option("--force", is_flag=True, help="Existing: use it although it looks like production.")
def up_command(
    backend: str | None,
    no_node: bool,
    kubeconfig_file: Path | None,
    audit_log: Path | None,
    **more: Any,
) -> None:
    """Start the cluster, or find it running.

    The embedded cluster needs nothing but Python; `labkit doctor` tells what the
    others need. Running it again is safe.
    """
    kubeconfig = kubeconfig_file.expanduser().absolute() if kubeconfig_file else None
    log = audit_log.expanduser().absolute() if audit_log else None
    # None leaves the node as it is: without --no-node, a second `up` must not start one. click
    # names the other options like the fields of Options.
    options = Options(node=False if no_node else None, kubeconfig=kubeconfig, audit_log=log, **more)
    home = home_path()
    choice = Choice.of(home, backend, options)
    cluster = make(choice.backend, home, choice.options)
    cluster.start(report)
    # After the start, so that a cluster that cannot start does not become the default.
    choice.keep(home)
    status = cluster.status()
    echo(replace(status, facts={**status.facts, "kubeconfig": str(cluster.kubeconfig())}))


@click.command("down")
@backend_option
def down_command(backend: str | None) -> None:
    """Stop the cluster; the embedded one keeps its objects.

    The next `labkit up` brings them back. A kind cluster is deleted; on an existing
    cluster only the lab's own objects are removed.
    """
    home = home_path()
    chosen(home, backend).stop(report)
    # After the stop: when it fails, `labkit down` still knows which cluster to stop.
    Choice.forget(home)


@click.command("status")
@json_option
def status_command(json_wanted: bool) -> int:
    """Show whether the cluster runs, and where. Exit code 3 when it does not."""
    status = chosen(home_path()).status()
    (as_json if json_wanted else echo)(status)
    # As systemctl status does, so that a script can test it without reading the text.
    return 0 if status.running else NotRunning.exit_code


@click.command("reset")
@click.option(
    "--to",
    "step",
    shell_complete=complete_steps,
    help="Rewind to where a step begins: W17, or `end`.",
)
@click.option("--progress", is_flag=True, help="Forget predictions and passed checkpoints as well.")
def reset_command(step: str | None, progress: bool) -> None:
    """Reset the cluster to its beginning, or to any step.

    What you passed stays passed, unless --progress is given.
    """
    lab = found_lab()
    if step:
        echo(lab.rewind(step))
    else:
        lab.reset()
        echo("The cluster is as it began.")
    # Last: when the reset fails, the progress is still there.
    if progress:
        lab.progress.forget()
        echo("Your progress is forgotten.")


@click.command("kubeconfig")
def kubeconfig_command() -> None:
    """Print the path of the administrator's kubeconfig.

    Use it with kubectl: export KUBECONFIG=$(labkit kubeconfig)
    """
    backend = chosen(home_path())
    path = backend.kubeconfig()
    if not backend.status().running:
        report("The cluster does not run now. Start it with `labkit up`.")
    # Not echo, which translates: a path is printed as it is.
    click.echo(path)


def found_lab() -> Lab:
    """The chosen cluster's lab; the cluster is started when it does not run."""
    from labkit.lab.lab import Lab

    return Lab(say=report)
