"""Runs the solved cells of the walkthrough as a notebook does, for ``labkit demo``."""

import ast
import io
from collections.abc import Callable
from contextlib import redirect_stdout
from typing import Any

from labkit import lessons
from labkit.client.answer import Answer
from labkit.client.exec.completed import CompletedExec
from labkit.core.errors import UsageError
from labkit.core.language import said
from labkit.core.redact import redact
from labkit.lab import words
from labkit.lab.lab import Lab
from labkit.lessons import variants
from labkit.lessons.base import Outcome
from labkit.lessons.evidence import METHODS
from labkit.lessons.steps import Lesson

Show = Callable[[str, str], None]
"""Takes one line: its kind (``code``, ``request``, ``good``, ``bad``, ``warn`` or ``plain``) and its text."""

WIDTH = 160
"""The length at which a line of output is cut."""

LINES = 10
"""How many lines of a command's output are shown."""

ALL_LINES = 40
"""How many lines of anything else are shown."""

SETUP = ("from labkit import", "lab = Lab(")
"""The beginnings of lines that are left out, because the lab exists already."""

NEED_CLUSTER_ROLES = ("05-cluster-roles", "06-test-the-policy")
"""The lessons that need rights which an existing cluster may not grant."""


def _refuse(*_: object) -> None:
    raise UsageError("The demo has the terminal's keys.", todo="q ends the demo.")


def _answer_of(event: dict[str, Any], server: str) -> Answer:
    """Build an answer from an audit event, with the fields that pictures of it need."""
    who = event.get("impersonatedUser") or event.get("user") or {}
    status = event.get("responseStatus") or {}
    method = METHODS.get(event["verb"], event["verb"].upper())
    return Answer(
        str(who.get("username", "")),
        method,
        str(event["requestURI"]),
        server,
        int(status.get("code", 0)),
        {"audit-id": str(event.get("auditID", ""))},
        status,
        credential="certificate",
        find_event=lambda _audit_id: {**event, "user": who},
    )


class Cells:
    """The cells of one run through the steps, with the names that they share."""

    def __init__(self, lab: Lab, show: Show) -> None:
        self.lab = lab
        self.outcomes: list[Outcome] = []
        self.answer: Answer | None = None
        self.asked: Answer | None = None  # the answer of the last `ask`
        self._show_line = show
        self._names: dict[str, Any] = {}
        lab.admin.observers.append(self._answered)

    def allowed(self, lesson: Lesson) -> bool:
        """Return whether the cluster grants the rights that a lesson needs."""
        return lesson.id not in NEED_CLUSTER_ROLES or self.lab.admin.without_observers().can(
            "create", "clusterroles", group="rbac.authorization.k8s.io"
        )

    def begin(self) -> None:
        """Begin a notebook, with the names that each one imports at its top."""
        import labkit

        names: dict[str, Any] = {name: getattr(labkit, name) for name in labkit.__all__}
        # Answers are shown as they come, so display() would repeat them.
        self._names = {
            **names,
            "lab": self.lab,
            "display": lambda *_shown: None,
            "print": self._said,
        }

    def end(self) -> None:
        """Forget the run, and end a proxy that its cells have left running."""
        self.restore({}, 0)

    @property
    def names(self) -> dict[str, Any]:
        """A copy of the names that the cells have made."""
        return dict(self._names)

    def restore(self, names: dict[str, Any], outcomes: int) -> None:
        """Go back to earlier names and the first of the outcomes, and end a proxy that was started since."""
        proxy = self._names.get("proxy")
        if proxy is not None and proxy is not names.get("proxy"):
            proxy.close()
        del self.outcomes[outcomes:]
        self._names = dict(names)

    def of(self, step: str) -> list[str]:
        """Return the cells of a step, for this cluster in its present state."""
        worked = lessons.worked()[step]["cells"]
        return [
            "\n".join(line for line in cell.splitlines() if not line.startswith(SETUP))
            for cell in variants.cells(step, worked, words.context(self.lab))
        ]

    def ask(self, line: str) -> None:
        """Run a question of the class, a line of kubectl or of Python, and store its answer in ``asked``.

        The names of the cells and their last answer stay as they were.
        """
        names = self._names
        answer = self.answer
        # exit() would close the terminal that the keys come from, and input() read from it.
        self._names = {**names, "exit": _refuse, "quit": _refuse, "input": _refuse}
        self.answer = None
        program, _, arguments = line.partition(" ")
        try:
            if program == "kubectl":
                self._ask_kubectl(arguments.strip())
            else:
                self.run(line)
        finally:
            self.asked = self.answer
            self._names = names
            self.answer = answer

    def _ask_kubectl(self, arguments: str) -> None:
        """Run kubectl, and read its answer from the audit log: kubectl does not report it to the lab."""
        before = self._last_event("kubectl/")
        self.run(f"lab.kubectl({arguments!r})")
        event = self._last_event("kubectl/")
        if event and event != before:
            self.answer = _answer_of(event, self.lab.admin.server)

    def _last_event(self, agent: str) -> dict[str, Any]:
        """Return the newest audit event of a client whose name begins like this; empty if there are none."""
        log = self.lab.backend.audit_log
        events = iter(log.events() if log else ())
        return next(
            (event for event in events if str(event.get("userAgent", "")).startswith(agent)), {}
        )

    def run(self, code: str) -> None:
        """Run a cell, and show the value of its last expression."""
        # As IPython does: statements are executed, and the value of a last expression is shown.
        tree = ast.parse(code)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        if not code.startswith("check("):
            for line in code.strip().splitlines():
                self._show_line("code", line)
        # labkit's own functions print to sys.stdout; the cells' print() is _said.
        with redirect_stdout(io.StringIO()) as printed:
            exec(compile(tree, "<cell>", "exec"), self._names)
        self._said(printed.getvalue())
        if isinstance(last, ast.Expr):
            self._show(eval(compile(ast.Expression(last.value), "<cell>", "eval"), self._names))

    def _answered(self, answer: Answer) -> None:
        """Show an answer in two lines: the request, and the server's answer."""
        self.answer = answer
        self._show_line(
            "request", f"{answer.as_user or said('nobody')}: {answer.method} {answer.path}"
        )
        empty = isinstance(answer.body, dict) and answer.body.get("items") == []
        outcome = (
            answer.message or ", ".join(answer.titles) or said("an empty list" if empty else "ok")
        )
        self._lines(f"{answer.status} {outcome}", answer.tone)

    def _show(self, value: object) -> None:
        if isinstance(value, Outcome):
            self.outcomes.append(value)
            self._lines(repr(value), "good" if value.passed else "bad")
        elif isinstance(value, CompletedExec):
            self._show_line("request", said("{pod}: exit code {code}", value.pod, value.returncode))
            self._lines(value.stdout or value.stderr, "good" if value.ok else "bad", LINES)
        elif value is not None and not isinstance(value, Answer):
            self._lines(repr(value))

    def _said(self, *values: object, sep: str = " ", **_options: object) -> None:
        self._lines(sep.join(map(str, values)))

    def _lines(self, output: str, kind: str = "plain", most: int = ALL_LINES) -> None:
        # A demo is shown to a class and can be recorded, so no token gets on the screen.
        lines = redact(output).strip().splitlines()
        more = [said("… {number} more lines", len(lines) - most)] if len(lines) > most else []
        for line in lines[:most] + more:
            self._show_line(kind, line if len(line) <= WIDTH else f"{line[: WIDTH - 1]}…")
