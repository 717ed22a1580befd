"""Asking a cluster in the same process, without a socket: for graders, tests and tools.

What TLS and HTTP would do to a request is done to it here too, so that it means the same.
No server library is loaded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from labkit.apiserver.request import (
    MAX_BODY_BYTES,
    WINDOW,
    ExecSession,
    Handler,
    Object,
    PeerCertificate,
    Request,
    Response,
)
from labkit.apiserver.serving.target import BadTarget, collect_headers, parse_query, split_target


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer.

    Args:
        status: The status code.
        headers: Names and values.
        body: The body; of a stream, what was there at once.
        warnings: Texts of ``Warning`` headers.
        session: A command that waits to be run; see ``run``.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    warnings: Sequence[str] = ()
    session: ExecSession | None = None


def ask(
    handle: Handler,
    method: str,
    target: str,
    *,
    headers: Iterable[tuple[str, str]] = (),
    body: bytes = b"",
    certificate: PeerCertificate | None = None,
) -> Answer:
    """Make one request.

    Args:
        handle: ``Cluster.handle``.
        method: Such as ``GET``.
        target: Path and query, escaped as in a URL.
        headers: Names and values; a name may repeat.
        body: The raw body.
        certificate: The client certificate it comes with.
    """
    try:
        path, query = split_target(target)
    except BadTarget:
        return Answer(400, {"Content-Type": "text/plain; charset=utf-8"}, b"400 Bad Request")
    first, values = collect_headers(headers)
    request = Request(
        method,
        path,
        parse_query(query),
        first,
        body[: MAX_BODY_BYTES + 1],
        certificate,
        raw_uri=target,
        header_values=values,
    )
    response: Response = handle(request)
    body = response.body
    if response.stream is not None:
        try:
            body = b"".join(response.stream.read())
        finally:
            response.stream.close()
    if method == "HEAD":
        body = b""
    return Answer(response.status, response.headers, body, response.warnings, response.upgrade)


@dataclass
class Completed:
    """What a command left behind.

    Args:
        stdout: Its output.
        stderr: Its errors.
        status: The Status it ended with.
    """

    stdout: bytes = b""
    stderr: bytes = b""
    status: Object = field(default_factory=dict)


class _Pipes:
    """An ``ExecIO`` whose input is known beforehand and whose clock does not wait."""

    window = WINDOW

    def __init__(self, stdin: bytes) -> None:
        self.stdin = stdin
        self.completed = Completed()

    async def read_stdin(self) -> bytes:
        data, self.stdin = self.stdin, b""
        return data

    def stdin_ready(self) -> bool:
        return True

    async def write(self, channel: int, data: bytes) -> None:
        if channel == 1:
            self.completed.stdout += data
        else:
            self.completed.stderr += data

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


def run(session: ExecSession, stdin: bytes = b"") -> Completed:
    """Run a command to its end. Its pauses take no time.

    Args:
        session: From an ``Answer``.
        stdin: All its input.
    """
    pipes = _Pipes(stdin)

    async def to_the_end() -> Object:
        return await session.run(pipes)

    pipes.completed.status = asyncio.run(to_the_end())
    return pipes.completed
