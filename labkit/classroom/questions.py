"""The questions for a class, each with its answer and the misconceptions behind the other answers.

A question belongs to a step (``W17``), to the beginning of a part (``4.2``), to the drill (its id), or to the teacher.
The answers come from the lessons' and the drill's own data. It is a dict:

- ``source``: its origin; ``own`` for the teacher's
- ``ask``, ``options``: the question, and the options
- ``text``: a policy or the like, as preformatted text
- ``right``, ``because``: the place of the right option, and why; None for a question of opinion
- ``ideas``: for each option, by its place as text: the ``idea`` behind it, a sentence to ``say``, the ``step`` to repeat
"""

import json
import re
from functools import cache
from typing import Any

from labkit import lessons
from labkit.core.language import language, said, shown, text
from labkit.core.resources import notebooks
from labkit.core.yaml_file import read_yaml
from labkit.lessons.mistakes import mistakes, of_guess
from labkit.lessons.questions import judge
from labkit.practice.pool import policy, pool, sentence

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

RECALL = re.compile(r"\*\*(\d\.\d)\*\* (.+?)\n((?:\* \w: .+\n?)+)")
"""A question at the beginning of a notebook: its number, its text and its options."""


Question = dict[str, Any]


def find(source: str) -> Question:
    """Return the question of a step, of a part's beginning or of the drill."""
    if source in _steps():
        return _of_step(source)
    if source in recalls(language()):
        return _of_recall(source)
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
        said("At the beginning of a part"): {
            number: f"{number} · {ask}" for number, (ask, _) in recalls(language()).items()
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
def recalls(lang: str) -> dict[str, tuple[str, list[str]]]:
    """Return the questions at the beginning of each part by number, in a language: text and options."""
    # Read from the notebooks themselves, so that a class is asked exactly what a learner reads.
    folder = notebooks() if lang == "en" else notebooks() / lang
    texts = [(folder / lesson.notebook).read_text(encoding="utf-8") for lesson in lessons.LESSONS]
    cells = ["".join(cell["source"]) for text in texts for cell in json.loads(text)["cells"]]
    found = [question for cell in cells for question in RECALL.findall(f"{cell}\n")]
    return {
        number: (text, re.findall(r"^\* \w: (.+)$", options, re.MULTILINE))
        for number, text, options in found
    }


def _of_recall(number: str) -> Question:
    text, options = recalls(language())[number]
    replies = [judge(number, letter) for letter in "abcdef"[: len(options)]]
    right = [reply.right for reply in replies].index(True)
    ideas = {str(place): [_idea("", reply.text, "")] for place, reply in enumerate(replies)}
    return _question(number, text, options, right, shown(replies[right].text), ideas)


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
