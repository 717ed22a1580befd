"""Requests to a cluster in the same process, without a socket: for graders, tests and tools.

A request is normalized as TLS and HTTP would normalize it. No server library is loaded.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ...machinery.request import MAX_BODY_BYTES, Handler, PeerCertificate, Request, ShownCertificate
from .head import warning_values
from .target import BadTarget, collect_headers, parse_query, split_target


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete response; the body of a stream contains the events that were ready at once."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    warnings: Sequence[str] = ()

    @property
    def sent_headers(self) -> Mapping[str, str]:
        """The headers as a client gets them: with one for the warnings."""
        return (
            {**self.headers, "Warning": ", ".join(warning_values(self.warnings))}
            if self.warnings
            else self.headers
        )


def read_request(
    method: str,
    target: str,
    headers: Iterable[tuple[str, str]],
    body: bytes,
    certificate: PeerCertificate | ShownCertificate | None,
) -> Request:
    """Make a request from the parts of one that comes over a connection.

    The target is path and query, escaped as in a URL; header names can repeat.

    Raises:
        BadTarget: The target is not a URI.
    """
    path, query = split_target(target)
    first, values = collect_headers(headers)
    request = Request(
        method, path, parse_query(query), first, body[: MAX_BODY_BYTES + 1], certificate
    )
    request.raw_uri = target
    request.header_values = values
    return request


def ask(
    handle: Handler,
    method: str,
    target: str,
    *,
    headers: Iterable[tuple[str, str]] = (),
    body: bytes = b"",
    certificate: PeerCertificate | ShownCertificate | None = None,
) -> Answer:
    """Make one request to ``Cluster.handle``, with the arguments of ``read_request``."""
    try:
        request = read_request(method, target, headers, body, certificate)
    except BadTarget:
        return Answer(400, {"Content-Type": "text/plain; charset=utf-8"}, b"400 Bad Request")
    response = handle(request)
    body = response.body
    # A caller in the same process cannot wait for events, so it gets those that are ready.
    if response.stream is not None:
        try:
            body = b"".join(b"".join(pieces) for pieces in iter(response.stream.read, []))
        finally:
            response.stream.close()
    if method == "HEAD":
        body = b""
    return Answer(response.status, response.headers, body, response.warnings)
