"""Which submissions are named as alike, and which are not. No points depend on it."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise

import pytest

from labkit.grading.reports import similarity
from labkit.grading.reports.similarity import Similarity, SimilarPair, compare
from labkit.grading.tasks import find_exercise
from labkit.grading.tasks.seed import Seed
from tests.grading.honest import KINDS, copies, honest, later_copies
from tests.grading.independent_solutions import SOLUTIONS, independent
from tests.grading.support import solved_cells

EXERCISE = find_exercise("ex4-roles")
OPENING = ["from labkit import Lab, exercise", 'paper.show("4.1")']
COPIED = (3, 10, 13, 18)
"""What ann solved her four tasks with, and others copied."""


def classroom() -> dict[str, list[str]]:
    """Thirty learners, none of whom has seen another's solution."""
    names = [f"s{number:02}" for number in range(len(SOLUTIONS))]
    return {
        name: [*OPENING, independent(number, name), 'paper.check("4.1")']
        for number, name in enumerate(names)
    }


def solved_by(learner: str) -> list[str]:
    """Four tasks, solved as ann did, with a learner's names."""
    return [*OPENING, *(independent(number, learner) for number in COPIED)]


def named(found: Similarity) -> set[frozenset[str]]:
    """The pairs that are named."""
    return {
        frozenset((pair["learner"], pair["other"]))
        for pair in found.pairs
        if pair["verdict"] == "alike"
    }


def test_thirty_independent_solutions_of_a_small_task_are_not_named() -> None:
    found = compare(EXERCISE, classroom())
    assert len(SOLUTIONS) == 30
    assert (named(found), found.count, found.foreign) == (set(), 0, [])


def test_the_five_most_alike_below_the_line_are_listed_as_such() -> None:
    found = compare(EXERCISE, classroom())
    assert [pair["verdict"] for pair in found.pairs] == ["below the line"] * 5
    shares = [pair["share"] for pair in found.pairs]
    assert shares == sorted(shares, reverse=True)
    copied = compare(EXERCISE, {**classroom(), "eve": solved_by("eve"), "bob": solved_by("bob")})
    assert [pair["verdict"] for pair in copied.pairs] == ["alike", *["below the line"] * 5]


def test_equal_unusual_names_of_objects_are_evidence_and_others_are_none() -> None:
    def rewritten(learner: str, *names: str) -> list[str]:
        half = independent(3, learner), independent(7 if learner == "eve" else 9, learner)
        return [*half, *(f'name: "{name}"' for name in names)]

    def pair(*names: str) -> SimilarPair:
        codes = {**classroom(), "eve": rewritten("eve", *names), "bob": rewritten("bob", *names)}
        return next(
            each
            for each in compare(EXERCISE, codes).pairs
            if {each["learner"], each["other"]} == {"eve", "bob"}
        )

    assert pair("lookup-41", "lookup-x")["names"] == ["lookup-41", "lookup-x"]
    assert pair("lookup-41", "lookup-x")["share"] > pair("lookup-41")["share"]


def test_independent_solutions_are_far_from_being_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(similarity, "ENOUGH", 0.6 * similarity.ENOUGH)
    monkeypatch.setattr(similarity, "FEWEST", similarity.FEWEST // 2)
    assert compare(EXERCISE, classroom()).count == 0


def renamed(cells: list[str]) -> list[str]:
    """Other names of variables, functions and objects."""
    pairs = {
        "grant": "make_it",
        "space": "ns",
        "account": "sa",
        "verbs": "vs",
        "rule": "one_rule",
        "group": "api",
    }
    pairs |= {
        "role": "r1",
        "binding": "second",
        "hall-reader": "my-own",
        "get-and-list": "it-reads",
        "leser": "lector",
    }
    pattern = rf"(?<![\w\"-])(?:{'|'.join(pairs)})(?![\w\"-]|:)"
    return [re.sub(pattern, lambda match: pairs[match[0]], cell) for cell in cells]


def reordered(cells: list[str]) -> list[str]:
    """The same cells in another order, and some put together."""
    return [cells[5], f"{cells[3]}\n\n{cells[2]}", cells[0], cells[4], cells[1]]


def commented(cells: list[str]) -> list[str]:
    """Other comments, other white space, other quotes."""
    lines = [
        f"# I have thought of this: {number}\n{cell}  # so\n\n" for number, cell in enumerate(cells)
    ]
    return [line.replace(", ", ",  ").replace('"', "'").replace("\n", "\n\n") for line in lines]


def everything(cells: list[str]) -> list[str]:
    """All of that."""
    return commented(reordered(renamed(cells)))


@pytest.mark.parametrize("disguise", [list, renamed, reordered, commented, everything])
def test_a_copy_in_disguise_is_named(disguise: Callable[[list[str]], list[str]]) -> None:
    codes = {**classroom(), "ann": solved_by("ann"), "bob": disguise(solved_by("bob"))}
    found = compare(EXERCISE, codes)
    pair = next(pair for pair in found.pairs if {pair["learner"], pair["other"]} == {"ann", "bob"})
    assert pair["share"] > 0.6
    lines = [line.split("\n⟷ ") for line in pair["lines"]]
    assert Seed("ann").name("hall") in str([one for one, _ in lines])
    assert Seed("bob").name("hall") in str([two for _, two in lines])
    assert not found.foreign


def test_a_copy_with_ones_own_names_is_the_same() -> None:
    codes = {**classroom(), "ann": solved_by("ann"), "bob": solved_by("bob")}
    pair = next(pair for pair in compare(EXERCISE, codes).pairs if pair["learner"] == "ann")
    assert (pair["other"], pair["share"]) == ("bob", 1.0)


def test_what_the_assignment_gives_is_no_copy() -> None:
    cells = solved_cells("ex4-roles", "ann")
    assert compare(EXERCISE, {"ann": cells, "bob": solved_cells("ex4-roles", "bob")}).count == 0


def test_what_many_have_is_no_copy() -> None:
    codes = {**classroom(), **{f"same{number}": solved_by(f"same{number}") for number in range(9)}}
    assert not named(compare(EXERCISE, codes))
    few = {**classroom(), **{f"same{number}": solved_by(f"same{number}") for number in range(3)}}
    same = [f"same{number}" for number in range(3)]
    assert {frozenset(pair) for pair in pairwise(same)} <= named(compare(EXERCISE, few))


def test_an_earlier_class_is_compared_with_and_says_what_is_common() -> None:
    alone = {name: cells for name, cells in classroom().items() if int(name[1:]) not in COPIED}
    codes = {**alone, "bob": everything(solved_by("bob"))}
    before = {"2025: ann": solved_by("ann"), "2025: abe": solved_by("abe")}
    assert not named(compare(EXERCISE, codes))
    pairs = named(compare(EXERCISE, codes, earlier=before))
    assert pairs == {frozenset({"bob", name}) for name in before}, (
        "none of two that were there earlier"
    )
    many = {f"2025: same{number}": solved_by(f"same{number}") for number in range(20)}
    assert not named(compare(EXERCISE, codes, earlier=many))


def test_who_uses_anothers_names_is_said() -> None:
    codes = {**classroom(), "bob": ['lab.kubectl("get pods")', independent(0, "s07")]}
    (found,) = compare(EXERCISE, codes).foreign
    assert (found["learner"], found["other"]) == ("bob", "s07")
    assert found["names"] == sorted(Seed("s07").name(label) for label in ("hall", "reader"))


def test_names_of_somebody_outside_the_class_are_said_too() -> None:
    (found,) = compare(
        EXERCISE, {"bob": [independent(0, "last-year")], "cat": [independent(1, "cat")]}
    ).foreign
    assert (found["learner"], found["other"], len(found["names"])) == ("bob", "", 2)


def test_one_foreign_name_may_be_chance() -> None:
    codes = {"bob": [f'print("{Seed("cat").name("hall")}")'], "cat": [independent(1, "cat")]}
    assert not compare(EXERCISE, codes).foreign


@pytest.mark.parametrize(
    ("one", "two", "alike"),
    [
        ("first", "second", True),
        ("len", "max", False),
        ("lab.get", "lab.post", False),
        ("lab.mine", "lab.yours", False),
    ],
    ids=["variables", "builtins", "attributes-of-the-assignment", "other-attributes"],
)
def test_other_variables_hide_no_copy_and_other_functions_are_other_code(
    one: str, two: str, alike: bool
) -> None:
    def code(word: str) -> list[str]:
        return ["\n".join(f"{word}('word{number} more{number}')" for number in range(60))]

    codes = {**classroom(), "ann": code(one), "bob": code(two)}
    assert (frozenset({"ann", "bob"}) in named(compare(EXERCISE, codes))) is alike


HOSTILE = {
    "escaped quotes": '"' + '\\"' * 50_000,
    "open strings": "f'" * 50_000,
    "open triple strings": "'''\"\"\"" * 15_000,
    "names": "name=\t" * 20_000 + "create role " + " " * 50_000,
    "half a seeded name": "hall-" * 20_000,
    "more than is compared": "x = [1, 2, 3]\n" * 500_000,
    "no code": "\0\ud800\u202e" * 1000,
}


@pytest.mark.parametrize("threat", HOSTILE)
def test_code_that_is_slow_to_read_hides_nobody(threat: str) -> None:
    """What is read in quadratic time would take minutes."""
    found = compare(
        EXERCISE, {"eve": [HOSTILE[threat]], "ann": solved_by("ann"), "bob": solved_by("bob")}
    )
    assert named(found) == {frozenset({"ann", "bob"})}


def test_the_same_class_gives_the_same_findings() -> None:
    codes = {**classroom(), "ann": solved_by("ann"), "bob": solved_by("bob")}
    assert compare(EXERCISE, codes) == compare(EXERCISE, dict(reversed(codes.items())))


def measured(year: int) -> tuple[int, dict[str, int]]:
    """How many pairs of a class of 110 who work alone are named, and how many of 20 copiers of each kind."""
    alone = {name: honest(name, year) for name in (f"h{number:03}" for number in range(110))}
    found: dict[str, int] = {}
    for kind in KINDS:
        for copiers in (copies(kind, 10, year + 1, year), later_copies(kind, 10, year)):
            pairs = named(
                compare(
                    EXERCISE, {**alone, **{name: cells for name, (_, cells) in copiers.items()}}
                )
            )
            copied = [frozenset((name, owner)) for name, (owner, _) in copiers.items()]
            found[kind] = found.get(kind, 0) + sum(pair in pairs for pair in copied)
    return compare(EXERCISE, alone).count, found


def test_of_a_class_that_works_alone_hardly_anybody_is_named_and_copiers_are() -> None:
    """The thresholds were chosen with the class of year 0; this one was made afterwards."""
    false, found = measured(7)
    assert false <= 1
    assert min(found.values()) >= 18, found


@pytest.mark.slow
def test_of_three_classes_that_were_made_after_the_thresholds() -> None:
    years = [measured(year) for year in (7, 8, 9)]
    assert max(false for false, _ in years) <= 1
    for kind in KINDS:
        assert sum(found[kind] for _, found in years) >= 3 * 18, years
