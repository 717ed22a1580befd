"""A fork server whose notebooks print each message as JSON, values in every format; for tests that compare outputs."""

from __future__ import annotations

import json
import sys
from typing import Any

from labkit.grading.running import fork_server, messages

FORMATS = (
    "text/plain",
    "text/html",
    "text/markdown",
    "text/latex",
    "image/png",
    "image/svg+xml",
    "application/json",
)


def as_json(kind: str, content: dict[str, Any]) -> str:
    """A message as a line."""
    return json.dumps([kind, content]) + "\n"


if __name__ == "__main__":
    messages.as_text = as_json
    messages.FORMATS = FORMATS
    sys.exit(fork_server.main(int(sys.argv[1])))
