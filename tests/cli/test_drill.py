"""``labkit drill`` in a terminal, and its state in the progress."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from labkit.cli.drill import drill_command, finding_lines
from labkit.core.errors import UsageError
from labkit.lessons import STEPS
from labkit.lessons.progress import Progress
from labkit.practice import keeping
from labkit.practice.chooser import Finding
from labkit.practice.pool import pool


@pytest.fixture
def progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Progress:
    monkeypatch.setenv("LABKIT_HOME", str(tmp_path))
    return Progress.default()


def drill(*words: str, typed: str = "") -> str:
    done = CliRunner().invoke(drill_command, words, input=typed, standalone_mode=False)
    assert done.exception is None, done.exception
    return done.output


def test_answers_are_judged_explained_and_kept(progress: Progress) -> None:
    progress.mark("W1", "passed")
    output = drill(typed="f\n1\na\n\nq\n")
    assert output.count("allowed, forbidden or quit?") == 3
    assert output.count("Why?") == 2
    kept, said = keeping.read(progress.drill())
    assert said == ""
    assert len(kept["asked"]) == 2
    assert progress.passed("W1")


def test_the_end_of_input_ends_it(progress: Progress) -> None:
    assert drill(typed="f\n").count("May ") == 2
    assert len(keeping.read(progress.drill())[0]["asked"]) == 1


def test_before_and_after_show_the_gain(progress: Progress) -> None:
    sets = {
        name: [each for each in pool()["questions"] if each.get("set") == name]
        for name in ("before", "after")
    }
    assert "Before: 4 of 10 right" in drill("--measure", typed="a\n" * 10)
    assert drill("--measure", typed="a\n").endswith("Nothing is kept: only all ten count.\n")
    right = "".join("a\n" if each["allowed"] else "f\n" for each in sets["after"])
    assert drill("--measure", typed=right).endswith(
        "Before: 4 of 10 right\nAfter: 10 of 10 right\nGain: +6\n"
    )
    progress.mark("W1", "passed", guessed=True)
    lessons = f"1 of {len(STEPS)} steps passed, 1 of 1 first guesses right\n"
    assert (
        drill("--summary") == f"{lessons}Before: 4 of 10 right\nAfter: 10 of 10 right\nGain: +6\n"
    )


def test_an_idea_that_was_found_is_named_and_can_be_switched_off(progress: Progress) -> None:
    idea = pool()["beliefs"][2]
    progress.join_drill(keeping.found(keeping.new(), idea["id"], 1000.0))
    assert drill("--summary").splitlines()[1:] == [f"Comes back: {idea['name']}"]
    assert "This was wrong before." in drill(typed="q\n")
    assert drill("--no-again") == "Nothing comes back.\n"
    assert "This was wrong before." not in drill(typed="q\n")
    assert (
        finding_lines(Finding("idea", 2, 0.953))[0] == f"You may believe (95% sure): {idea['name']}"
    )
    assert finding_lines(Finding("nothing", -1, 0.934)) == ["Nothing wrong was found (93% sure)."]


def test_the_drill_is_exported_and_joined_with_what_is_there(
    progress: Progress, tmp_path: Path
) -> None:
    progress.join_drill(keeping.found(keeping.new(), "any-group", 1000.0))
    other = Progress(tmp_path / "other.json")
    other.join_drill(keeping.found(keeping.new(), "groups-for-people", 2000.0))
    other.add(progress.exported())
    assert {*keeping.read(other.drill())[0]["ideas"]} == {"any-group", "groups-for-people"}
    other.forget("W1")
    assert other.drill()
    with pytest.raises(UsageError):
        other.add("no")


def test_what_a_newer_labkit_kept_stays(progress: Progress) -> None:
    newer = {"version": 1, "steps": {}, "drill": {"version": 2, "asked": {"x": 1}}}
    progress.path.write_text(json.dumps(newer))
    assert drill(typed="f\n\nq\n").startswith("A newer labkit kept what is there of the drill.")
    assert json.loads(progress.path.read_text())["drill"] == newer["drill"]


def test_damaged_data_begins_anew(progress: Progress) -> None:
    progress.path.write_text(json.dumps({"version": 1, "steps": {}, "drill": [1]}))
    assert drill(typed="f\n\nq\n").startswith(
        "What was kept of the drill is damaged. It begins anew."
    )
    assert len(keeping.read(progress.drill())[0]["asked"]) == 1
