"""Choose the most informative question, and evaluate the answers.

Each wrong idea is a hypothesis, and so are "nothing wrong" and some ways to answer that fit none of the listed ideas. An
answer raises the weight of the hypotheses that predicted it (Bayes' rule); everybody slips now and then.
``ui/static/drill.js`` implements the same in JavaScript, for pages without Python; ``tests/practice`` replays the same
sessions in both.
"""

from collections.abc import Iterable, Sequence
from functools import reduce
from math import log
from operator import add
from typing import Any, NamedTuple

# The numbers below were set by simulations: docs/teaching.md has the figures, and python -m
# tests.practice.simulate repeats them.
SLIP = 0.09
"""The probability that somebody answers differently from what they think."""
NOTHING_FIRST = 0.05
"""How likely it is before the first answer that nothing is wrong."""
UNKNOWN = (
    (0.4, 0.4, 0.014),
    (0.91, 0.09, 0.02),
    (0.7, 0.09, 0.015),
    (0.5, 0.09, 0.02),
    (0.09, 0.91, 0.03),
    (0.09, 0.5, 0.02),
)
"""Ideas that are not in the list: how often they are wrong where a request is forbidden, and where it is allowed, and
how likely each is before the first answer.

They are erratic, or somebody takes nearly everything, or too much, for allowed, or for forbidden.
"""
TRAITS, TRAIT_WRONG = 14, 0.8
# Trait 6 (tools/drill/traits.py): a group that grants in another namespace than the account's.
TRAIT_FIRST = tuple(0.018 if trait == 6 else 0.012 for trait in range(TRAITS))
"""More ideas that are not in the list: wrong about questions with one trait, such as those about a list.

How many traits there are (``tools/drill/traits.py``), how often such an idea is wrong, how likely each is at first:
one about groups is nearly as wrong as an idea of the list.
"""
SURE, SURE_NOTHING, SURE_UNKNOWN = 0.85, 0.95, 0.995
"""The probabilities from which an idea, "nothing wrong", and an unlisted idea are reported."""
MOST_UNKNOWN, LEAST_EVIDENCE = 0.06, 3
"""An idea is named only if unlisted ideas are hardly likely, and if it explains so many mistakes."""
MAX_QUESTIONS = 40

Question = dict[str, Any]


class Answered(NamedTuple):
    """One answer.

    Args:
        wrong: The numbers of the ideas that answer this question wrongly.
        allowed: The right answer.
        mistaken: True if the answer was wrong.
        traits: The numbers of the question's traits.
    """

    wrong: tuple[int, ...]
    allowed: bool
    mistaken: bool
    traits: tuple[int, ...] = ()


class Finding(NamedTuple):
    """The result of a session.

    Args:
        kind: ``idea``, ``nothing`` or ``unknown``.
        idea: The number of the idea, else -1.
        sure: Its probability.
    """

    kind: str
    idea: int
    sure: float


def _sum(values: Iterable[float]) -> float:
    """Add from left to right, as JavaScript does; from Python 3.12 on, ``sum`` is more exact."""
    return reduce(add, values, 0.0)


def weights_after(ideas: int, answers: Iterable[Answered]) -> list[float]:
    """Return each hypothesis' probability: the ideas by number, "nothing wrong", ``UNKNOWN``, traits."""
    unknown = [*(first for _, _, first in UNKNOWN), *TRAIT_FIRST]
    weights = [(1 - NOTHING_FIRST - _sum(unknown)) / ideas] * ideas + [NOTHING_FIRST, *unknown]
    for wrong, allowed, mistaken, traits in answers:
        chances = [1 - SLIP if number in wrong else SLIP for number in range(ideas + 1)]
        chances += [
            where_allowed if allowed else where_forbidden
            for where_forbidden, where_allowed, _ in UNKNOWN
        ]
        chances += [TRAIT_WRONG if number in traits else SLIP for number in range(TRAITS)]
        weights = [
            weight * (chance if mistaken else 1 - chance)
            for weight, chance in zip(weights, chances, strict=True)
        ]
        total = _sum(weights)
        weights = [weight / total for weight in weights]
    return weights


def _doubt(chance: float) -> float:
    """Return the entropy of a yes or no with this chance."""
    # Never 0 or 1, whose logarithm does not exist: everybody slips with the chance SLIP.
    return -chance * log(chance) - (1 - chance) * log(1 - chance)


def choose(ideas: int, weights: Sequence[float], questions: Iterable[Question]) -> Question | None:
    """Return the most informative question, the first of several; None without questions.

    The information is the entropy of the answer, minus its entropy if the learner's idea were known.
    """
    best = None
    most = -1.0
    unknown = [
        (weight, ways[:2]) for weight, ways in zip(weights[ideas + 1 :], UNKNOWN, strict=False)
    ]
    erratic = [_sum(weight * (ways[way] - SLIP) for weight, ways in unknown) for way in (0, 1)]
    vague = [
        _sum(weight * (_doubt(ways[way]) - _doubt(SLIP)) for weight, ways in unknown)
        for way in (0, 1)
    ]
    of_trait = _doubt(TRAIT_WRONG) - _doubt(SLIP)
    for question in questions:
        wrong = _sum(weights[number] for number in question["wrong"])
        # The traits' weights are the last ones, so they are counted from the end.
        odd = _sum(weights[number - TRAITS] for number in question["traits"])
        mistaken = (
            SLIP
            + (1 - 2 * SLIP) * wrong
            + (TRAIT_WRONG - SLIP) * odd
            + erratic[question["allowed"]]
        )
        tells = _doubt(mistaken) - of_trait * odd - vague[question["allowed"]]
        # The last digits can differ between Python and JavaScript, whose sessions must be the same.
        if tells > most + 1e-9:
            best = question
            most = tells
    return best


def finding(ideas: int, answers: Sequence[Answered]) -> Finding | None:
    """Return the conclusion from the answers; None while more are needed. Little evidence names no idea."""
    weights = weights_after(ideas, answers)
    nothing = weights[ideas]
    unknown = _sum(weights[ideas + 1 :])
    likeliest = max(range(ideas), key=weights.__getitem__)
    if nothing >= SURE_NOTHING:
        return Finding("nothing", -1, nothing)
    if unknown >= SURE_UNKNOWN:
        return Finding("unknown", -1, unknown)
    explained = sum(answer.mistaken and likeliest in answer.wrong for answer in answers)
    if weights[likeliest] >= SURE and unknown <= MOST_UNKNOWN and explained >= LEAST_EVIDENCE:
        return Finding("idea", likeliest, weights[likeliest])
    if len(answers) < MAX_QUESTIONS:
        return None
    return Finding("nothing", -1, nothing) if nothing > unknown else Finding("unknown", -1, unknown)
