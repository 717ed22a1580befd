"""The stored state of the drill: questions that were asked, ideas that were found, and when they come back.

It is one plain dict, stored with the progress, and in a page's own storage. ``ui/static/drill.js`` has the same rules;
``tests/practice`` compares them.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from operator import itemgetter
from typing import Any, TypedDict, TypeVar, cast

from labkit.core.language import listed, text

VERSION = 1
DAY = 86_400.0
DAYS = (1, 7, 30)
"""After so many days an idea that was found comes back, each time once more."""
REST_DAYS = 30
"""The days before a question is asked again."""
MEASURED = ("before", "after")
FACT = "fact:"
"""How the id of a fact (``review``) begins; facts are kept among the ideas, and come back by the same rules."""
DAMAGED, NEWER, LEFT_OUT, SET_BACK = SAID = (
    "What was kept of the drill is damaged. It begins anew.",
    "A newer labkit kept what is there of the drill. It stays as it is, and this session is not kept.",
    "Of what was kept of the drill, entries are left out that this labkit does not know: {number}.",
    "The clock was set back. Days are counted from now.",
)
"""The messages about odd data; the pool of questions has them too, for the page."""


class Idea(TypedDict):
    """A wrong idea: when it was found, when it was last asked about, and how many times it came back."""

    found: float
    at: float
    back: int


class Measure(TypedDict):
    """Ten questions: when they were asked, and how many were answered rightly."""

    at: float
    right: int


class Off(TypedDict):
    """Whether reminders are switched off, and since when."""

    value: bool
    at: float


class Kept(TypedDict):
    """The stored state. ``asked`` has the time of each question by its id; all times are seconds since the epoch."""

    version: int
    asked: dict[str, float]
    ideas: dict[str, Idea]
    measured: dict[str, Measure]
    off: Off


Entry = TypeVar("Entry")


def new() -> Kept:
    """Return an empty state."""
    return {
        "version": VERSION,
        "asked": {},
        "ideas": {},
        "measured": {},
        "off": {"value": False, "at": 0},
    }


def read(value: object, known: Sequence[str] | None = None) -> tuple[Kept, str]:
    """Return the readable part of a stored state, and a sentence if some of it cannot be read.

    Args:
        value: The stored or imported state.
        known: The ids of this version's ideas; None to accept all, and facts as well.
    """
    if value is None:
        return new(), ""
    if not isinstance(value, Mapping) or not isinstance(value.get("version"), int):
        return new(), text(DAMAGED)
    # Nothing of it is used: a newer version may have changed what a field means.
    if is_newer(value):
        return new(), text(NEWER)
    found: dict[str, Any] = {**new()}
    lost = 0
    for field, valid, allowed in (
        ("asked", _time, None),
        ("ideas", _idea, known),
        ("measured", _measure, MEASURED),
    ):
        entries = value.get(field)
        entries = entries if isinstance(entries, Mapping) else {}
        if allowed is known and known is not None:
            entries = _without_facts(entries)
        found[field] = {
            key: entry
            for key, entry in entries.items()
            if valid(entry) and (not allowed or key in allowed)
        }
        lost += len(entries) - len(found[field])
    off = value.get("off")
    if isinstance(off, Mapping) and isinstance(off.get("value"), bool) and _time(off.get("at")):
        found["off"] = {"value": off["value"], "at": off["at"]}
    return cast("Kept", found), text(LEFT_OUT, lost) if lost else ""


def ideas_of(kept: Kept) -> Kept:
    """Return the state without facts, for the drill, which asks about ideas alone."""
    return {**kept, "ideas": _without_facts(kept["ideas"])}


def is_newer(value: object) -> bool:
    """Return whether a newer labkit stored it."""
    return (
        isinstance(value, Mapping)
        and isinstance(value.get("version"), int)
        and value["version"] > VERSION
    )


def join(one: Kept, other: Kept) -> Kept:
    """Join two stored states; the order, and the number of times, do not matter.

    The later entry counts: for a question, for an idea, and for the switch. Of two measurements the earlier one counts,
    because only the first ten questions are new.
    """
    # A notebook, a terminal and a file from another machine are joined in any order, some of them
    # twice. So entries are chosen by max and min over all of their fields, never by which came first.
    later = itemgetter("at", "back", "found")
    earlier = itemgetter("at", "right")
    return {
        "version": VERSION,
        "asked": _joined(one["asked"], other["asked"], max),
        "ideas": _joined(one["ideas"], other["ideas"], partial(max, key=later)),
        "measured": _joined(one["measured"], other["measured"], partial(min, key=earlier)),
        "off": max(one["off"], other["off"], key=itemgetter("at", "value")),
    }


def _joined(
    one: Mapping[str, Entry], other: Mapping[str, Entry], choose: Callable[[list[Entry]], Entry]
) -> dict[str, Entry]:
    return {
        name: choose([entries[name] for entries in (one, other) if name in entries])
        for name in {**one, **other}
    }


def measured(kept: Kept, name: str, right: int, now: float) -> Kept:
    """Return the state after ten questions ``before`` or ``after``."""
    return join(kept, {**new(), "measured": {name: {"at": now, "right": right}}})


def asked(kept: Kept, question: str, now: float) -> Kept:
    """Return the state after a question; questions that can come again are removed."""
    since = now - REST_DAYS * DAY
    return {
        **kept,
        "asked": {**{key: at for key, at in kept["asked"].items() if at > since}, question: now},
    }


def found(kept: Kept, idea: str, now: float) -> Kept:
    """Return the state after an idea was found, now or again: it comes back after a day."""
    return {**kept, "ideas": {**kept["ideas"], idea: {"found": now, "at": now, "back": 0}}}


def came_back(kept: Kept, idea: str, right: bool, now: float) -> Kept:
    """Return the state after an idea came back: it waits longer, or begins again."""
    entry = kept["ideas"][idea]
    back = entry["back"] + 1 if right else 0
    return {**kept, "ideas": {**kept["ideas"], idea: {**entry, "at": now, "back": back}}}


def due(kept: Kept, now: float) -> list[str]:
    """Return the ideas that come back now, the longest waiting first; none if this is switched off.

    An entry from the future was stored before the clock was set back. It counts from now.
    """
    if kept["off"]["value"]:
        return []
    waiting = [(entry["at"], idea) for idea, entry in kept["ideas"].items() if _is_due(entry, now)]
    return [idea for _, idea in sorted(waiting)]


def reminder(kept: Kept, now: float) -> str:
    """Return what comes back now, or when something will, in a line; empty if nothing is kept."""
    ideas = len(due(ideas_of(kept), now))
    questions = len(due(kept, now)) - ideas
    if ideas or questions:
        return listed(filter(None, (_ideas_back(ideas), _questions_back(questions))), " ")
    waiting = [_due_at(entry) for entry in kept["ideas"].values() if entry["back"] < len(DAYS)]
    if not waiting or kept["off"]["value"]:
        return ""
    day = time.strftime("%Y-%m-%d", time.localtime(min(waiting)))
    return text("The next question comes back on {day}.", day)


def _ideas_back(count: int) -> str:
    if not count:
        return ""
    what = (
        text("One idea that was wrong comes")
        if count == 1
        else text("{count} ideas that were wrong come", count)
    )
    return text("{ideas} back today. In a new cell: from labkit import drill; drill()", what)


def _questions_back(count: int) -> str:
    if not count:
        return ""
    if count == 1:
        return text("One question comes back today. Each part begins with what is due.")
    return text("{count} questions come back today. Each part begins with what is due.", count)


def gone(kept: Kept) -> list[str]:
    """Return the ideas that were found and did not show again."""
    return sorted(idea for idea, entry in kept["ideas"].items() if entry["back"] >= len(DAYS))


def settled(kept: Kept, now: float) -> tuple[Kept, str]:
    """Return the state without times in the future, and a sentence if the clock was set back."""
    times = [*kept["asked"].values(), *(entry["at"] for entry in kept["ideas"].values())]
    if all(at <= now for at in times):
        return kept, ""
    asked_at = {key: min(at, now) for key, at in kept["asked"].items()}
    ideas: dict[str, Idea] = {
        key: {**entry, "at": min(entry["at"], now)} for key, entry in kept["ideas"].items()
    }
    return {**kept, "asked": asked_at, "ideas": ideas}, text(SET_BACK)


def _without_facts(entries: Mapping[str, Entry]) -> dict[str, Entry]:
    return {key: entry for key, entry in entries.items() if not key.startswith(FACT)}


def _is_due(entry: Idea, now: float) -> bool:
    return entry["back"] < len(DAYS) and now >= _due_at(entry)


def _due_at(entry: Idea) -> float:
    return entry["at"] + DAYS[entry["back"]] * DAY


def _time(value: object) -> bool:
    # True is an int in Python. The limit refuses milliseconds, in which JavaScript counts.
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e11


def _count(value: object, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most


def _idea(entry: object) -> bool:
    return (
        isinstance(entry, Mapping)
        and _time(entry.get("found"))
        and _time(entry.get("at"))
        and _count(entry.get("back"), len(DAYS))
    )


def _measure(entry: object) -> bool:
    return isinstance(entry, Mapping) and _time(entry.get("at")) and _count(entry.get("right"), 10)
