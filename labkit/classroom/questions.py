"""The questions for a class, each with its answer and the misconceptions behind the other answers.

A question belongs to a step (``W17``), to a part's beginning or end (``role-needs-binding``), to the drill (its id), or
to the teacher.
The answers come from the lessons' and the drill's own data. It is a dict:

- ``source``: its origin; ``own`` for the teacher's
- ``ask``, ``options``: the question, and the options
- ``text``: a policy or the like, as preformatted text
- ``right``, ``because``: the place of the right option, and why; None for a question of opinion
- ``ideas``: for each option, by its place as text: the ``idea`` behind it, a sentence to ``say``, the ``step`` to repeat
"""

import re
from functools import cache
from typing import Any

from labkit import lessons
from labkit.core.language import said, shown, text
from labkit.core.yaml_file import read_yaml
from labkit.lessons.mistakes import mistakes, of_guess
from labkit.practice.keeping import FACT
from labkit.practice.pool import policy, pool, sentence
from labkit.practice.review import Question as Fact
from labkit.practice.review import facts

from .limits import Refusal, read_text

MAX_TEXT = 600
MAX_OPTION = 120
MAX_OPTIONS = 6

WORDS = {
    "allowed": text("200, allowed"),
    "forbidden": text("403, forbidden"),
    "unauthorized": text("401, unauthorized"),
}
"""The words for a decision, with its status."""


Question = dict[str, Any]


def find(source: str) -> Question:
    """Return the question of a step, of a part's beginning or end, or of the drill."""
    if source in _steps():
        return _of_step(source)
    if source in _facts():
        return _of_fact(source)
    for question in pool()["questions"]:
        if question["id"] == source:
            return _of_drill(question)
    raise Refusal("no-question")


def own(ask: object, options: object, right: object = None) -> Question:
    """Return the teacher's own question."""
    text = read_text(ask)
    if not 0 < len(text) <= MAX_TEXT:
        raise Refusal("own-question", most=MAX_TEXT)
    lines = [read_text(option) for option in options] if isinstance(options, list) else []
    lines = list(dict.fromkeys(filter(None, lines)))
    if not 2 <= len(lines) <= MAX_OPTIONS or max(map(len, lines)) > MAX_OPTION:
        raise Refusal("own-options", most=MAX_OPTIONS, letters=MAX_OPTION)
    if right is not None and right not in range(len(lines)):
        raise Refusal("own-right")
    return _question("own", text, lines, right, "", {})


def catalogue() -> dict[str, dict[str, str]]:
    """Return the teacher's choice: groups, with the title of each question by its source."""
    ideas = pool()["beliefs"]
    return {
        said("Before a step"): {
            step: f"{step} · {said(entry['ask'])}" for step, entry in _steps().items()
        },
        said("At the beginning or the end of a part"): {
            name: f"{fact.part} · {said(fact.ask)}" for name, fact in _facts().items()
        },
        said("The drill: who believes this?"): {
            example: f"{said(idea['name'])} ({number})"
            for idea in ideas
            for number, example in enumerate(idea["examples"], 1)
        },
    }


@cache
def _steps() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = read_yaml(__file__, "questions.yaml")
    return found


def _of_step(step: str) -> Question:
    entry = _steps()[step]
    prediction = lessons.STEPS[step].prediction
    words = entry.get("options") or list(prediction.words if prediction else ())
    solution = str(lessons.worked()[step]["solution"])
    label = re.escape(entry.get("of", ""))
    # The right option is not written down again: it is the prediction in the tested solution.
    predicted = re.findall(
        rf'"{label}": "([^"]+)"' if label else rf'predict\("{step}", "([^"]+)"\)', solution
    )
    # A 401 that is expected for a known caller is the same mistake in each step: 401 taken for 403.
    kinds = [
        mistakes()["one-refusal-for-all" if word == "unauthorized" else of_guess(step)]
        for word in words
    ]
    ideas = {
        str(place): [_idea(kind.idea, kind.says, kind.step)] for place, kind in enumerate(kinds)
    }
    options = [said(text(WORDS.get(word, word))) for word in words]
    because = said(mistakes()[of_guess(step)].says)
    return _question(step, said(entry["ask"]), options, words.index(predicted[0]), because, ideas)


@cache
def _facts() -> dict[str, Fact]:
    return {fact.key.removeprefix(FACT): fact for fact in facts()}


def _of_fact(name: str) -> Question:
    fact = _facts()[name]
    # In the order of the alphabet, so that the right one is not always the first.
    answers = sorted(fact.answers)
    ideas = {str(place): [_idea("", reply, fact.step)] for place, (_, reply) in enumerate(answers)}
    right, because = fact.answers[0]
    options = [said(answer) for answer, _ in answers]
    place = options.index(said(right))
    return _question(name, said(fact.ask), options, place, said(because), ideas, fact.policy)


def _of_drill(found: dict[str, Any]) -> Question:
    right = 0 if found["allowed"] else 1
    wrong = [pool()["beliefs"][number] for number in found["wrong"]]
    ideas = {str(1 - right): [_idea(idea["name"], idea["says"], idea["step"]) for idea in wrong]}
    ask = " ".join(shown(sentence(found[part])) for part in ("note", "ask") if found.get(part))
    because = "\n".join(shown(sentence(line)) for line in found["says"].split("\n"))
    return _question(
        found["id"], ask, [said("allowed"), said("forbidden")], right, because, ideas, policy(found)
    )


def _question(
    source: str,
    ask: str,
    options: list[str],
    right: object,
    because: str,
    ideas: dict[str, Any],
    text: str = "",
) -> Question:
    told = {"source": source, "ask": ask, "options": options, "text": text}
    return {**told, "right": right, "because": because, "ideas": ideas}


def _idea(idea: str, say: str, step: str) -> dict[str, str]:
    return {"idea": said(text(idea)), "say": said(say), "step": step}
