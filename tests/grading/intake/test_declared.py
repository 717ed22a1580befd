"""What a notebook says of its learner: a name, and a code of the course."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit.grading.exercises.course_secret import CourseSecret
from labkit.grading.intake.declared import (
    declared_learner,
    declares_another_code,
    has_no_code,
    seed_of,
)
from labkit.grading.intake.submissions import Submission

SECRET = CourseSecret(b"0" * 64)
CODE, OTHERS = SECRET.code("ann"), SECRET.code("eve")
WORD = "abcd-efgh-ij"
"""A text with the form of a code that belongs to nobody."""


def handed_in(code: str = CODE, group: tuple[str, ...] = ()) -> Submission:
    """Ann's notebook."""
    return Submission("ann", "ex4-roles", Path("ann/ex4-roles.ipynb"), code=code, group=group)


@pytest.mark.parametrize(
    ("cells", "name"),
    [
        (["1", 'import os\nME = "Ann Lee"'], "Ann_Lee"),
        (["ME = 'ann'", "ME = 'bob'"], "ann"),
        (["ME = 'ann', 'bob'"], "ann"),
        (["    ME = 'ann'"], ""),
        (["NAME = 'ann'"], ""),
        (["ME = ann"], ""),
        ([], ""),
    ],
)
def test_the_name_in_the_first_line_for_it_is_declared(cells: list[str], name: str) -> None:
    assert declared_learner(cells) == name


@pytest.mark.parametrize(
    "cells",
    [
        [f'exercise(lab, "ex4-roles", code="{CODE}")'],
        [f"exercise(lab, 'ex4-roles', Code = '{CODE.lower().replace('-', ' ')}')"],
        [f'exercise(lab, "ex4-roles", code="{OTHERS}")'],
        [f"c = '{CODE}'"],
        ["1", f"codes = ['{WORD}', '{CODE}', '{WORD}']"],
        [f"words = ['{WORD}']", f"c = '{CODE}'"],
        ["import os", "os.environ['LABKIT_COURSE_CODE'] = input()"],
        [f"os.environ['LABKIT_COURSE_CODE'] = get('{WORD}')"],
    ],
)
def test_a_text_that_can_be_the_learners_code_is_one(cells: list[str]) -> None:
    assert not has_no_code(handed_in(), cells)


@pytest.mark.parametrize(
    "cells", [[], ["1"], [f"c = '{OTHERS}'"], [f"words = ['{WORD}', '{WORD}']"], [f"c = {CODE}"]]
)
def test_without_such_a_text_there_is_no_code(cells: list[str]) -> None:
    assert has_no_code(handed_in(), cells)
    assert not has_no_code(handed_in(code=""), cells)


@pytest.mark.parametrize(
    ("cells", "another"),
    [
        ([f'code="{CODE}"'], False),
        ([f'code="{CODE.lower()}"', "1"], False),
        ([f'code="{CODE}"', f'code="{OTHERS}"'], True),
        ([f'code="{WORD}"'], True),
        ([f"c = '{OTHERS}'"], False),
        ([], False),
    ],
)
def test_only_what_is_given_as_the_code_can_be_anothers(cells: list[str], another: bool) -> None:
    assert declares_another_code(handed_in(), cells) is another


def test_a_code_that_fits_the_name_and_is_of_another_course_is_another() -> None:
    other = CourseSecret(b"1" * 64).code("ann")
    assert declares_another_code(handed_in(), [f'code="{other}"'])
    assert declares_another_code(handed_in(code=""), [f'code="{other}"'])


def test_the_member_of_a_group_that_wrote_a_notebook_has_its_seed() -> None:
    group = ("ann", "bob", "Cat")
    for written, name in (("bob", "bob"), ("cat", "cat"), ("CAT", "cat"), ("eve", "ann")):
        assert seed_of(handed_in("", group), [f'ME = "{written}"']) == name
    assert seed_of(handed_in("", group), ["1"]) == "ann"
    assert seed_of(handed_in(""), ['ME = "bob"']) == "ann"


def test_with_a_code_the_seed_is_that_of_the_codes_learner() -> None:
    seed = f"{CODE.replace('-', '')[:8]}:ann"
    assert seed_of(handed_in(), ['ME = "bob"']) == seed
    assert seed_of(handed_in(group=("ann", "bob")), ['ME = "bob"']) == seed
