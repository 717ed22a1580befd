"""A command that has run in a container, as the caller sees it."""

import json
import shlex
from dataclasses import dataclass
from typing import Any

from labkit.core.display import Card, Displayable, Row
from labkit.core.language import text
from labkit.core.redact import redact

SHELLS = ("bash", "sh")
"""The shells that run a command line, in the order in which they are tried."""


@dataclass(frozen=True, repr=False)
class CompletedExec(Displayable):
    """A command that ran in a container; similar to ``subprocess.CompletedProcess``.

    Args:
        args: The command and its arguments.
        returncode: Its exit code.
        stdout: Its standard output.
        stderr: Its standard error.
        pod: The pod, as ``namespace/name``.
        container: The container; empty for the pod's default one.
    """

    args: list[str]
    returncode: int
    stdout: str
    stderr: str
    pod: str = ""
    container: str = ""

    @property
    def ok(self) -> bool:
        """Return whether the exit code is 0."""
        return self.returncode == 0

    def json(self) -> Any:
        """Return standard output as JSON; None if it is not JSON."""
        try:
            return json.loads(self.stdout)
        except ValueError:
            return None

    @property
    def status(self) -> int:
        """The code of a printed Status object, 200 for another object, else 0."""
        body = self.json()
        if not isinstance(body, dict) or "kind" not in body:
            return 0
        return int(body.get("code", 0)) if body["kind"] == "Status" else 200

    @property
    def command(self) -> str:
        """The command as one would type it."""
        if self.args[:2] in ([shell, "-c"] for shell in SHELLS) and len(self.args) == 3:
            return self.args[2]
        return shlex.join(self.args)

    def summary(self) -> dict[str, Any]:
        """Return the fields to record, without tokens."""
        body = self.json()
        message = body.get("message", "") if isinstance(body, dict) else ""
        return {
            "kind": "exec",
            "who": self.pod,
            "command": redact(self.command),
            "returncode": self.returncode,
            "stdout": redact(self.stdout[:2000]),
            "stderr": redact(self.stderr[:1000]),
            "status": self.status,
            "message": redact(str(message)[:500]),
            "allowed": self.status not in (401, 403),
        }

    def card(self) -> Card:
        """Return a card with the command and its output."""
        where = (
            text("{pod}, container {container}", self.pod, self.container)
            if self.container
            else self.pod
        )
        rows = [
            Row("in", where),
            Row("ran", redact(self.command), code=True),
            Row("stderr", redact(self.stderr.rstrip("\n")), code=True),
        ]
        return Card(
            text("exit code {code}", self.returncode),
            "good" if self.ok else "bad",
            rows,
            redact(self.stdout),
        )
