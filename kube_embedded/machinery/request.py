"""The request and the response: the same over TLS, from a pod's shell, and from a test."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from kube_embedded.rbac.attributes import User

# The largest body of a write, as in k8s.io/apiserver. ``Request.body`` has at most one byte more.
MAX_BODY_BYTES = 3 * 1024 * 1024

Object = dict[str, Any]
"""A Kubernetes object as decoded JSON. Never mutated once it is stored."""


class Unstructured(dict[str, Any]):
    """A custom object in the version of its answer: its fields are written sorted by name."""


@dataclass(frozen=True, slots=True)
class PeerCertificate:
    """A client certificate, verified against the cluster's CA.

    Args:
        common_name: The subject's CN, which is the user name.
        organizations: The subject's O values, which are the groups.
        sha256: Fingerprint of the DER form, in hex.
        valid: Start and end of its validity, in seconds since the epoch.
    """

    common_name: str
    organizations: tuple[str, ...]
    sha256: str
    uid: str = ""
    valid: tuple[float, float] = (-math.inf, math.inf)


@dataclass(frozen=True, slots=True)
class ShownCertificate:
    """A client certificate that is not verified yet, and the others that the client sent, in DER.

    The client has its key.
    """

    chain: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class RequestInfo:
    """The verb and the resource of a request, parsed from its method and path.

    Source: k8s.io/apiserver, ``RequestInfoFactory``.
    """

    is_resource: bool
    path: str
    verb: str
    api_prefix: str = ""
    group: str = ""
    version: str = ""
    namespace: str = ""
    resource: str = ""
    subresource: str = ""
    name: str = ""
    parts: tuple[str, ...] = ()
    fields: tuple[tuple[str, str], ...] = ()
    """Fields for which a list's selector requires exactly one value."""


@dataclass(slots=True)
class AuditRecord:
    """Facts about a request that filters and handlers collect for its audit event.

    Args:
        user: The authenticated user; None before authentication.
        impersonated: The user that the request continues as, if it impersonates one.
        impersonation_constraint: The verb that allowed it; empty for unconstrained impersonation.
        object_metadata: The metadata of the object in the body, which completes the data from the path.
        refusal: The Status of the error that ended the request.
        refusal_hidden: The event does not show the error: the caller accepts no form of it.
    """

    id: str = ""
    user: User | None = None
    impersonated: User | None = None
    impersonation_constraint: str = ""
    annotations: dict[str, str] = field(default_factory=dict)
    object_metadata: Object | None = None
    refusal: Object | None = None
    refusal_hidden: bool = False


NOBODY = User("")
NOTHING_ASKED = RequestInfo(False, "/", "get")


def user_info(user: User) -> Object:
    """A user as audit events and reviews show it, without empty fields."""
    info: Object = {}
    if user.name:
        info["username"] = user.name
    if user.uid:
        info["uid"] = user.uid
    if user.groups:
        info["groups"] = list(user.groups)
    if user.extra:
        info["extra"] = {key: list(user.extra[key]) for key in sorted(user.extra)}
    return info


class BeginAgain(BaseException):
    """Raised when a request without changes so far takes long, or was overtaken: it begins again in a thread."""


@dataclass(slots=True)
class Request:
    """One HTTP request.

    Args:
        method: The HTTP method, upper case.
        path: The path, percent-decoded, without the query.
        query: Every query parameter with all its values.
        headers: Header names in lower case. Of a repeated header the first value counts,
            as in Go; all of them are in ``header_values``.
        body: The raw body.
        certificate: The client's certificate, if there is one.
        source_ip: The caller's address, for the audit event.
        raw_uri: Path and query as they were sent, for the audit event.
        in_parts: If true, a large response can be ``Response.parts``, and the request can ``BeginAgain``.
    """

    method: str
    path: str
    query: Mapping[str, Sequence[str]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    certificate: PeerCertificate | ShownCertificate | None = None
    source_ip: str = "127.0.0.1"
    raw_uri: str = ""
    header_values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Headers that can repeat (``impersonate-group``, ``impersonate-extra-*``), each value apart."""
    in_parts: bool = False

    # Set by the filters.
    info: RequestInfo = NOTHING_ASKED
    user: User = NOBODY
    # Handlers complete the record while they work; the audit filter writes it at the end.
    audit: AuditRecord = field(default_factory=AuditRecord)
    flow_headers: Mapping[str, str] = field(default_factory=dict)
    """The headers that name the caller's priority level."""
    warnings: list[str] = field(default_factory=list)
    """Texts of ``Warning: 299 - "…"`` headers that handlers add."""

    def param(self, name: str, default: str = "") -> str:
        """The first value of a query parameter, or ``default``."""
        values = self.query.get(name)
        return values[0] if values else default

    def annotate(self, key: str, value: str) -> None:
        """Add an annotation to the request's audit event."""
        self.audit.annotations[key] = value

    def note_object(self, obj: Object) -> None:
        """Complete the audit event with the name of the object that was sent."""
        self.audit.object_metadata = dict(obj.get("metadata") or {})


class EventStream(Protocol):
    """A body that arrives over time, such as a watch. It is polled and never blocks."""

    def read(self) -> list[bytes]:
        """The next events, one a piece, with its newline: some of those that are ready; none if none is."""

    @property
    def closed(self) -> bool:
        """Return whether the stream has ended."""

    def on_ready(self, wake: Callable[[], None]) -> None:
        """Call ``wake`` whenever ``read`` can have new events."""

    def close(self) -> None:
        """End the stream: the client has disconnected."""

    @property
    def timeout_seconds(self) -> float:
        """After how long the server ends the stream."""


WINDOW = (24, 80)
"""The rows and columns of a terminal whose client sent no size."""


class ExecIO(Protocol):
    """The client's end of an exec session; ``window`` has the terminal's rows and columns."""

    window: tuple[int, int]

    async def read_stdin(self) -> bytes:
        """The next bytes of input, or ``b""`` at its end."""

    def stdin_ready(self) -> bool:
        """Return whether ``read_stdin`` would return at once."""

    async def write(self, channel: int, data: bytes) -> None:
        """Send to channel 1 (stdout) or 2 (stderr)."""

    async def sleep(self, seconds: float) -> None:
        """Wait; ``0`` only yields to other tasks."""


class ExecSession(Protocol):
    """A command to run in a container."""

    stdin: bool
    stdout: bool
    stderr: bool
    tty: bool

    def run(self, io: ExecIO) -> Awaitable[Object]:
        """Run the command to its end.

        Returns:
            The Status for channel 3: a Success, or a Failure with reason ``NonZeroExitCode``.
        """


@dataclass(slots=True)
class PortForward:
    """Connections to ports of a pod.

    Args:
        ports: Those that the query names.
        reach: From a port to the handler that listens there, or to why there is none.
        ended: Called once they have ended.
    """

    ports: Sequence[int]
    reach: Callable[[int], Handler | str]
    ended: Callable[[], None] = lambda: None


@dataclass(slots=True)
class Response:
    """The response to one request.

    Args:
        status: The HTTP status code.
        headers: Header name to value, in the order they are sent.
        body: The body, unless one of the next is set.
        parts: The parts of a large body, each made when it is asked for; an empty one only lets others go on.
        stream: A watch or a followed log, sent as it arrives.
        upgrade: An exec session; the server switches to WebSocket and runs it.
        forward: Ports to forward; the server switches to WebSocket.
        warnings: Texts for ``Warning`` headers (299), one header each.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    parts: Iterator[bytes] | None = None
    stream: EventStream | None = None
    upgrade: ExecSession | None = None
    forward: PortForward | None = None
    warnings: Sequence[str] = ()

    @property
    def goes_on(self) -> bool:
        """Return whether there is more than the body."""
        return self.stream is not None or self.upgrade is not None or self.forward is not None


Handler = Callable[[Request], Response]
"""Answers a request. A filter is ``with_x(handler, …) -> Handler``."""
