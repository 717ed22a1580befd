"""What a learner's requests may cost the grader, whose process their cluster lives in.

A notebook that solves everything uses a hundredth of it. Beyond it every request gets
429 at once, so that nobody fills the grader's memory, and nobody keeps it from serving
the others.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

from labkit.embedded.cluster import Cluster
from labkit.embedded.machinery.pki.keys import Keys
from labkit.embedded.machinery.request import EventStream, Request, Response

READING = ("GET", "HEAD", "OPTIONS")
RBAC = "/apis/rbac.authorization.k8s.io/"


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one submission may use of its cluster.

    Args:
        seconds: The server's processor time.
        sent_bytes: Bodies of changes together.
        answered_bytes: Bodies of answers together, and what watches tell: what nobody reads
            waits in the grader's memory.
        rbac_bytes: Bodies of changes to roles and bindings together: what the server
            evaluates grows with roles times bindings.
        connections: How many at once: each is a file of the grader's.
        body_bytes: One change's body, but for config maps and Secrets, which are text: a single
            request cannot be interrupted, and completing and judging an object takes a second
            for each 100 KiB.
    """

    seconds: float = 6.0
    sent_bytes: int = 32 << 20
    answered_bytes: int = 128 << 20
    rbac_bytes: int = 256 << 10
    connections: int = 128
    body_bytes: int = 128 << 10


class Meter:
    """A cluster as a learner has it: it keeps to an allowance.

    Args:
        cluster: Who answers; what its own pods ask is counted as well.
        allowance: How much it may be asked.
    """

    def __init__(self, cluster: Cluster, allowance: Allowance) -> None:
        self._cluster = cluster
        self._handle = cluster.handle
        self._allowance = allowance
        self._seconds = 0.0
        self._counting = False
        self._sent = 0
        self._rbac = 0
        self._answered = 0
        self.used_up = ""

    @property
    def keys(self) -> Keys:
        """The cluster's, for TLS."""
        return self._cluster.keys

    def __enter__(self) -> Self:
        self._cluster.handle = self.handle
        return self

    def __exit__(self, *_: object) -> None:
        self._cluster.handle = self._handle

    def advance(self) -> None:
        """Do what has become due by the clock, as long as anything may be done."""
        if not self.ended():
            with self._timed():
                self._cluster.advance()

    def handle(self, request: Request) -> Response:
        """Answer, or refuse."""
        if request.method not in READING:
            self._sent += len(request.body)
            self._rbac += len(request.body) if request.path.startswith(RBAC) else 0
        if self.ended():
            return _refused(f"This submission has used up what it may ask of its cluster: {self.used_up}.")
        if len(request.body) > self._allowance.body_bytes and not _of_text(request.path):
            most = f"{self._allowance.body_bytes >> 10} KiB"
            return _refused(f"While it is graded, a cluster takes no more than {most} at once.", 413)
        with self._timed():
            response = self._handle(request)
        self._answered += len(response.body)
        if response.stream is not None:
            response.stream = _Metered(response.stream, self)
        return response

    def ended(self) -> bool:
        """Whether the allowance is used up."""
        self.used_up = self._why() or self.used_up
        return bool(self.used_up)

    def told(self, stream: EventStream) -> list[bytes]:
        """What a stream has to tell."""
        with self._timed():
            pieces = stream.read()
        self._answered += sum(map(len, pieces))
        return pieces

    @contextmanager
    def _timed(self) -> Iterator[None]:
        if self._counting:  # a pod asks, amid what is counted already
            yield
            return
        self._counting, begun = True, time.thread_time()
        try:
            yield
        finally:
            self._counting = False
            self._seconds += time.thread_time() - begun

    def _why(self) -> str:
        most = self._allowance
        if self._seconds > most.seconds:
            return f"it took the server more than {most.seconds:g} s"
        if self._sent > most.sent_bytes:
            return f"it sent more than {most.sent_bytes >> 20} MiB"
        if self._answered > most.answered_bytes:
            return f"it was answered more than {most.answered_bytes >> 20} MiB"
        if self._rbac > most.rbac_bytes:
            return f"it sent more than {most.rbac_bytes >> 10} KiB of roles and bindings"
        return ""


class _Metered:
    """A stream that ends when the allowance is used up; see ``EventStream``."""

    def __init__(self, stream: EventStream, meter: Meter) -> None:
        self._stream = stream
        self._meter = meter
        self.timeout_seconds = stream.timeout_seconds
        self.on_ready: Callable[[Callable[[], None]], None] = stream.on_ready
        self.close: Callable[[], None] = stream.close

    @property
    def closed(self) -> bool:
        return self._stream.closed

    def read(self) -> list[bytes]:
        if self._meter.ended():
            self._stream.close()
            return []
        return self._meter.told(self._stream)


def _of_text(path: str) -> bool:
    """Whether it is a config map or a Secret, or all of a namespace's."""
    parts = path.split("/")
    return path.startswith("/api/v1/namespaces/") and len(parts) > 5 and parts[5] in ("configmaps", "secrets")


def _refused(message: str, code: int = 429) -> Response:
    status = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": {413: "RequestEntityTooLarge", 429: "TooManyRequests"}[code],
        "code": code,
    }
    return Response(code, {"Content-Type": "application/json"}, json.dumps(status).encode())
