"""Define labkit's errors.

Each error has three parts: the event, its cause and the way out. The command ``labkit`` prints
them and ends with the class's ``exit_code``::

    LabkitError                     1   anything below
    ├── UsageError                  2   a name, step, manifest or option that cannot be right
    │   └── Misstated               2   a wrong part of a task file (``grading``)
    ├── NotRunning                  3   the cluster does not run
    ├── StartFailed                 4   the cluster did not start
    ├── Unreachable                 4   the server does not answer
    │   └── Untrusted               4   the server's certificate is not trusted
    ├── Missing                     5   a program, permission or image this machine lacks
    ├── ApiFailure                  6   the API server refused what the lab itself needed
    │   └── ExecFailed              6   a command could not be started in a container
    │       └── UnknownProtocol     6   the server speaks none of the offered protocols (``client.exec``)
    ├── HomeError                   7   LABKIT_HOME cannot be used
    ├── TokenError                  2   text that is not a token
    ├── ExpectedForbidden           1   a call was allowed that should have been forbidden
    └── GraderDied                  1   a grader's process ended before it could grade (``grading``)

Exit code 0 means success, 1 is also a failed checkpoint, 130 is Ctrl-C.
"""

import difflib
from collections.abc import Iterable
from typing import ClassVar

from .language import said, text
from .redact import redact


class LabkitError(Exception):
    """An error with advice and without tokens.

    Args:
        what: What happened, as a sentence.
        why: The cause, when it adds something.
        todo: The way out.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, *, why: str = "", todo: str = "") -> None:
        self.what, self.why, self.todo = (_redacted(part) for part in (what, why, todo))
        super().__init__(self.what)

    def __str__(self) -> str:
        """Return all three parts, one a line, in the learner's language."""
        why = self.why and text("  why: {why}", self.why)
        todo = self.todo and text("  try: {todo}", self.todo)
        return "\n".join(said(part) for part in (self.what, why, todo) if part)

    # IPython calls this instead of formatting a traceback: InteractiveShell.showtraceback.
    def _render_traceback_(self) -> list[str]:
        """Return the text that IPython shows: the sentences without a traceback."""
        return [f"{type(self).__name__}: {self}"]


class UsageError(LabkitError):
    """A name, step, manifest or option that cannot be right."""

    exit_code = 2


class NotRunning(LabkitError):
    """An expected cluster does not run."""

    exit_code = 3


class StartFailed(LabkitError):
    """The cluster did not start."""

    exit_code = 4


class Unreachable(LabkitError):
    """The API server does not answer at its address."""

    exit_code = 4


class Untrusted(Unreachable):
    """The server's certificate is not trusted."""


class Missing(LabkitError):
    """This machine lacks a program, a permission or an image."""

    exit_code = 5


class ApiFailure(LabkitError):
    """The API server refused a call that the lab itself needed.

    Args:
        status: The HTTP status.
        reason: The Status object's reason, such as ``NotFound``.
        what: What happened, as a sentence.
        why: The server's own message.
        todo: The way out.
    """

    exit_code = 6

    def __init__(
        self, status: int, reason: str, what: str, *, why: str = "", todo: str = ""
    ) -> None:
        super().__init__(what, why=why, todo=todo)
        self.status = status
        self.reason = reason


class ExecFailed(ApiFailure):
    """A command could not be started in a container."""


class HomeError(LabkitError):
    """The directory of the lab's state cannot be used."""

    exit_code = 7


class TokenError(LabkitError):
    """The text is not a token."""

    exit_code = 2


class ExpectedForbidden(LabkitError, AssertionError):
    """A call was expected to be refused, and was allowed or not made."""


def _redacted(said: str) -> str:
    """Return a text without tokens, which can be translated if it had none."""
    # A redacted text differs from its template, so it has no translation.
    clean = redact(said)
    return text(said) if clean == said else clean


def near(name: str, choices: Iterable[str]) -> str:
    """Suggest the valid name that is most similar to a mistyped one.

    Args:
        name: The mistyped name.
        choices: All valid names.

    Returns:
        A sentence for ``todo``, such as ``Did you mean "kikai"?``, or the list of all names.
    """
    names = list(choices)
    if similar := meant(name, names):
        return similar
    return text("Known are: {names}.", ", ".join(names)) if names else ""


def meant(name: str, choices: Iterable[str]) -> str:
    """Suggest the valid name that is most similar to a mistyped one; empty if none is.

    Args:
        name: The mistyped name.
        choices: All valid names.
    """
    close = difflib.get_close_matches(name, choices, n=1)
    return text('Did you mean "{name}"?', close[0]) if close else ""
