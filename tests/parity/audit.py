"""The events that the suite ``walkthrough`` leaves in the audit log."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.parity.masks import mask
from tests.parity.model import DATA
from tests.parity.section import Section, of_commands


def recorded() -> list[dict[str, Any]]:
    """The recorded events, in order."""
    return read(DATA / "audit.jsonl")


def read(path: Path) -> list[dict[str, Any]]:
    """The events of a log, masked, of the stage that recordings keep."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    events = [mask(json.loads(line)) for line in lines if line.strip()]
    return [event for event in events if event.get("stage") == "ResponseComplete"]


def compare(log: Path) -> Section:
    """Compare a server's audit log with the recorded events, in order.

    Args:
        log: The ``audit.log`` after the suite ``walkthrough`` alone.
    """
    expected, got = recorded(), read(log)
    pairs: list[tuple[str, dict[str, Any], dict[str, Any]]] = []
    for number, event in enumerate(expected):
        other = got[number] if number < len(got) else {}
        pairs.append(
            (
                f"audit/{number + 1:03} {event['verb']} {event['requestURI']}",
                {"event": event},
                {"event": other},
            )
        )
    if len(got) != len(expected):
        pairs.append(("audit/count", {"count": len(expected)}, {"count": len(got)}))
    return of_commands("audit", "Audit events of the suite walkthrough.", pairs)
