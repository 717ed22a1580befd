"""Which submissions are so alike that a teacher may want to look at them. It takes no points.

Code is compared as Moss does it: k-grams of tokens are hashed, and of each window of hashes the least is kept
(winnowing), so that every passage of ``GRAM + WINDOW - 1`` tokens that two submissions share is found. Before that,
what a copier changes is made the same: comments, layout, quotes, the names of variables and of objects, the names
that the learner's seed made. What the assignment gives and its published solution is left out. The rest weighs by how
rare it is in the class, so that lines that many write weigh little or nothing.

JPlag, MOSS and Dolos do more: they read the syntax of many languages, and show whole files side by side.

Source: S. Schleimer, D. S. Wilkerson, A. Aiken, "Winnowing: Local Algorithms for Document Fingerprinting", SIGMOD 2003.
"""

from __future__ import annotations

import builtins
import keyword
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from math import log
from typing import Any
from zlib import crc32

from labkit.core.language import LANGUAGES
from labkit.grading.exercises.notebooks import learner_notebook
from labkit.grading.judging.score import plain
from labkit.grading.tasks.seed import SEEDED, Seed
from labkit.grading.tasks.task import ExerciseSpec

GRAM = 8
"""Tokens of a k-gram: what is shorter is no evidence."""

WINDOW = 4
"""Hashes of a window, of which one is kept."""

COMMON = 4
"""What up to so many submissions share counts also in a small class; else what a quarter of them share."""

ENOUGH = 0.78
"""A pair is named if it shares more than this: on average of both, the share of a submission's weight that the other
has too. Measured in ``test_similarity``."""

THIN = 0.5
"""What ``ENOUGH`` grows by if the shared weight is 1; less, the more it is. Two short solutions may agree by chance."""

FEWEST = 3.0
"""The least weight that a named pair shares: that of three fingerprints that nobody else has."""

SMALL_CLASS = 16
"""In a smaller class, what two share is as rare as in one of this size."""

NAMES = 2
"""Report a learner who uses at least this many of another's names; one can be coincidence."""

MAX_CODE = 100_000
"""Characters of a submission's code that are compared."""

MAX_NAMES = 50
"""How many names that a learner gave to objects are told apart from other words."""

MAX_PAIRS = 200
"""How many pairs are named, the most alike first."""

MAX_LINES = 20
"""How many shared lines are shown of a pair."""


Row = dict[str, Any]
"""A row of a table of the overview, by its headings."""


@dataclass(frozen=True, slots=True)
class Similarity:
    """What was found among the submissions of one exercise.

    Args:
        exercise: The exercise's id.
        count: How many pairs are alike.
        pairs: The most alike of them: ``learner``, ``other``; the ``share`` of their fingerprints' weight that the
            other has as well, on average of both; ``lines`` of the first, each with the second's.
        foreign: Each ``learner`` who uses ``names`` of the tasks of an ``other``, who is empty if not in the class.
    """

    exercise: str
    count: int
    pairs: list[Row]
    foreign: list[Row]


def compare(
    exercise: ExerciseSpec,
    codes: Mapping[str, Sequence[str]],
    seed_names: Mapping[str, str] | None = None,
    earlier: Mapping[str, Sequence[str]] | None = None,
) -> Similarity:
    """Compare the submissions of one exercise with each other.

    Args:
        exercise: The exercise.
        codes: The sources of the code cells, by learner.
        seed_names: The names that learners' seeds are made of, where those are others.
        earlier: The sources of earlier classes, by other names; no two of these are a pair.
    """
    given, earlier = _Assignment(exercise), earlier or {}
    sources = [*sorted(codes.items()), *sorted(earlier.items())]
    learners = [learner for learner, _ in sources]
    texts = [_Fingerprints(given, cells) for _, cells in sources]
    own = [set(text.lines) - given.marks for text in texts]
    weights = _weights(own)
    own = [{mark for mark in marks if weights[mark]} for marks in own]
    found = sorted(pair for pair in _alike(own, weights) if pair[1] < len(codes))
    pairs = [
        {
            "exercise": exercise.id,
            "learner": learners[one],
            "other": learners[two],
            "share": round(-score, 3),
            "lines": texts[one].beside(texts[two], own[one] & own[two]),
        }
        for score, one, two in found[:MAX_PAIRS]
    ]
    return Similarity(
        exercise.id, len(found), pairs, list(_foreign_names(exercise, codes, seed_names or {}))
    )


def _weights(own: Sequence[set[int]]) -> dict[int, float]:
    """Weigh each fingerprint: 1 if two have it, less the more have it, and 0 if many do."""
    common, size = max(COMMON, len(own) // 4), max(len(own), SMALL_CLASS)
    counts = Counter(chain.from_iterable(own))
    rarity = {
        count: (log(size / max(count, 2)) / log(size / 2)) ** 2 for count in range(1, common + 1)
    }
    return {mark: rarity.get(count, 0.0) for mark, count in counts.items()}


def _alike(
    own: Sequence[set[int]], weights: Mapping[int, float]
) -> Iterator[tuple[float, int, int]]:
    """Find the pairs that share enough, as (minus the score, index, index)."""
    totals = [sum(weights[mark] for mark in marks) for marks in own]
    having: dict[int, list[int]] = {}
    for index, marks in enumerate(own):
        for mark in marks:
            having.setdefault(mark, []).append(index)
    for one, marks in enumerate(own):
        for two in {index for mark in marks for index in having[mark] if index > one}:
            shared = sum(weights[mark] for mark in sorted(marks & own[two]))
            score = (shared / totals[one] + shared / totals[two]) / 2
            if shared >= FEWEST and score >= ENOUGH + THIN / shared:
                yield -round(score, 6), one, two


class _Assignment:
    """What the assignment gives: the words of its code, and the fingerprints of that and of the published solution.

    ``choices`` are the words that differ with the learner.
    """

    def __init__(self, exercise: ExerciseSpec) -> None:
        cells = [
            cell["source"]
            for cell in learner_notebook(exercise)["cells"]
            if cell["cell_type"] == "code"
        ]
        cells += [
            cell.replace("Lab()", f'Lab(lang="{code}")') for cell in cells for code in LANGUAGES
        ]
        answers = [task.variant(Seed("")).answer for task in exercise.tasks]
        self.words = {*keyword.kwlist, *dir(builtins), *re.findall(r"\w+", "\n".join(cells))}
        self.choices = _choices(exercise)
        self.marks: frozenset[int] = frozenset()
        self.marks = frozenset(_Fingerprints(self, [*cells, *answers]).lines)


def _choices(exercise: ExerciseSpec) -> set[str]:
    """The words among which seeds choose, such as the resources that an account should read."""
    found: set[str] = set()

    class Recorder(Seed):
        def one(self, label: str, choices: Sequence[str]) -> str:
            found.update(choices)
            return choices[0]

    for task in exercise.tasks:
        task.make(Recorder(""))
    return found


class _Fingerprints:
    """The fingerprints of a submission: the hashes that winnowing keeps, each with the line where it begins."""

    def __init__(self, given: _Assignment, cells: Sequence[str]) -> None:
        self.sources: list[str] = []
        self.lines: dict[int, int] = {}
        chosen = set(_OBJECT_NAME.findall(SEEDED.sub("0", "\n".join(cells)[:MAX_CODE])))
        names = sorted(chosen - given.words)[:MAX_NAMES]
        left = MAX_CODE
        for cell in cells:
            tokens = list(_tokens(cell[:left], given, names))
            grams = _grams([crc32(token.encode()) for token, _ in tokens])
            for place in _winnow(grams):
                self.lines.setdefault(grams[place], len(self.sources) + tokens[place][1])
            self.sources += cell[:left].split("\n")
            left = max(0, left - len(cell))

    def beside(self, other: _Fingerprints, marks: set[int]) -> list[str]:
        """Put the lines where these fingerprints are beside the other submission's."""
        places = sorted({self.lines[mark]: other.lines[mark] for mark in marks}.items())[:MAX_LINES]
        beside = ((self.sources[one].strip(), other.sources[two].strip()) for one, two in places)
        return ["\n⟷ ".join(plain(line, 200) for line in lines) for lines in beside]


def _grams(hashes: Sequence[int]) -> list[int]:
    """Hash every ``GRAM`` successive tokens."""
    return [hash(tuple(hashes[place : place + GRAM])) for place in range(len(hashes) - GRAM + 1)]


def _winnow(grams: Sequence[int]) -> Iterator[int]:
    """Choose the least hash of each window, the last of several; return their places."""
    for start in range(len(grams) and max(1, len(grams) - WINDOW + 1)):
        window = range(start, min(start + WINDOW, len(grams)))
        yield min(window, key=lambda place: (grams[place], -place))


_LEXEMES = re.compile(
    r"(?P<comment>(?<!\S)\#.*)"
    r"|(?P<shell>(?<=\n)[ \t]*(?:\w+[ \t]*=[ \t]*)?[!%].*)"
    r"|(?P<string>[fFrRbB]{0,2}(?:\"\"\"(?s:.*?)(?:\"\"\"|\Z)|'''(?s:.*?)(?:'''|\Z)"
    r"|\"(?:[^\"\\\n]|\\.)*+\"?|'(?:[^'\\\n]|\\.)*+'?))"
    r"|(?P<word>\.?\w+)"
)
_WORDS = re.compile(r"(?<!\S)#.*|[{$]?\w+")
_OBJECT_NAME = re.compile(
    r"(?:\bname[\"']?\s*[:=]\s*[\"']?|\bcreate\s+(?:cluster)?role(?:binding)?\s+|--(?:cluster)?role[ =])([a-z][\w-]*)"
)


def _tokens(cell: str, given: _Assignment, names: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Return the normalized tokens of a cell, each with the number of its line.

    Outside of strings, words that the assignment does not give are variables; all are the same token. Strings are
    words of Kubernetes and of the shell, with what they name replaced.
    """
    text = "\n" + SEEDED.sub(r"\1_seeded", cell)
    if names:
        text = re.sub(rf"(?<![\w-])(?:{'|'.join(names)})(?![\w-])", "chosen", text)
    line, counted = -1, 0
    for match in _LEXEMES.finditer(text):
        line, counted = line + text.count("\n", counted, match.start()), match.start()
        word, string = match["word"], match["string"]
        if word:
            yield (word if word[0] == "." or word in given.words else "variable"), line
        elif not match["comment"]:
            formatted = string is None or "f" in string[:2].lower()
            for inner in _WORDS.finditer(match[0]):
                token = inner[0]
                if token[0] == "#":
                    continue
                token = "variable" if formatted and token[0] in "{$" else token.lstrip("{$")
                inside = text.count("\n", counted, match.start() + inner.start())
                yield ("choice" if token in given.choices else token), line + inside


def _foreign_names(
    exercise: ExerciseSpec, codes: Mapping[str, Sequence[str]], seed_names: Mapping[str, str]
) -> Iterator[Row]:
    """Find who uses names that another learner's seed made."""
    given = "".join(f"{task.variant(Seed(''))}" for task in exercise.tasks)
    labels = {match[1] for match in SEEDED.finditer(given)}
    owners: dict[str, list[str]] = {}
    for learner in codes:
        for label in labels:
            owners.setdefault(Seed(seed_names.get(learner, learner)).name(label), []).append(
                learner
            )
    for learner, cells in sorted(codes.items()):
        used = {
            match[0] for match in SEEDED.finditer("\n".join(cells)[:MAX_CODE]) if match[1] in labels
        }
        foreign = {
            name: owners.get(name, []) for name in used if learner not in owners.get(name, [])
        }
        counts = Counter(chain.from_iterable(foreign.values()))
        owner, count = max(counts.items(), key=lambda entry: (entry[1], entry[0]), default=("", 0))
        if count < NAMES:
            owner = ""
        names = sorted(
            name for name, whose in foreign.items() if (owner in whose if owner else not whose)
        )
        if len(names) >= NAMES:
            yield {"exercise": exercise.id, "learner": learner, "other": owner, "names": names}
