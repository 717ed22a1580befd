"""The tree of labkit's errors.

Each says what happened, why, and what to do. The command ``labkit`` prints the three and ends
with the class's ``exit_code``::

    LabkitError                     1   anything below
    ├── UsageError                  2   a name, step, manifest or option that cannot be right
    ├── NotRunning                  3   no cluster runs
    ├── StartFailed                 4   the cluster did not start
    ├── Unreachable                 4   nothing answers at the server's address
    │   └── Untrusted               4   something answers, with a certificate we do not trust
    ├── Missing                     5   a program, permission or image this machine lacks
    ├── ApiFailure                  6   the API server refused what the lab itself needed
    │   └── ExecFailed              6   a command could not be started in a container
    │       └── UnknownProtocol     6   the server speaks none of the offered protocols (``client.exec``)
    ├── HomeError                   7   LABKIT_HOME cannot be used
    ├── TokenError                  2   text that is not a token
    ├── ExpectedForbidden           1   a call was allowed that should have been forbidden
    └── GraderDied                  1   a grader's process ended before it could grade (``grading``)

Exit code 0 means success, 1 also a checkpoint that is not passed, 130 Ctrl-C.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar

from labkit.core.language import said, text
from labkit.core.redact import redact


class LabkitError(Exception):
    """An error that says what to do about it, without tokens.

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
    """No cluster runs where one was expected."""

    exit_code = 3


class StartFailed(LabkitError):
    """The cluster did not start."""

    exit_code = 4


class Unreachable(LabkitError):
    """Nothing answers at the API server's address."""

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
    """The directory that keeps the lab's state cannot be used."""

    exit_code = 7


class TokenError(LabkitError):
    """The text is not a token."""

    exit_code = 2


class ExpectedForbidden(LabkitError, AssertionError):
    """A call was allowed, or none was made, where a refusal was expected."""


def _redacted(said: str) -> str:
    """Return a text without tokens, which can be translated if it had none."""
    # A redacted text is no template any more, so there is no translation of it.
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
