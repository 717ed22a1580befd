"""Find out from the audit log what undoes the requests of a performance: the deletion of the objects that they created.

Source: https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

READS = ("get", "list", "watch")

INTO_PODS = ("attach", "exec")
"""Subresources by which a program in a pod can be changed."""

READING_PROGRAMS = {"cat", "curl", "echo", "env", "grep", "ls", "which"}
SHELLS = {"sh", "bash"}
WRITING = re.compile(r">| -o| -O| --output")
"""What makes one of these programs write a file."""


def writes(event: Mapping[str, Any]) -> bool:
    """Return whether an audit event's request can have changed an object, or a file in a container."""
    if int((event.get("responseStatus") or {}).get("code", 0)) >= 400:
        return False
    ref = event.get("objectRef") or {}
    url = urlsplit(str(event.get("requestURI")))
    query = parse_qs(url.query)
    if ref.get("subresource") in INTO_PODS:
        return not _only_reads(query.get("command", []))
    # Access reviews and tokens are created, but not stored.
    stored = not str(ref.get("resource")).endswith("reviews") and ref.get("subresource") != "token"
    return event.get("verb") not in READS and stored and "dryRun" not in query


def created(events: Iterable[Mapping[str, Any]]) -> list[str] | None:
    """Return the paths of the objects that requests created; None if their deletion would not undo all requests.

    Args:
        events: The requests' audit events, the oldest first.
    """
    found: dict[str, None] = {}
    for event in filter(writes, events):
        ref = event.get("objectRef") or {}
        path = urlsplit(str(event.get("requestURI"))).path
        if event.get("verb") == "create" and not ref.get("subresource"):
            # The server chose the name of an object without one.
            if not ref.get("name"):
                return None
            found[f"{path}/{ref['name']}"] = None
        elif event.get("verb") == "patch" and event["responseStatus"].get("code") == 201:
            found[path] = None
        elif not any(f"{path}/".startswith(f"{made}/") for made in found):
            return None
    return list(found)


def _only_reads(command: list[str]) -> bool:
    """Return whether a command in a container leaves it as it is; in doubt it does not."""
    line = " ".join(command)
    if len(command) == 3 and command[0] in SHELLS and command[1] == "-c":
        line = command[2]
    parts = re.split(r"\w+=\$\(|[;|&()`\n]+", line)
    programs = [part.split()[0] for part in parts if part.strip()]
    return bool(programs) and {*programs} <= READING_PROGRAMS and not WRITING.search(line)
