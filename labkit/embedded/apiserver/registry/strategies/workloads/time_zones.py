"""Checks the time zones of CronJobs."""

from __future__ import annotations

import re

ZONE_PART = re.compile(r"(?!-)[A-Za-z.\-_0-9+]{1,14}")


def time_zone_problem(zone: str) -> str:
    """Why the name of a time zone is invalid; empty if it is valid."""
    if not zone:
        return "timeZone must be nil or non-empty string"
    unknown = f"unknown time zone {zone}"
    if any(part in (".", "..") or not ZONE_PART.fullmatch(part) for part in zone.split("/")):
        return unknown
    if zone.lower() == "local":
        return (
            "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"
        )
    # Imported here: it reads files, and hardly any server is asked.
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, OSError, ValueError):
        return unknown
    return ""
