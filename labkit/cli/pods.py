"""The commands exec and proxy."""

import shlex
import sys
import threading
import time
from pathlib import Path

import click

from labkit.core.errors import UsageError
from labkit.core.language import text

from .cluster import found_lab
from .output import FILE, echo, report

EXAMPLES = """Run a command in a pod, or open a shell in it.

\b
labkit exec curl                          a shell in the pod curl
labkit exec -n kikai test -- curl -s localhost:8001/api
labkit exec kikai/test -- ls /

The exit code is the command's own.
"""
"""The help of ``labkit exec``; click does not wrap the lines after the backspace."""


# Options after the pod belong to the command, as in `labkit exec curl ls -l`.
@click.command("exec", context_settings={"ignore_unknown_options": True}, help=EXAMPLES)
@click.option("-n", "--namespace", default="", help="The pod's namespace; `default` by default.")
@click.option(
    "-c", "--container", default="", help="The container; the pod's default one by default."
)
@click.argument("pod")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def exec_command(namespace: str, container: str, pod: str, command: tuple[str, ...]) -> int:
    """Run a command in a pod, or open a shell in it."""
    from labkit.client.exec import terminal
    from labkit.client.object_names import pod_name

    if "/" in pod and namespace:
        raise UsageError(
            text("The namespace is named twice: {namespace} and {pod}.", namespace, pod),
            todo="Leave out -n, or the part before the /.",
        )
    pod = pod_name(f"{namespace}/{pod}" if namespace else pod)
    lab = found_lab()
    begun = time.time()
    code = terminal.run(lab.admin, pod, list(command), container=container)
    # An interactive shell is not noted: its input goes to the pod and is not parsed here.
    if command:
        # `sh -c LINE` is noted as LINE: steps look for the programs that ran in a pod.
        inner = command[2] if command[1:2] == ("-c",) and len(command) == 3 else shlex.join(command)
        lab.note_command(pod, inner, code, begun)
    return code


@click.command("proxy")
@click.option(
    "--port",
    default=8001,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="0: any free one.",
)
@click.option(
    "--unix-socket",
    type=FILE,
    help="Listen on this Unix socket, which nobody but you may connect to.",
)
@click.option("--as", "caller", metavar="POD", help="Use this pod's token, such as kikai/test.")
def proxy_command(port: int, unix_socket: Path | None, caller: str | None) -> None:
    """Serve the API on this machine without credentials.

    It does what kubectl proxy does, and answers on 127.0.0.1 only, until Ctrl-C. Every user
    of this machine can reach that; with --unix-socket only you can.
    """
    from labkit.client.proxy import Proxy

    lab = found_lab()
    client = lab.as_pod(caller) if caller else lab.admin
    with Proxy(client, port=port, unix_socket=unix_socket) as proxy:
        if unix_socket:
            echo("Starting to serve on {socket}", proxy.unix_socket)
        else:
            echo("Starting to serve on 127.0.0.1:{port}", proxy.port)
            report(
                # kubectl proxy has the same property, without a warning; a Unix socket has
                # the rights of its file.
                "While it runs, every user of this machine has the rights of {name}; "
                "--unix-socket PATH lets in you alone.",
                client.name,
            )
        # A script that started the proxy waits for this line, and a pipe is buffered.
        sys.stdout.flush()
        # Until Ctrl-C: the proxy serves in threads of its own.
        threading.Event().wait()
