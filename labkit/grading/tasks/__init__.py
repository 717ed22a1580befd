"""The exercises, in order."""

from pathlib import Path

from labkit.core.arguments import describe
from labkit.core.errors import UsageError, near
from labkit.core.language import text

from .anonymous import anonymous_stays_out
from .own_tasks import own_exercises, read_task
from .policy_tests import questions_task
from .seed import Seed
from .task import ExerciseSpec, Object, Task
from .task_file import file_task
from .whose_token import which_account


def _exercise(name: str, *tasks: str | Task) -> ExerciseSpec:
    """An exercise of tasks that are files, by their numbers, and of others."""
    found = [file_task(task) if isinstance(task, str) else task for task in tasks]
    return ExerciseSpec(name, tuple(found))


EXERCISES: tuple[ExerciseSpec, ...] = (
    _exercise("ex1-api-server", "1.1", "1.2", "1.3", Task("1.4", anonymous_stays_out)),
    _exercise("ex2-inside-a-pod", "2.1", "2.2", "2.3"),
    _exercise("ex3-service-accounts", "3.1", "3.2", "3.3", "3.4"),
    _exercise("ex4-roles", "4.1", "4.2", "4.3", "4.4"),
    _exercise("ex5-cluster-roles", "5.1", "5.2", "5.3", "5.4"),
    _exercise("ex6-final", "6.1", "6.2", "6.3", "6.4", "6.5", "6.6", Task("6.7", which_account)),
    _exercise("ex7-test-the-policy", *map(questions_task, ("7.1", "7.2", "7.3"))),
    *own_exercises(),
)


def find_exercise(name: str) -> ExerciseSpec:
    """Find an exercise by its id, such as ``ex4-roles``.

    Raises:
        UsageError: There is none.
    """
    for exercise in EXERCISES:
        if exercise.id == name:
            return exercise
    # In a notebook's folder; a grader knows those of its own folder only.
    beside = Path(f"{name}.yaml")
    if beside.name == str(beside) and beside.is_file():
        return read_task(beside)
    known = [exercise.id for exercise in EXERCISES]
    raise UsageError(text("There is no exercise {name}.", describe(name)), todo=near(name, known))


def setup(exercise: ExerciseSpec, learner: str) -> list[Object]:
    """List the objects that exist in a learner's cluster before they begin, in the order of creation."""
    return [dict(obj) for task in exercise.tasks for obj in task.variant(Seed(learner)).setup]
