"""When a cron job runs: what is wrong with a schedule.

Source: the words of github.com/robfig/cron v3 (``ParseStandard``), which the real server uses.
"""

from __future__ import annotations

import re

from labkit.apiserver.deadline import duration_problem
from labkit.apiserver.quoting import go_quote

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
FIELDS: tuple[tuple[int, int, dict[str, int]], ...] = (
    (0, 59, {}),
    (0, 23, {}),
    (1, 31, {}),
    (1, 12, {name: number for number, name in enumerate(MONTHS, 1)}),
    (0, 6, {name: number for number, name in enumerate(DAYS)}),
)
"""Minute, hour, day of month, month, day of week: least, greatest, and names."""
DESCRIPTORS = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")
MAX_DIGITS = 18
ZONES = ("TZ=", "CRON_TZ=")


class BadSchedule(ValueError):
    """What is wrong, as its text."""


def schedule_problem(schedule: str) -> str:
    """What is wrong with a cron schedule, empty if nothing is."""
    try:
        _parse(schedule)
    except BadSchedule as problem:
        return str(problem)
    return ""


def time_zone_problem(zone: str) -> str:
    """What is wrong with the name of a time zone, empty if nothing is."""
    if not zone:
        return "timeZone must be nil or non-empty string"
    unknown = f"unknown time zone {zone}"
    if any(part in (".", "..") or not ZONE_PART.fullmatch(part) for part in zone.split("/")):
        return unknown
    if zone.lower() == "local":
        return "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"
    # Imported here: it reads files, and hardly any server is asked.
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, OSError, ValueError):
        return unknown
    return ""


ZONE_PART = re.compile(r"(?!-)[A-Za-z.\-_0-9+]{1,14}")


def _parse(schedule: str) -> None:
    if not schedule:
        raise BadSchedule("empty spec string")
    if schedule.startswith(ZONES):
        schedule = schedule.partition(" ")[2].strip()
    if schedule.startswith("@"):
        _parse_descriptor(schedule)
        return
    fields = schedule.split()
    if len(fields) != len(FIELDS):
        raise BadSchedule(f"expected exactly {len(FIELDS)} fields, found {len(fields)}: [{' '.join(fields)}]")
    for text, (low, high, names) in zip(fields, FIELDS, strict=True):
        for part in text.split(","):
            if part:
                _parse_range(part, low, high, names)


def _parse_descriptor(text: str) -> None:
    if text in DESCRIPTORS:
        return
    if not text.startswith("@every "):
        raise BadSchedule(f"unrecognized descriptor: {text}")
    duration = text.removeprefix("@every ")
    wrong = duration_problem(duration)
    if wrong:
        raise BadSchedule(f"failed to parse duration {text}: {wrong}")


def _parse_range(text: str, low: int, high: int, names: dict[str, int]) -> None:
    ranged, *steps = text.split("/")
    ends = ranged.split("-")
    if ends[0] in ("*", "?"):
        start, end = low, high
    else:
        start = _number(ends[0], names)
        if len(ends) > 2:
            raise BadSchedule(f"too many hyphens: {text}")
        end = _number(ends[1], names) if len(ends) == 2 else start
    if len(steps) > 1:
        raise BadSchedule(f"too many slashes: {text}")
    step = _number(steps[0], {}) if steps else 1
    if steps and len(ends) == 1:
        end = high
    if start < low:
        raise BadSchedule(f"beginning of range ({start}) below minimum ({low}): {text}")
    if end > high:
        raise BadSchedule(f"end of range ({end}) above maximum ({high}): {text}")
    if start > end:
        raise BadSchedule(f"beginning of range ({start}) beyond end of range ({end}): {text}")
    if step == 0:
        raise BadSchedule(f"step of range should be a positive number: {text}")


def _number(text: str, names: dict[str, int]) -> int:
    if text.lower() in names:
        return names[text.lower()]
    if not re.fullmatch(r"[-+]?[0-9]+", text):
        why = f"strconv.Atoi: parsing {go_quote(text)}: invalid syntax"
        raise BadSchedule(f"failed to parse int from {text}: {why}")
    if len(text.lstrip("+-0")) > MAX_DIGITS:
        why = f"strconv.Atoi: parsing {go_quote(text)}: value out of range"
        raise BadSchedule(f"failed to parse int from {text}: {why}")
    if int(text) < 0:
        raise BadSchedule(f"negative number ({int(text)}) not allowed: {text}")
    return int(text)
