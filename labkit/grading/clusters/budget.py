"""A quota for a learner's requests, since their cluster lives in the grader's process.

A notebook that solves everything uses a hundredth of it. Beyond it every request gets 429 at
once, so that one learner's requests fill no memory and delay no other submission.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from kube_embedded import (
    ApiError,
    Cluster,
    EventStream,
    Keys,
    Request,
    Response,
    WorkBudget,
    limited,
    uncharged,
)
from labkit.core.language import text

from .loop_watch import Share
from .request_policy import READ_METHODS

CUT = 2
"""A submission that used up so many times its seconds gets no refusals any more: its connections are cut."""

RBAC_PREFIX = "/apis/rbac.authorization.k8s.io/"


@dataclass(frozen=True, slots=True)
class Quota:
    """The bounds of one submission's use of its cluster.

    Args:
        seconds: The server's processor time, from handshakes on.
        sent_bytes: The heads of all requests, which the audit log holds, and the bodies of all writes.
        answered_bytes: The bodies of all answers, and the events of watches: until the client
            reads them, they are in the grader's memory.
        rbac_bytes: The bodies of all writes of roles and bindings: the server's work grows
            with their product.
        connections: The number of connections at once: each is an open file of the grader's.
        body_bytes: The body of one write, except for config maps and Secrets, which are text.
        request_work: The cost of one request, in the units of ``WorkBudget``: about a quarter of a second.
        head_bytes: The request line, and all headers: a character costs up to three microseconds.
    """

    seconds: float = 6.0
    sent_bytes: int = 32 << 20
    answered_bytes: int = 128 << 20
    rbac_bytes: int = 256 << 10
    connections: int = 128
    body_bytes: int = 128 << 10
    request_work: float = 250_000
    head_bytes: int = 64 << 10


class Budget:
    """A cluster that serves requests within a quota; see ``Served`` of the API server.

    While it is attached, requests of the cluster's own pods count as well.
    """

    def __init__(self, cluster: Cluster, quota: Quota, share: Share | None = None) -> None:
        self._cluster = cluster
        self._handle = cluster.handle
        self._quota = quota
        self._share = share or Share()
        self._seconds = 0.0
        self._timing = False
        self._sent_bytes = 0
        self._rbac_bytes = 0
        self._answered_bytes = 0
        self.exceeded = ""
        """How the quota was exceeded, in words; empty while it is not."""

    @property
    def keys(self) -> Keys:
        """The cluster's keys, for TLS."""
        return self._cluster.keys

    def attach(self) -> None:
        """Count the cluster's requests from now on."""
        # Replaced on the cluster, since pods that the submission creates call it as well.
        self._cluster.handle = self.handle

    def detach(self) -> None:
        """Stop counting: the grader's own requests are free."""
        self._cluster.handle = self._handle

    def advance(self) -> None:
        """Advance the controllers, unless the quota is exceeded."""
        if not self.check():
            with self._timed(), limited(WorkBudget(self._quota.request_work)), uncharged():
                self._cluster.advance()

    def handle(self, request: Request) -> Response:
        """Answer a request, or refuse it: with 429, or with 413 or 431 if it alone is too large."""
        # Counted before the check, so that refused requests use up the quota, too.
        head_bytes = sum(map(len, request.headers.values()))
        self._sent_bytes += head_bytes + len(request.raw_uri)
        if request.method not in READ_METHODS:
            self._sent_bytes += len(request.body)
            self._rbac_bytes += len(request.body) if request.path.startswith(RBAC_PREFIX) else 0
        if self.check():
            # 429 without Retry-After, which clients would wait for.
            return _refused(
                f"This submission has used up what it may ask of its cluster: {self.exceeded}."
            )
        if len(request.body) > self._quota.body_bytes and not _is_text(request.path):
            most = f"{self._quota.body_bytes >> 10} KiB"
            return _refused(
                f"While it is graded, a cluster takes no more than {most} at once.", 413
            )
        if head_bytes > self._quota.head_bytes:
            return _refused(
                "Request Header Fields Too Large: a cluster that is graded reads less at once.", 431
            )
        with (
            self._timed(),
            limited(WorkBudget(self._quota.request_work, 413 if request.body else 429)),
        ):
            response = self._handle(request)
        self._answered_bytes += len(response.body)
        if response.parts is not None:
            response.parts = self._counted(response.parts)
        if response.stream is not None:
            response.stream = _BudgetedStream(response.stream, self)
        return response

    def _counted(self, parts: Iterator[bytes]) -> Iterator[bytes]:
        """Yield and count the parts of a large answer, each of which is made when it is needed."""
        while True:
            with self._timed(), limited(WorkBudget(self._quota.request_work)):
                part = next(parts, None)
            if part is None:
                return
            self._answered_bytes += len(part)
            yield part

    def check(self) -> bool:
        """Return whether the quota is exceeded."""
        self.exceeded = self._excess() or self.exceeded
        return bool(self.exceeded)

    def reading(self) -> AbstractContextManager[None]:
        """Count the time of reading from the client.

        Raises:
            ConnectionAbortedError: The submission goes on although its quota is exceeded by far.
        """
        if self.check() and self._seconds > CUT * self._quota.seconds:
            raise ConnectionAbortedError(self.exceeded)
        return self._timed()

    def read(self, stream: EventStream) -> list[bytes]:
        """Read and count a stream's events."""
        try:
            with self._timed(), limited(WorkBudget(self._quota.request_work)):
                pieces = stream.read()
        except ApiError:
            stream.close()
            return []
        self._answered_bytes += sum(map(len, pieces))
        return pieces

    @contextmanager
    def _timed(self) -> Iterator[None]:
        # A pod's program can send a request during the request that starts it: that time is counted already.
        if self._timing:
            yield
            return
        self._timing = True
        processor = time.thread_time()
        clock = time.monotonic()
        try:
            yield
        finally:
            self._timing = False
            self._seconds += time.thread_time() - processor
            self._share.used_seconds += time.monotonic() - clock

    def _excess(self) -> str:
        quota = self._quota
        if self._seconds > quota.seconds:
            return text("it took the server more than {seconds} s", f"{quota.seconds:g}")
        if self._sent_bytes > quota.sent_bytes:
            return text("it sent more than {size} MiB", quota.sent_bytes >> 20)
        if self._answered_bytes > quota.answered_bytes:
            return text("it was answered more than {size} MiB", quota.answered_bytes >> 20)
        if self._rbac_bytes > quota.rbac_bytes:
            return text(
                "it sent more than {size} KiB of roles and bindings", quota.rbac_bytes >> 10
            )
        return ""


class _BudgetedStream:
    """A stream that ends when the quota is exceeded; see ``EventStream``."""

    def __init__(self, stream: EventStream, budget: Budget) -> None:
        self._stream = stream
        self._budget = budget
        self.timeout_seconds = stream.timeout_seconds
        self.on_ready: Callable[[Callable[[], None]], None] = stream.on_ready
        self.close: Callable[[], None] = stream.close

    @property
    def closed(self) -> bool:
        return self._stream.closed

    def read(self) -> list[bytes]:
        if self._budget.check():
            self._stream.close()
            return []
        return self._budget.read(self._stream)


def _is_text(path: str) -> bool:
    """Return whether a path names the config maps or Secrets of a namespace, or one of them."""
    parts = path.split("/")
    return (
        path.startswith("/api/v1/namespaces/")
        and len(parts) > 5
        and parts[5] in ("configmaps", "secrets")
    )


def _refused(message: str, code: int = 429) -> Response:
    reason = {413: "RequestEntityTooLarge", 429: "TooManyRequests"}.get(code, "")
    body = json.dumps(ApiError(code, reason, message).to_status()).encode()
    return Response(code, {"Content-Type": "application/json"}, body)
