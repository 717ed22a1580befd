"""Read the audit log of a kind cluster, a file in its node."""

import re
import time
from collections.abc import Iterator
from typing import Any

from labkit.client import auditlog

from ..engine import Engine

EVENT_SECONDS = 2.0
LOGS = "/var/log/kubernetes"


class NodeAuditLog:
    """The audit log in a node's container."""

    def __init__(self, engine: Engine, node: str) -> None:
        self._engine = engine
        self._node = node

    def event(self, audit_id: str) -> dict[str, Any] | None:
        """Return the event with an audit id; None if it is not written within ``EVENT_SECONDS``."""
        # The id becomes part of a shell command, and clients can choose it (header Audit-ID).
        if not re.fullmatch(r"[0-9a-zA-Z-]{1,64}", audit_id):
            return None
        # All files, because the log is rotated at 20 MB (audit-log-maxsize in lab.yaml).
        command = f"grep -hF {audit_id} {LOGS}/*.log"
        deadline = time.monotonic() + EVENT_SECONDS
        while True:
            done = self._engine.run("exec", self._node, "sh", "-c", command)
            event = auditlog.pick(reversed(done.stdout.encode().splitlines()), audit_id)
            # grep's exit code is 1 without a match, and higher after an error.
            if event is not None or done.returncode > 1 or time.monotonic() > deadline:
                return event
            time.sleep(0.05)  # kube-apiserver writes the event a moment after it has answered

    def events(self) -> Iterator[dict[str, Any]]:
        """Return its events, the newest first."""
        # The oldest file first, so that tail prints the newest events.
        command = f"cat $(ls -rt {LOGS}/*.log) | tail -c {auditlog.MAX_BYTES}"
        done = self._engine.run("exec", self._node, "sh", "-c", command)
        return auditlog.parse_events(reversed(done.stdout.encode().splitlines()))
