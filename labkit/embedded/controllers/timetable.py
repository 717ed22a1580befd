"""The next and the last time of a cron schedule.

Sources: github.com/robfig/cron v3; k8s.io/kubernetes ``pkg/controller/cronjob/utils.go``.
"""

from __future__ import annotations

import datetime

from labkit.embedded.apiserver.registry.strategies.workloads.cron_schedules import Schedule

LONGEST_SECONDS = 5 * 366 * 86400
"""The range of the search: a schedule may name the 31st of February."""
MANY = 100
"""More missed times than this cause an event."""


def next_time(schedule: Schedule, zone: datetime.tzinfo, after: float) -> float | None:
    """The first time of a schedule after another one, in seconds since the epoch; None if five years have none.

    Local times that the time zone skips do not count; those that it repeats count twice.
    """
    if schedule.every_seconds:
        return float(int(after) + schedule.every_seconds)
    time = after // 60 * 60 + 60
    while time < after + LONGEST_SECONDS:
        wall = datetime.datetime.fromtimestamp(time, zone)
        if not _fits(schedule, wall):
            midnight = datetime.datetime.combine(wall.date() + datetime.timedelta(days=1), datetime.time(), zone)
            time = max(midnight.timestamp(), time + 60)
        elif wall.hour not in schedule.hours:
            time += (60 - wall.minute) * 60
        elif wall.minute not in schedule.minutes:
            time += 60
        else:
            return time
    return None


def _last_before(schedule: Schedule, zone: datetime.tzinfo, now: float, since: float) -> float | None:
    """The last time of a schedule up to now, but after ``since``."""
    time = now // 60 * 60
    while time > since:
        wall = datetime.datetime.fromtimestamp(time, zone)
        if not _fits(schedule, wall):
            midnight = datetime.datetime.combine(wall.date(), datetime.time(), zone)
            time = min(midnight.timestamp(), time) - 60
        elif wall.hour not in schedule.hours:
            time -= (wall.minute + 1) * 60
        elif wall.minute not in schedule.minutes:
            time -= 60
        else:
            return time
    return None


def _fits(schedule: Schedule, day: datetime.date) -> bool:
    of_month, of_week = day.day in schedule.days, day.isoweekday() % 7 in schedule.weekdays
    fits = of_month and of_week if schedule.any_day else of_month or of_week
    return day.month in schedule.months and fits


def last_time(schedule: Schedule, zone: datetime.tzinfo, since: float, now: float) -> tuple[float | None, bool]:
    """The last time of a schedule up to now and after ``since``, and whether too many were missed."""
    first = next_time(schedule, zone, since)
    if first is None or first > now:
        return None, False
    second = next_time(schedule, zone, first)
    if second is None or second > now:
        return first, False
    between = second - first
    missed = (now - first) // between + 1
    if schedule.every_seconds:
        return first + (missed - 1) * between, missed > MANY
    return _last_before(schedule, zone, now, since), missed > MANY
