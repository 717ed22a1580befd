"""Checks the schedules of CronJobs.

Source: the words of github.com/robfig/cron v3 (``ParseStandard``), which the real server uses.
"""

from __future__ import annotations

import re

from labkit.embedded.machinery.golang.duration import duration_problem
from labkit.embedded.machinery.golang.quote import go_quote
from labkit.embedded.machinery.work import charge

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


class BadSchedule(ValueError):
    """An invalid schedule; the message says why."""


def schedule_problem(schedule: str) -> str:
    """Why a schedule is invalid; empty if it is valid."""
    try:
        _read(schedule)
    except BadSchedule as problem:
        return str(problem)
    return ""


def time_zone_problem(zone: str) -> str:
    """Why the name of a time zone is invalid; empty if it is valid."""
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


def _read(schedule: str) -> None:
    """Read five fields, a descriptor such as ``@daily``, or ``@every 1h30m``, without the time zone."""
    if not schedule:
        raise BadSchedule("empty spec string")
    if schedule.startswith(("TZ=", "CRON_TZ=")):
        schedule = schedule.partition(" ")[2].strip()
    if schedule.startswith("@"):
        if schedule not in DESCRIPTORS:
            _read_interval(schedule)
        return
    charge(3 * len(schedule))
    fields = schedule.split()
    if len(fields) != len(FIELDS):
        raise BadSchedule(f"expected exactly {len(FIELDS)} fields, found {len(fields)}: [{' '.join(fields)}]")
    for text, field in zip(fields, FIELDS, strict=True):
        for part in filter(None, text.split(",")):
            _read_range(part, *field)


def _read_interval(text: str) -> None:
    if not text.startswith("@every "):
        raise BadSchedule(f"unrecognized descriptor: {text}")
    wrong = duration_problem(text.removeprefix("@every "))
    if wrong:
        raise BadSchedule(f"failed to parse duration {text}: {wrong}")


def _read_range(text: str, low: int, high: int, names: dict[str, int]) -> None:
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
    start = f"failed to parse int from {text}: strconv.Atoi: parsing {go_quote(text)}"
    if not re.fullmatch(r"[-+]?[0-9]+", text):
        raise BadSchedule(f"{start}: invalid syntax")
    if len(text.lstrip("+-0")) > MAX_DIGITS:
        raise BadSchedule(f"{start}: value out of range")
    if int(text) < 0:
        raise BadSchedule(f"negative number ({int(text)}) not allowed: {text}")
    return int(text)
