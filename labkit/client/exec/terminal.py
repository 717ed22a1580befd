"""Attach a pod's command to the process's own terminal: raw keys, window size.

If standard input or output is not a terminal, the command gets no terminal, and piped input
is passed on.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from ..client import Client
from . import channels
from .command import default_container, with_shell
from .connection import open_exec, open_with_input
from .failures import UnknownProtocol, connection_lost, exit_code

if TYPE_CHECKING:
    import websocket

NOTHING_SECONDS = 1.0
"""The time after which a pipe without data counts as no input."""


def run(client: Client, pod: str, command: Sequence[str], *, container: str = "") -> int:
    """Run a command, or without one a shell, with the process's own input and output.

    Returns:
        The command's exit code.

    Raises:
        ExecFailed: When it could not be started.
    """
    container = container or default_container(client, pod)
    tty = sys.stdin.isatty() and sys.stdout.isatty()
    if command:
        return _attached(client, pod, command, container, tty)
    return with_shell(lambda shell: _attached(client, pod, [shell], container, tty))


def _attached(client: Client, pod: str, words: Sequence[str], container: str, tty: bool) -> int:
    if tty:
        connection = open_exec(client, pod, words, container=container, stdin=True, tty=True)
        with connection as socket, _raw_terminal() as resized:
            return _until_end(
                channels.frames(socket, [_size()], {resized: _sizes(resized), **_input(socket)}),
                pod,
            )
    if sys.stdin.isatty():
        with open_with_input(client, pod, words, container, None) as socket:
            return _until_end(channels.frames(socket), pod)
    try:
        protocols = channels.PROTOCOLS[:1]
        with open_exec(
            client, pod, words, container=container, stdin=True, protocols=protocols
        ) as socket:
            return _until_end(channels.frames(socket, (), _input(socket)), pod)
    except UnknownProtocol:
        stdin = _piped()
        with open_with_input(client, pod, words, container, stdin) as socket:
            outgoing = (
                channels.input_frames(stdin, socket.getsubprotocol()) if stdin is not None else ()
            )
            return _until_end(channels.frames(socket, outgoing), pod)


def _until_end(received: Iterator[tuple[int, bytes]], pod: str) -> int:
    """Print the command's output, and return its exit code."""
    for channel, data in received:
        if channel == channels.ERROR:
            return exit_code(data, pod)
        _write(2 if channel == channels.STDERR else 1, data)
    raise connection_lost(pod)


def _piped() -> bytes | None:
    """Return the whole piped input, for ``v4``, which cannot close standard input; None if no input comes."""
    if not select.select([sys.stdin], [], [], NOTHING_SECONDS)[0]:
        return None
    return sys.stdin.buffer.read()


def _input(socket: websocket.WebSocket) -> dict[int, Iterator[bytes]]:
    """Return the frames of standard input, until its end, by its descriptor."""
    descriptor = sys.stdin.fileno()

    def read() -> Iterator[bytes]:
        with suppress(OSError):  # a terminal that was closed
            while data := os.read(descriptor, channels.PIECE_BYTES):
                yield bytes((channels.STDIN,)) + data
        yield from channels.end_of_input(socket.getsubprotocol())

    return {descriptor: read()}


@contextmanager
def _raw_terminal() -> Iterator[int]:
    """Make the terminal raw until the block ends; yield a descriptor that is readable after a resize."""
    import termios
    import tty

    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    # select does not return for a signal whose handler is in Python (PEP 475), but does for a pipe.
    resized, resizing = os.pipe()
    # A signal handler must not block when the pipe is full.
    os.set_blocking(resizing, False)

    def note(*_: Any) -> None:
        with suppress(BlockingIOError):
            os.write(resizing, b"!")

    old = signal.signal(signal.SIGWINCH, note)
    try:
        # Not TCSAFLUSH, the default, which discards keys that were typed already.
        tty.setraw(descriptor, termios.TCSADRAIN)
        yield resized
    finally:
        signal.signal(signal.SIGWINCH, old)
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
        os.close(resized)
        os.close(resizing)


def _sizes(resized: int) -> Iterator[bytes]:
    while True:
        os.read(resized, 4096)
        yield _size()


def _size() -> bytes:
    """Return the frame with the window's size."""
    size = os.get_terminal_size(sys.stdout.fileno())
    return (
        bytes((channels.RESIZE,))
        # The fields of TerminalSize in k8s.io/client-go/tools/remotecommand.
        + json.dumps({"Width": size.columns, "Height": size.lines}).encode()
    )


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
