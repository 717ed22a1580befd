"""Run a command in a container of a pod, over the real exec API.

It opens one WebSocket, with ``v5.channel.k8s.io`` or, for servers before 1.30, ``v4``;
``channels`` reads and writes its frames.
Source: KEP-4006 and https://kubernetes.io/docs/tasks/debug/debug-application/get-shell-running-container/
"""

from __future__ import annotations

import contextlib
import json
import shlex
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from labkit.client.client import Client
from labkit.client.exec.channels import ERROR, PROTOCOLS, STDERR, STDOUT, frames, typed
from labkit.client.object_names import habit
from labkit.client.transport import CONNECT_SECONDS, connection_error
from labkit.core import page
from labkit.core.display import Card, Row, Shown
from labkit.core.errors import ExecFailed
from labkit.core.redact import redact

if TYPE_CHECKING:
    import websocket

COUNTED = 'command -v "$1" >/dev/null || { echo "exec: $1: not found" >&2; exit 127; }; head -c "$0" | "$@"'
"""A shell line that gives a command the first N bytes of input: ``v4`` cannot close standard input."""

SHELLS = ("bash", "sh")
SWITCHING_PROTOCOLS = 101
TIMED_OUT = 124
"""The exit code of a command that was cut off, as that of the program ``timeout``."""

IN_THE_IMAGE = "Name a program that the container's image has."


@dataclass(frozen=True, repr=False)
class CompletedExec(Shown):
    """A command that ran in a container; similar to ``subprocess.CompletedProcess``.

    Args:
        args: The command and its arguments.
        returncode: Its exit code.
        stdout: Its standard output.
        stderr: Its standard error.
        pod: The pod, as ``namespace/name``.
        container: The container; empty for the pod's default one.
    """

    args: list[str]
    returncode: int
    stdout: str
    stderr: str
    pod: str = ""
    container: str = ""

    @property
    def ok(self) -> bool:
        """Whether the exit code is 0."""
        return self.returncode == 0

    def json(self) -> Any:
        """Standard output as JSON; None when it is not JSON."""
        try:
            return json.loads(self.stdout)
        except ValueError:
            return None

    @property
    def status(self) -> int:
        """The code of a printed Status object, 200 for another object, else 0."""
        body = self.json()
        if not isinstance(body, dict) or "kind" not in body:
            return 0
        return int(body.get("code", 0)) if body["kind"] == "Status" else 200

    @property
    def command(self) -> str:
        """The command as one would type it."""
        if self.args[:2] in ([shell, "-c"] for shell in SHELLS) and len(self.args) == 3:
            return self.args[2]
        return shlex.join(self.args)

    def summary(self) -> dict[str, Any]:
        """The fields to record, without tokens."""
        body = self.json()
        message = body.get("message", "") if isinstance(body, dict) else ""
        return {
            "kind": "exec",
            "who": self.pod,
            "command": redact(self.command),
            "returncode": self.returncode,
            "stdout": redact(self.stdout[:2000]),
            "stderr": redact(self.stderr[:1000]),
            "status": self.status,
            "message": redact(str(message)[:500]),
            "allowed": self.status not in (401, 403),
        }

    def card(self) -> Card:
        """The command and its output."""
        where = self.pod + (f", container {self.container}" if self.container else "")
        rows = [
            Row("in", where),
            Row("ran", redact(self.command), code=True),
            Row("stderr", redact(self.stderr.rstrip("\n")), code=True),
        ]
        return Card(f"exit code {self.returncode}", "good" if self.ok else "bad", rows, redact(self.stdout))


class UnknownProtocol(ExecFailed):
    """The server speaks none of the offered protocols, as one before 1.30 does not speak ``v5``."""


def run(
    client: Client,
    pod: str,
    command: Sequence[str],
    *,
    container: str = "",
    stdin: str | bytes | None = None,
    timeout_seconds: float = 120.0,
) -> CompletedExec:
    """Run a command in a container and wait for its end.

    Args:
        client: The caller, who needs ``create`` on ``pods/exec``.
        pod: As ``namespace/name``.
        command: The command and its arguments.
        container: Empty for the pod's default container.
        stdin: The command's input; None for no standard input.
        timeout_seconds: After this the command is cut off, with exit code 124.

    Raises:
        ExecFailed: When it could not be started.
        Unreachable: When nothing answers.
    """
    container = container or default_container(client, pod)
    fed = stdin.encode() if isinstance(stdin, str) else stdin
    path, query, headers = _request(client, pod, command, container, stdin=fed is not None)
    done = client.transport.exec(path, query, headers, fed, timeout_seconds)
    if done is None:
        return _run(client, pod, command, container, fed, timeout_seconds)
    if done.code != SWITCHING_PROTOCOLS:
        raise _refusal(done.code, done.status, pod, ExecFailed)
    code = exit_code(done.status, pod) if done.status else TIMED_OUT
    out, err = (data.decode("utf-8", "replace") for data in (done.stdout, done.stderr))
    err += "" if done.status else _cut(timeout_seconds)
    return CompletedExec(list(command), code, out, err, pod, container)


def _run(
    client: Client, pod: str, command: Sequence[str], container: str, fed: bytes | None, timeout_seconds: float
) -> CompletedExec:
    """Run a command over a WebSocket; see ``run``."""
    import websocket

    output: dict[int, list[bytes]] = {STDOUT: [], STDERR: []}
    deadline = time.monotonic() + timeout_seconds
    with opened(client, pod, command, container, fed) as socket:
        outgoing = typed(fed, socket.getsubprotocol()) if fed is not None else ()
        try:
            for channel, data in frames(socket, outgoing, deadline=deadline):
                if channel == ERROR:
                    code = exit_code(data, pod)
                    break
                output.get(channel, []).append(data)
            else:
                raise cut_off(pod)
        except websocket.WebSocketTimeoutException:
            code = TIMED_OUT
            output[STDERR].append(_cut(timeout_seconds).encode())
    out, err = (b"".join(output[channel]).decode("utf-8", "replace") for channel in (STDOUT, STDERR))
    if fed is not None and err == f"exec: {command[0]}: not found\n":  # see COUNTED
        raise ExecFailed(500, "", f"The command could not be started in {pod}.", why=err.strip(), todo=IN_THE_IMAGE)
    return CompletedExec(list(command), code, out, err, pod, container)


def run_shell(client: Client, pod: str, line: str, *, shells: Sequence[str] = SHELLS, **rest: Any) -> CompletedExec:
    """Run a command line with the first of some shells that the container has.

    Args:
        client: The caller.
        pod: As ``namespace/name``.
        line: The command line.
        shells: The shells to try, in order.
        rest: As in ``run``.

    Raises:
        ExecFailed: When it could not be started.
    """
    for shell in shells[:-1]:
        try:
            return run(client, pod, [shell, "-c", line], **rest)
        except ExecFailed as error:
            if not lacks_program(error, shell):
                raise
    return run(client, pod, [shells[-1], "-c", line], **rest)


def default_container(client: Client, pod: str) -> str:
    """The container that kubectl chooses when none is named.

    Args:
        client: The caller.
        pod: As ``namespace/name``.

    Returns:
        The annotated or the first container's name; empty when the pod cannot be read.
    """
    namespace, _, name = pod.partition("/")
    answer = client.without_observers().get(f"/api/v1/namespaces/{quote(namespace)}/pods/{quote(name)}")
    if not answer.ok:
        return ""
    annotations = answer.body["metadata"].get("annotations") or {}
    first = answer.body["spec"]["containers"][0]["name"]
    return str(annotations.get("kubectl.kubernetes.io/default-container", first))


def lacks_program(error: ExecFailed, program: str) -> bool:
    """Whether a command could not be started because the container lacks the program."""
    text = error.why.lower()
    return program in text and ("not found" in text or "no such file" in text)


def open_exec(
    client: Client,
    pod: str,
    command: Sequence[str],
    *,
    container: str = "",
    stdin: bool = False,
    tty: bool = False,
    protocols: Sequence[str] = PROTOCOLS,
) -> contextlib.AbstractContextManager[websocket.WebSocket]:
    """Open the exec WebSocket; the end of the ``with`` block closes it.

    Args:
        client: The caller.
        pod: As ``namespace/name``.
        command: The command and its arguments.
        container: Empty for the pod's default container.
        stdin: Whether standard input will be sent.
        tty: Whether the command gets a terminal; then there is no standard error.
        protocols: The protocols to offer.

    Raises:
        UnknownProtocol: When the server accepts none of them; no command was started.
        ExecFailed: When the server refuses.
        Unreachable: When nothing answers.
    """
    if page.IN_PAGE:
        raise page.refusal("A terminal")
    import websocket

    path, query, headers = _request(client, pod, command, container, stdin=stdin, tty=tty)
    server = client.endpoint.server.rstrip("/")
    url = f"{server.replace('http', 'ws', 1)}{path}?{query}"
    options: dict[str, Any] = {"context": client.transport.context}
    if client.endpoint.server_name:
        options["server_hostname"] = client.endpoint.server_name
    try:
        socket = websocket.create_connection(
            url,
            timeout=CONNECT_SECONDS * 4,
            header=[f"{key}: {value}" for key, value in headers.items()],
            subprotocols=list(protocols),
            sslopt=options,
            suppress_origin=True,
            http_no_proxy=["*"],
        )
    except websocket.WebSocketBadStatusException as error:
        # A refusal of the API server's has a Status; that of a bare handshake has no body.
        refusal = ExecFailed if error.resp_body or PROTOCOLS[1] in protocols else UnknownProtocol
        raise _refusal(error.status_code, error.resp_body or b"", pod, refusal) from error
    except (OSError, websocket.WebSocketException) as error:
        raise connection_error(server, error) from error
    return _closing(socket)


def _request(
    client: Client, pod: str, command: Sequence[str], container: str, *, stdin: bool, tty: bool = False
) -> tuple[str, str, dict[str, str]]:
    """Path, query and headers of the request for a command."""
    namespace, _, name = pod.partition("/")
    query: list[tuple[str, str]] = [("command", word) for word in command]
    query += [("container", container)] if container else []
    query += [("stdout", "true"), ("tty", "true")] if tty else [("stdout", "true"), ("stderr", "true")]
    query += [("stdin", "true")] if stdin else []
    path = client.names.path(f"/api/v1/namespaces/{quote(namespace)}/pods/{quote(name)}/exec")
    return path, urlencode(query), {"User-Agent": client.agent, **client.credentials.headers()}


def _cut(seconds: float) -> str:
    return f"cut off after {seconds:g} s\n"


def cut_off(pod: str) -> ExecFailed:
    """The error for a connection that ended before its command did."""
    what = f"The connection to {pod} ended before the command did."
    return ExecFailed(0, "", what, todo="Try again: the pod or the server may have gone meanwhile (`labkit status`).")


def exit_code(status: bytes, pod: str) -> int:
    """The exit code in the Status that ends a command.

    Args:
        status: The error channel's JSON.
        pod: The pod, for the error.

    Returns:
        The command's exit code.

    Raises:
        ExecFailed: When the command was never started.
    """
    try:
        document = json.loads(status)
    except ValueError:
        document = {"status": "Failure", "message": status.decode("utf-8", "replace")}
    if document.get("status") == "Success":
        return 0
    for cause in (document.get("details") or {}).get("causes") or []:
        if cause.get("reason") == "ExitCode":
            return int(cause.get("message", 1))
    message = str(document.get("message", ""))
    raise ExecFailed(
        int(document.get("code", 500)),
        str(document.get("reason", "")),
        f"The command could not be started in {pod}.",
        why=message,
        todo=IN_THE_IMAGE,
    )


@contextlib.contextmanager
def _closing(socket: websocket.WebSocket) -> Iterator[websocket.WebSocket]:
    try:
        yield socket
    finally:
        socket.close(timeout=0.5)
        if socket.sock:  # close() leaves it open when the other side closed first
            socket.sock.close()


def opened(
    client: Client, pod: str, command: Sequence[str], container: str, fed: bytes | None
) -> contextlib.AbstractContextManager[websocket.WebSocket]:
    """Open the WebSocket for a command whose whole input, ``fed``, is known; None for no standard input.

    See ``COUNTED`` for ``v4``, and ``open_exec`` for the other arguments and the errors.
    """
    if fed is None:
        return open_exec(client, pod, command, container=container)
    try:
        return open_exec(client, pod, command, container=container, stdin=True, protocols=PROTOCOLS[:1])
    except UnknownProtocol:
        counted = ["sh", "-c", COUNTED, str(len(fed)), *command]
        return open_exec(client, pod, counted, container=container, stdin=True)


def _refusal(code: int, body: bytes, pod: str, refusal: type[ExecFailed]) -> ExecFailed:
    try:
        status = json.loads(body)
    except ValueError:
        status = {"message": body.decode("utf-8", "replace")}
    message = str(status.get("message", ""))
    if code == 404 and habit(pod):
        todo = habit(pod)
    elif code == 403:
        todo = "Grant create on pods/exec, or ask as somebody who may."
    elif "is not valid for pod" in message:
        todo = "Name a container that the pod has, or none for its first: the pod's spec.containers tells."
    else:
        todo = 'Is the pod there, and running? `kubectl get pods -A` tells, or lab.admin.get("/api/v1/pods").'
    return refusal(
        code,
        str(status.get("reason", "")),
        f"No command can be run in {pod}.",
        why=message or f"the server answered {code}",
        todo=todo,
    )
