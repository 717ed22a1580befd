"""A learner's name, however it is written, is one identifier."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from labkit.grading.exercises.course_secret import CourseSecret, seed_name
from labkit.grading.graders.grader import Grader
from labkit.grading.intake.declared import seed_of
from labkit.grading.intake.submissions import Submission, find
from labkit.grading.session import GradingSession
from labkit.grading.tasks.seed import identity, learner_name
from tests.grading.support import solved_cells, submit

EXERCISE = "ex4-roles"


@pytest.mark.parametrize(
    "variant",
    [
        "S2026003",
        " s2026003 ",
        "ｓ２０２６００３",
        "s2026\u200b003",
        "\ufeffs2026003",
        "S2026\u00ad003\u2060",
    ],
)
def test_variants_are_one_identifier(variant: str) -> None:
    assert identity(variant) == "s2026003"
    assert seed_name(variant) == "s2026003"
    secret = CourseSecret(b"0" * 64)
    assert seed_name(variant, secret.code("s2026003")) == seed_name(
        "s2026003", secret.code("s2026003")
    )


@pytest.mark.parametrize("name", ["ann", "s2026003", "a.b_c-d@x.edu", "김철수", "zoë", "_1"])
def test_lower_case_identifiers_keep_their_variants(name: str) -> None:
    assert identity(name) == learner_name(name) == seed_name(name)


@pytest.mark.parametrize(
    ("one", "other"), [("ann", "anna"), ("s1", "s01"), ("a-b", "a_b"), ("zoe", "zoë")]
)
def test_other_identifiers_are_others(one: str, other: str) -> None:
    assert identity(one) != identity(other)


def test_a_code_of_before_fits_the_name_as_it_was_written() -> None:
    """Its last characters were made of the name with its capitals; those of the seed are the same."""
    secret = CourseSecret(b"0" * 64)
    code = secret.code("Ann")
    from labkit.grading.exercises.course_secret import _check

    before = f"{code[:9]}-{_check(code[:9].replace('-', ''), 'Ann')}"
    assert before != code
    assert seed_name("Ann", before) == seed_name("Ann", code) == seed_name("ANN", code)


@pytest.mark.parametrize("me", ["S2026003", "ｓ２０２６００３", "s2026003 ", "s2026\u200b003"])
def test_right_work_under_a_variant_has_all_points(me: str, grader: Grader, tmp_path: Path) -> None:
    cells = [cell.replace('ME = ""', f'ME = "{me}"') for cell in solved_cells(EXERCISE, "s2026003")]
    assert any(me in cell for cell in cells)
    submit(tmp_path / "s", "s2026003", EXERCISE, cells)
    (result,) = GradingSession(tmp_path / "s", tmp_path / "out").run(grader, lambda _: None)
    assert result.passed
    assert (result.declared, result.note) == ("", "")


def test_nobody_chooses_anothers_names_by_writing_theirs(tmp_path: Path) -> None:
    path = submit(tmp_path, "eve", EXERCISE, ['ME = "Ann"'])
    (entry,) = find(tmp_path)
    assert seed_of(entry, ['ME = "Ann"']) == "eve"
    group = replace(entry, group=("eve", "Ann"))
    assert seed_of(group, ['ME = "Ann"']) == "ann"
    with_code = Submission("eve", EXERCISE, path, code=CourseSecret(b"0" * 64).code("eve"))
    assert seed_of(replace(with_code, group=group.group), ['ME = "Ann"']) == with_code.seed_name
