"""The times of a schedule, before and after a moment, in any time zone."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

import pytest

from labkit.embedded.apiserver.registry.strategies.workloads.cron_schedules import read_schedule
from labkit.embedded.controllers.timetable import last_time, next_time

NEW_YORK = ZoneInfo("America/New_York")


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def after(schedule: str, moment: str, zone: tzinfo = UTC) -> str:
    found = next_time(read_schedule(schedule), zone, seconds(moment))
    assert found is not None
    return datetime.fromtimestamp(found, UTC).strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("schedule", "moment", "then"),
    [
        ("* * * * *", "2027-01-15 08:00:30", "2027-01-15 08:01"),
        ("* * * * *", "2027-01-15 08:00", "2027-01-15 08:01"),
        ("*/15 * * * *", "2027-01-15 08:46", "2027-01-15 09:00"),
        ("5-7,30 9-17/4 * * *", "2027-01-15 09:07", "2027-01-15 09:30"),
        ("5-7,30 9-17/4 * * *", "2027-01-15 09:30", "2027-01-15 13:05"),
        ("0 0 * * sun", "2027-01-15 08:00", "2027-01-17 00:00"),
        ("0 0 1 * mon", "2027-01-15 08:00", "2027-01-18 00:00"),  # the first, or a Monday
        ("0 0 1 * *", "2027-01-15 08:00", "2027-02-01 00:00"),
        ("0 0 */2 * mon", "2027-01-15 08:00", "2027-01-17 00:00"),  # a step is a choice of days
        ("0 12 29 feb *", "2027-01-15 08:00", "2028-02-29 12:00"),
        ("@yearly", "2027-01-15 08:00", "2028-01-01 00:00"),
        ("@weekly", "2027-01-15 08:00", "2027-01-17 00:00"),
        ("@hourly", "2027-01-15 08:00", "2027-01-15 09:00"),
        ("@every 1h30m", "2027-01-15 08:01", "2027-01-15 09:31"),
    ],
)
def test_the_next_time(schedule: str, moment: str, then: str) -> None:
    assert after(schedule, moment) == then


def test_there_may_be_none() -> None:
    assert next_time(read_schedule("0 0 31 2 *"), UTC, seconds("2027-01-15 08:00")) is None


def test_other_clocks() -> None:
    assert after("0 9 * * *", "2027-01-15 08:00", ZoneInfo("Asia/Seoul")) == "2027-01-16 00:00"
    assert after("0 9 * * *", "2027-01-15 08:00", NEW_YORK) == "2027-01-15 14:00"
    assert after("30 2 * * *", "2027-03-14 05:30", NEW_YORK) == "2027-03-15 06:30", "the clocks skip half past two"
    twice = after("30 1 * * *", "2027-11-07 04:00", NEW_YORK)
    assert (twice, after("30 1 * * *", twice, NEW_YORK)) == ("2027-11-07 05:30", "2027-11-07 06:30")


@pytest.mark.parametrize(
    ("schedule", "since", "now", "then", "many"),
    [
        ("*/5 * * * *", "2027-01-15 08:00", "2027-01-15 08:04", "", False),
        ("*/5 * * * *", "2027-01-15 08:00", "2027-01-15 08:05", "08:05", False),
        ("*/5 * * * *", "2027-01-15 08:00", "2027-01-15 08:59", "08:55", False),
        ("* * * * *", "2027-01-14 08:00", "2027-01-15 08:59:59", "08:59", True),
        ("* 6 * * *", "2027-01-15 05:00", "2027-01-15 23:00", "06:59", True),
        ("0 0 * * *", "2027-01-01 08:00", "2027-01-15 08:00", "00:00", False),
        ("@every 7m", "2027-01-15 08:00", "2027-01-15 08:30", "08:28", False),
    ],
)
def test_the_last_time(schedule: str, since: str, now: str, then: str, many: bool) -> None:
    found, very_many = last_time(read_schedule(schedule), UTC, seconds(since), seconds(now))
    assert ("" if found is None else datetime.fromtimestamp(found, UTC).strftime("%H:%M"), very_many) == (then, many)


def test_the_last_time_is_the_next_time_after_the_one_before() -> None:
    """Both ways through the same year, over the days on which clocks change."""
    schedule, now = read_schedule("17 */7 * * 1-5"), seconds("2027-01-15 08:00")
    for _ in range(400):
        then = next_time(schedule, NEW_YORK, now)
        assert then is not None
        assert last_time(schedule, NEW_YORK, now, then + 59) == (then, False)
        second = next_time(schedule, NEW_YORK, then)
        assert second is not None
        assert last_time(schedule, NEW_YORK, now, second)[0] == second
        now = then
