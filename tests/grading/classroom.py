"""Results of a class that nobody graded: quick to make, and as odd as learners are."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

from labkit.grading.intake.submissions import Submission
from labkit.grading.judging.result import FAILED, Result
from labkit.grading.judging.score import Item, Score, TaskScore
from labkit.grading.tasks import find_exercise
from labkit.grading.tasks.seed import Seed, identity, learner_name
from tests.grading.independent_solutions import SOLUTIONS, independent
from tests.grading.support import submit

HOSTILE = "<script>alert(1)</script>\"' onload=x \u202eabc\u202c " + "W" * 10_000
ERRORS = (
    "NameError: name 'role7' is not defined",
    'labkit.core.errors.UsageError: There is no task "4.9".',
    "kubernetes.client.exceptions.ApiException: (403)",
    "SyntaxError: invalid syntax (<cell 4>, line 12)",
)
NAMES = ("김철수", "Zoë Müller", "ليلى حداد", "O'Neill-Wang", "w" * 150)


def learners(count: int) -> list[str]:
    """Names of learners, the first ones in several scripts."""
    return [*map(learner_name, NAMES), *(f"s{number:04}" for number in range(count - len(NAMES)))][
        :count
    ]


def results(
    count: int, exercises: Sequence[str] = ("ex4-roles", "ex5-cluster-roles")
) -> list[Result]:
    """Results of so many learners in all; some have given up, some were ended, some write markup."""
    source = random.Random(7)
    found = []
    for exercise in exercises:
        for learner in learners(count // len(exercises)):
            found.append(_result(source, exercise, learner))
    return found


def _result(source: random.Random, exercise: str, learner: str) -> Result:
    ability = source.random()
    tasks = tuple(
        _task(source, ability, task.id, task.title, learner)
        for task in find_exercise(exercise).tasks
    )
    ended = source.choices(("done", "time limit", "unreadable", FAILED), (95, 3, 1, 1))[0]
    note = {"unreadable": "it is no notebook (JSONDecodeError)", FAILED: "the grader failed"}.get(
        ended, ""
    )
    output = f'hello\nTraceback (most recent call last):\n  File "<cell 3>", line 2\n{source.choice(ERRORS)}\n'
    output = source.choice(
        (output, "", HOSTILE, f"Traceback (most recent call last):\nEvil<b>Error: {HOSTILE}")
    )
    score = Score(exercise, learner, tasks)
    name = learner if len(learner) > 100 else ""
    return Result(learner, exercise, ended, 9, 14, score, "root", note, output, name=name)


def _task(source: random.Random, ability: float, task: str, title: str, learner: str) -> TaskScore:
    name = Seed(identity(learner)).name("hall")
    right = source.random() < ability
    wrong = source.choice(
        (f"{name}/reader may not list pods in {name}.", "There is no binding.", HOSTILE[:500])
    )
    seen = "is allowed" if right else wrong
    items = (
        Item(
            f"{name}/reader may list pods",
            seen,
            right,
            2.0 if right else 0.0,
            2.0,
            "hint",
            kinds=() if right else ("not-granted",),
        ),
        Item("Nothing more", "Nothing of the kind was seen.", True, 0.0, 0.0, ""),
    )
    excess = (f"system:authenticated may get secrets in {name}",) if source.random() < 0.2 else ()
    return TaskScore(task, title, 2.0 if right else 0.0, 2.0, items, excess, 1)


def submissions(folder: Path, count: int) -> list[Submission]:
    """Notebooks of the learners; the last one copied the second, and one uses another's names."""
    names = learners(count)
    found = []
    for number, learner in enumerate(names):
        cells = [independent((number + offset) % len(SOLUTIONS), learner) for offset in (0, 7, 11)]
        if learner == names[-1]:
            cells = [independent((1 + offset) % len(SOLUTIONS), learner) for offset in (0, 7, 11)]
        if learner == names[-2]:
            cells.append(independent(0, names[0]))
        found.append(Submission(learner, "ex4-roles", submit(folder, learner, "ex4-roles", cells)))
    return found
