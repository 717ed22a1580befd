"""The drill's stored data is merged from several sources and read when it is malformed."""

from __future__ import annotations

import time
from random import Random

import pytest

from labkit.practice import keeping
from labkit.practice.keeping import Idea, Kept
from labkit.practice.pool import pool
from tests.practice.test_same_in_javascript import NOW, kept_things

KNOWN = [each["id"] for each in pool()["beliefs"]]


def test_the_order_and_the_number_of_joins_do_not_matter() -> None:
    r = Random(3)
    for _ in range(50):
        one, two, three = (kept_things(r) for _ in range(3))
        joined = keeping.join(one, two)
        assert keeping.join(two, one) == joined
        assert keeping.join(joined, one) == joined
        assert keeping.join(joined, three) == keeping.join(one, keeping.join(two, three))
        assert keeping.join(keeping.new(), one) == one
        assert {*joined["asked"]} == {*one["asked"], *two["asked"]}


def test_the_earlier_measurement_counts() -> None:
    early: Kept = {**keeping.new(), "measured": {"before": {"at": NOW, "right": 4}}}
    late: Kept = {**keeping.new(), "measured": {"before": {"at": NOW + 5, "right": 10}}}
    assert keeping.join(late, early)["measured"]["before"]["right"] == 4


@pytest.mark.parametrize("damaged", [[], "x", 3, {}, {"version": None}])
def test_damaged_data_begins_anew_and_is_said(damaged: object) -> None:
    assert keeping.read(damaged, KNOWN) == (
        keeping.new(),
        "What was kept of the drill is damaged. It begins anew.",
    )


def test_newer_data_is_left_alone() -> None:
    kept, said = keeping.read({"version": 2, "asked": {"a": 1}}, KNOWN)
    assert kept == keeping.new()
    assert said.startswith("A newer labkit kept what is there of the drill.")


def test_unknown_ideas_are_left_out_and_said() -> None:
    entry = {"found": 1, "at": 1, "back": 0}
    kept, said = keeping.read(
        {"version": 1, "ideas": {"any-group": entry, "of-tomorrow": entry}}, KNOWN
    )
    assert kept["ideas"] == {"any-group": entry}
    assert (
        said
        == "Of what was kept of the drill, entries are left out that this labkit does not know: 1."
    )


def test_a_clock_that_was_set_back_loses_nothing() -> None:
    kept: Kept = {
        **keeping.new(),
        "ideas": {"any-group": {"found": NOW, "at": NOW, "back": 0}},
        "asked": {"a": NOW},
    }
    before = NOW - 400 * keeping.DAY
    settled, said = keeping.settled(kept, before)
    assert said == "The clock was set back. Days are counted from now."
    assert settled["ideas"]["any-group"]["at"] == settled["asked"]["a"] == before
    assert keeping.due(settled, before + keeping.DAY) == ["any-group"]


def test_switched_off_nothing_comes_back() -> None:
    kept: Kept = {**keeping.new(), "ideas": {"any-group": {"found": NOW, "at": NOW, "back": 0}}}
    assert keeping.due(kept, NOW + keeping.DAY) == ["any-group"]
    assert keeping.due({**kept, "off": {"value": True, "at": NOW}}, NOW + keeping.DAY) == []


def test_a_reminder_counts_the_ideas_that_come_back() -> None:
    one: Idea = {"found": NOW, "at": NOW, "back": 0}
    kept: Kept = {**keeping.new(), "ideas": {"any-group": one}}
    end = " back today. In a new cell: from labkit import drill; drill()"
    day = time.strftime("%Y-%m-%d", time.localtime(NOW + keeping.DAY))
    assert keeping.reminder(kept, NOW) == f"The next question comes back on {day}."
    later = NOW + keeping.DAY
    assert keeping.reminder(kept, later) == f"One idea that was wrong comes{end}"
    kept["ideas"]["verb-added"] = one
    assert keeping.reminder(kept, later) == f"2 ideas that were wrong come{end}"
