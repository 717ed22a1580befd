"""Grading again: one learner, a changed exercise, another labkit; and what a teacher and a learner read first."""

from __future__ import annotations

import csv
import inspect
import json
import shutil
import tempfile
import zipfile
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from labkit.cli import run as run_labkit
from labkit.grading import session
from labkit.grading.exercises.notebooks import code
from labkit.grading.graders.grader import GRADED_AGAIN, Grader
from labkit.grading.judging.result import Result
from labkit.grading.reports.result_store import STORED, ResultStore
from labkit.grading.reports.scores import write_all
from labkit.grading.session import GradingSession, SessionOptions
from labkit.grading.tasks.task import texts
from tests.grading.support import submit

EXERCISE = "ex4-roles"


class Desk:
    """A teacher with a class's folder, and the command."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.out, self._capsys = folder / "s", folder / "out", capsys
        for learner in ("ann", "bob", "cat"):
            submit(self.folder, learner, EXERCISE, ["1"])

    def grade(self, *arguments: object, code: int = 0) -> str:
        """Grade the folder, or what else is named; return what was printed."""
        named = [str(each) for each in arguments]
        if not named or named[0].startswith("-"):
            named = [str(self.folder), *named]
        self._capsys.readouterr()
        assert run_labkit(["grade", *named, "--out", str(self.out)]) == code
        said = self._capsys.readouterr()
        return said.err + said.out

    def rows(self) -> dict[str, dict[str, str]]:
        """The rows of ``scores.csv`` by learner."""
        return {
            row["learner"]: row
            for row in csv.DictReader((self.out / "scores.csv").read_text().splitlines())
        }


@pytest.fixture
def graded(monkeypatch: pytest.MonkeyPatch, patient_grader: Grader) -> list[str]:
    """Who was graded by the command, in a grader that runs already."""
    who: list[str] = []

    class Watched(Grader):
        def __init__(self) -> None:
            self.workers = patient_grader.workers

        def grade(self, submissions, on_result=lambda _result: None):  # type: ignore[no-untyped-def] # as its parent
            def seen(result: Result) -> None:
                who.append(result.learner)
                on_result(result)

            return patient_grader.grade(submissions, seen)

    monkeypatch.setattr(
        "labkit.grading.pools.pool.pool_for", lambda *_, **__: nullcontext(Watched())
    )
    return who


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str], graded: list[str]) -> Desk:
    """A class of three that is graded."""
    made = Desk(tmp_path, capsys)
    made.grade()
    assert sorted(graded) == ["ann", "bob", "cat"]
    graded.clear()
    return made


class TestAgain:
    def test_only_one_learner_is_graded_and_the_others_results_stay(
        self, desk: Desk, graded: list[str]
    ) -> None:
        submit(desk.folder, "ann", EXERCISE, ["2"])
        submit(desk.folder, "bob", EXERCISE, ["2"])
        said = desk.grade("--only", "bob")
        assert graded == ["bob"]
        assert f"Not graded yet, and not in the reports: ann {EXERCISE}." in said
        assert sorted(desk.rows()) == [
            "bob",
            "cat",
        ]  # ann's result is of what ann does not hand in any more
        desk.grade()
        assert graded == ["bob", "ann"]
        assert sorted(desk.rows()) == ["ann", "bob", "cat"]

    def test_only_takes_several_and_names_and_mail_of_the_roster(
        self, desk: Desk, graded: list[str]
    ) -> None:
        roster = desk.folder.parent / "roster.csv"
        roster.write_text("ann,Ann Lee,ann@x.edu\nbob,Bob Ek,bob@x.edu\ncat,Cat Fu,cat@x.edu\n")
        desk.grade("--regrade", "--roster", roster, "--only", "Ann Lee", "--only", "bob@x.edu")
        assert sorted(graded) == ["ann", "bob"]

    def test_only_somebody_who_is_not_there_is_said(self, desk: Desk, graded: list[str]) -> None:
        said = desk.grade("--only", "anne", code=2)
        assert "There is no submission of anne." in said
        assert "Known are: ," not in desk.grade("--only", "zzz", code=2)
        assert "ann" in said.partition("try:")[2]
        assert not graded
        assert sorted(desk.rows()) == ["ann", "bob", "cat"]

    def test_regrade_grades_what_is_graded_already(self, desk: Desk, graded: list[str]) -> None:
        assert "3 of 3 are graded already." in desk.grade()
        assert not graded
        desk.grade("--regrade", "--only", "cat")
        assert graded == ["cat"]
        desk.grade("--regrade")
        assert sorted(graded) == ["ann", "bob", "cat", "cat"]

    @pytest.mark.parametrize("option", ["--fresh", "--regrade"])
    def test_one_notebook_again_does_not_delete_the_classs_results(
        self, option: str, desk: Desk, graded: list[str]
    ) -> None:
        desk.grade(desk.folder / "bob" / f"{EXERCISE}.ipynb", option)
        assert graded == ["bob"]
        assert sorted(desk.rows()) == ["ann", "bob", "cat"]
        assert "3 of 3 are graded already." in desk.grade()

    def test_one_notebook_keeps_the_classs_rows_in_the_reports(
        self, desk: Desk, graded: list[str]
    ) -> None:
        desk.grade(desk.folder / "bob" / f"{EXERCISE}.ipynb")
        assert not graded
        assert sorted(desk.rows()) == ["ann", "bob", "cat"]

    def test_fresh_with_only_is_of_theirs_alone(self, desk: Desk, graded: list[str]) -> None:
        desk.grade("--fresh", "--only", "bob")
        assert graded == ["bob"]
        assert "3 of 3 are graded already." in desk.grade()

    def test_fresh_forgets_who_has_gone(self, desk: Desk, graded: list[str]) -> None:
        shutil.rmtree(desk.folder / "cat")
        desk.grade("--fresh")
        assert sorted(graded) == ["ann", "bob"]
        assert '"learner": "cat"' not in (desk.out / STORED).read_text()

    def test_a_regrade_that_is_interrupted_is_gone_on_with(
        self, desk: Desk, graded: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as broken:
            broken.setattr("labkit.cli.grading_runs._run_session", interrupted)
            desk.grade("--regrade", "--only", "bob", code=130)
        desk.grade()
        assert graded == ["bob"]

    def test_what_another_wrote_for_others_is_still_said_after_a_regrade(
        self, desk: Desk, graded: list[str]
    ) -> None:
        text = (desk.out / STORED).read_text()
        lines = [
            line.replace('"points": 0.0', '"points": 2.0') if '"ann"' in line else line
            for line in text.split("\n")
        ]
        (desk.out / STORED).write_text("\n".join(lines))
        assert "Not yours: 1 stored results; they are graded again." in desk.grade(
            "--regrade", "--only", "bob"
        )
        assert graded == ["bob"]


def interrupted(*_: object) -> list[Result]:
    """Is interrupted."""
    raise KeyboardInterrupt


class TestWhatHasChanged:
    def test_another_labkit_grades_again_and_says_why(
        self, desk: Desk, graded: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(session, "__version__", "99.1")
        said = desk.grade()
        assert "Not used: 3 stored results, which are graded again: labkit " in said
        assert "graded them, and this is 99.1." in said
        assert sorted(graded) == ["ann", "bob", "cat"]
        assert "3 of 3 are graded already." in desk.grade()

    def test_a_changed_exercise_is_graded_again_and_the_others_are_not(
        self, desk: Desk, graded: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        submit(desk.folder, "ann", "ex6-final", ["1"])
        desk.grade()
        graded.clear()
        monkeypatch.setitem(texts()["4.2"], "hints", ["Another one."])
        said = desk.grade()
        assert (
            "Not used: 3 stored results, which are graded again: ex4-roles has changed since."
            in said
        )
        assert "1 of 4 are graded already." in said
        assert sorted(graded) == ["ann", "bob", "cat"]

    def test_a_changed_module_grades_its_exercise_again_and_no_other(
        self, desk: Desk, graded: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        submit(desk.folder, "dan", "ex6-final", ["1"])
        desk.grade()
        graded.clear()
        source = inspect.getsource
        monkeypatch.setattr(
            inspect,
            "getsource",
            lambda module: (
                source(module) + ("#" if module.__name__.endswith(".whose_token") else "")
            ),
        )
        said = desk.grade()
        assert "which are graded again: ex6-final has changed since." in said
        assert "3 of 4 are graded already." in said
        assert graded == ["dan"]

    def test_another_course_secret_grades_again(self, desk: Desk) -> None:
        assert not GradingSession(desk.folder, desk.out).ungraded
        other = GradingSession(desk.folder, desk.out, SessionOptions(course="f00d"))
        assert len(other.ungraded) == 3
        assert dict(other.stored.outdated) == {"the course has another secret": 3}

    def test_results_of_before_are_read_and_graded_again_once(
        self, desk: Desk, graded: list[str]
    ) -> None:
        """They were signed without the fields that tell what they depend on, and are not taken for somebody else's."""
        store = ResultStore(desk.out)
        old = []
        for digest, result in store.read():
            stored = result.as_dict()
            for name in (
                "declared",
                "language",
                "graded_by",
                "exercise_fingerprint",
                "course_fingerprint",
            ):
                del stored[name]
            old.append(
                json.dumps(
                    {"digest": digest, "result": stored, "signature": store._sign(digest, stored)}
                )
            )
        (desk.out / STORED).write_text("\n".join(old) + "\n")
        said = desk.grade()
        assert (
            "Not used: 3 stored results, which are graded again: they were stored without what they"
            in said
        )
        assert "Not yours" not in said
        assert sorted(graded) == ["ann", "bob", "cat"]
        assert "3 of 3 are graded already." in desk.grade()


class TestWhatIsReadFirst:
    @pytest.fixture
    def pages(self, tmp_path: Path, grader: Grader) -> dict[str, str]:
        """The feedback pages of notebooks in which something went wrong before any task did."""
        folder, out = tmp_path / "s", tmp_path / "out"
        submit(folder, "raises", EXERCISE, ["print('before')", "undefined_name", "1/0"])
        submit(folder, "syntax", EXERCISE, ["x = = 1", "1/0"])
        submit(
            folder,
            "custom",
            EXERCISE,
            ["class NotThere(Exception): pass", "raise NotThere('no\\x1b[31m pod')"],
        )
        submit(folder, "quiet", EXERCISE, ["1"])
        submit(folder, "me", EXERCISE, ['ME = "somebody"'])
        submit(
            folder, "evil", EXERCISE, ["raise ValueError('<script>alert(1)</script>' + 'x' * 9000)"]
        )
        shown = {
            "cells": [code("a", "library(dplyr)")],
            "metadata": {},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        shown["metadata"] = {"kernelspec": {"language": "R<b>", "name": "ir"}}
        submit(folder, "language", EXERCISE, []).write_text(json.dumps(shown))
        GradingSession(folder, out).run(grader, lambda _result: None)
        rows = list(csv.DictReader((out / "scores.csv").read_text().splitlines()))
        self.notes = {row["learner"]: row["note"] for row in rows}
        return {
            path.stem: path.read_text().partition("<body>")[2]
            for path in (out / "feedback").iterdir()
        }

    def test_feedback_says_first_what_went_wrong_first(self, pages: dict[str, str]) -> None:
        for learner, said in {
            "raises": "The first error that it printed: “NameError: name &#39;undefined_name&#39; is not defined”.",
            "syntax": "The first error that it printed: “SyntaxError: invalid syntax (",
            "custom": "NotThere: no pod”.",
            "me": "It was worked on as somebody, and is graded as me: its names are another&#39;s.",
            "language": "It was written for a R&lt;b&gt; kernel, and was run as Python.",
        }.items():
            assert said in pages[learner], (learner, pages[learner][:800])
            assert pages[learner].index(said) < pages[learner].index("<h3>"), learner
        assert "first error" not in pages["quiet"]
        assert "ZeroDivision" not in pages["raises"].partition("<details>")[0]
        assert "<script>" not in pages["evil"]
        assert self.notes["quiet"] in ("", GRADED_AGAIN), "a busy machine is said, and nothing else"
        assert "somebody" in self.notes["me"]

    def test_what_the_grader_notes_comes_first(self, desk: Desk) -> None:
        result = next(iter(GradingSession(desk.folder, desk.out).results_by_key.values()))
        noted = replace(
            result,
            note="It was out of quota.",
            output="KeyError: 'x'\n",
            declared="eve",
            language="julia",
        )
        assert [line.partition(" ")[2].split()[0] for line in noted.notices] == [
            "was",
            "first",
            "was",
            "was",
        ]
        assert noted.notices[0] == "It was out of quota."
        write_all([noted], desk.out)
        page = (desk.out / "feedback" / f"{result.learner}.html").read_text()
        assert page.index("It was out of quota.") < page.index("The notebook ended by itself.")
        for system in ("gradescope", "prairielearn"):
            document = json.loads(
                (desk.out / system / result.learner / f"{EXERCISE}.json").read_text()
            )
            assert document["output" if system == "gradescope" else "message"].startswith(
                "It was out of quota. The first"
            )
        unreadable = replace(
            noted, ended="unreadable", note="it is no notebook", output="", declared="", language=""
        )
        assert unreadable.notices == []
        write_all([unreadable], desk.out)
        assert desk.rows()[result.learner]["note"] == "It could not be graded: it is no notebook"

    @pytest.mark.parametrize(
        ("output", "error"),
        [
            (
                "Traceback (most recent call last):\n  File x, line 1\n    a\nlab.Refused: no\n",
                "lab.Refused: no",
            ),
            (
                "-----\nNameError  Traceback (most recent call last)\nCell In[1], line 1\n----> 1 x\n\nNameError: x",
                "NameError: x",
            ),
            ("KeyError: 'a'\nValueError: b", "KeyError: 'a'"),
            ("Traceback (most recent call last):\n  cut off", ""),
            ("An Error: of words\nerror: lower", ""),
            ("Traceback (most recent call last):\n" * 1000 + " a\n" * 1000, ""),
        ],
    )
    def test_the_first_error_is_found_in_what_was_printed(
        self, output: str, error: str, desk: Desk
    ) -> None:
        result = next(iter(GradingSession(desk.folder, desk.out).results_by_key.values()))
        assert replace(result, output=output).first_error == error


class TestIntakeByCommand:
    @pytest.fixture
    def download(self, tmp_path: Path) -> Path:
        """Canvas' download of three notebooks of two learners, one of them late."""
        path = tmp_path / "submissions.zip"
        source = submit(tmp_path / "x", "x", EXERCISE, ["1"])
        with zipfile.ZipFile(path, "w") as written:
            for name in ("leeann_1_11", "leeann_1_12", "ekbob_LATE_2_13"):
                written.write(source, f"{name}_{EXERCISE}.ipynb")
        return path

    @pytest.fixture
    def teacher(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], graded: list[str]
    ) -> Desk:
        """A teacher who has graded nothing yet."""
        return Desk(tmp_path, capsys)

    def test_a_download_and_a_roster_give_scores_by_id(
        self, download: Path, teacher: Desk, tmp_path: Path
    ) -> None:
        roster = tmp_path / "roster.csv"
        roster.write_bytes(
            "id;name;mail\ns1;Ann Lee;ann@x.edu\ns2;Bob Ek;bob@x.edu\ns3;Cy;c@x.edu\n".encode(
                "utf-16"
            )
        )
        said = teacher.grade(download, "--roster", roster)
        assert sorted(teacher.rows()) == ["s1", "s2"]
        assert (
            f"Not graded: leeann_1_11_{EXERCISE}.ipynb: leeann_1_12_{EXERCISE}.ipynb counts."
            in said
        )
        assert f"Late, and graded: ekbob_LATE_2_13_{EXERCISE}.ipynb." in said
        assert f"Nothing to grade for {EXERCISE}: s3 (Cy)." in said
        left_out = [
            line for line in said.splitlines() if line.startswith(("Not graded", "Nothing to"))
        ]
        assert [
            row["why"]
            for row in json.loads((teacher.out / "overview.json").read_text())["ungraded"]
        ] == left_out
        rows = list(csv.reader((teacher.out / "canvas.csv").read_text().splitlines()))
        assert rows[2] == ["Ann Lee", "1", "s1", "", "", "0"]

    def test_duplicates_and_late_ones_are_treated_as_one_says(
        self, download: Path, teacher: Desk
    ) -> None:
        said = teacher.grade(download, "--duplicates", "refuse", "--late", "accept")
        assert sorted(teacher.rows()) == ["ekbob"]
        assert "is one of 2 of leeann's" in said
        said = teacher.grade(download, "--duplicates", "first", "--late", "refuse")
        assert sorted(teacher.rows()) == ["leeann"]
        assert f"leeann_1_12_{EXERCISE}.ipynb: leeann_1_11_{EXERCISE}.ipynb counts" in said
        assert f"ekbob_LATE_2_13_{EXERCISE}.ipynb is late" in said

    def test_whom_a_later_folder_does_not_have_is_said(self, download: Path, teacher: Desk) -> None:
        teacher.grade(download)
        said = teacher.grade(teacher.folder)
        assert (
            f"Graded before, not in what is named now, and not in the reports: ekbob {EXERCISE}, leeann"
            in said
        )
        assert "Graded before" not in teacher.grade(teacher.folder, "--fresh") + teacher.grade()

    def test_several_folders_and_archives_are_graded_together(
        self, download: Path, teacher: Desk
    ) -> None:
        teacher.grade(download, teacher.folder)
        assert sorted(teacher.rows()) == ["ann", "bob", "cat", "ekbob", "leeann"]

    def test_nothing_that_was_unpacked_is_left(
        self, download: Path, teacher: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "tmp").mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
        teacher.grade(download)
        assert not list((tmp_path / "tmp").glob("labkit-intake-*"))
        monkeypatch.setattr("labkit.cli.grading_runs._run_session", interrupted)
        teacher.grade(download, "--regrade", code=130)
        assert not list((tmp_path / "tmp").glob("labkit-intake-*"))
