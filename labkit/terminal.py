"""A pod's shell on the learner's own terminal: raw keys, colours, window size.

Where standard input or output is no terminal, the command runs without one, and
what is piped in is fed to it.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from labkit import podexec
from labkit.client import Client
from labkit.errors import ExecFailed

if TYPE_CHECKING:
    import websocket

NOTHING_SECONDS = 1.0
"""When a pipe from which nothing came is taken for no input at all."""


def run(client: Client, pod: str, command: Sequence[str], *, container: str = "") -> int:
    """Run a command in a pod with the process's own input and output.

    Args:
        client: Who asks.
        pod: As ``namespace/name``.
        command: The command; empty opens a shell.
        container: Empty for the pod's default container.

    Returns:
        The command's exit code.

    Raises:
        ExecFailed: When it could not be started.
    """
    container = container or podexec.default_container(client, pod)
    tty = sys.stdin.isatty() and sys.stdout.isatty()
    for words in [list(command)] if command else [[shell] for shell in podexec.SHELLS]:
        try:
            return _attached(client, pod, words, container, tty)
        except ExecFailed as error:
            last = words[0] == podexec.SHELLS[-1]
            if command or last or not podexec.lacks_program(error, words[0]):
                raise
    return 0


def _attached(client: Client, pod: str, words: list[str], container: str, tty: bool) -> int:
    if tty:
        opening = podexec.open_exec(client, pod, words, container=container, stdin=True, tty=True)
        with opening as socket, _raw_terminal(socket):
            return _until_end(socket, pod, pump=True)
    if sys.stdin.isatty():
        with podexec.opened(client, pod, words, container, None) as socket:
            return _until_end(socket, pod)
    try:
        speaks = podexec.PROTOCOLS[:1]
        with podexec.open_exec(client, pod, words, container=container, stdin=True, protocols=speaks) as socket:
            return _until_end(socket, pod, pump=True)
    except podexec.UnknownProtocol:
        fed = _piped()
        with podexec.opened(client, pod, words, container, fed) as socket:
            if fed is not None:
                podexec.feed(socket, fed)
            return _until_end(socket, pod)


def _until_end(socket: websocket.WebSocket, pod: str, *, pump: bool = False) -> int:
    """Pass on what the command prints, and with ``pump`` what is typed. Returns its exit code."""
    socket.settimeout(None)
    if pump:
        threading.Thread(target=_pump_input, args=(socket,), daemon=True).start()
    for channel, data in podexec.frames(socket):
        if channel == podexec.ERROR:
            return podexec.exit_code(data, pod)
        _write(2 if channel == podexec.STDERR else 1, data)
    raise ExecFailed(0, "", f"The connection to {pod} ended before the command did.")


def _piped() -> bytes | None:
    """All that is piped in, for a server that cannot be told its end; None when nothing comes."""
    if not select.select([sys.stdin], [], [], NOTHING_SECONDS)[0]:
        return None
    return sys.stdin.buffer.read()


def _pump_input(socket: websocket.WebSocket) -> None:
    """Send what is typed or piped in, until its end."""
    with suppress(Exception):
        while data := os.read(sys.stdin.fileno(), 4096):
            socket.send_binary(bytes([podexec.STDIN]) + data)
        if socket.getsubprotocol() == podexec.PROTOCOLS[0]:
            socket.send_binary(bytes([podexec.CLOSE, podexec.STDIN]))


@contextmanager
def _raw_terminal(socket: websocket.WebSocket) -> Iterator[None]:
    """Hand every key to the pod, and tell it the window's size; restore all of it afterwards."""
    import termios
    import tty

    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)

    def resize(*_: Any) -> None:
        size = shutil.get_terminal_size()
        text = json.dumps({"Width": size.columns, "Height": size.lines}).encode()
        with suppress(Exception):
            socket.send_binary(bytes([podexec.RESIZE]) + text)

    old = signal.signal(signal.SIGWINCH, resize)
    try:
        tty.setraw(descriptor, termios.TCSADRAIN)  # what is typed already is not thrown away
        resize()
        yield
    finally:
        signal.signal(signal.SIGWINCH, old)
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
