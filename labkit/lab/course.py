"""The exercises in an nbgrader course, in the learner's kernel.

nbgrader runs its tests in that kernel, so a test cell does not judge by itself: it sends a request
to a checker in another process, which has the cluster and a ledger of the scores. Without a checker,
the cell judges in the kernel, and prints that the score is untrusted.
"""

import json
import os
import secrets
import socket
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from labkit.core.errors import Unreachable
from labkit.core.home import ensure_private, home_path, write_private
from labkit.core.language import text

from .exercises import SealedExercise
from .exercises import exercise as open_exercise
from .lab import Lab

SOCKET_VARIABLE = "LABKIT_CHECKER"
"""The environment variable with the path of the checker's Unix socket."""


class _UnixConnection(HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("checker", timeout=60)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def ask(path: str, question: dict[str, Any]) -> dict[str, Any]:
    """Send a request to the checker.

    Args:
        path: ``/open`` or ``/points``.
        question: The request's JSON object.

    Returns:
        The answer's JSON object.

    Raises:
        Unreachable: The checker does not answer.
    """
    where = os.environ[SOCKET_VARIABLE]
    connection = _UnixConnection(where)
    try:
        connection.request("POST", path, json.dumps(question), {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer: dict[str, Any] = json.loads(response.read())
    except (OSError, ValueError) as error:
        raise Unreachable(
            "The checker does not answer.", why=str(error), todo="Start it: labkit course checker."
        ) from error
    finally:
        connection.close()
    return answer


@dataclass(frozen=True, slots=True)
class CheckedExercise:
    """An exercise that the checker judges.

    Args:
        exercise: The exercise's id.
        ticket: The checker's name of this notebook's cluster.
        texts: The text of each task, by its id.
    """

    exercise: str
    ticket: str
    texts: dict[str, str]

    def show(self, task: str) -> str:
        """Return the text of a task."""
        return self.texts[task]

    def points(self, task: str) -> float:
        """Have the checker judge a task; print its findings and return the points."""
        answer = ask("/points", {"ticket": self.ticket, "task": task})
        # nbgrader stores the cell's output, and shows it in the feedback.
        print(answer["text"])  # noqa: T201 - see above
        return float(answer["points"])


class UncheckedExercise:
    """An exercise that the learner's own kernel judges, with a warning.

    Args:
        exercise: The exercise.
    """

    def __init__(self, exercise: Any) -> None:
        self._exercise = exercise

    def show(self, task: str) -> Any:
        """Show the text of a task."""
        return self._exercise.show(task)

    def points(self, task: str) -> float:
        """Judge a task here; print the findings and return the points."""
        result = next(entry for entry in self._exercise.score().tasks if entry.id == task)
        print(text("UNTRUSTED: no checker runs, so the learner's own kernel judged this."))  # noqa: T201
        print(self._exercise.check(task))  # noqa: T201
        return float(result.points)


def open_paper(exercise: str, code: str = "") -> tuple[Any, Any]:
    """Open the lab and the exercise of a course's notebook; handed-out notebooks call it by this name.

    The learner is ``LABKIT_LEARNER``, or in nbgrader's tree the name of the folder above the
    assignment's.

    Args:
        exercise: The exercise's id.
        code: The learner's code, where the course has a secret; the checker needs none.

    Returns:
        The lab, and the exercise with ``show(task)`` and ``points(task)``.
    """
    learner = os.environ.get("LABKIT_LEARNER") or _learner_of(Path.cwd())
    if not os.environ.get(SOCKET_VARIABLE):
        lab = Lab()
        made = open_exercise(lab, exercise, learner or None, code).start()
        return lab, made if isinstance(made, SealedExercise) else UncheckedExercise(made)
    # Each notebook has a state directory of its own, since the checker gives each one a
    # cluster.
    home = ensure_private(home_path() / "course" / secrets.token_hex(8))
    opened = ask("/open", {"learner": learner, "exercise": exercise, "home": str(home)})
    for name, content in opened["files"].items():
        ensure_private((home / name).parent)
        write_private(home / name, content)
    return Lab(home=home), CheckedExercise(exercise, opened["ticket"], opened["texts"])


def _learner_of(folder: Path) -> str:
    """Return ``ann`` for ``…/autograded/ann/ex4-roles``, and an empty text outside nbgrader's tree."""
    # nbgrader's default directory_structure is {nbgrader_step}/{student_id}/{assignment_id}.
    return folder.parent.name if folder.parent.parent.name in ("autograded", "submitted") else ""
