"""Simulated learners: does the drill find their ideas, and none in learners without a wrong idea?

    python -m tests.practice.simulate                    400 learners for each idea, with 5 % and 10 % of slips
    python -m tests.practice.simulate --learners 50 --seed 7

A learner answers like one authorizer, with occasional slips. The order of the questions differs for each.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, NamedTuple

from labkit.practice.chooser import Answered, Finding, choose, finding, weights_after
from tests.practice.unlisted import UNLISTED, UNSEEN
from tools.drill.__main__ import candidates
from tools.drill.authorizers import AUTHORIZERS, Authorizer

IDEAS = len(AUTHORIZERS)
ORDERS = 5
"""How many orders of the questions learners share: what was chosen after the same answers is looked up."""

Question = dict[str, Any]
Mind = Callable[[Question], bool]
"""Whether somebody answers a question wrongly, but for slips."""


class Session(NamedTuple):
    """How one learner's session went."""

    asked: int
    found: Finding


class Drill:
    """Sessions over one pool.

    Args:
        pool: The questions, with their drafts.
        seed: For the orders of the questions.
        most_informative: Whether questions are chosen, or asked in their order.
    """

    def __init__(
        self, pool: Sequence[Question], seed: int, *, most_informative: bool = True
    ) -> None:
        r = Random(seed)
        usable = [question for question in pool if "set" not in question]
        self.orders = [r.sample(usable, len(usable)) for _ in range(ORDERS)]
        self.most_informative = most_informative
        self._next: dict[tuple[object, ...], Question] = {}

    def session(
        self, mind: Mind, slip: float, r: Random, aside: frozenset[int] = frozenset()
    ) -> Session:
        """Question one learner until there is a finding, without the ideas that are set aside."""
        order = r.randrange(ORDERS)
        answers: list[Answered] = []
        key: tuple[object, ...] = (order, aside)
        asked: set[str] = set()
        while not (found := finding(IDEAS, answers)):
            if key not in self._next:
                left = (
                    each
                    for each in self.orders[order]
                    if each["id"] not in asked and not aside & {*each["wrong"]}
                )
                weights = weights_after(IDEAS, answers)
                question = (
                    choose(IDEAS, weights, left) if self.most_informative else next(iter(left))
                )
                assert question
                self._next[key] = question
            question = self._next[key]
            asked.add(question["id"])
            mistaken = mind(question) ^ (r.random() < slip)
            answers.append(
                Answered(
                    (*question["wrong"],), question["allowed"], mistaken, (*question["traits"],)
                )
            )
            key = (*key, question["id"], mistaken)
        return Session(len(answers), found)


def believing(*ideas: int) -> Mind:
    """Somebody with listed ideas."""
    return lambda question: any(idea in question["wrong"] for idea in ideas)


def thinking(idea: Authorizer) -> Mind:
    """Somebody with another idea."""
    known: dict[str, bool] = {}

    def mind(question: Question) -> bool:
        if question["id"] not in known:
            draft = question["draft"]
            known[question["id"]] = idea(draft.policy, draft.question) != question["allowed"]
        return known[question["id"]]

    return mind


class Figures(NamedTuple):
    """The results of a run.

    Args:
        rightly: By idea, the share of its learners for whom it was named.
        median: Questions of learners with a listed idea.
        nothing_named: Of learners without a wrong idea, the share for whom one was named.
        nothing_median: Their questions.
        unlisted_named: By unlisted idea, the share of its learners for whom a listed one was named.
        both: Of learners with two ideas, the shares for whom one, and both, were found in three sessions.
    """

    rightly: dict[str, float]
    median: float
    nothing_named: float
    nothing_median: float
    unlisted_named: dict[str, float]
    both: tuple[float, float]


def run(drill: Drill, slip: float, learners: int, seed: int, pairs: int = 0) -> Figures:
    """Let so many learners of each idea answer."""
    r = Random(seed)
    rightly, counts = {}, list[int]()
    for number, name in enumerate(AUTHORIZERS):
        sessions = [drill.session(believing(number), slip, r) for _ in range(learners)]
        rightly[name] = sum(each.found.idea == number for each in sessions) / learners
        counts += [each.asked for each in sessions]
    none = [drill.session(believing(), slip, r) for _ in range(max(learners, 400))]
    unlisted = {}
    for name, idea in (UNLISTED | UNSEEN).items():
        sessions = [drill.session(thinking(idea), slip, r) for _ in range(learners)]
        unlisted[name] = sum(each.found.kind == "idea" for each in sessions) / learners
    some, all_found = 0, 0
    for _ in range(pairs):
        two = r.sample(range(IDEAS), 2)
        found = frozenset[int]()
        for _ in range(3):
            session = drill.session(believing(*two), slip, r, found)
            found |= {session.found.idea} - {-1}
        some, all_found = some + bool(found & {*two}), all_found + (found >= {*two})
    return Figures(
        rightly,
        statistics.median(counts),
        sum(each.found.kind == "idea" for each in none) / len(none),
        statistics.median(each.asked for each in none),
        unlisted,
        (some / max(1, pairs), all_found / max(1, pairs)),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description="Simulate learners.")
    parser.add_argument("--learners", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(arguments)
    pool = candidates()
    for chosen in (True, False):
        drill = Drill(pool, asked.seed, most_informative=chosen)
        for slip in (0.05, 0.1):
            figures = run(drill, slip, asked.learners, asked.seed, asked.learners if chosen else 0)
            least = sorted(figures.rightly.items(), key=lambda each: each[1])
            worst = sorted(figures.unlisted_named.items(), key=lambda each: -each[1])
            print(
                f"{'chosen' if chosen else 'random order'}, {slip:.0%} slips, {asked.learners} learners each"
            )
            print(
                f"  named rightly: least {least[:5]}, mean {statistics.mean(figures.rightly.values()):.3f}"
            )
            print(
                f"  questions: median {figures.median}; without a wrong idea {figures.nothing_median}"
            )
            print(f"  no wrong idea: one named {figures.nothing_named:.1%}")
            for title, ideas in (("unlisted", UNLISTED), ("unlisted and unseen", UNSEEN)):
                shares = {name: share for name, share in worst if name in ideas}
                print(f"  {title}: one named {statistics.mean(shares.values()):.1%}; {shares}")
            print(
                f"  two at once: one found {figures.both[0]:.1%}, both {figures.both[1]:.1%}",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
