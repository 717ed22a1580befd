"""Questions at the beginning and at the end of each part, which come back after 1, 7 and 30 days.

They are the facts of ``facts.yaml``, and the drill's questions about wrong ideas. Facts are kept with the drill's
ideas, under ids that begin with ``fact:``, so that the rules of ``keeping`` hold for both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from labkit.core.language import listed, text
from labkit.core.yaml_file import read_yaml

from . import keeping, pool
from .keeping import FACT, Kept

BEFORE = 3
"""The questions at the beginning of a part."""
AFTER = 5
"""The questions at the end of a part."""
IDEAS_AFTER = 2
"""At most so many of the questions at the end of a part are the drill's."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question with its possible answers.

    Args:
        key: The id under which it is kept: of a fact, with ``fact:``, or of a wrong idea.
        part: The part that teaches it.
        step: The step or aside that teaches it.
        ask: The question.
        policy: The YAML or the commands that it is about; empty for none.
        answers: Each possible answer with the reply to it; the first one is right.
        drilled: The id of the drill's question; empty for a fact.
    """

    key: str
    part: int
    step: str
    ask: str
    policy: str
    answers: tuple[tuple[str, str], ...]
    drilled: str = ""


@cache
def facts() -> tuple[Question, ...]:
    """Return the facts, in the order of the parts."""
    entries: Mapping[str, Mapping[str, Any]] = read_yaml(__file__, "facts.yaml")
    return tuple(_fact(name, entry) for name, entry in entries.items())


def before(part: int, kept: Kept, now: float, parts: Mapping[str, int]) -> list[Question]:
    """Return the questions at the beginning of a part: what is due, then what was not asked yet.

    Args:
        part: Such as 4; the questions are about the parts before.
        kept: The stored state.
        now: Seconds since the epoch.
        parts: The part of each step whose ideas can be asked about; none where the drill's questions are not at hand.
    """
    due = keeping.due(kept, now)
    ideas = [idea for idea in _ideas(kept, parts) if idea.key in due]
    return _most_wanted([*_of_earlier(part), *ideas], kept, now)[:BEFORE]


def after(part: int, kept: Kept, now: float, parts: Mapping[str, int]) -> list[Question]:
    """Return the questions at the end of a part, which are about it; the arguments are those of ``before``."""
    ideas = [idea for idea in _ideas(kept, parts) if idea.part == part]
    ideas = _most_wanted(ideas, kept, now)[:IDEAS_AFTER]
    own = [fact for fact in facts() if fact.part == part]
    return [*_most_wanted(own, kept, now)[: AFTER - len(ideas)], *ideas]


def answered(kept: Kept, question: Question, right: bool, now: float) -> Kept:
    """Return the state after an answer: what was wrong comes back after a day, what was right waits longer."""
    if question.drilled:
        kept = keeping.asked(kept, question.drilled, now)
    if question.key not in kept["ideas"]:
        # A wrong idea is kept once it has shown, a fact from the first time that it is asked.
        knew = right and bool(question.drilled)
        return kept if knew else keeping.found(kept, question.key, now)
    if right and question.key not in keeping.due(kept, now):
        return kept
    return keeping.came_back(kept, question.key, right, now)


def _of_earlier(part: int) -> Iterator[Question]:
    """Yield the facts of the parts before, the last part first."""
    for earlier in reversed(range(part)):
        yield from (fact for fact in facts() if fact.part == earlier)


def _most_wanted(questions: list[Question], kept: Kept, now: float) -> list[Question]:
    """Sort questions: those that are due, then those never asked in their order, then the longest ago."""
    due = {key: place for place, key in enumerate(keeping.due(kept, now))}

    def wanted(question: Question) -> tuple[int, float]:
        if question.key in due:
            return 0, due[question.key]
        if question.key in kept["ideas"]:
            return 2, kept["ideas"][question.key]["at"]
        return 1, 0

    return sorted(questions, key=wanted)


def _fact(name: str, entry: Mapping[str, Any]) -> Question:
    answers = tuple((text(each["answer"]), text(each["reply"])) for each in entry["answers"])
    policy = str(entry.get("policy", "")).rstrip()
    return Question(
        f"{FACT}{name}", entry["part"], entry["step"], text(entry["ask"]), policy, answers
    )


def _ideas(kept: Kept, parts: Mapping[str, int]) -> list[Question]:
    """Return a question of the drill for each wrong idea of these parts, if one is left."""
    if not parts:
        return []
    made = []
    for number, idea in enumerate(pool.pool()["beliefs"]):
        left = [
            question
            for question in pool.pool()["questions"]
            if number in question["wrong"]
            and "set" not in question
            and question["id"] not in kept["asked"]
        ]
        if left and idea["step"] in parts:
            # The fewest ideas: a wrong answer then points to this one.
            made.append(_drilled(idea, min(left, key=lambda each: len(each["wrong"])), parts))
    return made


def _drilled(
    idea: Mapping[str, Any], question: dict[str, Any], parts: Mapping[str, int]
) -> Question:
    says = listed(map(pool.sentence, question["says"].split("\n")), "\n")
    asked = listed(
        [pool.sentence(question[part]) for part in ("note", "ask") if question.get(part)], " "
    )
    right = (text("Allowed"), says)
    wrong = (text("Forbidden"), says)
    if not question["allowed"]:
        right, wrong = wrong, right
    wrong = (wrong[0], listed([text(idea["says"]), says], "\n"))
    step = idea["step"]
    return Question(
        idea["id"], parts[step], step, asked, pool.policy(question), (right, wrong), question["id"]
    )
