"""Run a command in a container of a pod, over the real exec API.

A cluster in this process runs it at once. Otherwise ``connection`` opens a WebSocket, ``channels`` reads and writes
its frames, and the Status on its error channel ends the command; ``failures`` makes the errors.
Source: KEP-4006 and https://kubernetes.io/docs/tasks/debug/debug-application/get-shell-running-container/
"""

import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from labkit.core.errors import ExecFailed

from ..client import Client
from ..object_names import pod_path
from ..transport import ExecOutput
from .channels import ERROR, STDERR, STDOUT, frames, input_frames
from .completed import SHELLS, CompletedExec
from .connection import exec_request, open_with_input
from .failures import connection_lost, exit_code, lacks_program, not_started, refused

T = TypeVar("T")

SWITCHING_PROTOCOLS = 101
TIMED_OUT = 124
"""The exit code of a command that exceeds the time limit, as with the program ``timeout``."""


def run(
    client: Client,
    pod: str,
    command: Sequence[str],
    *,
    container: str = "",
    stdin: str | bytes | None = None,
    timeout_seconds: float = 120.0,
) -> CompletedExec:
    """Run a command in a container, and wait until it ends.

    Args:
        client: The caller, who needs ``create`` on ``pods/exec``.
        pod: As ``namespace/name``.
        command: The command and its arguments.
        container: Empty for the pod's default container.
        stdin: The command's input; None for no standard input.
        timeout_seconds: The time limit; a command that exceeds it has the exit code 124.

    Raises:
        ExecFailed: When it could not be started.
        Unreachable: When the server does not answer.
    """
    container = container or default_container(client, pod)
    data = stdin.encode() if isinstance(stdin, str) else stdin
    path, query, headers = exec_request(client, pod, command, container, stdin=data is not None)
    output = client.transport.exec(path, query, headers, data, timeout_seconds)
    if output is None:
        output = _exchange(client, pod, command, container, data, timeout_seconds)
    if output.code != SWITCHING_PROTOCOLS:
        raise refused(output.code, output.status, pod)
    code = exit_code(output.status, pod) if output.status else TIMED_OUT
    out, err = (stream.decode("utf-8", "replace") for stream in (output.stdout, output.stderr))
    err += "" if output.status else f"cut off after {timeout_seconds:g} s\n"
    return CompletedExec(list(command), code, out, err, pod, container)


def _exchange(
    client: Client,
    pod: str,
    command: Sequence[str],
    container: str,
    stdin: bytes | None,
    timeout_seconds: float,
) -> ExecOutput:
    """Run a command over a WebSocket; see ``run``."""
    import websocket

    output: dict[int, list[bytes]] = {STDOUT: [], STDERR: []}
    # Over WebSocket the Status on the error channel is the only sign of the exit code.
    status = b""
    deadline = time.monotonic() + timeout_seconds
    with open_with_input(client, pod, command, container, stdin) as socket:
        outgoing = input_frames(stdin, socket.getsubprotocol()) if stdin is not None else ()
        try:
            for channel, data in frames(socket, outgoing, deadline=deadline):
                if channel == ERROR:
                    status = data
                    break
                output.get(channel, []).append(data)
            else:
                raise connection_lost(pod)
        except websocket.WebSocketTimeoutException:
            pass
    out, err = (b"".join(output[channel]) for channel in (STDOUT, STDERR))
    if (
        stdin is not None and err.decode("utf-8", "replace") == f"exec: {command[0]}: not found\n"
    ):  # see COUNTED
        raise not_started(pod, err.decode("utf-8", "replace").strip())
    return ExecOutput(SWITCHING_PROTOCOLS, status, out, err)


def run_shell(
    client: Client, pod: str, line: str, *, shells: Sequence[str] = SHELLS, **options: Any
) -> CompletedExec:
    """Run a command line with the first of some shells that the container has.

    Args:
        client: The caller.
        pod: As ``namespace/name``.
        line: The command line.
        shells: The shells to try, in order.
        options: As in ``run``.

    Raises:
        ExecFailed: When it could not be started.
    """
    return with_shell(lambda shell: run(client, pod, [shell, "-c", line], **options), shells)


def with_shell(attempt: Callable[[str], T], shells: Sequence[str] = SHELLS) -> T:
    """Return the result of a function with the first of some shells that the container has."""
    for shell in shells[:-1]:
        try:
            return attempt(shell)
        except ExecFailed as error:
            if not lacks_program(error, shell):
                raise
    return attempt(shells[-1])


def default_container(client: Client, pod: str) -> str:
    """Return the container that kubectl chooses when none is named.

    Args:
        client: The caller.
        pod: As ``namespace/name``.

    Returns:
        The annotated or the first container's name; empty when the pod cannot be read.
    """
    answer = client.without_observers().get(pod_path(pod))
    if not answer.ok:
        return ""
    annotations = answer.body["metadata"].get("annotations") or {}
    first = answer.body["spec"]["containers"][0]["name"]
    # Source: https://kubernetes.io/docs/reference/labels-annotations-taints/
    return str(annotations.get("kubectl.kubernetes.io/default-container", first))
