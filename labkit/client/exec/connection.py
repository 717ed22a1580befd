"""Open the WebSocket of a command, with ``v5.channel.k8s.io`` or, for servers before 1.30, with ``v4``.

Source: KEP-4006.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from labkit.core import page
from labkit.core.errors import ExecFailed
from labkit.core.language import text

from ..client import Client
from ..object_names import pod_path
from ..transport import CONNECT_SECONDS, connection_error
from .channels import PROTOCOLS
from .failures import UnknownProtocol, refused

if TYPE_CHECKING:
    import websocket

COUNTED = 'command -v "$1" >/dev/null || { echo "exec: $1: not found" >&2; exit 127; }; head -c "$0" | "$@"'
"""A shell line that passes the first N bytes of input to a command: ``v4`` cannot close standard input."""


def exec_request(
    client: Client,
    pod: str,
    command: Sequence[str],
    container: str,
    *,
    stdin: bool,
    tty: bool = False,
) -> tuple[str, str, dict[str, str]]:
    """Return path, query and headers of the request for a command; see ``open_exec`` for the arguments."""
    query: list[tuple[str, str]] = [("command", word) for word in command]
    query += [("container", container)] if container else []
    query += [("stdout", "true"), ("tty" if tty else "stderr", "true")]
    query += [("stdin", "true")] if stdin else []
    path = client.names.path(f"{pod_path(pod)}/exec")
    return path, urlencode(query), {"User-Agent": client.agent, **client.credentials.headers()}


def open_with_input(
    client: Client, pod: str, command: Sequence[str], container: str, stdin: bytes | None
) -> AbstractContextManager[websocket.WebSocket]:
    """Open the WebSocket for a command whose whole standard input is known; None for no input.

    See ``open_exec`` for the other arguments and the errors.
    """
    if stdin is None:
        return open_exec(client, pod, command, container=container)
    # v5 is offered alone first: it can end the input. A server without v5 refuses before it starts the command.
    try:
        return open_exec(
            client, pod, command, container=container, stdin=True, protocols=PROTOCOLS[:1]
        )
    except UnknownProtocol:
        counted = ["sh", "-c", COUNTED, str(len(stdin)), *command]
        return open_exec(client, pod, counted, container=container, stdin=True)


def open_exec(
    client: Client,
    pod: str,
    command: Sequence[str],
    *,
    container: str = "",
    stdin: bool = False,
    tty: bool = False,
    protocols: Sequence[str] = PROTOCOLS,
) -> AbstractContextManager[websocket.WebSocket]:
    """Open the exec WebSocket; the end of the ``with`` block closes it.

    Args:
        client: The caller.
        pod: As ``namespace/name``.
        command: The command and its arguments.
        container: Empty for the pod's default container.
        stdin: Whether standard input will be sent.
        tty: Whether the command gets a terminal, which has no standard error of its own.
        protocols: The protocols to offer.

    Raises:
        UnknownProtocol: When the server accepts none of them; no command was started.
        ExecFailed: When the server refuses.
        Unreachable: When the server does not answer.
    """
    if page.IN_PAGE:
        raise page.refusal(text("A terminal"))
    import websocket

    path, query, headers = exec_request(client, pod, command, container, stdin=stdin, tty=tty)
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
            # Beside the name of a proxy alone, http_no_proxy is heeded; otherwise the environment's proxy is used.
            http_proxy_host="unused",
            http_no_proxy=["*"],
        )
    except websocket.WebSocketBadStatusException as error:
        # An API server that refuses the request sends a Status. One that supports no offered protocol fails the
        # bare handshake: 403 without a body (seen in 1.20), which must not look like a lack of rights.
        error_class = (
            ExecFailed if error.resp_body or PROTOCOLS[1] in protocols else UnknownProtocol
        )
        raise refused(error.status_code, error.resp_body or b"", pod, error_class) from error
    except (OSError, websocket.WebSocketException) as error:
        raise connection_error(server, error) from error
    return _closing(socket)


@contextmanager
def _closing(socket: websocket.WebSocket) -> Iterator[websocket.WebSocket]:
    try:
        yield socket
    finally:
        socket.close(timeout=0.5)
        if socket.sock:  # close() leaves it open when the other side closed first
            socket.sock.close()
