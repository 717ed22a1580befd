"""What a teacher decides by hand: it is in every file, survives grading again, and wrong lines are named."""

from __future__ import annotations

import csv
import json
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from labkit.cli import run as run_labkit
from labkit.grading import session
from labkit.grading.intake.submissions import Submission, find
from labkit.grading.judging.result import Result
from labkit.grading.reports.overrides import RECORD
from labkit.grading.session import GradingSession
from tests.grading.reports.test_gradebooks import result
from tests.grading.support import submit

EXERCISE = "ex4-roles"
ROSTER = "id,name,mail\nann,Ann Lee,ann@x.edu\nbob,=Bob <b>Ek</b>,bob@x.edu\ncat,Cat Fu,c@x.edu\ndan,Cat Fu,d@x.edu\n"


class FixedGrader:
    """Gives everybody the same points without running anything."""

    level = "root"
    points = 0.5

    def grade(self, submissions, on_result=lambda _result: None):  # type: ignore[no-untyped-def] # as a grader
        """Grade."""
        results = [result(entry.learner, entry.exercise, self.points) for entry in submissions]
        for each in results:
            on_result(each)
        return results


@pytest.fixture
def desk(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Desk:
    """A class of two, and a roster of four."""
    monkeypatch.setattr(
        "labkit.grading.pools.pool.pool_for", lambda *_, **__: nullcontext(FixedGrader())
    )
    return Desk(tmp_path, capsys)


class Desk:
    """A teacher with a class, a roster and the command."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.out, self._capsys = folder / "s", folder / "out", capsys
        self.table, self.roster = folder / "out-overrides.csv", folder / "roster.csv"
        self.roster.write_text(ROSTER)
        for learner in ("ann", "bob"):
            submit(self.folder, learner, EXERCISE, ["1"])

    def grade(self, *arguments: object, code: int = 0) -> str:
        """Grade, and return what was printed."""
        named = [
            str(self.folder),
            "--roster",
            str(self.roster),
            "--out",
            str(self.out),
            *map(str, arguments),
        ]
        assert run_labkit(["grade", *named]) == code
        said = self._capsys.readouterr()
        return said.err + said.out

    def override(self, *lines: str) -> None:
        """Write the table."""
        self.table.write_text("\n".join(("learner,task,points,reason", *lines)) + "\n")

    def scores(self) -> dict[str, dict[str, str]]:
        """The rows of ``scores.csv``."""
        return {
            row["learner"]: row
            for row in csv.DictReader((self.out / "scores.csv").read_text().splitlines())
        }


def test_a_correction_is_in_every_file(desk: Desk) -> None:
    desk.override("ann,4.1,2,solved <b>orally</b>", 'Ann Lee,4.2,"1,5",=1+1')
    desk.grade()
    said = "Corrected by hand, 2 instead of 0.5 points: solved <b>orally</b>"
    row = desk.scores()["ann"]
    assert (row["points"], row["corrected"], row["name"]) == ("3.5", "4.1 4.2", "Ann Lee")
    assert said in row["note"]
    assert (desk.scores()["bob"]["points"], desk.scores()["bob"]["corrected"]) == ("0.5", "")
    assert "Ann Lee,,ann,,,3.5" in (desk.out / "canvas.csv").read_text()
    assert ",ann@x.edu,3.5," in (desk.out / "moodle" / f"{EXERCISE}.csv").read_text()
    gradescope = json.loads((desk.out / "gradescope" / "ann" / f"{EXERCISE}.json").read_text())
    assert (gradescope["score"], gradescope["tests"][0]["score"]) == (3.5, 2.0)
    assert gradescope["tests"][0]["output"].startswith(said)
    assert gradescope["tests"][0]["status"] == "passed"
    prairielearn = json.loads((desk.out / "prairielearn" / "ann" / f"{EXERCISE}.json").read_text())
    assert prairielearn["tests"][0]["message"].startswith(said)
    suite = ElementTree.parse(desk.out / "junit.xml").find("testsuite")
    assert suite is not None
    assert [entry.attrib["value"] for entry in suite.iter("property")][:2] == [
        "Ann Lee (ann)",
        said,
    ]
    page = (desk.out / "feedback" / "ann.html").read_text()
    assert "Corrected by hand, 2 instead of 0.5 points: solved &lt;b&gt;orally&lt;/b&gt;" in page
    assert "Feedback for <bdi>Ann Lee (ann)</bdi>" in page
    people = {
        row["learner"]: row
        for row in json.loads((desk.out / "overview.json").read_text())["people"]
    }
    assert people["ann"]["state"] == ["corrected"]
    assert people["ann"]["tasks"][:2] == ["4.1: 2 of 2", "4.2: 1.5 of 2"]


def test_it_survives_grading_again_and_is_never_stored(desk: Desk) -> None:
    desk.override("ann,4.1,2,oral")
    desk.grade()
    assert "Corrected" not in (desk.out / ".graded.jsonl").read_text()
    desk.grade("--regrade")
    assert desk.scores()["ann"]["points"] == "2"
    desk.table.unlink()
    desk.grade()
    assert desk.scores()["ann"]["points"] == "0.5"


def test_a_new_version_of_the_exercise_names_it_and_leaves_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.override("ann,4.1,2,oral")
    assert "earlier version" not in desk.grade() + desk.grade()
    monkeypatch.setattr("labkit.grading.tasks.task.ExerciseSpec.fingerprint", lambda _self: "other")
    expected = (
        f"Corrected under an earlier version of {EXERCISE}, and still so: ann 4.1 (2 points): oral."
    )
    assert expected in desk.grade()
    assert desk.scores()["ann"]["points"] == "2"
    assert expected in desk.grade(), "until somebody looks at it"
    desk.override("ann,4.1,2,oral and seen again")
    assert "earlier version" not in desk.grade()


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("anne,4.1,1,x", 'line 2: There is no learner anne. Did you mean "ann"?'),
        (
            "Cat Fu,4.1,1,x",
            "line 2: There are several learners called Cat Fu. Use an id: cat, dan.",
        ),
        ("ann,4.9,1,x", "line 2: there is no task 4.9."),
        ("ann,4.1,99,x", "line 2: 99 is not from 0 to 2, the points of 4.1"),
        ("ann,4.1,-1,x", "line 2: -1 is not from 0 to 2, the points of 4.1"),
        ("ann,4.1,nan,x", "line 2: nan is not from 0 to 2, the points of 4.1"),
        ("ann,4.1,two,x", "line 2: two is not from 0 to 2, the points of 4.1"),
        ("ann,4.1,1,", "line 2: the reason is missing: the learner will read it"),
        ('ann,4.1,1,"a\nb"\n\nAnn Lee,4.1,2,y', "line 5: ann has a line for 4.1 already"),
    ],
)
def test_wrong_lines_are_named_before_anything_is_written(
    line: str, wrong: str, desk: Desk
) -> None:
    desk.override(line)
    assert wrong in desk.grade(code=2)
    assert not desk.out.exists()


def test_who_handed_nothing_in_is_named_and_not_corrected(desk: Desk) -> None:
    desk.override("ann,4.1,2,x", "cat,4.1,2,oral")
    said = desk.grade()
    assert f"Not corrected: cat 4.1. Nothing of {EXERCISE} is here: write the points" in said
    assert "Not corrected: ann" not in said
    assert "1 of the tasks corrected by hand" in said
    assert sorted(desk.scores()) == ["ann", "bob"]


def test_all_wrong_lines_are_named_at_once(desk: Desk) -> None:
    desk.override("anne,4.1,1,x", "bob,4.1,1,fine", "bob,4.9,1,x")
    said = desk.grade(code=2)
    assert "line 2: " in said
    assert "line 3: " not in said
    assert "line 4: " in said


def test_a_table_without_its_headings_is_refused(desk: Desk) -> None:
    desk.table.write_text("learner;punkte\nann;1\n")
    assert "has no column task and no column points and no column reason." in desk.grade(code=2)
    said = desk.grade("--overrides", desk.folder / "none.csv", code=2)
    assert "--overrides-template writes one." in said


def test_the_template_is_written_once_and_read_when_it_is_filled_in(desk: Desk) -> None:
    said = desk.grade("--overrides-template")
    assert f"Fill in points and reasons in {desk.table}, and start the command again." in said
    assert desk.table.read_bytes().startswith(b"\xef\xbb\xbf"), "Excel reads UTF-8 by this mark"
    assert desk.scores()["ann"]["points"] == "0.5"
    text = desk.table.read_text(encoding="utf-8-sig")
    assert text.splitlines()[0] == "learner,task,points,reason,name,title,graded,most"
    assert "bob,4.1,,,'=Bob <b>Ek</b>,A reader,0.5,2" in text
    desk.grade()
    assert desk.scores()["ann"]["points"] == "0.5", "rows without points say nothing"
    desk.table.write_bytes(
        text.replace(",", ";").replace("ann;4.1;;;", "ann;4.1;1,5;oral;").encode("utf-16")
    )
    desk.grade()
    assert desk.scores()["ann"]["points"] == "1.5"
    assert "write into it, or move it away" in desk.grade("--overrides-template", code=2)
    assert desk.scores()["ann"]["points"] == "1.5"


def test_edited_scores_are_named_and_put_aside(desk: Desk) -> None:
    desk.grade()
    table = desk.out / "scores.csv"
    assert "edited by hand" not in desk.grade()
    table.write_text(table.read_text().replace(",0.5,", ",0.50,").replace(",", ";"))
    assert "edited by hand" not in desk.grade(), "a spreadsheet has saved it"
    table.write_text(
        table.read_text().replace(f"ann,Ann Lee,{EXERCISE},0.5", f"ann,Ann Lee,{EXERCISE},2")
    )
    said = desk.grade()
    assert f"scores.csv was edited by hand, and is written anew: ann {EXERCISE}: 0.5 → 2." in said
    aside = desk.out / "scores-edited-1.csv"
    assert f"What you wrote is in {aside}." in said
    assert f"{EXERCISE},2," in aside.read_text()
    assert desk.scores()["ann"]["points"] == "0.5"
    assert "edited by hand" not in desk.grade()


@pytest.mark.parametrize("record", ["[" * 100_000, "[1]", '{"scores": 1}', "", '{"overrides": []}'])
def test_a_damaged_record_is_as_none(record: str, desk: Desk) -> None:
    desk.override("ann,4.1,2,oral")
    desk.grade()
    (desk.out / RECORD).write_text(record)
    desk.grade()
    assert desk.scores()["ann"]["points"] == "2"
    assert set(json.loads((desk.out / RECORD).read_text())) == {"scores", "overrides"}


def test_who_needs_help_comes_first_with_who_handed_nothing_in(desk: Desk) -> None:
    desk.override("bob,4.1,2,oral")
    desk.grade()
    people = json.loads((desk.out / "overview.json").read_text())["people"]
    assert [(row["learner"], row["state"]) for row in people] == [
        ("cat", ["nothing handed in"]),
        ("dan", ["nothing handed in"]),
        ("ann", []),
        ("bob", ["corrected"]),
    ]
    page = (desk.out / "overview.html").read_text()
    assert '<a href="feedback/ann.html" title="ann"><bdi>ann</bdi></a>' in page
    assert "feedback/cat.html" not in page
    assert "=Bob &lt;b&gt;Ek&lt;/b&gt;" in page
    assert desk.scores()["bob"]["name"] == "'=Bob <b>Ek</b>"
    cells = [
        cell
        for line in csv.reader((desk.out / "overview.csv").read_text().splitlines())
        for cell in line
    ]
    assert "'=Bob <b>Ek</b>" in cells


def forgotten(learner: str, *cells: str, folder: Path, code: str) -> Result:
    """The result of a notebook in a course with a secret."""
    path = submit(folder, learner, EXERCISE, cells)
    entry: Submission = replace(find(path)[0], learner=learner, code=code)
    inspection = session.inspect(entry)
    return replace(
        result(learner), without_code=inspection.without_code, declared=inspection.declared
    )


def test_a_forgotten_code_is_named_with_what_to_do(tmp_path: Path) -> None:
    from labkit.grading.exercises.course_secret import CourseSecret

    secret = CourseSecret(b"0" * 64)
    code, others = secret.code("ann"), secret.code("eve")

    def look(*cells: str) -> Result:
        return forgotten("ann", *cells, folder=tmp_path, code=code)

    plainly = look(f'paper = exercise(lab, "{EXERCISE}", ME)', 'CODE = ""')
    assert plainly.states == ["no course code"]
    assert plainly.notices[0].startswith("The course's code is missing")
    for cell in (
        f'code="{code}"',
        f"c = '{code.lower()}'",
        'os.environ["LABKIT_COURSE_CODE"] = f()',
    ):
        assert look(cell).states == [], cell
    assert look(f'code="{others}"').states == ["worked on as ann with another code"]
    assert not forgotten("ann", "1", folder=tmp_path, code="").without_code
    assert (
        GradingSession(tmp_path, tmp_path / "out").inspections["ann", EXERCISE].without_code
        is False
    )
