"""What a learner's requests may cost the grader, whose process their cluster lives in.

A notebook that solves everything uses a hundredth of it. Beyond it every request gets
429 at once, so that nobody fills the grader's memory, and nobody keeps it from serving
the others.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

from labkit.apiserver.request import Handler, Request, Response

READING = ("GET", "HEAD", "OPTIONS")
RBAC = "/apis/rbac.authorization.k8s.io/"


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one submission may use of its cluster.

    Args:
        seconds: The server's processor time.
        sent_bytes: Bodies of changes together.
        answered_bytes: Bodies of answers together: those that nobody reads wait in the
            grader's memory.
        rbac_bytes: Bodies of changes to roles and bindings together: what the server
            evaluates grows with roles times bindings.
        connections: How many at once: each is a file of the grader's.
    """

    seconds: float = 6.0
    sent_bytes: int = 32 << 20
    answered_bytes: int = 128 << 20
    rbac_bytes: int = 256 << 10
    connections: int = 128


class Meter:
    """A handler that keeps to an allowance.

    Args:
        handle: Who answers.
        allowance: How much they may be asked.
    """

    def __init__(self, handle: Handler, allowance: Allowance) -> None:
        self._handle = handle
        self._allowance = allowance
        self._seconds = 0.0
        self._sent = 0
        self._rbac = 0
        self._answered = 0
        self.used_up = ""

    def __call__(self, request: Request) -> Response:
        """Answer, or refuse."""
        if request.method not in READING:
            self._sent += len(request.body)
            self._rbac += len(request.body) if request.path.startswith(RBAC) else 0
        used_up = self._used_up()
        if used_up:
            self.used_up = used_up
            return _refused(used_up)
        begun = time.thread_time()
        try:
            response = self._handle(request)
        finally:
            self._seconds += time.thread_time() - begun
        self._answered += len(response.body)
        return response

    def _used_up(self) -> str:
        most = self._allowance
        if self._seconds > most.seconds:
            return f"its requests took the server more than {most.seconds:g} s"
        if self._sent > most.sent_bytes:
            return f"it sent more than {most.sent_bytes >> 20} MiB"
        if self._answered > most.answered_bytes:
            return f"it was answered more than {most.answered_bytes >> 20} MiB"
        if self._rbac > most.rbac_bytes:
            return f"it sent more than {most.rbac_bytes >> 10} KiB of roles and bindings"
        return ""


def _refused(why: str) -> Response:
    status = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": f"This submission has used up what it may ask of its cluster: {why}.",
        "reason": "TooManyRequests",
        "code": 429,
    }
    return Response(429, {"Content-Type": "application/json"}, json.dumps(status).encode())
