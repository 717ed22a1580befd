"""A whole run: found, graded, kept, reported, and the same again."""

from __future__ import annotations

import csv
import json
import unicodedata
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from kube_embedded.tests.support.some import some
from labkit.cli import run as run_labkit
from labkit.core.errors import UsageError
from labkit.core.version import __version__
from labkit.grading.graders.grader import Grader
from labkit.grading.intake.declared import declared_learner
from labkit.grading.intake.intake import Intake
from labkit.grading.intake.submissions import code_cells, find, skipped
from labkit.grading.judging.result import Result
from labkit.grading.pools.pool import GraderPool
from labkit.grading.reports.result_store import STORED, ResultStore
from labkit.grading.running import workers
from labkit.grading.session import GradingSession, SessionOptions, inspect
from labkit.grading.tasks.seed import Seed, learner_name
from labkit.grading.walls import root_directory
from labkit.grading.walls.isolation import Limits
from tests.grading.independent_solutions import independent
from tests.grading.reports.test_overrides import FixedGrader
from tests.grading.support import solved_cells, submit


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two learners: one did it all, one a part."""
    submitted = tmp_path / "submitted"
    submit(submitted, "ann", "ex4-roles", solved_cells("ex4-roles", "ann"))
    submit(submitted, "=bob", "ex4-roles", solved_cells("ex4-roles", "_bob")[:6])
    return submitted


def run(grader: Grader, folder: Path, out: Path) -> tuple[list[Result], int]:
    """Grade, and count what was graded anew."""
    reported: list[Result] = []
    return GradingSession(folder, out).run(grader, reported.append), len(reported)


def test_a_second_run_gives_identical_results(grader: Grader, folder: Path, tmp_path: Path) -> None:
    first, _ = run(grader, folder, tmp_path / "one")
    second, _ = run(grader, folder, tmp_path / "two")
    assert [result.score for result in first] == [result.score for result in second]
    for name in ("scores.csv", "junit.xml"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_started_again_it_goes_on_where_it_was(
    grader: Grader, folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    _, count = run(grader, folder, out)
    assert count == 2
    kept = [line for line in (out / STORED).read_text().splitlines() if line]
    (out / STORED).write_text(
        kept[0] + "\n" + kept[1][:40]
    )  # as if it was interrupted in the second
    results, count = run(grader, folder, out)
    assert count == 1
    assert len(results) == 2
    submit(folder, "ann", "ex4-roles", ["1"])  # a changed submission is graded again
    results, count = run(grader, folder, out)
    assert count == 1
    assert {result.learner: result.score.points for result in results}["ann"] == 0


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({}, ""),
        ({"exercise_fingerprint": "0" * 16}, "ex4-roles has changed since"),
        ({"graded_by": "0.0.1"}, f"labkit 0.0.1 graded them, and this is {__version__}"),
        ({"course_fingerprint": "f00d"}, "the course has another secret"),
    ],
    ids=["nothing", "exercise", "labkit", "secret"],
)
def test_a_stored_result_is_used_again_unless_something_it_depends_on_has_changed(
    changed: dict[str, str], reason: str, tmp_path: Path
) -> None:
    submit(tmp_path / "s", "ann", "ex4-roles", ["1"])
    out = tmp_path / "out"
    (result,) = GradingSession(tmp_path / "s", out).run(FixedGrader(), lambda _result: None)
    store = ResultStore(out)
    (digest,) = [digest for digest, _ in store.read()]
    store.clear()
    with store.writer("user") as write:
        write(digest, replace(result, **changed))  # type: ignore[arg-type]  # all of these are texts
    session = GradingSession(tmp_path / "s", out)
    assert [entry.learner for entry in session.ungraded] == (["ann"] if reason else [])
    assert [line for line in session.warnings() if line.startswith("Not used")] == (
        [f"Not used: 1 stored results, which are graded again: {reason}."] if reason else []
    )


@pytest.mark.slow
def test_what_the_grader_fails_at_is_said_and_tried_again(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out"
    with monkeypatch.context() as broken:
        broken.setattr("labkit.grading.graders.grader.EmbeddedCluster", nothing)
        broken.setattr(
            "labkit.grading.pools.pool.pool_for", lambda *_, **__: Grader(slots=1)
        )  # in this process
        assert run_labkit(["grade", str(folder), "--out", str(out), "--places", "1"]) == 1
    assert (
        "It could not be graded: the grader failed, start it again: no memory"
        in capsys.readouterr().err
    )
    rows = list(csv.DictReader((out / "scores.csv").read_text().splitlines()))
    assert {row["ended"] for row in rows} == {"not graded"}
    assert run_labkit(["grade", str(folder), "--out", str(out), "--places", "1"]) == 0
    rows = list(csv.DictReader((out / "scores.csv").read_text().splitlines()))
    assert {row["ended"] for row in rows} == {"done"}


def test_isolation_that_fails_is_not_the_notebooks_fault(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Grader(slots=1) as grader:
        if grader.level == "plain":
            pytest.skip("no namespaces here (docs/grading.md)")
        monkeypatch.setattr(workers, "sandbox_home", lambda: Path("/proc/nowhere"))
        results, _ = run(grader, folder, tmp_path / "out")
    assert {result.ended for result in results} == {"not graded"}
    assert "the walls could not be built" in results[0].outcome


def test_a_full_disk_is_said_as_one_and_what_was_kept_is_not_lost(
    grader: Grader, folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"

    def full(result: Result) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left on device"):
        GradingSession(folder, out).run(grader, full)
    _, count = run(grader, folder, out)
    assert count < 2


def test_what_is_graded_already_needs_no_grader(
    grader: Grader,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out"
    run(grader, folder, out)
    (out / "scores.csv").unlink()
    monkeypatch.setattr(GraderPool, "__enter__", nothing)
    assert run_labkit(["grade", str(folder), "--out", str(out)]) == 0
    assert (out / "scores.csv").exists()
    said = capsys.readouterr()
    assert "2 of 2 are graded already." in said.err
    assert "2 graded, 1 with full marks" in said.out


def nothing(*_args: object, **_options: object) -> None:
    """Fails."""
    raise MemoryError("no memory")


def test_a_notebooks_home_is_nobodys_on_the_graders_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An account called learner, with a checkout in its home, once gave everybody no points."""
    needed = [Path("/usr"), Path("/home/ann/labkit")]
    monkeypatch.setattr(root_directory, "_required_paths", lambda: needed)
    assert root_directory.sandbox_home() == Path("/home/learner")
    needed += [Path("/home/learner/labkit/.venv"), Path("/home/learner1/python")]
    assert root_directory.sandbox_home() == Path("/home/learner2")


def test_the_reports_agree_with_the_scores(grader: Grader, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    results, _ = run(grader, folder, out)
    rows = list(csv.DictReader((out / "scores.csv").read_text().splitlines()))
    assert [(row["learner"], float(row["points"])) for row in rows] == [
        (r.learner, r.score.points) for r in results
    ]
    suites = ElementTree.parse(out / "junit.xml").getroot()
    assert [suite.get("failures") for suite in suites] == [
        str(sum(task.points < task.most for task in result.score.tasks)) for result in results
    ]
    for result in some(results):
        scope = json.loads((out / "gradescope" / result.learner / "ex4-roles.json").read_text())
        assert (
            scope["score"] == result.score.points == sum(test["score"] for test in scope["tests"])
        )
        prairie = json.loads((out / "prairielearn" / result.learner / "ex4-roles.json").read_text())
        assert prairie["score"] == pytest.approx(result.score.points / result.score.most)
        page = (out / "feedback" / f"{result.learner}.html").read_text()
        assert f"{result.score.points:g} of {result.score.most:g} points" in page


def test_feedback_has_what_was_seen_expected_and_a_hint(
    grader: Grader, folder: Path, tmp_path: Path
) -> None:
    run(grader, folder, tmp_path / "out")
    page = (tmp_path / "out" / "feedback" / "_bob.html").read_text()
    for word in ("Seen", "Hint", "is allowed"):
        assert word in page


def test_a_page_shows_nothing_a_learner_wrote_as_code(grader: Grader, tmp_path: Path) -> None:
    submit(tmp_path / "s", "eve", "ex4-roles", ["print('<script>alert(1)</script>')"])
    run(grader, tmp_path / "s", tmp_path / "out")
    assert "<script>" not in (tmp_path / "out" / "feedback" / "eve.html").read_text()


def test_three_layouts_are_found(tmp_path: Path) -> None:
    submit(tmp_path, "ann", "ex4-roles", [])
    submit(tmp_path / "bob", "ps1", "ex4-roles", [])
    (tmp_path / "cat__ex4-roles.ipynb").write_text("{}")
    (tmp_path / "ann" / "notes.ipynb").write_text("{}")
    assert [entry.learner for entry in find(tmp_path)] == ["ann", "bob", "cat"]


def test_what_is_passed_over_is_named(tmp_path: Path) -> None:
    submit(tmp_path, "ann", "ex4-roles", [])
    submit(tmp_path, "bob", "homework final (2)", [])
    (tmp_path / "cat").mkdir()
    (tmp_path / "README.txt").touch()
    submit(tmp_path, "...", "ex4-roles", [])
    submit(tmp_path, "dan", "a\x1b[2J\nNot graded: b", [])
    assert skipped(tmp_path) == [
        ".../ex4-roles.ipynb names no learner",
        "bob/homework final (2).ipynb has no exercise's name",
        "dan/a\ufffd[2J\ufffdNot graded: b.ipynb has no exercise's name",
        "cat holds no notebook",
    ]


def test_names_of_every_script_are_kept_apart(tmp_path: Path) -> None:
    names = ["김철수", "이영희", "Zoë Müller"]
    for name in names:
        submit(tmp_path, unicodedata.normalize("NFD", name), "ex4-roles", [])
    assert sorted(entry.learner for entry in find(tmp_path)) == ["Zoë_Müller", "김철수", "이영희"]
    assert Seed("Zoë Müller").name("hall") == Seed("Zoë_Müller").name("hall")
    assert len(learner_name("한" * 300).encode()) <= 200
    assert learner_name("../../etc/passwd") == "_.._etc_passwd"


@pytest.mark.slow
def test_a_notebook_says_as_whom_it_was_worked_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = submit(tmp_path / "s", "s01", "ex4-roles", ['lab = 1\nME = "Kim Ä"'])
    assert declared_learner(code_cells(path)) == "Kim_Ä"
    assert (
        declared_learner(code_cells(submit(tmp_path / "s", "s02", "ex4-roles", ['ME = ""']))) == ""
    )
    path.with_name("notes.ipynb").touch()
    assert (
        run_labkit(["grade", str(tmp_path / "s"), "--out", str(tmp_path / "out"), "--places", "1"])
        == 0
    )
    said = capsys.readouterr().err
    assert (
        "ex4-roles.ipynb of s01 was worked on as Kim_Ä, and is graded as s01: its names are another's."
        in said
    )
    assert "Not graded: s01/notes.ipynb has no exercise's name." in said
    assert "s02" not in said


def test_a_folder_without_submissions_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no submission"):
        find(tmp_path)
    with pytest.raises(UsageError, match="There is no"):
        find(tmp_path / "nowhere")


@pytest.mark.slow
def test_a_real_kernel_gives_the_same_score(folder: Path, tmp_path: Path, grader: Grader) -> None:
    plain, _ = run(grader, folder, tmp_path / "plain")
    with Grader(limits=Limits(kernel=True), slots=2) as slow:
        kernel, _ = run(slow, folder, tmp_path / "kernel")
    assert [result.score for result in plain] == [result.score for result in kernel], [
        (result.learner, result.output) for result in kernel
    ]
    assert all(result.complete for result in kernel)


class TestWithoutKubectl:
    """The grader's machine has no kubectl, and one notebook calls it."""

    @pytest.fixture(autouse=True)
    def no_kubectl(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        submit(folder, "cat", "ex4-roles", [*solved_cells("ex4-roles", "cat"), "!kubectl get pods"])
        monkeypatch.setattr("shutil.which", lambda _name: None)

    def test_the_run_stops_before_it_begins(
        self,
        folder: Path,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(GraderPool, "__enter__", nothing)
        assert run_labkit(["grade", str(folder), "--out", str(tmp_path / "out")]) == 2
        said = capsys.readouterr().err
        assert "Notebooks call kubectl, which is not on this machine." in said
        assert "1 do, the first is cat ex4-roles" in said
        assert "--without-kubectl" in said
        assert not (tmp_path / "out" / "scores.csv").exists()

    def test_what_calls_it_is_left_to_be_graded_again(
        self, grader: Grader, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        out = tmp_path / "out"
        assert run_labkit(["grade", str(folder), "--out", str(out), "--without-kubectl"]) == 1
        said = capsys.readouterr()
        assert "Not graded: cat ex4-roles calls kubectl. Grade it again where it is." in said.err
        rows = {
            row["learner"]: row
            for row in csv.DictReader((out / "scores.csv").read_text().splitlines())
        }
        assert rows["cat"]["ended"] == "not graded"
        assert rows["ann"]["passed"] == "yes"
        page = (out / "feedback" / "cat.html").read_text()
        assert (
            "It could not be graded: it calls kubectl, which is not on the grader&#39;s machine"
            in page
        )
        results, count = run(grader, folder, out)  # started again, where it is
        assert count == 1
        assert {result.learner: result.passed for result in results}["cat"]

    @pytest.mark.slow
    def test_with_nothing_else_to_grade_it_is_said_as_well(
        self, folder: Path, tmp_path: Path
    ) -> None:
        arguments = ["grade", str(folder), "--out", str(tmp_path / "out"), "--without-kubectl"]
        assert run_labkit(arguments) == 1
        assert run_labkit(arguments) == 1


def test_code_is_compared_with_that_of_an_earlier_class(tmp_path: Path) -> None:
    for folder, learner in (("now", "ann"), ("2025", "abe"), ("2025", "ada")):
        submit(
            tmp_path / folder,
            learner,
            "ex4-roles",
            [independent(number, learner) for number in (3, 10, 13, 18)],
        )
    options = SessionOptions(earlier=[tmp_path / "2025"])
    GradingSession(tmp_path / "now", tmp_path / "out", options).finish()
    pairs = json.loads((tmp_path / "out" / "overview.json").read_text())["similar"]
    assert [(pair["learner"], pair["other"]) for pair in pairs] == [
        ("ann", "2025: abe"),
        ("ann", "2025: ada"),
    ]


def test_a_group_s_member_who_also_handed_in_alone_is_graded_by_that(tmp_path: Path) -> None:
    submit(tmp_path / "s", "ann", "ex4-roles", ["1"])
    submit(tmp_path / "s", "bob", "ex4-roles", ["2"])
    ann, bob = find(tmp_path / "s")
    intake = Intake([replace(ann, group=("ann", "bob", "cat")), bob])
    results = GradingSession(intake, tmp_path / "out").run(FixedGrader(), lambda _result: None)
    assert [result.learner for result in results] == ["ann", "bob", "cat"]
    together = "It was handed in together with ann."
    assert [together in result.notices for result in results] == [False, False, True]


@pytest.mark.parametrize(
    ("group", "declared", "noted"),
    [
        ((), "ann", ""),
        ((), "Ann", ""),
        ((), "bob", "bob"),
        (("ann", "bob"), "ann", ""),
        (("ann", "bob"), "bob", ""),
        (("ann", "bob"), "eve", "eve"),
    ],
)
def test_a_notebook_may_be_worked_on_as_its_learner_or_as_another_of_the_group(
    group: tuple[str, ...], declared: str, noted: str, tmp_path: Path
) -> None:
    submit(tmp_path, "ann", "ex4-roles", [f'ME = "{declared}"'])
    (entry,) = find(tmp_path)
    assert inspect(replace(entry, group=group)).declared == noted


def test_what_was_graded_and_is_not_named_now_is_said(tmp_path: Path) -> None:
    folder, out = tmp_path / "s", tmp_path / "out"
    for learner in ("cat", "bob", "ann"):
        submit(folder, learner, "ex4-roles", ["1"])
    GradingSession(folder, out).run(FixedGrader(), lambda _result: None)
    assert list(GradingSession(folder, out).warnings()) == []
    for learner in ("cat", "bob"):
        (folder / learner / "ex4-roles.ipynb").unlink()
    assert list(GradingSession(folder, out).warnings()) == [
        "Graded before, not in what is named now, and not in the reports: bob ex4-roles, cat ex4-roles. "
        "Name all folders and archives together."
    ]


@pytest.mark.parametrize("graded", [[], ["ann"], ["bob"], ["ann", "bob"]], ids=str)
def test_a_single_notebook_is_not_graded_into_the_results_of_a_course_with_a_secret(
    graded: list[str], tmp_path: Path
) -> None:
    """Not even if some of the results are without one; where there is no such result, it is."""
    folder, out = tmp_path / "s", tmp_path / "out"
    for learner in ("ann", "bob"):
        submit(folder, learner, "ex4-roles", ["1"])
    for learner in graded:
        course = "f00d" if learner == "bob" else ""
        options = SessionOptions(only=[learner], course=course)
        GradingSession(folder, out, options).run(FixedGrader(), lambda _result: None)
    notebook = folder / "ann" / "ex4-roles.ipynb"
    if "bob" in graded:
        with pytest.raises(UsageError, match="are of a course with a secret"):
            GradingSession(notebook, out)
        assert GradingSession(notebook, out, SessionOptions(course="f00d")).chosen
        assert GradingSession(folder, out).chosen
    else:
        assert [entry.learner for entry in GradingSession(notebook, out).chosen] == ["ann"]
