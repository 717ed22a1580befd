"""Exports of systems that name their folders by numbers, say who worked together, and when it was handed in."""

from __future__ import annotations

import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from labkit.core.errors import UsageError
from labkit.grading.intake.exports import Deadline, read_extensions, read_groups, read_time
from labkit.grading.intake.intake import Intake, _timed, collect
from labkit.grading.intake.roster import Roster
from labkit.grading.session import GradingSession
from tests.grading.reports.test_overrides import FixedGrader
from tests.grading.support import submit

EXERCISE = "ex4-roles"
DUE = "2026-11-20T23:59+01:00"
GRADESCOPE = """---
submission_101:
  :submitters:
  - :name: Ann Lee
    :sid: s01
    :email: ann@x.edu
  :created_at: 2026-11-20 22:58:59.500000000 Z
  :score: 0.0
submission_102:
  :submitters:
  - :name: Bob Ek
    :sid:
    :email: bob@x.edu
  - :name: Cat Fu
    :sid: s03
    :email: cat@x.edu
  :created_at: 2026-11-22 00:00:30.000000000 Z
submission_103: broken
"""
ROSTER = "id,name,mail,github_username\ns01,Ann Lee,ann@x.edu,Ann-Lee\ns02,Bob Ek,bob@x.edu,bobek\ns03,Cat Fu,cat@x.edu,\n"


def took(
    folder: Path, *, roster: str = ROSTER, due: str = "", extensions: str = "", **options: object
) -> Intake:
    """What is taken in of a folder."""
    table, more = folder.parent / "roster.csv", folder.parent / "extensions.csv"
    table.write_text(roster)
    more.write_text(extensions)
    deadline = (
        (lambda find: Deadline(read_time(due), read_extensions(more, find) if extensions else {}))
        if due
        else None
    )
    people = Roster(table) if roster else None
    unpacked = folder.parent / "unpacked"
    return collect([folder], unpacked, roster=people, deadline=deadline, **options)  # type: ignore[arg-type] # a test's own


@pytest.fixture
def gradescope(tmp_path: Path) -> Path:
    """Gradescope's export, in the folder that its archive has."""
    root = tmp_path / "download" / "assignment_9_export"
    for number in (101, 102):
        submit(root, f"submission_{number}", EXERCISE, ["1"])
    (root / "submission_metadata.yml").write_text(GRADESCOPE)
    return tmp_path / "download"


def test_gradescopes_folders_are_their_submitters(gradescope: Path) -> None:
    intake = took(gradescope)
    assert [(entry.learner, entry.group) for entry in intake.submissions] == [
        ("s01", ()),
        ("s02", ("s02", "s03")),
    ]
    assert intake.missing == {}
    (gradescope.parent / "unpacked").mkdir(exist_ok=True)
    assert [entry.learner for entry in took(gradescope, roster="").submissions] == [
        "bob@x.edu",
        "s01",
    ]


def test_what_is_late_is_said_with_its_delay(gradescope: Path) -> None:
    intake = took(gradescope, due=DUE)
    assert [(entry.late, entry.delay) for entry in intake.submissions] == [
        (False, ""),
        (True, "by 1 day 1 hour 2 minutes"),
    ]
    assert any(line.endswith(" (by 1 day 1 hour 2 minutes).") for line in intake.lines)
    later = took(gradescope, due=DUE, extensions="learner,due\nBob Ek,2026-11-23T00:00Z\n")
    assert not any(entry.late for entry in later.submissions)
    assert [entry.learner for entry in took(gradescope, due=DUE, late=False).submissions] == ["s01"]


def test_a_group_has_one_result_each(gradescope: Path, tmp_path: Path) -> None:
    intake = took(gradescope, due=DUE)
    results = GradingSession(intake, tmp_path / "out").run(FixedGrader(), lambda _: None)
    assert [
        (each.learner, each.name, each.score.learner, each.score.points) for each in results
    ] == [
        ("s01", "Ann Lee", "s01", 0.5),
        ("s02", "Bob Ek", "s02", 0.5),
        ("s03", "Cat Fu", "s03", 0.5),
    ]
    assert "It was handed in together with s02." in results[2].notices
    assert "It was handed in late by 1 day 1 hour 2 minutes." in results[1].notices
    assert results[1].states == ["late by 1 day 1 hour 2 minutes"]


@pytest.mark.parametrize(
    "metadata",
    ["[" * 100_000, "a: b: c", "&a [*a]", "submission_101: {':submitters': 3}", "\x00", ""],
)
def test_damaged_metadata_says_nothing(metadata: str, gradescope: Path) -> None:
    (gradescope / "assignment_9_export" / "submission_metadata.yml").write_text(metadata)
    assert [entry.learner for entry in took(gradescope, roster="").submissions] == [
        "submission_101",
        "submission_102",
    ]


def test_nbgraders_time_is_that_of_its_file(tmp_path: Path) -> None:
    folder = tmp_path / "submitted"
    for learner, time in (
        ("s01", "2026-11-21 00:00:01.5 Europe/Berlin"),
        ("s02", "now"),
        ("s03", "2026-11-21 1:1 X/Y"),
    ):
        submit(folder / learner, EXERCISE, EXERCISE, ["1"])
        (folder / learner / EXERCISE / "timestamp.txt").write_text(time)
    found = took(folder, due=DUE).submissions
    assert [(entry.learner, entry.late) for entry in found] == [
        ("s01", True),
        ("s02", False),
        ("s03", False),
    ]
    assert found[0].delay == "by 2 minutes"


def test_a_learners_own_file_says_no_time(tmp_path: Path) -> None:
    """Where nbgrader has not put it, a learner may have written it."""
    for path in (
        submit(tmp_path / "s", "s01", EXERCISE, ["1"]),
        submit(tmp_path / "s" / "s02", "homework", EXERCISE, ["1"]),
    ):
        path.with_name("timestamp.txt").write_text("2026-11-22 00:00:00 UTC")
    found = took(tmp_path / "s", due=DUE).submissions
    assert [(entry.learner, entry.handed_in, entry.late) for entry in found] == [
        ("s01", "", False),
        ("s02", "", False),
    ]


@pytest.mark.parametrize(
    ("name", "late"),
    [
        ("bob_LATE_501_9001_work.zip", True),
        ("bob_501_9001_work.zip", False),
        ("Bob Marley_501_assignsubmission_file_", False),
        ("bob.zip", False),
    ],
)
def test_what_a_learner_hands_in_says_nothing_of_the_time(
    tmp_path: Path, name: str, late: bool
) -> None:
    """The system's mark stays, and a time in the learner's own folder or archive is none."""
    folder = tmp_path / "submissions"
    work = submit(tmp_path / "work", EXERCISE, EXERCISE, ["1"])
    for year in ("2026", "2099"):
        time = f"{year}-11-01 10:00:00.000000 UTC"
        if name.endswith(".zip"):
            folder.mkdir(exist_ok=True)
            with zipfile.ZipFile(folder / name, "w") as archive:
                archive.write(work, f"{EXERCISE}/{EXERCISE}.ipynb")
                archive.writestr(f"{EXERCISE}/timestamp.txt", time)
        else:
            submit(folder / name, EXERCISE, EXERCISE, ["1"])
            (folder / name / EXERCISE / "timestamp.txt").write_text(time)
        [entry] = took(folder, due=DUE, roster="").submissions
        assert (entry.handed_in, entry.late) == ("", late)
        shutil.rmtree(tmp_path / "unpacked", ignore_errors=True)


def test_a_systems_mark_stays_whatever_the_time(tmp_path: Path) -> None:
    submit(tmp_path / "s", "s01", EXERCISE, ["1"])
    (entry,) = took(tmp_path / "s").submissions
    deadline = Deadline(read_time(DUE))
    marked = replace(entry, late=True)
    assert _timed(deadline, marked).late
    assert _timed(deadline, replace(marked, handed_in="2000-01-01T00:00:00+00:00")).late
    assert not _timed(deadline, entry).late


def test_a_files_date_says_nothing(tmp_path: Path) -> None:
    submit(tmp_path / "s", "s01", EXERCISE, ["1"])
    assert not took(tmp_path / "s", due="1999-01-01T00:00Z").submissions[0].late


def test_github_classrooms_repositories_are_found_by_their_users(tmp_path: Path) -> None:
    folder = tmp_path / "ex4-submissions"
    for name in ("ex4-ann-lee", "ex4-BobEk", "ex4-stranger"):
        submit(folder, name, EXERCISE, ["1"])
    assert [entry.learner for entry in took(folder).submissions] == ["ex4-stranger", "s01", "s02"]
    classroom = "identifier,github_username,github_id,name\ns07,ann-lee,1,Ann Lee\n"
    assert "s07" in [entry.learner for entry in took(folder, roster=classroom).submissions]


def test_moodles_groups_are_in_a_table(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    submit(folder, "Red team-Bob Ek_102_assignsubmission_file_", EXERCISE, ["1"])
    table = tmp_path / "groups.csv"
    table.write_text("group;learner\nRed team;s02\nRed team;cat@x.edu\nBlue;s01\n")
    intake = took(folder, groups=read_groups(table))
    assert [(entry.learner, entry.group) for entry in intake.submissions] == [
        ("s02", ("s02", "s03"))
    ]
    assert [person.id for person in intake.missing[EXERCISE]] == ["s01"]


def test_empty_rows_of_a_table_say_nothing_and_count_as_lines(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("\n,\ngroup,learner\n\n , \nRed,s01\n,,\nRed,s02\n\n")
    assert read_groups(table) == {"Red": ["s01", "s02"]}
    table.write_text(f"\nlearner,due\n\n,\ns01,{DUE}\n\neve,never\n")
    with pytest.raises(UsageError, match="line 7: never is no time"):
        read_extensions(table, str)


@pytest.mark.parametrize("text", ["2026-11-20", "2026-11-20T10:00", "tomorrow", ""])
def test_a_time_needs_its_zone(text: str) -> None:
    with pytest.raises(UsageError, match="is no time with a zone"):
        read_time(text)


def test_a_wrong_extension_is_named_by_its_line(gradescope: Path) -> None:
    with pytest.raises(UsageError, match="line 2: There is no learner eve"):
        took(gradescope, due=DUE, extensions="learner,due\neve,2026-11-23T00:00Z\n")
