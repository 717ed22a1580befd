"""A learner's name, however it is written, is one identifier; and what was made under an earlier variant is judged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from labkit.grading.exercises.course_secret import CourseSecret, seed_name
from labkit.grading.graders.grader import Grader
from labkit.grading.graders.stages import EARLIER_VARIANT
from labkit.grading.intake.declared import seed_of
from labkit.grading.intake.submissions import Submission, find
from labkit.grading.session import GradingSession
from labkit.grading.tasks.seed import Seed, identity, learner_name
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


def old_cells(learner: str) -> list[str]:
    """A solved notebook as an earlier labkit made it, with the names of a seed of the name as it was written."""
    from labkit.grading.tasks import find_exercise

    answers = [task.variant(Seed(learner)).answer for task in find_exercise(EXERCISE).tasks]
    return [f'from labkit import Lab\nlab = Lab()\nME = "{learner}"', *answers]


@pytest.mark.parametrize("folder", ["S2026003", "s2026003"])
def test_what_was_made_under_the_earlier_variant_is_judged_by_it_and_it_is_said(
    folder: str, grader: Grader, tmp_path: Path
) -> None:
    submit(tmp_path / "s", folder, EXERCISE, old_cells("S2026003"))
    (result,) = GradingSession(tmp_path / "s", tmp_path / "out").run(grader, lambda _: None)
    assert result.passed, result.score
    assert result.note == EARLIER_VARIANT
    assert EARLIER_VARIANT in (
        tmp_path / "out" / "feedback" / f"{folder}.html"
    ).read_text().replace("&#39;", "'")
    document = json.loads((tmp_path / "out" / "overview.json").read_text())
    assert document["foreign"] == [], "its names are its own"


def test_nobody_chooses_anothers_variant_by_what_they_write(tmp_path: Path) -> None:
    path = submit(tmp_path, "eve", EXERCISE, old_cells("Ann"))
    (entry,) = find(tmp_path)
    assert entry.path == path
    assert seed_of(entry, old_cells("Ann")) == ("eve", False)
    with_code = Submission("Ann", EXERCISE, path, code=CourseSecret(b"0" * 64).code("Ann"))
    prefix = with_code.seed_name.removesuffix("ann")
    assert seed_of(with_code, old_cells(f"{prefix}Ann")) == (f"{prefix}Ann", True)
    assert seed_of(with_code, ["1"]) == (f"{prefix}ann", False)
    unseen = old_cells("a_nn")
    unseen[0] = unseen[0].replace("a_nn", "a\u200bnn")
    assert seed_of(Submission("ann", EXERCISE, path), unseen) == ("a_nn", True)
