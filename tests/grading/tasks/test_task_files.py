"""Tasks that are files: the shipped ones are tried, a broken file is an error with its line."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit.core.errors import UsageError
from labkit.grading.graders.trial import TaskTrial
from labkit.grading.tasks import EXERCISES
from labkit.grading.tasks.conditions import CONDITIONS
from labkit.grading.tasks.own_tasks import read_task
from labkit.grading.tasks.seed import Seed, identity
from labkit.grading.tasks.task import FILES, texts
from labkit.grading.tasks.task_file import FIELDS, QUESTION
from tests.grading.desk import template
from tests.grading.support import SETUP, submit

NAMES = sorted(file.stem for file in FILES.glob("*.yaml"))
IN_A_POD = ("2.2", "3.3")
"""Their solutions run programs in pods; ``test_tasks`` grades those in notebooks."""

OWN = """\
title: A harbour
text: Let the account `{who}` of `{space}` get and list pods there.
too much: any other verb, resource, namespace or account.
hints: [Who, what, "where?"]
seen: Nothing was forbidden.
read: [Roles, "https://kubernetes.io/docs/reference/access-authn-authz/rbac/"]
names: {space: harbour, who: pilot}
objects:
- Namespace <space>
- ServiceAccount <space>/<who>
checks:
- {who: <space>/<who>, may: [get pods in <space>, list pods in <space>]}
solution:
- kind: Role
  metadata: {name: pilot, namespace: <space>}
  rules: [{verbs: [get, list], apiGroups: [""], resources: [pods]}]
- kind: RoleBinding
  metadata: {name: pilot, namespace: <space>}
  roleRef: {kind: Role, name: pilot}
  subjects: [{kind: ServiceAccount, name: <who>, namespace: <space>}]
"""


DOCUMENTED = Path(__file__).parents[3] / "docs" / "writing-tasks.md"


@pytest.fixture(autouse=True)
def without_own_texts() -> Iterator[None]:
    """Forget the texts of the own task, which a process keeps."""
    yield
    texts().pop("harbour", None)


def trial_of(path: Path) -> TaskTrial:
    exercise = read_task(path)
    return TaskTrial(exercise, exercise.tasks[0], template())


def own(folder: Path, content: str = OWN) -> Path:
    path = folder / "harbour.yaml"
    path.write_text(content)
    return path


def test_most_tasks_are_files_that_a_person_can_read() -> None:
    assert len(NAMES) >= 16
    for name in NAMES:
        lines = (FILES / f"{name}.yaml").read_text().splitlines()
        assert len(lines) <= 45, name
        assert max(map(len, lines)) <= 120, name


@pytest.mark.parametrize(
    "name", [name for name in NAMES if name not in IN_A_POD and name[0] != "7"]
)
def test_a_shipped_task_passes_its_trial(name: str) -> None:
    exercise, task = next(
        (exercise, task) for exercise in EXERCISES for task in exercise.tasks if task.id == name
    )
    trial = TaskTrial(exercise, task, template())
    assert list(trial.problems()) == []
    if name[0] in "456":
        assert trial.wrong_policies > 10


def test_an_own_task_passes_its_trial(tmp_path: Path) -> None:
    trial = trial_of(own(tmp_path))
    assert list(trial.problems()) == []
    assert trial.variant.max_points == 2
    assert trial.wrong_policies > 10


def test_the_documented_task_passes_its_trial(tmp_path: Path) -> None:
    example = DOCUMENTED.read_text().partition("```yaml\n")[2].partition("```")[0]
    assert list(trial_of(own(tmp_path, example)).problems()) == []


def test_every_field_and_condition_is_documented() -> None:
    page = DOCUMENTED.read_text()
    assert [name for name in (*FIELDS, *QUESTION, *CONDITIONS) if f"`{name}`" not in page] == []


def test_an_own_task_is_built_into_a_course_shown_and_graded(tmp_path: Path) -> None:
    tasks = tmp_path / "tasks"
    tasks.mkdir()
    own(tasks)
    environment = {**os.environ, "LABKIT_TASKS": str(tasks)}
    course = tmp_path / "course"

    def labkit(*words: object) -> str:
        command = [sys.executable, "-m", "labkit", *map(str, words)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return done.stdout

    labkit("course", "build", course)
    source = course / "source" / "harbour"
    assert (source / "harbour.yaml").read_text() == OWN
    notebook = json.loads((source / "harbour.ipynb").read_text())
    points = [cell["metadata"].get("nbgrader", {}).get("points") for cell in notebook["cells"]]
    assert [each for each in points if each is not None] == [2]
    submit(tmp_path / "work", "ann", "harbour", [SETUP.replace("ex4-roles", "harbour")])
    answer = read_task(tasks / "harbour.yaml").tasks[0].variant(Seed(identity("bob"))).answer
    submit(tmp_path / "work", "bob", "harbour", [SETUP.replace("ex4-roles", "harbour"), answer])
    labkit("grade", tmp_path / "work", "--out", tmp_path / "results")
    table = (tmp_path / "results" / "canvas.csv").read_text()
    rows = list(csv.DictReader(table.splitlines()))
    assert {row["Student"]: row["harbour"] for row in rows[1:]} == {"ann": "0", "bob": "2"}


def test_a_task_that_rejects_its_solution_is_refused(tmp_path: Path) -> None:
    less = OWN.replace("[get pods in <space>, list pods in <space>]", "get pods in <space>")
    problem = list(trial_of(own(tmp_path, less)).problems())
    assert len(problem) == 1
    assert "Nothing more is granted than the task asks for.: Granted too: " in problem[0]
    assert "list · pods in harbour-" in problem[0]


def test_a_task_that_accepts_a_wrong_policy_is_refused_with_the_missing_question(
    tmp_path: Path,
) -> None:
    kept = """\
- ServiceAccount <space>/cook
- kind: Role
  metadata: {name: cook, namespace: <space>}
  rules: [{verbs: [get], apiGroups: [""], resources: [services]}]
- kind: RoleBinding
  metadata: {name: cook, namespace: <space>}
  roleRef: {kind: Role, name: cook}
  subjects: [{kind: ServiceAccount, name: cook, namespace: <space>}]
checks:
"""
    open_task = OWN.replace("checks:\n", kept)
    problems = list(trial_of(own(tmp_path, open_task)).problems())
    question = "- {who: <space>/cook, keep: get services in <space>}"
    assert problems
    assert problems[0].startswith("A wrong policy is accepted: Role harbour-")
    assert problems[0].endswith(f"/cook lacks a rule. Ask:\n{question}")
    closed = open_task.replace("solution:\n", f"{question}\nsolution:\n")
    assert list(trial_of(own(tmp_path, closed)).problems()) == []


def test_an_untouched_cluster_must_get_nothing(tmp_path: Path) -> None:
    free = OWN.replace(
        "solution:", "- {there: /api/v1/namespaces/<space>, expect: It is there.}\nsolution:"
    )
    assert "An untouched cluster gets points." in list(trial_of(own(tmp_path, free)).problems())


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        ("checks:", "chekcs:", 11, "There is no field chekcs here."),
        ("get pods in", "get podz in", 12, "There is no resource podz."),
        ("get pods in <space>,", "get pods in <spice>,", 12, "There is no name <spice>."),
        ("- Namespace <space>", "- Namespace <place>", 9, "There is no name <place>."),
        ("may: [get", "mai: [get", 12, "There is no field mai here."),
        (
            "- kind: RoleBinding",
            "- kind: RolBinding",
            17,
            "The object of kind RolBinding has no apiVersion.",
        ),
        (
            "  roleRef: {kind: Role, name: pilot}",
            "  roleRef: [Role]",
            17,
            "This is no entry of solution.",
        ),
        ("too much: any other verb", "too much: {any other verb", 4, "This is not YAML."),
        ("seen: Nothing was forbidden.", "seen: !!bool maybe", 1, "This is not YAML."),
        ("of `{space}`", "of `{place}`", 2, "There is no name place."),
        ("seen: Nothing was forbidden.\n", "", 1, "The field seen is missing."),
        ("hints: [Who", "hints: []\n#", 4, "hints is of the wrong type, or empty."),
        ("names: {space: harbour,", "names: {space: 7,", 7, "This is no entry of names."),
    ],
)
def test_a_broken_file_is_an_error_with_its_line(
    tmp_path: Path, old: str, new: str, line: int, what: str
) -> None:
    assert old in OWN
    path = own(tmp_path, OWN.replace(old, new, 1))
    with pytest.raises(UsageError) as error:
        read_task(path)
    assert error.value.what == f"{path}, line {line}: {what}"
