"""Submissions that are so alike that a teacher should look at them. Similarity costs no points.

Code is compared as Moss does it: k-grams of tokens are hashed, and the least hash of each window is selected
(winnowing), so that every passage of ``GRAM + WINDOW - 1`` tokens that two submissions share is found. Before that,
the things that a copier changes are made the same: comments, layout, quotes, the names of variables and of objects,
and the names from the learner's seed. The assignment's own code and its published solution are left out. The rest
is weighed by how rare it is in the class, so that common lines have little or no weight.

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
from typing import Any, TypedDict
from zlib import crc32

from labkit.core.language import LANGUAGES, text

from ..exercises.notebooks import learner_notebook
from ..judging.score import plain
from ..tasks.seed import SEEDED, Seed
from ..tasks.task import ExerciseSpec

GRAM = 8
"""Tokens of a k-gram; a shorter passage is not evidence."""

WINDOW = 4
"""Hashes of a window, of which one is selected."""

COMMON = 4
"""A passage counts if at most a quarter of the submissions share it, or, in a small class, at most so many."""

ENOUGH = 0.78
"""A pair is named if it shares more than this: the share of a submission's weight that the other has too, averaged
over both. Measured in ``test_similarity``."""

THIN = 0.5
"""``ENOUGH`` grows by this divided by the shared weight: two short solutions can agree by chance."""

FEWEST = 3.0
"""The least weight that a named pair shares: three fingerprints that no other submission has."""

SMALL_CLASS = 16
"""In a smaller class, a passage of two is as rare as in one of this size."""

NAMES = 2
"""Report a learner who uses at least this many of another's names; one can be coincidence."""

MAX_CODE = 100_000
"""Characters of a submission's code that are compared."""

MAX_NAMES = 50
"""How many of the names that a learner gave to objects are replaced."""

MAX_PAIRS = 200
"""How many pairs are named, the most alike first."""

BELOW = 5
"""How many of the most alike pairs that are not named are listed after the others, marked as such."""

MAX_LINES = 20
"""How many shared lines are shown of a pair."""


class SimilarPair(TypedDict):
    """Two similar submissions.

    Args:
        exercise: The exercise's id.
        learner: One learner.
        other: The other one.
        verdict: ``alike`` if the pair is named, else ``below the line``.
        share: The share of their fingerprints' weight that the other has as well, averaged over both.
        names: The names of objects that both chose and few others did.
        lines: Lines of the first, each with the second's.
    """

    exercise: str
    learner: str
    other: str
    verdict: str
    share: float
    names: list[str]
    lines: list[str]


class ForeignNames(TypedDict):
    """A learner who uses names of another's tasks.

    Args:
        exercise: The exercise's id.
        learner: The learner.
        other: The owner of the names; empty if not in the class.
        names: The names.
    """

    exercise: str
    learner: str
    other: str
    names: list[str]


@dataclass(frozen=True, slots=True)
class Similarity:
    """The similar submissions of one exercise.

    Args:
        exercise: The exercise's id.
        count: The number of similar pairs.
        pairs: The most similar of them, then the most similar of the others.
        foreign: The learners who use others' names.
    """

    exercise: str
    count: int
    pairs: list[SimilarPair]
    foreign: list[ForeignNames]


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
    assignment = _Assignment(exercise)
    sources = [*sorted(codes.items()), *sorted((earlier or {}).items())]
    learners = [learner for learner, _ in sources]
    prints = [_Fingerprints(assignment, cells) for _, cells in sources]
    own = [set(fingerprints.lines) - assignment.marks for fingerprints in prints]
    weights = _weights(own)
    own = [{mark for mark in marks if weights[mark]} for marks in own]
    # A single word can be a variable, or anybody's first idea.
    chosen = [{name for name in each.names if re.search(r"[-\d]", name)} for each in prints]
    rare = _weights(chosen)
    # Earlier classes come after this one, so a pair of theirs has a first index beyond it.
    alike = sorted(pair for pair in _alike(own, weights, chosen, rare) if pair[2] < len(codes))
    count = sum(not below for below, *_ in alike)
    pairs: list[SimilarPair] = [
        {
            "exercise": exercise.id,
            "learner": learners[first],
            "other": learners[second],
            "verdict": text("below the line" if below else "alike"),
            "share": round(-score, 3),
            "names": sorted(name for name in chosen[first] & chosen[second] if rare[name]),
            "lines": prints[first].pair_lines(prints[second], own[first] & own[second]),
        }
        for below, score, first, second in [*alike[:count][:MAX_PAIRS], *alike[count:][:BELOW]]
    ]
    foreign = list(_foreign_names(exercise, codes, seed_names or {}))
    return Similarity(exercise.id, count, pairs, foreign)


def _weights(own: Sequence[set[Any]]) -> dict[Any, float]:
    """Weigh each fingerprint: 1 if two have it, less the more have it, and 0 if many do."""
    common = max(COMMON, len(own) // 4)
    size = max(len(own), SMALL_CLASS)
    counts = Counter(chain.from_iterable(own))
    rarity = {
        count: (log(size / max(count, 2)) / log(size / 2)) ** 2 for count in range(1, common + 1)
    }
    return {mark: rarity.get(count, 0.0) for mark, count in counts.items()}


def _alike(
    own: Sequence[set[int]],
    weights: Mapping[int, float],
    chosen: Sequence[set[str]],
    rare: Mapping[str, float],
) -> Iterator[tuple[bool, float, int, int]]:
    """Find the pairs that share something, as (whether it is not enough, minus the score, index, index).

    A name of an object that both chose counts like a fingerprint. Other names count for nothing, or a copy in which
    the objects are renamed would be less alike.
    """
    totals = [sum(weights[mark] for mark in marks) for marks in own]
    having: dict[int, list[int]] = {}
    for index, marks in enumerate(own):
        for mark in marks:
            having.setdefault(mark, []).append(index)
    for first, marks in enumerate(own):
        # Only pairs that share a fingerprint: all pairs of a large class would take minutes.
        for second in {index for mark in marks for index in having[mark] if index > first}:
            # Sorted, since the sum of floats depends on their order, and a set's order on the hashes.
            shared = sum(weights[mark] for mark in sorted(marks & own[second]))
            shared += sum(rare[name] for name in sorted(chosen[first] & chosen[second]))
            score = sum(min(1.0, shared / totals[each]) for each in (first, second)) / 2
            enough = shared >= FEWEST and score >= ENOUGH + THIN / shared
            yield not enough, -round(score, 6), first, second


class _Assignment:
    """The words of an assignment's code, and the fingerprints of its code and of the published solution.

    ``choices`` are the words that differ between learners.
    """

    def __init__(self, exercise: ExerciseSpec) -> None:
        cells = [
            cell["source"]
            for cell in learner_notebook(exercise)["cells"]
            if cell["cell_type"] == "code"
        ]
        # A copy in another language names the language there.
        cells += [
            cell.replace("Lab()", f'Lab(lang="{code}")') for cell in cells for code in LANGUAGES
        ]
        answers = [task.variant(Seed("")).answer for task in exercise.tasks]
        self.words = {*keyword.kwlist, *dir(builtins), *re.findall(r"\w+", "\n".join(cells))}
        self.choices = _choices(exercise)
        self.marks: frozenset[int] = frozenset()
        # Its own words, without its marks, are needed to compute them.
        self.marks = frozenset(_Fingerprints(self, [*cells, *answers]).lines)


def _choices(exercise: ExerciseSpec) -> set[str]:
    """Return the words among which seeds choose, such as the resources that an account should read."""
    words: set[str] = set()

    # Only making a task shows what its seed chooses from.
    class Recorder(Seed):
        def one(self, label: str, choices: Sequence[str]) -> str:
            words.update(choices)
            return choices[0]

    for task in exercise.tasks:
        task.make(Recorder(""))
    return words


class _Fingerprints:
    """The fingerprints of a submission: the hashes that winnowing selects, each with its first line."""

    def __init__(self, assignment: _Assignment, cells: Sequence[str]) -> None:
        self.sources: list[str] = []
        self.lines: dict[int, int] = {}
        chosen = set(_OBJECT_NAME.findall(SEEDED.sub("0", "\n".join(cells)[:MAX_CODE])))
        self.names = set(sorted(chosen - assignment.words)[:MAX_NAMES])
        names = sorted(self.names)
        left = MAX_CODE
        # Cell by cell, so that a passage that is shared cannot reach from one cell into the next.
        for cell in cells:
            tokens = list(_tokens(cell[:left], assignment, names))
            # crc32, since Python's own hash of a text differs with each process.
            hashes = [crc32(token.encode()) for token, _ in tokens]
            grams = [
                hash(tuple(hashes[start : start + GRAM])) for start in range(len(hashes) - GRAM + 1)
            ]
            for start in _winnow(grams):
                self.lines.setdefault(grams[start], len(self.sources) + tokens[start][1])
            self.sources += cell[:left].split("\n")
            left = max(0, left - len(cell))

    def pair_lines(self, other: _Fingerprints, marks: set[int]) -> list[str]:
        """Return the lines with these fingerprints, each with the other submission's line."""
        numbers = sorted({self.lines[mark]: other.lines[mark] for mark in marks}.items())
        pairs = []
        for own, others in numbers[:MAX_LINES]:
            lines = (self.sources[own].strip(), other.sources[others].strip())
            pairs.append("\n⟷ ".join(plain(line, 200) for line in lines))
        return pairs


def _winnow(grams: Sequence[int]) -> Iterator[int]:
    """Select the least hash of each window, the last of several; yield their indexes."""
    for start in range(len(grams) and max(1, len(grams) - WINDOW + 1)):
        window = range(start, min(start + WINDOW, len(grams)))
        yield min(window, key=lambda index: (grams[index], -index))


# Strings have possessive quantifiers: with backtracking, an unclosed quote would take quadratic time.
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


def _tokens(cell: str, assignment: _Assignment, names: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Yield the normalized tokens of a cell, each with the number of its line.

    Outside of strings, words that the assignment does not have are variables, which are all the same token. Strings
    are words of Kubernetes and of the shell, in which the names are replaced.
    """
    text = "\n" + SEEDED.sub(r"\1_seeded", cell)
    if names:
        text = re.sub(rf"(?<![\w-])(?:{'|'.join(names)})(?![\w-])", "chosen", text)
    line = -1
    counted = 0
    for match in _LEXEMES.finditer(text):
        line = line + text.count("\n", counted, match.start())
        counted = match.start()
        word = match["word"]
        string = match["string"]
        if word:
            known = word[0] == "." or word in assignment.words
            yield (word if known else "variable"), line
        elif not match["comment"]:
            formatted = string is None or "f" in string[:2].lower()
            for inner in _WORDS.finditer(match[0]):
                token = inner[0]
                if token[0] == "#":
                    continue
                token = "variable" if formatted and token[0] in "{$" else token.lstrip("{$")
                inside = text.count("\n", counted, match.start() + inner.start())
                yield ("choice" if token in assignment.choices else token), line + inside


def _foreign_names(
    exercise: ExerciseSpec, codes: Mapping[str, Sequence[str]], seed_names: Mapping[str, str]
) -> Iterator[ForeignNames]:
    """Find the learners who use names that another learner's seed made."""
    variants = "".join(f"{task.variant(Seed(''))}" for task in exercise.tasks)
    labels = {match[1] for match in SEEDED.finditer(variants)}
    owners: dict[str, list[str]] = {}
    for learner in codes:
        seed = Seed(seed_names.get(learner, learner))
        for label in labels:
            # A seed draws from a few names, so several learners can have the same one.
            owners.setdefault(seed.name(label), []).append(learner)
    for learner, cells in sorted(codes.items()):
        used = SEEDED.finditer("\n".join(cells)[:MAX_CODE])
        foreign = {
            match[0]: owners.get(match[0], [])
            for match in used
            if match[1] in labels and learner not in owners.get(match[0], [])
        }
        counts = Counter(chain.from_iterable(foreign.values()))
        owner, count = max(counts.items(), key=lambda entry: (entry[1], entry[0]), default=("", 0))
        if count < NAMES:
            owner = ""
        names = sorted(
            name for name, users in foreign.items() if (owner in users if owner else not users)
        )
        if len(names) >= NAMES:
            yield {"exercise": exercise.id, "learner": learner, "other": owner, "names": names}
