"""The exercises, in order."""

from labkit.core.arguments import describe
from labkit.core.errors import UsageError, near
from labkit.core.language import text

from .api_server import API_SERVER
from .final import FINAL
from .inside_a_pod import INSIDE_A_POD
from .policy_tests import TEST_THE_POLICY
from .seed import Seed
from .service_accounts import SERVICE_ACCOUNTS
from .task import ExerciseSpec, Object
from .task_file import file_task

EXERCISES: tuple[ExerciseSpec, ...] = (
    API_SERVER,
    INSIDE_A_POD,
    SERVICE_ACCOUNTS,
    ExerciseSpec("ex4-roles", tuple(map(file_task, ("4.1", "4.2", "4.3", "4.4")))),
    ExerciseSpec("ex5-cluster-roles", tuple(map(file_task, ("5.1", "5.2", "5.3", "5.4")))),
    FINAL,
    TEST_THE_POLICY,
)


def find_exercise(name: str) -> ExerciseSpec:
    """Find an exercise by its id, such as ``ex4-roles``.

    Raises:
        UsageError: There is none.
    """
    for exercise in EXERCISES:
        if exercise.id == name:
            return exercise
    known = [exercise.id for exercise in EXERCISES]
    raise UsageError(text("There is no exercise {name}.", describe(name)), todo=near(name, known))


def setup(exercise: ExerciseSpec, learner: str) -> list[Object]:
    """List the objects that exist in a learner's cluster before they begin, in the order of creation."""
    return [dict(obj) for task in exercise.tasks for obj in task.variant(Seed(learner)).setup]
