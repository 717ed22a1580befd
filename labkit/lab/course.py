"""The exercises inside an nbgrader course: the notebook's side.

nbgrader runs its tests in the learner's own kernel. So a test cell judges nothing itself:
it asks a checker in another process, which also keeps the cluster and a ledger of the
scores. Where no checker runs, the cell judges here, and says that the score is untrusted.
"""

from __future__ import annotations

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

SOCKET_VARIABLE = "LABKIT_CHECKER"
"""Names the checker's Unix socket, or nothing."""


class _UnixConnection(HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("checker", timeout=60)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def ask(path: str, what: dict[str, Any]) -> dict[str, Any]:
    """Ask the checker.

    Args:
        path: ``/open`` or ``/points``.
        what: The question.

    Raises:
        Unreachable: The checker does not answer.
    """
    where = os.environ[SOCKET_VARIABLE]
    connection = _UnixConnection(where)
    try:
        connection.request("POST", path, json.dumps(what), {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer: dict[str, Any] = json.loads(response.read())
    except (OSError, ValueError) as error:
        raise Unreachable(
            where, "The checker does not answer.", why=str(error), todo="Start it: labkit course checker."
        ) from error
    finally:
        connection.close()
    return answer


@dataclass(frozen=True, slots=True)
class Checked:
    """A paper whose points come from the checker.

    Args:
        exercise: The exercise's id.
        ticket: Names this notebook's cluster to the checker.
        texts: What each task asks.
    """

    exercise: str
    ticket: str
    texts: dict[str, str]

    def show(self, task: str) -> str:
        """What a task asks."""
        return self.texts[task]

    def points(self, task: str) -> float:
        """Points of a task, as the checker counts them; what was seen is printed above."""
        answer = ask("/points", {"ticket": self.ticket, "task": task})
        print(answer["text"])  # noqa: T201 - the cell's output is what nbgrader keeps
        return float(answer["points"])


class Unchecked:
    """A paper that judges in the learner's own kernel, and says so.

    Args:
        paper: The exercise's paper.
    """

    def __init__(self, paper: Any) -> None:
        self._paper = paper

    def show(self, task: str) -> Any:
        """What a task asks."""
        return self._paper.show(task)

    def points(self, task: str) -> float:
        """Points of a task, judged here."""
        result = next(entry for entry in self._paper.score().tasks if entry.id == task)
        print("UNTRUSTED: no checker runs, so the learner's own kernel judged this.")  # noqa: T201
        print(self._paper.check(task))  # noqa: T201
        return float(result.points)


def open_paper(exercise: str) -> tuple[Any, Any]:
    """The lab and the paper of a course's notebook.

    The learner is ``LABKIT_LEARNER``, or in nbgrader's tree the folder above the
    assignment's.

    Args:
        exercise: The exercise's id.

    Returns:
        The lab, and the paper with ``show(task)`` and ``points(task)``.
    """
    from labkit.lab.lab import Lab

    learner = os.environ.get("LABKIT_LEARNER") or _learner_of(Path.cwd())
    if not os.environ.get(SOCKET_VARIABLE):
        from labkit.lab.exercises import Sealed
        from labkit.lab.exercises import exercise as make

        lab = Lab()
        paper = make(lab, exercise, learner).start()
        return lab, paper if isinstance(paper, Sealed) else Unchecked(paper)
    home = ensure_private(home_path() / "course" / secrets.token_hex(8))
    opened = ask("/open", {"learner": learner, "exercise": exercise, "home": str(home)})
    for name, text in opened["files"].items():
        ensure_private((home / name).parent)
        write_private(home / name, text)
    return Lab(home=home), Checked(exercise, opened["ticket"], opened["texts"])


def _learner_of(folder: Path) -> str:
    """``…/autograded/ann/ex4-roles`` is ann's; anywhere else the folder decides nothing."""
    stages = ("autograded", "submitted")
    return folder.parent.name if folder.parent.parent.name in stages else ""
