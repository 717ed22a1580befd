"""A learner's predictions, observations and passed steps, stored on disk.

It is one JSON file, keyed by step. Two notebooks can write at once: every change is
read, modified and replaced under a lock. Facts that the learner recorded for a step are in it,
without bodies and without tokens.
"""

from __future__ import annotations

import json
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypedDict, Unpack

from labkit.core.errors import UsageError
from labkit.core.home import home_path, locked, read_json, write_private
from labkit.core.redact import redact_all
from labkit.practice import keeping

Record = dict[str, Any]
"""One recorded answer; ``Answer.summary()`` and ``CompletedExec.summary()`` make them."""

EXPORT = "labkit progress"
EXPORT_LINE = "labkit-progress:"
"""How an export begins; base64 follows, so that it is one line that stands between quotes of any kind."""

MAX_RECORDS = 20
"""Recorded answers that are kept for a step; older ones are dropped."""


class Guess(TypedDict):
    """A first prediction, with its time in seconds since the epoch."""

    value: Any
    at: float


class Entry(TypedDict, total=False):
    """The stored facts of one step. ``seen`` and ``kind`` are those of the outcome, ``hints`` those shown.

    ``drawn`` is the name of the learner's fault.
    """

    state: str
    passed_at: float
    attempts: int
    seen: str
    kind: str
    prediction: Any
    first_guess: Guess
    guessed: bool | None
    records: list[Record]
    hints: int
    drawn: str
    solution_shown: bool


class Progress:
    """The learner's progress through the steps, whose names can be written in small letters.

    Args:
        path: The file. It is created at the first change.
        clock: Seconds since the epoch.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self._clock = clock

    @classmethod
    def default(cls) -> Progress:
        """Return the progress stored in ``LABKIT_HOME``."""
        return cls(home_path() / "progress.json")

    def predict(self, step: str, value: object) -> None:
        """Store a prediction for a step; a later prediction replaces it, and the first guess is stored too."""

        def change(entry: Entry) -> None:
            entry["prediction"] = value
            entry.setdefault("first_guess", {"value": value, "at": self._clock()})

        self._change(step.upper(), change)

    def prediction(self, step: str) -> Any:
        """Return the prediction for a step, or None."""
        return self.entry(step).get("prediction")

    def record(self, step: str, record: Mapping[str, Any]) -> None:
        """Store one answer for a step, as returned by ``Answer.summary()``."""

        def change(entry: Entry) -> None:
            records = [*entry.get("records", []), {**record, "at": self._clock()}]
            # A loop that records must not make the file grow for ever.
            entry["records"] = records[-MAX_RECORDS:]

        self._change(step.upper(), change)

    def records(self, step: str) -> list[Record]:
        """Return the answers recorded for a step, oldest first."""
        return self.entry(step).get("records", [])

    def mark(self, step: str, state: str, /, **facts: Unpack[Entry]) -> None:
        """Keep a verdict (``passed``, ``failed``, ``not attempted``) with its facts. A pass is never taken back."""

        def change(entry: Entry) -> None:
            # A check before an attempt has no cost, so learners can use it to see what to do.
            entry["attempts"] = entry.get("attempts", 0) + (state != "not attempted")
            if entry.get("state") != "passed":
                entry["state"] = state
                entry.update(facts)
                if state == "passed":
                    entry["passed_at"] = self._clock()

        self._change(step.upper(), change)

    def note(self, step: str, **facts: Unpack[Entry]) -> None:
        """Keep further facts about a step, such as ``hints=2``."""
        self._change(step.upper(), lambda entry: entry.update(facts))

    def passed(self, step: str) -> bool:
        """Return whether the step was passed, now or earlier."""
        return self.state(step) == "passed"

    def state(self, step: str) -> str:
        """``passed``, ``failed`` or ``not attempted``."""
        return self.entry(step).get("state", "not attempted")

    def entry(self, step: str) -> Entry:
        """Return all stored facts of one step."""
        return self.all().get(step.upper(), {})

    def all(self) -> dict[str, Entry]:
        """Return all stored facts, by step."""
        steps = read_json(self.path).get("steps", {})
        return steps if isinstance(steps, dict) else {}

    def drill(self) -> object:
        """Return the stored state of the drill, for ``practice.keeping`` to read."""
        return read_json(self.path).get("drill")

    def join_drill(self, kept: keeping.Kept) -> None:
        """Merge a drill's state into the stored one; data of a newer labkit stays as it is."""
        with locked(self._lock):
            self._join_drill(kept)

    def exported(self) -> str:
        """Return an export as one line: steps with the times of their passes, first guesses, and the drill."""
        steps = {step: _public(entry) for step, entry in self.all().items()}
        drill = {"drill": keeping.read(self.drill())[0]} if self.drill() else {}
        return (
            EXPORT_LINE
            + b64encode(json.dumps({EXPORT: 1, "steps": steps, **drill}).encode()).decode()
        )

    def add(self, exported: str) -> None:
        """Add an export to the stored progress, without replacing stored facts.

        Args:
            exported: The line of ``exported``, or the JSON in it, as older versions exported it.

        Raises:
            UsageError: It is not an export, or a newer labkit's.
        """
        try:
            line = "".join(exported.split())
            document = json.loads(
                b64decode(line.removeprefix(EXPORT_LINE))
                if line.startswith(EXPORT_LINE)
                else exported
            )
            version = document[EXPORT]
            found = {str(step).upper(): _public(entry) for step, entry in document["steps"].items()}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise UsageError(
                "This is no exported progress.", todo="Give an export, or a file of saved work."
            ) from error
        # The fields of a newer export could have another meaning than here.
        if version != 1:
            raise UsageError("A newer labkit exported this progress.", todo="Update labkit here.")
        with locked(self._lock):
            steps = self.all()
            for step, entry in found.items():
                kept = steps.get(step, {})
                # A pass here stays as it is; one from there comes with its time.
                steps[step] = (
                    {**entry, **kept} if kept.get("state") == "passed" else {**kept, **entry}
                )
                if "first_guess" in kept:
                    steps[step]["first_guess"] = kept["first_guess"]
            self._write({step: entry for step, entry in steps.items() if entry})
            if document.get("drill"):
                self._join_drill(keeping.read(document["drill"])[0])

    def forget(self, *steps: str) -> None:
        """Forget these steps, or everything when none is named."""
        with locked(self._lock):
            known = {} if not steps else self.all()
            for step in steps:
                known.pop(step.upper(), None)
            self._write(known)

    def replace(self, steps: dict[str, Entry]) -> None:
        """Replace the entries of all steps by those that ``all`` returned earlier."""
        with locked(self._lock):
            self._write(steps)

    @property
    def _lock(self) -> Path:
        return self.path.with_name(f".{self.path.name}.lock")

    def _change(self, step: str, change: Callable[[Entry], None]) -> None:
        with locked(self._lock):
            steps = self.all()
            change(steps.setdefault(step, {}))
            self._write(steps)

    def _join_drill(self, kept: keeping.Kept) -> None:
        there = self.drill()
        if not keeping.is_newer(there):
            here, _ = keeping.settled(keeping.read(there)[0], self._clock())
            self._write(self.all(), keeping.join(here, kept))

    def _write(self, steps: Mapping[str, object], drill: object = None) -> None:
        drill = drill or self.drill()
        document = {"version": 1, "steps": steps, **({"drill": drill} if drill else {})}
        write_private(self.path, json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def _public(entry: Mapping[str, Any]) -> Entry:
    """Return a step's pass and first guess, without its other stored facts."""
    kept: Entry = {}
    if entry.get("state") == "passed":
        kept["state"] = "passed"
        if "passed_at" in entry:
            kept["passed_at"] = entry["passed_at"]
    guess = entry.get("first_guess")
    if isinstance(guess, Mapping) and "value" in guess:
        kept["first_guess"] = {"value": redact_all(guess["value"]), "at": float(guess.get("at", 0))}
    return kept
